"""Score after each lesion, against the score before and chance: units made linear or silent, slow modes removed.

Behind each removed mode is the range of random directions of the same number of dimensions, removed likewise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogFormatterSciNotation, LogLocator, MaxNLocator, NullFormatter

from ..errors import InputError, UsageError, closest
from ..records import AnalysisReport, Lesion
from . import style
from ._words import better, first_metric, number
from .drawing import Drawing, many, needs_subregions, one_of, whole

OPTIONS = (
    ("top", "12", "units, and modes, shown one by one, the most harmful first; the rest is one bar"),
    ("metric", "", "which of the task's metrics instead of the one that lesions are judged by"),
    ("log", "auto", "logarithmic axis: auto (an error that spans decades), yes, no"),
)

_LOOK = {"linearise": ("^", style.VERMILION, "unit linear (bit 1)"), "silence": ("v", style.BLUE, "unit silent (bit 0)"),
         "remove mode": ("o", style.BLACK, "slow mode removed")}  # fmt: skip
_DECADES = 30.0


@dataclass(frozen=True)
class _Row:
    """One line of the figure: the lesions of a unit, one mode, or the rest of a kind (lesions of many, drawn as their range)."""

    name: str
    lesions: tuple[Lesion, ...]
    rest: bool = False

    @property
    def modes(self) -> bool:
        return self.lesions[0].kind == "remove mode"


@dataclass(frozen=True)
class _Table:
    """What one report has to show: rows from above, random directions by rank, scores of one metric."""

    rows: list[_Row]
    controls: dict[int, list[Lesion]]
    metric: str
    judged: bool
    before: float
    chance: float
    better: str
    log: bool

    def score(self, lesion: Lesion) -> float:
        """After the lesion; NaN where it is not finite."""
        value = lesion.score.get(self.metric)
        return math.nan if value is None or not math.isfinite(value) else float(value)


def draw(reports: Sequence[AnalysisReport], labels: Sequence[str], width: str, options: Mapping[str, str]) -> Drawing:
    """Dots by lesion. Errors: InputError where a report has no lesions; UsageError for a bad option or metric."""
    needs_subregions("lesions", reports)
    top = whole("lesions", "top", options["top"], 1)
    log = one_of("lesions", "log", options["log"], ("auto", "yes", "no"))
    tables = [_table(report, top, options["metric"], log) for report in reports]
    heights = [
        0.95 + 0.16 * max(len(t.rows), 2) + (0.15 if label else 0.0) for t, label in zip(tables, labels, strict=True)
    ]
    figure = style.new(width, sum(heights) + 0.3)
    heights[-1] += 0.3  # the legend's second line
    for part, table, label in zip(style.parts(figure, heights), tables, labels, strict=True):
        _draw_one(part, table, label, width)
    data = [row for table, label in zip(tables, labels, strict=True) for row in _data(table, label)]
    return Drawing(figure, _caption(tables), data)


def _table(report: AnalysisReport, top: int, asked: str, log: str) -> _Table:
    if not report.lesions:
        raise InputError("The report has no lesions.", "Make them: alrnn analyze CHECKPOINT --lesions")
    judged = first_metric(report)
    metric = asked or judged
    if metric not in report.score:
        raise UsageError(f"Figure 'lesions': the report has no metric {metric!r}.", closest(metric, list(report.score)))
    units: dict[int, list[Lesion]] = {}
    for lesion in report.lesions:
        if lesion.unit is not None and lesion.kind != "freeze":
            units.setdefault(lesion.unit, []).append(lesion)
    harm = _harm(report, metric)
    # A unit is as bad as the gentler of its two: only if both harm must it switch.
    by_unit = sorted(units, key=lambda unit: -min(harm(x) for x in units[unit]))
    modes = sorted((x for x in report.lesions if x.kind == "remove mode"), key=lambda x: -harm(x))
    rows = [_Row(f"unit {unit}", tuple(units[unit])) for unit in by_unit[:top]]
    if rest := tuple(x for unit in by_unit[top:] for x in units[unit]):
        rows.append(_Row(many(len(by_unit) - top, "more unit"), rest, rest=True))
    rows += [_Row(_mode_name(x), (x,)) for x in modes[:top]]
    if modes[top:]:
        rows.append(_Row(many(len(modes) - top, "more mode"), tuple(modes[top:]), rest=True))
    if not rows:
        raise InputError(
            "The report has lesions of no unit and no mode.", "Analyze again: alrnn analyze CHECKPOINT --lesions"
        )
    controls: dict[int, list[Lesion]] = {}
    for lesion in report.lesions:
        if lesion.kind == "random direction":
            controls.setdefault(lesion.rank, []).append(lesion)
    chance = report.chance.get(metric)
    table = _Table(
        rows,
        controls,
        metric,
        metric == judged,
        _finite(report.score[metric]),
        _finite(chance),
        better(report, metric),
        False,
    )
    values = _values(table)
    spans = len(values) > 0 and values.min() > 0 and values.max() / values.min() > _DECADES
    if log == "yes" and len(values) and values.min() <= 0:
        raise UsageError(
            f"Figure 'lesions': {metric} is not above 0 everywhere, so that it has no logarithm.", "Try log=auto."
        )
    use_log = log == "yes" or (log == "auto" and spans and table.better != "more is better")
    return _Table(**{**table.__dict__, "log": use_log})


def _finite(value: float | None) -> float:
    return math.nan if value is None or not math.isfinite(value) else float(value)


def _harm(report: AnalysisReport, metric: str) -> Any:
    """By how much a lesion makes the metric worse: infinite where outputs are not."""
    sign = -1.0 if better(report, metric) == "more is better" else 1.0

    def harm(lesion: Lesion) -> float:
        after = _finite(lesion.score.get(metric))
        return math.inf if math.isnan(after) else sign * (after - _finite(report.score[metric]))

    return harm


def _values(table: _Table) -> np.ndarray:
    """Every finite score in the figure."""
    lesions = [x for row in table.rows for x in row.lesions] + [x for own in table.controls.values() for x in own]
    values = np.array([table.before, table.chance, *(table.score(x) for x in lesions)])
    return values[np.isfinite(values)]


def _reach(table: _Table) -> np.ndarray:
    """The same with the ends of the error bars of what is shown one by one."""
    alone = [x for row in table.rows if not row.rest for x in row.lesions] if table.judged and not table.log else []
    ends = np.array([table.score(x) + sign * _finite(x.standard_error) for x in alone for sign in (-1, 1)])
    return np.concatenate([_values(table), ends[np.isfinite(ends)]])


def _mode_name(lesion: Lesion) -> str:
    """ "λ 0.9969 of 0110": of a pair the modulus."""
    code = style.short_code(lesion.bitcode or "", 11)
    if not lesion.eigenvalues:
        return f"mode of {code}"
    value = complex(*lesion.eigenvalues[0])
    real = abs(value.imag) < 1e-12
    return f"{'λ' if real else '|λ|'} {(value.real if real else abs(value)):.4g}".replace("-", "−") + f" of {code}"


def _draw_one(part: SubFigure, table: _Table, label: str, width: str) -> None:
    axes = part.subplots()
    scale = style.scale(width)
    values = _reach(table)
    lost = any(math.isnan(table.score(x)) for row in table.rows for x in row.lesions)
    right = _limits(axes, values, table.log, lost)
    axes.axvline(table.before, color="black", lw=1.0 * scale, zorder=1, gid="before")
    axes.axvline(table.chance, color=style.GREY, lw=0.9 * scale, ls=(0, (4, 2)), zorder=1, gid="chance")
    seen: dict[str, Any] = {}
    for y, row in enumerate(table.rows):
        if row.rest:
            own = np.array([table.score(x) for x in row.lesions])
            own = own[np.isfinite(own)]
            if len(own):
                axes.barh(
                    y,
                    own.max() - own.min(),
                    left=own.min(),
                    height=0.5,
                    fc="white",
                    ec="black",
                    lw=0.5,
                    hatch="////",
                    gid="rest",
                )
            continue
        if row.modes:
            _band(axes, table, row.lesions[0].rank, y, seen, scale)
        _dots(axes, table, row, y, right, scale)
    _names(axes, table, width)
    axes.set_xlabel(table.metric.replace("_", " ") + (f" ({table.better})" if table.better else ""))
    part.suptitle(_title(table, label), x=0.01, ha="left")
    handles = _handles(table, seen, lost, scale)
    part.legend(handles=handles, loc="outside lower center", ncols=2 if width == "column" else 4, handlelength=1.4)


def _limits(axes: Axes, values: np.ndarray, log: bool, lost: bool) -> float:
    """The axis of scores. Returns: where marks stand that are not finite."""
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    if log:
        span = max(math.log10(high / low), 0.3)
        high *= 10 ** ((0.12 if lost else 0.04) * span)
        axes.set_xscale("log")
        axes.set_xlim(low / 10 ** (0.04 * span), high)
        axes.xaxis.set_major_locator(LogLocator(numticks=7))
        axes.xaxis.set_major_formatter(LogFormatterSciNotation())
        axes.xaxis.set_minor_formatter(NullFormatter())
        return high / 10 ** (0.05 * span)
    span = max(high - low, 1e-3 * abs(high), 1e-9)
    high += (0.12 if lost else 0.04) * span
    axes.set_xlim(low - 0.04 * span, high)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    return high - 0.05 * span


def _band(axes: Axes, table: _Table, rank: int, y: int, seen: dict[str, Any], scale: float) -> None:
    """Range and median of random directions of this rank."""
    values = np.array([table.score(x) for x in table.controls.get(rank, ())])
    values = values[np.isfinite(values)]
    if len(values):
        axes.barh(
            y,
            values.max() - values.min(),
            left=values.min(),
            height=0.72,
            color="#d9d9d9",
            lw=0,
            zorder=0.5,
            gid="controls",
        )
        axes.plot([np.median(values)] * 2, [y - 0.36, y + 0.36], color=style.GREY, lw=1.4 * scale, zorder=0.6, gid="median",
                  solid_capstyle="butt")  # fmt: skip
        seen["controls"] = True


def _dots(axes: Axes, table: _Table, row: _Row, y: int, right: float, scale: float) -> None:
    """A unit's two lesions, joined by a line, or a mode's one."""
    finite = [table.score(x) for x in row.lesions if not math.isnan(table.score(x))]
    if len(finite) > 1:
        axes.plot([min(finite), max(finite)], [y, y], color=style.LIGHT, lw=0.8 * scale, zorder=1.5)
    for lesion in row.lesions:
        marker, colour, _ = _LOOK[lesion.kind]
        x = table.score(lesion)
        if math.isnan(x):
            axes.plot(
                right,
                y,
                ls="none",
                marker="x",
                color=colour,
                ms=4.5 * scale,
                mew=1.2 * scale,
                gid="not finite",
                zorder=4,
            )
            continue
        error = _finite(lesion.standard_error) if table.judged else math.nan
        if error > 0:
            low = max(x - error, axes.get_xlim()[0]) if table.log else x - error
            axes.plot([low, x + error], [y, y], color=colour, lw=0.9 * scale, zorder=3, gid="error")
        axes.plot(
            x,
            y,
            ls="none",
            marker=marker,
            color=colour,
            ms=4.5 * scale,
            mec="white",
            mew=0.4 * scale,
            zorder=4,
            gid=lesion.kind,
        )


def _names(axes: Axes, table: _Table, width: str) -> None:
    axes.set_yticks(range(len(table.rows)), [row.name for row in table.rows], fontsize=style.FONTS[width])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(table.rows) - 0.4, -0.6)
    units = sum(not row.modes for row in table.rows)
    if 0 < units < len(table.rows):
        axes.axhline(units - 0.5, color=style.LIGHT, lw=0.6, zorder=0)
    axes.grid(axis="x", color="#e4e4e4", lw=0.5)


def _title(table: _Table, label: str) -> str:
    text = f"{table.metric.replace('_', ' ')} after each lesion"
    return f"{label}\n{text}" if label else text


def _handles(table: _Table, seen: Mapping[str, Any], lost: bool, scale: float) -> list[Any]:
    kinds = {x.kind for row in table.rows if not row.rest for x in row.lesions}
    handles: list[Any] = [
        Line2D([], [], ls="none", marker=marker, color=colour, mec="white", mew=0.4 * scale, ms=4.5 * scale, label=text)
        for kind, (marker, colour, text) in _LOOK.items()
        if kind in kinds
    ]
    if lost:
        handles.append(
            Line2D([], [], ls="none", marker="x", color="black", mew=1.2 * scale, ms=4.5 * scale, label="not finite")
        )
    handles.append(Line2D([], [], color="black", lw=1.0 * scale, label=f"before, {number(table.before)}"))
    if not math.isnan(table.chance):
        handles.append(
            Line2D([], [], color=style.GREY, lw=0.9 * scale, ls=(0, (4, 2)), label=f"chance, {number(table.chance)}")
        )
    if seen:
        handles.append(Patch(fc="#d9d9d9", lw=0, label="random directions"))
    return handles


def _data(table: _Table, label: str) -> list[dict[str, Any]]:
    """A row for the model as it is, for each lesion, and for each random direction."""
    head = {"report": label, "metric": table.metric}
    none = {
        "shown": True,
        "unit": None,
        "bit": None,
        "bitcode": None,
        "standard_error": None,
        "effect": None,
        "diverged": None,
        "rank": None,
    }
    rows: list[dict[str, Any]] = [
        {**head, "what": what, "target": None, "score": value, **none}
        for what, value in (("before", table.before), ("chance", table.chance))
        if not math.isnan(value)
    ]
    each = [(not row.rest, x) for row in table.rows for x in row.lesions]
    each += [(True, x) for own in table.controls.values() for x in own]
    for alone, x in each:
        score = table.score(x)
        rows.append({
            **head, "what": x.kind, "target": x.target, "score": None if math.isnan(score) else score, "shown": alone, "unit": x.unit,
            "bit": None if x.bit is None else int(x.bit), "bitcode": x.bitcode,
            "standard_error": x.standard_error if table.judged else None, "effect": x.effect, "diverged": x.diverged, "rank": x.rank,
        })  # fmt: skip
    return rows


def _caption(tables: Sequence[_Table]) -> str:
    said = ["Score on the same trials after each lesion, against that of the model as it is."]
    if any(not row.modes for t in tables for row in t.rows):
        said.append(
            "Triangles: the bit of one nonlinear unit held at 1 (linear) or 0 (silent) at every step; "
            "a unit is needed for its switching where both harm."
        )
    if any(row.modes for t in tables for row in t.rows):
        said.append("Dots: one slow mode of a subregion removed after every step, of a pair both.")
    if any(t.controls for t in tables):
        counts = sorted({len(own) for t in tables for own in t.controls.values()})
        said.append(
            f"Grey: range and median of {' or '.join(map(str, counts))} random directions of as many dimensions."
        )
    if any(t.judged for t in tables):
        said.append("Lines: one standard error of the change, paired over groups of trials.")
    rest = sum(row.rest for t in tables for row in t.rows)
    if rest:
        said.append("Hatched: range of the lesions not shown one by one.")
    diverged = sum(math.isnan(t.score(x)) for t in tables for row in t.rows for x in row.lesions)
    if diverged:
        said.append(f"×: outputs are not finite in some trial ({many(diverged, 'lesion')}).")
    return " ".join(dict.fromkeys(said))
