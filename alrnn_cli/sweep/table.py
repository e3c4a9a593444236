"""What came out: one row for each cell, or statistics over seeds for each combination."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..errors import InputError, UsageError, closest
from .folder import Sweep, attempts
from .plan import Cell, flat_of

#: Resamples of the bootstrap. The generator is seeded, so that a table is the same every time.
RESAMPLES = 10_000


@dataclass(frozen=True)
class Row:
    """A cell and how it ended. state: "finished", "diverged", "failed", "running" or "open"; scores: on the test trials, with the
    directions ("min" or "max") in which they are better and what chance gives."""

    cell: str
    axes: dict[str, Any]
    state: str
    reason: str
    scores: dict[str, float | None]
    seconds: float | None
    directions: dict[str, str]
    chance: dict[str, float]


def rows(sweep: Sweep, retries: int = 0, cells: Iterable[str] | None = None) -> list[Row]:
    """Cells, by their values on the axes of all of them. cells: ids, default all. Errors: InputError for a damaged file."""
    survey, found = sweep.survey(cells, retries), []
    own = {cell: sweep.place(cell).cell() for cell in survey.states}
    axes = _axes(own)
    for place in map(sweep.place, survey.states):
        state = survey.states[place.id]
        status: Mapping[str, Any] = (place.status() or {}) if state == "ended" else {}
        reason = status.get("reason", "")
        if state == "exhausted":
            state, reason = "failed", last_words(sweep, place.id)
        elif state == "ended":
            state = status["state"]
        scores = (status.get("metrics") or {}).get("test") or {}
        told = (status.get("directions", {}), status.get("chance", {}))
        found.append(Row(place.id, axes[place.id], state, reason, dict(scores), status.get("seconds"), *told))
    return sorted(found, key=lambda row: [_ordered(v) for v in row.axes.values()])


def _axes(cells: Mapping[str, Cell]) -> dict[str, dict[str, Any]]:
    """Values on common axes: those of each cell's grid, and what else sets cells of several grids apart, so that none passes for
    another's further seed."""
    # The seed last, as in every cell, whichever cell of several grids comes first.
    names = sorted(
        dict.fromkeys(name for cell in cells.values() for name in cell.axes), key=lambda name: name == "seed"
    )
    found = {i: cell.axes for i, cell in cells.items()}
    if all(len(own) == len(names) for own in found.values()) and len(set(map(_key, found.values()))) == len(found):
        return found
    flat = {i: flat_of(cell.config.to_dict()) for i, cell in cells.items()}
    while True:
        found = {i: {name: flat[i].get(name) for name in names} for i in cells}
        alike: dict[tuple[Any, ...], str] = {}
        for i, own in found.items():
            if (other := alike.setdefault(_key(own), i)) != i:
                break
        else:
            return found
        different = next((name for name in flat[i] if flat[i][name] != flat[other].get(name)), None)
        if different is None:  # one run under two names, by two versions of this program
            return found
        names.insert(0, different)


def _key(axes: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(axes.values())


def last_words(sweep: Sweep, cell: str) -> str:
    """Why the last attempt at a cell failed. cell: its id."""
    folder = sweep.place(cell).path
    tries = attempts(folder, os.listdir(folder))
    end = folder / f"end-{tries.last}"
    return json.loads(end.read_text(encoding="utf8"))["reason"] if end.exists() else "its worker died"


def _ordered(value: Any) -> tuple[int, Any]:
    """Numbers before words, None first, for sorting."""
    if value is None:
        return (0, 0)
    return (1, float(value)) if isinstance(value, int | float) else (2, str(value))


@dataclass(frozen=True)
class Statistics:
    """A metric over the seeds of one combination.

    n: runs with a finite score; failed: runs without one (failed, diverged or not finite); pending: not ended; low, high: 95 %
    percentile bootstrap interval of the mean, None for fewer than two runs; best: by the metric's direction; sd: with n - 1.
    """

    axes: dict[str, Any]
    metric: str
    n: int
    failed: int
    pending: int
    mean: float | None
    low: float | None
    high: float | None
    median: float | None
    best: float | None
    sd: float | None
    seconds: float | None


def bootstrap(values: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> tuple[float, float] | None:
    """95 % percentile interval of the mean, resampling the values with replacement. values: (n,). None for fewer than two.

    Source: Efron & Tibshirani 1993, An Introduction to the Bootstrap, ch. 13.
    """
    n = len(values)
    if n < 2:
        return None
    means = np.random.default_rng(seed).choice(values, (resamples, n)).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def statistics(found: Sequence[Row], metric: str, direction: str, over: Sequence[str] = ("seed",)) -> list[Statistics]:
    """One row for each combination of all axes but `over`, in the order of `found`. direction: "min" or "max"."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in found:
        key = tuple((k, v) for k, v in row.axes.items() if k not in over)
        groups.setdefault(key, []).append(row)
    return [_statistics(dict(key), own, metric, direction) for key, own in groups.items()]


def _statistics(axes: dict[str, Any], own: Sequence[Row], metric: str, direction: str) -> Statistics:
    ended = [r for r in own if r.state in ("finished", "diverged", "failed")]
    scores = [r.scores.get(metric) for r in ended if r.state == "finished"]
    x = np.array([s for s in scores if s is not None and math.isfinite(s)], float)
    times = [r.seconds for r in ended if r.seconds is not None]
    interval = bootstrap(x)
    pick: Callable[[np.ndarray], Any] = np.max if direction == "max" else np.min
    return Statistics(
        axes=axes,
        metric=metric,
        n=len(x),
        failed=len(ended) - len(x),
        pending=len(own) - len(ended),
        mean=float(x.mean()) if len(x) else None,
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
        median=float(np.median(x)) if len(x) else None,
        best=float(pick(x)) if len(x) else None,
        sd=float(x.std(ddof=1)) if len(x) > 1 else None,
        seconds=float(np.mean(times)) if times else None,
    )


def metric_of(found: Sequence[Row], wanted: str | None, flag: str = "--metric") -> tuple[str, str]:
    """The metric to show, the first where none is wanted, and its direction.

    Errors: InputError where no cell has a score; UsageError for a metric that none has.
    """
    directions = {name: way for row in found for name, way in row.directions.items()}
    if not directions:
        raise InputError("No cell has ended with a score.", "See how far it is: alrnn sweep status FOLDER")
    metric = wanted or next(iter(directions))
    if metric not in directions:
        raise UsageError(f"{flag} {metric}: no run has it.", closest(metric, list(directions)))
    return metric, directions[metric]


def where(found: Sequence[Row], conditions: Sequence[str]) -> list[Row]:
    """The rows that meet all of "P=1" or "P=1,2". Errors: UsageError for an axis that is not there."""
    kept = list(found)
    names = list(dict.fromkeys(name for row in found for name in row.axes))
    for text in conditions:
        name, equals, wanted = text.partition("=")
        if not equals:
            raise UsageError(f"--where {text}: expected NAME=VALUE.", "For example --where P=1")
        if name not in names:
            raise UsageError(f"--where {text}: nothing varies that is called {name!r}.", closest(name, names))
        allowed = {_spelt(part.strip()) for part in wanted.split(",")}
        kept = [row for row in kept if _spelt(row.axes.get(name)) in allowed]
    return kept


def _spelt(value: Any) -> Any:
    """A value for comparing with what was typed: 1, 1.0 and "1" are one."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value).lower()


def ordered(found: Sequence[Statistics], by: str) -> list[Statistics]:
    """Sorted by an axis or a statistic; "-mean" for the largest first, what is missing last. Errors: UsageError."""
    name, down = by.removeprefix("-"), by.startswith("-")
    known = [*dict.fromkeys(k for s in found for k in s.axes), "n", "failed", "mean", "median", "best", "sd", "seconds"]
    if name not in known:
        raise UsageError(f"--sort {by}: expected one of {', '.join(known)}.", closest(name, known))

    def value(s: Statistics) -> Any:
        return s.axes[name] if name in s.axes else getattr(s, name)

    there = [s for s in found if value(s) is not None]
    return sorted(there, key=lambda s: _ordered(value(s)), reverse=down) + [s for s in found if value(s) is None]


def pivot(found: Sequence[Statistics], across: str) -> tuple[list[dict[str, Any]], list[Any]]:
    """One row for each combination of the other axes, with the means across one. Returns: rows {axes, by: value -> Statistics}, values.

    Errors: UsageError for an axis that is not there.
    """
    names = list(dict.fromkeys(k for s in found for k in s.axes))
    if across not in names:
        raise UsageError(f"--pivot {across}: nothing varies that is called {across!r}.", closest(across, names))
    columns = sorted(dict.fromkeys(s.axes[across] for s in found), key=_ordered)
    out: dict[tuple[Any, ...], dict[str, Any]] = {}
    for s in found:
        rest = {k: v for k, v in s.axes.items() if k != across}
        row = out.setdefault(tuple(rest.items()), {"axes": rest, "by": {}})
        row["by"][s.axes[across]] = s
    return list(out.values()), columns


def as_csv(found: Sequence[Statistics]) -> str:
    """All statistics, a column for each axis."""
    names = list(dict.fromkeys(k for s in found for k in s.axes))
    fields = ["metric", "n", "failed", "pending", "mean", "low", "high", "median", "best", "sd", "seconds"]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*names, *fields])
    for s in found:
        content = asdict(s)
        writer.writerow([*(s.axes.get(n) for n in names), *(content[f] for f in fields)])
    return out.getvalue()
