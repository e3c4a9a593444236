"""Training: loss, score, penalty, gradient, spectral radius, bitcodes.

Every quantity has a panel of its own, and all share the steps; several runs are overlaid, and where they are of different tasks or
metrics, each of these has a panel too. A dotted vertical line marks where training began anew.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    ("penalty", "penalty", True),
    ("grad_norm", "gradient\nnorm", True),
    ("spectral_radius", "spectral\nradius", False),
    ("bitcodes", "bitcodes\nvisited", False),
)
_COLUMNS = ("step", "epoch", "loss", "score", "penalty", "grad_norm", "spectral_radius", "bitcodes", "restart")


@dataclass(frozen=True)
class _Panel:
    """One quantity of some of the runs. column: its name in the history; runs: their numbers; title: along the y axis; height: inches;
    log: whether a logarithmic axis suits it; chance: levels to mark."""

    column: str
    runs: tuple[int, ...]
    title: str
    height: float
    log: bool
    chance: tuple[float, ...] = ()


@dataclass(frozen=True)
class _Run:
    """The history of one report. x: where its entries stand, unit: step, epoch or evaluation."""

    label: str
    task: str
    metric: str
    falls: bool
    chance: float | None
    columns: Mapping[str, np.ndarray]
    x: np.ndarray
    unit: str

    def has(self, column: str) -> bool:
        return column in self.columns and bool(np.isfinite(self.columns[column]).any())


def draw(reports: Sequence[AnalysisReport], labels: Sequence[str], width: str, options: Mapping[str, str]) -> Drawing:
    """Curves of training. Errors: InputError where no report has a history; UsageError for a bad option."""
    along = one_of("loss", "x", options["x"], ("step", "epoch"))
    log = one_of("loss", "log", options["log"], ("no", "yes")) == "yes"
    every = [_run(report, label, along) for report, label in zip(reports, labels, strict=True)]
    runs = [run for run in every if run.has("loss") or run.has("score")]
    if not runs:
        raise InputError(
            "The report has no training history with a loss or a score.",
            "Train with alrnn train and analyze that checkpoint; imported models have no history.",
        )
    panels = _panels(runs)
    figure = style.new(width, sum(panel.height for panel in panels) + 0.75)
    column = figure.subplots(len(panels), 1, sharex=True, squeeze=False, height_ratios=[p.height for p in panels])[:, 0]
    for axes, panel in zip(column, panels, strict=True):
        for k in panel.runs:
            _curve(axes, runs[k], panel.column, k, style.scale(width))
        _finish(axes, panel, log and panel.log)
        _marks(axes, panel, runs)
    column[-1].set_xlabel({"step": "training (steps)", "epoch": "training (epochs)"}.get(runs[0].unit, "evaluation"))
    column[-1].xaxis.set_major_locator(MaxNLocator(5, integer=True))
    figure.align_ylabels(list(column))
    _legend(figure, runs, panels)
    dropped = [run.label or "the report" for run in every if run not in runs]
    return Drawing(figure, _caption(runs, panels, dropped), [row for run in runs for row in _rows(run)])


def _run(report: AnalysisReport, label: str, along: str) -> _Run:
    columns = _columns(report)
    x, unit = _x(columns, along)
    task = report.task or {}
    metric = str(task.get("metric") or next(iter(report.score), "score"))
    falls = (task.get("metrics") or {}).get(metric) == "min"
    return _Run(label, str(task.get("name") or ""), metric, falls, report.chance.get(metric), columns, x, unit)


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


def _x(curve: dict[str, np.ndarray], along: str) -> tuple[np.ndarray, str]:
    """Where the entries stand, and in what unit: the one asked for, the other, or their number."""
    for name in (along, "epoch" if along == "step" else "step"):
        if name in curve and np.isfinite(curve[name]).any():
            return curve[name], name
    length = len(next(iter(curve.values()), ()))
    return np.arange(1, length + 1, dtype=float), "evaluation"


def _panels(runs: Sequence[_Run]) -> list[_Panel]:
    """Every panel that has something to show: a loss for each task, a score for each metric, then what is followed besides."""
    panels = []
    tasks = list(dict.fromkeys(run.task for run in runs if run.has("loss")))
    for task in tasks:
        own = tuple(k for k, run in enumerate(runs) if run.task == task and run.has("loss"))
        panels.append(_Panel("loss", own, f"loss\n({task})" if len(tasks) > 1 else "loss", 1.2, log=True))
    for metric in dict.fromkeys(run.metric for run in runs if run.has("score")):
        own = tuple(k for k, run in enumerate(runs) if run.metric == metric and run.has("score"))
        chance = sorted({c for k in own if (c := runs[k].chance) is not None and math.isfinite(c)})
        title = "validation\n" + metric.replace("_", " ")
        panels.append(_Panel("score", own, title, 1.0, log=all(runs[k].falls for k in own), chance=tuple(chance)))
    for column, title, log in _SMALL:
        own = tuple(k for k, run in enumerate(runs) if run.has(column))
        if own and (column != "penalty" or any(np.nanmax(np.abs(runs[k].columns[column])) > 0 for k in own)):
            panels.append(_Panel(column, own, title, 0.6, log=log))
    return panels


def _restarts(run: _Run) -> np.ndarray:
    """Numbers of the entries after which training began anew."""
    count = run.columns.get("restart")
    return np.zeros(0, int) if count is None else np.flatnonzero(np.diff(np.nan_to_num(count)) > 0)


def _curve(axes: Axes, run: _Run, column: str, order: int, scale: float) -> None:
    """One run in one panel: no line is drawn across a restart or an entry that is no number."""
    colour = style.CATEGORIES[order % len(style.CATEGORIES)]
    for piece in np.split(np.arange(len(run.x)), _restarts(run) + 1):
        x, y = run.x[piece], run.columns[column][piece]
        good = np.isfinite(y) & np.isfinite(x)
        lone = good & ~np.r_[False, good[:-1]] & ~np.r_[good[1:], False]  # a line of one entry would be invisible
        axes.plot(
            x, y, color=colour, gid=f"{column}-{order}", linewidth=1.1 * scale, marker=style.MARKERS[order % len(style.MARKERS)],
            markevery=np.flatnonzero(lone).tolist(), markersize=2.8 * scale, alpha=0.9,
            drawstyle="steps-mid" if column == "bitcodes" else "default",
        )  # fmt: skip


def _finish(axes: Axes, panel: _Panel, log: bool) -> None:
    """The y axis."""
    values = np.concatenate([np.asarray(line.get_ydata(), float) for line in axes.get_lines()])
    values = values[np.isfinite(values)]
    axes.set_ylabel(panel.title)
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
    if panel.column == "bitcodes" and len(values):
        axes.set_ylim(0, 1.15 * max(values.max(), 1))
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=panel.column == "bitcodes", min_n_ticks=2))
    axes.yaxis.set_major_formatter(ScalarFormatter(useOffset=False))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _marks(axes: Axes, panel: _Panel, runs: Sequence[_Run]) -> None:
    """Restarts in every panel, chance level beside the score, |λ| = 1 beside the spectral radius."""
    for k, run in enumerate(runs):
        colour = style.CATEGORIES[k % len(style.CATEGORIES)] if len(runs) > 1 else style.GREY
        for i in _restarts(run):
            if np.isfinite(run.x[i : i + 2]).all():
                at = (run.x[i] + run.x[i + 1]) / 2 if run.x[i + 1] > run.x[i] else run.x[i + 1]
                axes.axvline(at, gid="restart", linestyle=(0, (1, 1.5)), linewidth=0.9, color=colour)
    for chance in panel.chance:
        own = next(k for k in panel.runs if runs[k].chance == chance)
        colour = style.CATEGORIES[own % len(style.CATEGORIES)] if len(panel.chance) > 1 else style.GREY
        if chance > 0 or axes.get_yscale() == "linear":
            axes.axhline(chance, color=colour, linestyle=(0, (6, 2, 1, 2)), linewidth=0.8, gid="chance")
    if panel.column == "spectral_radius":
        axes.axhline(1, color=style.BLACK, linewidth=0.5, zorder=1, gid="one")


def _legend(figure: Figure, runs: Sequence[_Run], panels: Sequence[_Panel]) -> None:
    handles: list[Line2D] = []
    if len(runs) > 1 or runs[0].label:
        n = len(style.CATEGORIES)
        handles += [
            Line2D([], [], color=style.CATEGORIES[k % n], lw=1.4, label=run.label) for k, run in enumerate(runs)
        ]
    if any(panel.chance for panel in panels):
        handles.append(Line2D([], [], color=style.GREY, linestyle=(0, (6, 2, 1, 2)), linewidth=0.8, label="chance"))
    if any(len(_restarts(run)) for run in runs):
        handles.append(Line2D([], [], color=style.GREY, linestyle=(0, (1, 1.5)), linewidth=0.9, label="restart"))
    if handles:
        columns = 2 if figure.get_figwidth() < 4 else 4
        figure.legend(handles=handles, loc="outside upper center", ncols=min(columns, len(handles)))


def _rows(run: _Run) -> list[dict[str, Any]]:
    """One row for each entry; None where the history has no number."""

    def value(array: np.ndarray, k: int) -> float | None:
        return float(array[k]) if np.isfinite(array[k]) else None

    columns = run.columns if run.unit in run.columns else {run.unit: run.x, **run.columns}
    return [{"report": run.label, **{n: value(c, k) for n, c in columns.items()}} for k in range(len(run.x))]


def _caption(runs: Sequence[_Run], panels: Sequence[_Panel], dropped: list[str]) -> str:
    metrics = list(dict.fromkeys(runs[k].metric for panel in panels if panel.column == "score" for k in panel.runs))
    shown = ["Training loss" + (" without the penalty" if any(p.column == "penalty" for p in panels) else "")]
    shown += [f"validation {metric}" for metric in metrics]
    said = [" and ".join(shown) + " over training."]
    restarts = sum(len(_restarts(run)) for run in runs)
    if restarts:
        said.append(f"Dotted vertical lines: training began anew ({restarts}×).")
    for panel in panels:
        if panel.chance:
            metric = runs[panel.runs[0]].metric
            said.append(f"Chance level of the {metric}: " + ", ".join(f"{c:.3g}" for c in panel.chance) + ".")
    gaps = sum(
        int(np.isnan(run.columns[name]).sum()) for run in runs for name in ("loss", "score") if name in run.columns
    )
    if gaps:
        said.append(f"Gaps: {gaps} entries that are not a finite number.")
    if dropped:
        said.append("No history, not drawn: " + ", ".join(dropped) + ".")
    return " ".join(said)
