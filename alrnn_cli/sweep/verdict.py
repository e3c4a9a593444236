"""How much nonlinearity a task needs, from the scores of several seeds at several P."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..wording import join, number, percent, plural
from .table import Row

RESAMPLES = 10_000


@dataclass(frozen=True)
class Level:
    """The runs at one P. skill: 1 - (score - perfect) / (chance - perfect), 1 for a perfect score (0 of a loss, 1 of an accuracy), 0 for
    chance; a run that failed or diverged counts as 0; low, high: 95 % bootstrap interval of the mean, None for one run;
    skills: each run's."""

    P: int
    n: int
    failed: int
    score: float | None
    skill: float
    low: float | None
    high: float | None
    skills: tuple[float, ...]


@dataclass(frozen=True)
class Verdict:
    """minimal_P: the smallest P whose mean skill is within `tolerance` of the best; probability: how often it comes out under resampling
    of the seeds, candidates: how often each other does; best_P: where the mean skill is largest; full_worse: by how much the mean
    skill at P = M is below that at minimal_P, full_low, full_high: its 95 % interval (None where P = M was not run);
    linear_enough: minimal_P is 0."""

    metric: str
    direction: str
    chance: float
    tolerance: float
    levels: tuple[Level, ...]
    best_P: int
    minimal_P: int
    probability: float
    candidates: dict[str, float]
    linear_enough: bool
    full_P: int
    full_worse: float | None
    full_low: float | None
    full_high: float | None


def skills(rows: Sequence[Row], metric: str, direction: str, chance: float) -> np.ndarray:
    """Skill of each run that has ended, 0 for one without a score. Returns: (n,)."""
    perfect = 1.0 if direction == "max" else 0.0
    scores = [row.scores.get(metric) if row.state == "finished" else None for row in rows]
    return np.array(
        [0.0 if s is None or not math.isfinite(s) else 1 - (s - perfect) / (chance - perfect) for s in scores], float
    )


def judge(
    by_P: Mapping[int, Sequence[Row]],
    metric: str,
    direction: str,
    chance: float,
    M: int,
    tolerance: float,
    seed: int = 0,
) -> Verdict:
    """The verdict over P. by_P: ended runs, at least one for each P.

    Every resample draws each P's seeds anew with replacement, and asks again for the smallest P within tolerance of the best.
    """
    levels = sorted(by_P)
    x = {P: skills(by_P[P], metric, direction, chance) for P in levels}
    rng = np.random.default_rng(seed)
    means = np.stack([rng.choice(x[P], (RESAMPLES, len(x[P]))).mean(axis=1) for P in levels])
    own = np.array([x[P].mean() for P in levels])
    minimal = levels[int(_smallest(own[:, None], tolerance)[0])]
    found = _smallest(means, tolerance)
    shares = {P: float((found == i).mean()) for i, P in enumerate(levels)}
    worse = low = high = None
    if M in x and minimal != M:
        i, j = levels.index(minimal), levels.index(M)
        worse = float(own[i] - own[j])
        if len(x[M]) > 1 and len(x[minimal]) > 1:
            low, high = (float(v) for v in np.quantile(means[i] - means[j], [0.025, 0.975]))
    return Verdict(
        metric=metric, direction=direction, chance=chance, tolerance=tolerance,
        levels=tuple(level(P, by_P[P], x[P], means[i], metric) for i, P in enumerate(levels)),
        best_P=levels[int(np.argmax(own))], minimal_P=minimal, probability=shares[minimal],
        candidates={str(P): share for P, share in shares.items() if share > 0 and minimal != P},
        linear_enough=minimal == 0, full_P=M, full_worse=worse, full_low=low, full_high=high,
    )  # fmt: skip


def _smallest(means: np.ndarray, tolerance: float) -> np.ndarray:
    """Number of the first level within tolerance of the best. means: (levels, resamples). Returns: (resamples,)."""
    return np.asarray(np.argmax(means >= means.max(axis=0) - tolerance, axis=0))


def level(P: int, rows: Sequence[Row], x: np.ndarray, means: np.ndarray, metric: str) -> Level:
    """The runs at one P. x: their skills; means: those of the resamples."""
    scores = [row.scores.get(metric) for row in rows if row.state == "finished"]
    finite = [s for s in scores if s is not None and math.isfinite(s)]
    low, high = (float(v) for v in np.quantile(means, [0.025, 0.975])) if len(x) > 1 else (None, None)
    score = sum(finite) / len(finite) if finite else None
    return Level(P, len(rows), len(rows) - len(finite), score, float(x.mean()), low, high, tuple(map(float, x)))


def paragraph(found: Verdict) -> str:
    """The verdict in words."""
    by_P = {level.P: level for level in found.levels}
    least, linear = by_P[found.minimal_P], by_P.get(0)
    said = []
    if found.linear_enough:
        said.append(
            f"The linear model (P = 0) is enough: its {_score(found, least)}, and no other P is better by more than the tolerance."
        )
    else:
        said.append(
            f"The smallest P that is enough is {found.minimal_P}: its {_score(found, least)}, within {number(found.tolerance)} of the "
            f"best skill, that of P = {found.best_P}."
        )
        if linear is not None:
            said.append(f"The linear model (P = 0) is not: its {_score(found, linear)}.")
    others = join([f"P = {P} in {percent(share)}" for P, share in found.candidates.items()])
    said.append(
        f"Of {RESAMPLES:,} resamples of the seeds {percent(found.probability)} agree{f'; the others give {others}' if others else ''}."
    )
    if found.full_worse is not None:
        said.append(_full(found))
    failed = sum(level.failed for level in found.levels)
    if failed:
        said.append(f"{plural(failed, 'run')} failed and {'counts' if failed == 1 else 'count'} as chance.")
    return " ".join(said)


def _score(found: Verdict, level: Level) -> str:
    score = "no run has a score" if level.score is None else f"mean {found.metric} is {number(level.score)}"
    return f"{score} over {plural(level.n, 'seed')} (chance {number(found.chance)}, skill {number(level.skill)})"


def _full(found: Verdict) -> str:
    assert found.full_worse is not None
    interval = "" if found.full_low is None or found.full_high is None else (
        f" (95 % interval {number(found.full_low)} to {number(found.full_high)})"
    )  # fmt: skip
    head = f"The fully nonlinear model (P = {found.full_P})"
    clear = found.full_low is not None and found.full_high is not None
    if clear and found.full_low is not None and found.full_low > 0:
        return f"{head} is worse, by {number(found.full_worse)} in skill{interval}."
    if clear and found.full_high is not None and found.full_high < 0:
        return f"{head} is better, by {number(-found.full_worse)} in skill{interval}."
    return f"{head} is not told apart: it is below by {number(round(found.full_worse, 6))} in skill{interval}."
