"""How many training trials it takes: few ReLUs against all, at one number of trials after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..wording import join, number
from .table import Row
from .verdict import RESAMPLES, Level, level, skills

#: Runs on so many training trials of the cells at these P with these seeds, once they have ended.
Run = Callable[[int, Sequence[tuple[int, int]]], list[Row]]


@dataclass(frozen=True)
class Size:
    """What so many training trials give. levels: the linear model, the sparse and the full one; difference: mean skill of the sparse
    model less that of the full one, low, high: its 95 % bootstrap interval over seeds."""

    train: int
    sparse_P: int
    full_P: int
    levels: tuple[Level, ...]
    difference: float
    low: float | None
    high: float | None

    @property
    def told(self) -> str:
        """ "sparse" or "full" where one of them is better, "" where they are not told apart."""
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return ""
        return "sparse" if self.low > 0 else "full"


def compare(
    train: int, by_P: Mapping[int, Sequence[Row]], sparse: int, full: int, metric: str, direction: str, chance: float,
    seed: int = 0,
) -> Size:  # fmt: skip
    """The comparison at one number of training trials. by_P: ended runs of the linear, the sparse and the full model."""
    rng = np.random.default_rng(seed)
    x = {P: skills(rows, metric, direction, chance) for P, rows in by_P.items()}
    means = {P: rng.choice(own, (RESAMPLES, len(own))).mean(axis=1) for P, own in x.items()}
    low = high = None
    if min(len(x[sparse]), len(x[full])) > 1:
        low, high = (float(v) for v in np.quantile(means[sparse] - means[full], [0.025, 0.975]))
    levels = tuple(level(P, by_P[P], x[P], means[P], metric) for P in sorted(by_P))
    return Size(train, sparse, full, levels, float(x[sparse].mean() - x[full].mean()), low, high)


def compare_all(
    sizes: Sequence[int], sparse: int, full: int, metric: str, direction: str, chance: float, first_seeds: int, most_seeds: int,
    run: Run, tell: Callable[[Size], None] = lambda size: None,
) -> list[Size]:  # fmt: skip
    """At each number of training trials, with more seeds while the two are not told apart. tell: told of each answer."""
    found = []
    for train in sizes:
        n = first_seeds
        while True:
            pairs = [(P, seed) for P in sorted({0, sparse, full}) for seed in range(n)]
            rows = run(train, pairs)
            by_P: dict[int, list[Row]] = {}
            for (P, _), row in zip(pairs, rows, strict=True):
                by_P.setdefault(P, []).append(row)
            size = compare(train, by_P, sparse, full, metric, direction, chance)
            if size.told or n >= most_seeds:
                break
            n = min(most_seeds, n + 2)
        tell(size)
        found.append(size)
    return found


def paragraph(sizes: Sequence[Size]) -> str:
    """The comparison in words."""
    if not sizes:
        return ""
    said = []
    for told, words in (("sparse", "is better than"), ("full", "is worse than"), ("", "is not told apart from")):
        own = [size for size in sizes if size.told == told]
        if own:
            how = join([f"{size.train:,} ({'by ' if told else 'difference '}{_difference(size)})" for size in own])
            said.append(f"{words} P = {own[0].full_P} with {how}")
    return f"By training trials, in skill: P = {sizes[0].sparse_P} {'; it '.join(said)}."


def _difference(size: Size) -> str:
    """By how much the better of the two is better, and its interval; the plain difference where they are not told apart."""
    sign = -1 if size.told == "full" else 1
    low, high = (size.low, size.high) if sign > 0 else (size.high, size.low)
    interval = "" if low is None or high is None else f", 95 % interval {number(sign * low)} to {number(sign * high)}"
    return f"{number(sign * size.difference)}{interval}"
