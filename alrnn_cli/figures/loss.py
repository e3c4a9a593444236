"""Training over steps: loss and validation score, gradient norm, spectral radius, bitcodes visited.

Every panel shares the steps; several reports are overlaid; a dotted vertical line marks where training began anew.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import (
    FuncFormatter,
    LogFormatterSciNotation,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    ScalarFormatter,
)

from ..errors import InputError
from ..records import AnalysisReport
from . import style
from .drawing import Drawing, one_of

OPTIONS = (
    ("x", "step", "what runs along the axis: step or epoch"),
    ("log", "yes", "no: linear axes"),
)

_SMALL = (
    ("grad_norm", "gradient\nnorm"),
    ("spectral_radius", "spectral\nradius"),
    ("bitcodes", "bitcodes\nvisited"),
)
_COLUMNS = ("step", "epoch", "loss", "score", "grad_norm", "spectral_radius", "bitcodes", "restart")
_Panel = tuple[tuple[str, ...], str, float]  # columns, y label, height in inches
_ERRORS = ("mse", "rmse", "mae", "error", "loss", "nll", "cross_entropy", "crossentropy")


def draw(reports: Sequence[AnalysisReport], labels: Sequence[str], width: str, options: Mapping[str, str]) -> Drawing:
    """Curves of training. Errors: InputError where no report has a history; UsageError for a bad option."""
    along = one_of("loss", "x", options["x"], ("step", "epoch"))
    log = one_of("loss", "log", options["log"], ("no", "yes")) == "yes"
    curves = [_columns(report) for report in reports]
    kept = [i for i, c in enumerate(curves) if any(_has(c, name) for name in ("loss", "score"))]
    if not kept:
        raise InputError(
            "The report has no training history with a loss or a score.",
            "Train with alrnn train and analyze that checkpoint; imported models have no history.",
        )
    metric = next((name for i in kept for name in reports[i].score), "score")
    together = metric.lower() in _ERRORS
    panels = _panels([curves[i] for i in kept], metric, together)
    figure = style.new(width, sum(height for *_, height in panels) + 0.75)
    column = figure.subplots(len(panels), 1, sharex=True, squeeze=False, height_ratios=[h for *_, h in panels])[:, 0]
    xs = {i: _x(curves[i], along) for i in kept}
    for axes, (names, title, _) in zip(column, panels, strict=True):
        for order, i in enumerate(kept):
            _curves(axes, curves[i], xs[i][0], names, order)
        _finish(axes, title, log and names[0] in ("loss", "score", "grad_norm"))
    chances = {r.chance.get(metric) for r in (reports[i] for i in kept)} - {None}
    _extras(column, [(xs[i][0], curves[i].get("restart"), o) for o, i in enumerate(kept)], panels, chances)
    column[-1].set_xlabel({"step": "training (steps)", "epoch": "training (epochs)"}.get(xs[kept[0]][1], "evaluation"))
    column[-1].xaxis.set_major_locator(MaxNLocator(5, integer=True))
    figure.align_ylabels(list(column))
    _legend(figure, [labels[i] for i in kept], metric, together, panels, bool(chances))
    dropped = [labels[i] or "the report" for i in range(len(reports)) if i not in kept]
    data = [row for i in kept for row in _rows(labels[i], curves[i], xs[i])]
    return Drawing(figure, _caption(metric, together, dropped, [curves[i] for i in kept], chances), data)


def _columns(report: AnalysisReport) -> dict[str, np.ndarray]:
    """The history as float arrays of one length; None and infinity become NaN."""
    found = {name: report.history[name] for name in _COLUMNS if report.history.get(name)}
    length = max((len(c) for c in found.values()), default=0)
    out = {}
    for name, column in found.items():
        values = np.full(length, np.nan)
        values[: len(column)] = [math.nan if v is None or not math.isfinite(v) else float(v) for v in column]
        out[name] = values
    return out


def _has(curve: dict[str, np.ndarray], name: str) -> bool:
    return name in curve and bool(np.isfinite(curve[name]).any())


def _x(curve: dict[str, np.ndarray], along: str) -> tuple[np.ndarray, str]:
    """Where the entries stand, and in what unit: the one asked for, the other, or their number."""
    for name in (along, "epoch" if along == "step" else "step"):
        if _has(curve, name):
            return curve[name], name
    length = len(next(iter(curve.values())))
    return np.arange(1, length + 1, dtype=float), "evaluation"


def _panels(curves: list[dict[str, np.ndarray]], metric: str, together: bool) -> list[_Panel]:
    """Every panel that has something to show."""

    def there(name: str) -> bool:
        return any(_has(c, name) for c in curves)

    top: list[_Panel] = []
    if together and there("loss") and there("score"):
        top.append((("loss", "score"), f"loss, {metric}", 1.5))
    else:
        top += [(("loss",), "loss", 1.3)] if there("loss") else []
        top += [(("score",), "validation\n" + metric.replace("_", " "), 1.0)] if there("score") else []
    return top + [((name,), title, 0.6) for name, title in _SMALL if there(name)]


def _segments(curve: dict[str, np.ndarray], x: np.ndarray) -> list[np.ndarray]:
    """Indices of the entries between restarts: no line is drawn across one."""
    if "restart" not in curve:
        return [np.arange(len(x))]
    steps = np.diff(np.nan_to_num(curve["restart"])) > 0
    return [piece for piece in np.split(np.arange(len(x)), np.flatnonzero(steps) + 1) if len(piece)]


def _curves(axes: Axes, curve: dict[str, np.ndarray], x: np.ndarray, names: tuple[str, ...], order: int) -> None:
    colour = style.CATEGORIES[order % len(style.CATEGORIES)]
    for name in names:
        if name not in curve:
            continue
        second = name == "score" and len(names) > 1
        dashes = (0, (3, 1.5)) if second else style.DASHES[0]
        for piece in _segments(curve, x):
            y = curve[name][piece]
            good = np.isfinite(y) & np.isfinite(x[piece])
            lone = good & ~np.r_[False, good[:-1]] & ~np.r_[good[1:], False]  # a line of one entry would be invisible
            few = good if second and len(x) <= 40 else lone
            axes.plot(
                x[piece], y, color=colour, linestyle=dashes, gid=f"{name}-{order}", linewidth=0.9 if second else 1.2,
                marker=style.MARKERS[order % len(style.MARKERS)], markevery=np.flatnonzero(few).tolist(),
                markersize=2.8, markerfacecolor="white" if second else colour, alpha=0.9,
            )  # fmt: skip


def _finish(axes: Axes, title: str, log: bool) -> None:
    values = np.concatenate([np.asarray(line.get_ydata(), float) for line in axes.get_lines()])
    values = values[np.isfinite(values)]
    axes.set_ylabel(title)
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.5)
    if log and len(values) and values.min() > 0:
        axes.set_yscale("log")
        if values.max() / values.min() > 30:
            axes.yaxis.set_major_locator(LogLocator(numticks=5))
            axes.yaxis.set_major_formatter(LogFormatterSciNotation())
        else:
            if values.max() < 3 * values.min():  # so that two ticks are in view
                middle = float(np.sqrt(values.max() * values.min()))
                axes.set_ylim(middle / 2.2, middle * 2.2)
            axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=8))
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        return
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=title.startswith("bitcodes"), min_n_ticks=2))
    axes.yaxis.set_major_formatter(ScalarFormatter(useOffset=False))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _extras(column: Any, restarts: list[Any], panels: Sequence[_Panel], chances: set[Any]) -> None:
    """Restarts in every panel, chance level where the score is drawn."""
    for x, count, order in restarts:
        if count is None:
            continue
        for k in np.flatnonzero(np.diff(np.nan_to_num(count)) > 0):
            if not np.isfinite(x[k : k + 2]).all():
                continue
            at = (x[k] + x[k + 1]) / 2 if x[k + 1] > x[k] else x[k + 1]
            colour = style.CATEGORIES[order % len(style.CATEGORIES)] if len(restarts) > 1 else style.GREY
            for axes in column:
                axes.axvline(at, gid="restart", linestyle=(0, (1, 1.5)), linewidth=0.9, color=colour)
    for axes, (names, *_rest) in zip(column, panels, strict=True):
        for chance in sorted(chances) if "score" in names else ():
            if math.isfinite(chance) and (chance > 0 or axes.get_yscale() == "linear"):
                axes.axhline(chance, color=style.GREY, linestyle=(0, (6, 2, 1, 2)), linewidth=0.8, gid="chance")


def _legend(
    figure: Figure, labels: list[str], metric: str, together: bool, panels: Sequence[_Panel], chance: bool
) -> None:
    shown = {name for names, *_ in panels for name in names}
    handles: list[Line2D] = []
    if len(labels) > 1 or labels[0]:
        n, marks = len(style.CATEGORIES), style.MARKERS
        handles += [
            Line2D([], [], color=style.CATEGORIES[i % n], marker=marks[i % n], markersize=2.8, label=label)
            for i, label in enumerate(labels)
        ]
    if together and {"loss", "score"} <= shown:
        handles += [
            Line2D([], [], color="black", label="training loss"),
            Line2D([], [], color="black", linestyle=(0, (3, 1.5)), label=f"validation {metric}"),
        ]
    if chance and "score" in shown:
        handles.append(Line2D([], [], color=style.GREY, linestyle=(0, (6, 2, 1, 2)), linewidth=0.8, label="chance"))
    if any(line.get_gid() == "restart" for axes in figure.axes for line in axes.get_lines()):
        handles.append(Line2D([], [], color=style.GREY, linestyle=(0, (1, 1.5)), linewidth=0.9, label="restart"))
    if handles:
        columns = 2 if figure.get_figwidth() < 4 else 4
        figure.legend(handles=handles, loc="outside upper center", ncols=min(columns, len(handles)))


def _rows(label: str, curve: dict[str, np.ndarray], x: tuple[np.ndarray, str]) -> list[dict[str, Any]]:
    """One row for each entry; None where the history has no number."""

    def value(array: np.ndarray, k: int) -> float | None:
        return float(array[k]) if np.isfinite(array[k]) else None

    columns = curve if x[1] in curve else {x[1]: x[0], **curve}
    return [{"report": label, **{n: value(c, k) for n, c in columns.items()}} for k in range(len(x[0]))]


def _caption(
    metric: str, together: bool, dropped: list[str], curves: list[dict[str, np.ndarray]], chances: set[Any]
) -> str:
    said = [f"Training loss and validation {metric}" + (" (dashed)" if together else "") + " over training."]
    restarts = sum(int((np.diff(np.nan_to_num(c["restart"])) > 0).sum()) for c in curves if "restart" in c)
    if restarts:
        said.append(f"Dotted vertical lines: training began anew ({restarts}×).")
    if chances:
        said.append("Chance level of the " + metric + ": " + ", ".join(f"{c:.3g}" for c in sorted(chances)) + ".")
    gaps = sum(int(np.isnan(c[name]).sum()) for c in curves for name in ("loss", "score") if name in c)
    if gaps:
        said.append(f"Gaps: {gaps} entries that are not a finite number.")
    if dropped:
        said.append("No history, not drawn: " + ", ".join(dropped) + ".")
    return " ".join(said)
