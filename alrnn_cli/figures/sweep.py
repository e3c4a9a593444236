"""Test score of a sweep's runs against what was varied, with 95 % intervals over seeds.

One value runs along the x axis, and each combination of the others is a line; every run is a dot.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..errors import InputError, UsageError, closest
from ..sweep.record import Record
from ..sweep.table import Row, Statistics, metric_of, statistics, where
from . import style
from ._words import number
from .drawing import Drawing, many

READS = "sweep"
OPTIONS = (
    ("metric", "", "a metric of the test trials; default: the task's first"),
    ("x", "", "what runs along the x axis; default: P, else the first number that varies"),
    ("where", "", "only these runs: P=1,2 or tau=0.1; several joined by &"),
    ("lines", "7", "combinations shown at most, the best"),
)
#: A loss that spans more than this factor is shown on a logarithmic axis.
_WIDE = 30.0
_NAMES = {
    "P": "P (ReLU units)", "M": "M (units)", "tau": "tau (weight of the regularisation)", "init": "start of A, W and h",
    "task.train": "training trials",
}  # fmt: skip


@dataclass(frozen=True)
class _Line:
    """One combination: at each value of x its statistics and the scores of its runs."""

    label: str
    at: dict[Any, Statistics]
    scores: dict[Any, list[float]]


def draw(records: Sequence[Record], labels: Sequence[str], width: str, options: Mapping[str, str]) -> Drawing:
    """Score against x. Errors: InputError where nothing varies or no run has a score; UsageError for a bad option."""
    rows = _rows(records, labels)
    conditions = [text for text in options["where"].split("&") if text]
    rows = where(rows, conditions)
    if not rows:
        raise InputError("No run is left to draw.", "Loosen where=.")
    metric, direction = metric_of(rows, options["metric"] or None, "metric =")
    varying = _varying(rows)
    x = _axis(rows, varying, options["x"])
    values = sorted({row.axes.get(x) for row in rows if row.axes.get(x) is not None}, key=_ordered)
    lines = _lines(rows, varying, x, metric, direction)
    most = _most(options["lines"])
    shown = _best(lines, direction, most)
    figure = style.new(width, 2.5 + 0.13 * (len(shown) if len(shown) > 1 else 0))
    axes = figure.subplots()
    chance = {row.chance[metric] for row in rows if row.chance.get(metric) is not None}
    log = direction == "min" and _spans(shown, chance)
    if log:
        axes.set_yscale("log")
    for k, line in enumerate(shown):
        _draw(axes, line, values, k, len(shown), style.scale(width))
    if len(chance) == 1:
        axes.axhline(
            next(iter(chance)), color=style.GREY, lw=0.8 * style.scale(width), ls=(0, (4, 2)), zorder=0.5, gid="chance"
        )
    _failed(axes, shown, values, style.scale(width))
    axes.set_xticks(range(len(values)), [_value(v) for v in values])
    axes.set_xlim(-0.5, len(values) - 0.5)
    axes.set_xlabel(_NAMES.get(x, x.removeprefix("task.").replace("_", " ")))
    axes.set_ylabel(f"test {metric.replace('_', ' ')}" + (" (less is better)" if direction == "min" else ""))
    task = " and ".join(dict.fromkeys(r.task for r in records))
    style.letter(axes, f"{task}: what {x.removeprefix('task.')} gives")
    handles = [
        Line2D([], [], label=line.label, **_look(k, values, style.scale(width)))
        for k, line in enumerate(shown)
        if line.label
    ]
    if len(chance) == 1:
        handles.append(Line2D([], [], color=style.GREY, ls=(0, (4, 2)), lw=0.8 * style.scale(width), label="chance"))
    if handles:
        longest = max(len(str(h.get_label())) for h in handles)
        columns = max(1, min(len(handles), (50 if width == "column" else 90) // (longest + 6)))
        figure.legend(handles=handles, loc="outside lower center", ncols=columns)
    return Drawing(figure, _caption(lines, shown, metric, x, log), _data(lines, metric))


def _rows(records: Sequence[Record], labels: Sequence[str]) -> list[Row]:
    """All rows; where there are several records, which one a row is of varies as well."""
    if len(records) == 1:
        return list(records[0].rows)
    return [
        replace(row, axes={"sweep": label, **row.axes})
        for record, label in zip(records, labels, strict=True)
        for row in record.rows
    ]


def _varying(rows: Sequence[Row]) -> list[str]:
    names = dict.fromkeys(name for row in rows for name in row.axes if name != "seed")
    return [name for name in names if len({str(row.axes.get(name)) for row in rows}) > 1]


def _axis(rows: Sequence[Row], varying: Sequence[str], wanted: str) -> str:
    if not varying:
        raise InputError(
            "Nothing varies among these runs but the seed.", "Give a grid: alrnn sweep --task NAME --P 0,1,2"
        )
    if wanted:
        known = {name.removeprefix("task."): name for name in varying} | {name: name for name in varying}
        if wanted not in known:
            raise UsageError(f"Figure 'sweep', option 'x': {wanted!r} does not vary.", closest(wanted, list(known)))
        return known[wanted]
    numbers = [n for n in varying if all(isinstance(row.axes.get(n), int | float | None) for row in rows)]
    return "P" if "P" in varying else (numbers or list(varying))[0]


def _most(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= len(style.CATEGORIES):
        raise UsageError(
            f"Figure 'sweep', option 'lines': got {text!r}, expected 1 … {len(style.CATEGORIES)}.", "Try lines=7."
        )
    return int(text)


def _lines(rows: Sequence[Row], varying: Sequence[str], x: str, metric: str, direction: str) -> list[_Line]:
    others = [name for name in varying if name != x]
    groups: dict[str, list[Row]] = {}
    for row in rows:
        label = ", ".join(
            f"{name.removeprefix('task.')} = {_value(row.axes.get(name))}" if name != "sweep" else str(row.axes[name])
            for name in others
            if row.axes.get(name) is not None
        )
        groups.setdefault(label or ("default" if others else ""), []).append(row)
    found = []
    for label, own in groups.items():
        at = {
            s.axes.get(x): s for s in statistics([replace(r, axes={x: r.axes.get(x)}) for r in own], metric, direction)
        }
        scores: dict[Any, list[float]] = {}
        for row in own:
            score = row.scores.get(metric) if row.state == "finished" else None
            if score is not None and math.isfinite(score):
                scores.setdefault(row.axes.get(x), []).append(score)
        found.append(_Line(label, at, scores))
    if not any(line.scores for line in found):
        raise InputError(f"No run has a finite {metric}.", "See how far it is: alrnn sweep status FOLDER")
    return found


def _best(lines: Sequence[_Line], direction: str, most: int) -> list[_Line]:
    """The lines with the best mean anywhere, in their order."""
    if len(lines) <= most:
        return list(lines)

    def best(line: _Line) -> float:
        means = [s.mean if direction == "min" else -s.mean for s in line.at.values() if s.mean is not None]
        return min(means, default=math.inf)

    kept = {id(line) for line in sorted(lines, key=best)[:most]}
    return [line for line in lines if id(line) in kept]


def _spans(lines: Sequence[_Line], chance: set[float]) -> bool:
    scores = [*chance, *(s for line in lines for own in line.scores.values() for s in own)]
    return min(scores) > 0 and max(scores) > _WIDE * min(scores)


def _place(k: int, n: int) -> float:
    """How far a line's marks stand beside the value, so that intervals do not cover each other."""
    return 0.0 if n == 1 else 0.5 * (k / (n - 1) - 0.5)


def _look(k: int, values: Sequence[Any], scale: float) -> dict[str, Any]:
    """Of line k. Names have no order: nothing lies between two of them, and no line joins them."""
    color = style.CATEGORIES[k % len(style.CATEGORIES)]
    return {"color": color, "marker": style.MARKERS[k % len(style.MARKERS)], "ms": 4 * scale, "mew": 0, "lw": 1.0 * scale,
            "ls": "none" if any(isinstance(v, str) for v in values) else style.DASHES[k % len(style.DASHES)]}  # fmt: skip


def _draw(axes: Axes, line: _Line, values: Sequence[Any], k: int, n: int, scale: float) -> None:
    look = _look(k, values, scale)
    points = [(i, line.at[v]) for i, v in enumerate(values) if v in line.at and line.at[v].mean is not None]
    x = np.array([i for i, _ in points], float) + _place(k, n)
    axes.plot(x, np.array([s.mean for _, s in points], float), zorder=3, gid=f"line-{k}", **look)
    bars = np.array(
        [(at, s.low, s.high) for at, (_, s) in zip(x, points, strict=True) if s.low is not None], float
    ).reshape(-1, 3)
    axes.vlines(*bars.T, color=look["color"], lw=1.6 * scale,
                zorder=2, gid=f"interval-{k}")  # fmt: skip
    dots = [(i + _place(k, n), score) for i, v in enumerate(values) for score in line.scores.get(v, ())]
    axes.plot([at + 0.09 for at, _ in dots], [y for _, y in dots], ls="none", marker="o", ms=1.8 * scale, mew=0, alpha=0.55,
              color=look["color"], zorder=1.5, gid=f"runs-{k}")  # fmt: skip


def _failed(axes: Axes, lines: Sequence[_Line], values: Sequence[Any], scale: float) -> None:
    """How many runs have no score, written over the x axis."""
    for k, line in enumerate(lines):
        for i, v in enumerate(values):
            if v in line.at and line.at[v].failed:
                axes.text(i + _place(k, len(lines)), 0.01, f"{line.at[v].failed}×", transform=axes.get_xaxis_transform(),
                          ha="center", va="bottom", color=_look(k, values, scale)["color"], gid="failed")  # fmt: skip


def _ordered(value: Any) -> tuple[int, Any]:
    return (0, float(value)) if isinstance(value, int | float) else (1, str(value))


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(float(value)) if isinstance(value, int | float) else "–" if value is None else str(value)


def _data(lines: Sequence[_Line], metric: str) -> list[dict[str, Any]]:
    rows = []
    for line in lines:
        for s in line.at.values():
            content = asdict(s)
            axes = content.pop("axes")
            rows.append({"line": line.label, **axes, **content, "metric": metric})
    return rows


def _caption(lines: Sequence[_Line], shown: Sequence[_Line], metric: str, x: str, log: bool) -> str:
    runs = sum(s.n + s.failed for line in lines for s in line.at.values())
    failed = sum(s.failed for line in lines for s in line.at.values())
    pending = sum(s.pending for line in lines for s in line.at.values())
    what = f"Test {metric.replace('_', ' ')} of {many(runs, 'run')} against {x.removeprefix('task.')}"
    said = [f"{what}: mean over seeds with its 95 % percentile bootstrap interval (bar), and every run (dots)."]
    if log:
        said.append("Logarithmic axis.")
    if failed:
        said.append(
            f"{many(failed, 'run')} failed or diverged and {'is' if failed == 1 else 'are'} not in the means; n×: how many there."
        )
    if pending:
        said.append(f"{many(pending, 'run')} {'has' if pending == 1 else 'have'} not ended.")
    if len(shown) < len(lines):
        said.append(f"The best {len(shown)} of {len(lines)} combinations are shown.")
    return " ".join(said)
