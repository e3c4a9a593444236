"""How often each linear subregion is used, by phase or condition.

Bars by bitcode, over all states and in each phase or condition beside each other; where these are many, a picture with a column for
each. Sorted by use over all states; what is beyond the first `top` is summed as "other". Bitcodes read from unit M-P to unit M-1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import SubFigure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from ..errors import InputError, UsageError
from ..records import AnalysisReport, Region, Usage
from . import style
from .drawing import Drawing, many, needs_subregions, one_of, whole

OPTIONS = (
    ("top", "16", "subregions shown one by one; the rest is summed as other"),
    ("log", "no", "yes: logarithmic scale of shares"),
    ("by", "auto", "beside all states: phase, condition, none, or auto (phases if there are any, else conditions)"),
)

_COLUMNS = {"column": 3, "full": 5, "slide": 5}
_ROWS = 2  # of panels; more are a picture
_NAMED = 40  # columns of a picture that have their names beneath

_ROW, _HEAD = 0.135, 0.28  # inches for a bar, and for a panel's title


def draw(reports: Sequence[AnalysisReport], labels: Sequence[str], width: str, options: Mapping[str, str]) -> Drawing:
    """Shares of subregions. Errors: InputError where no state was counted; UsageError for a bad option."""
    needs_subregions("bitcodes", reports)
    top = whole("bitcodes", "top", options["top"], 1)
    log = one_of("bitcodes", "log", options["log"], ("no", "yes")) == "yes"
    by = one_of("bitcodes", "by", options["by"], ("auto", "phase", "condition", "none"))
    sides = [_side(report, by) for report in reports]
    tables = [_table(r, label, top, *side) for r, label, side in zip(reports, labels, sides, strict=True)]
    heights = [_height(table, width) for table in tables]
    figure = style.new(width, sum(heights))
    parts = style.parts(figure, heights)
    for part, report, label, table, (side, _) in zip(parts, reports, labels, tables, sides, strict=True):
        lag = report.lag if side == "phase" else 0
        if _pictured(table, width):
            _draw_picture(part, table, _title(report, label), width, log, side)
        else:
            _draw_bars(part, table, _title(report, label), width, log, lag)
    data = [row for table in tables for row in table]
    return Drawing(figure, _caption(reports, tables, sides, log), data)


def _side(report: AnalysisReport, by: str) -> tuple[str, list[str]]:
    """What all states are set beside, "phase", "condition" or "none", and the names of those that have a state.

    Errors: UsageError where what was asked for is not in the report.
    """
    task = report.task or {}
    names = {
        "none": [],
        "phase": _in_order(report.usage, task.get("phase_names")),
        "condition": _in_order(report.usage_by_condition, task.get("condition_names")),
    }
    if report.model["P"] == 0:
        return "none", []
    if by == "auto":
        by = next((side for side in ("phase", "condition") if names[side]), "none")
    elif by != "none" and not names[by]:
        raise UsageError(
            f"Figure 'bitcodes', option 'by': the report's states are of no {by}.", "Try by=none.",
        )  # fmt: skip
    return by, names[by]


def _in_order(used: Mapping[str, Usage], names: Sequence[str] | None) -> list[str]:
    """Those with a state, in the task's order: a file has them in alphabetical order."""
    there = [name for name, use in used.items() if name != "all" and use.n_states]
    order = {name: k for k, name in enumerate(names or ())}
    return sorted(there, key=lambda name: order.get(name, len(order)))


def _table(report: AnalysisReport, label: str, top: int, side: str, names: list[str]) -> list[dict[str, Any]]:
    """Rows of the figure: one for each panel and bar, panels in order, bars by falling use."""
    used = sorted((r for r in report.regions if r.visited), key=lambda r: (-r.count, r.bitcode))
    if not used:
        raise InputError(
            "The report counts no visited subregion: there is nothing to draw.",
            "Analyze with trials whose states are finite: alrnn analyze CHECKPOINT --trials 100",
        )
    shown, rest = used[:top], used[top:]
    n_visited = report.usage["all"].n_visited if "all" in report.usage else len(used)
    n_other = max(n_visited, len(used)) - len(shown)
    rows: list[dict[str, Any]] = []
    for panel in ["all", *names]:

        def share(region: Region, panel: str = panel) -> float:
            own = region.frequency_after_phase if report.lag else region.frequency_by_phase
            if side == "condition":
                own = region.frequency_by_condition
            value = region.frequency if panel == "all" else own.get(panel)
            return float(value) if value is not None and math.isfinite(value) else 0.0

        shares = [share(r) for r in shown]
        head = {"report": label, "panel": panel}
        rows += [
            {**head, "bitcode": r.bitcode, "regions": 1, "count": r.count if panel == "all" else None, "frequency": f}
            for r, f in zip(shown, shares, strict=True)
        ]
        if n_other:
            left_out = n_visited > len(used)  # the report itself lists only the most used
            other = max(0.0, 1 - sum(shares)) if left_out else sum(share(r) for r in rest)
            rows.append({**head, "bitcode": None, "regions": n_other, "count": None, "frequency": other})
    return rows


def _panels(table: Sequence[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(row["panel"] for row in table))


def _of(table: Sequence[dict[str, Any]], panel: str) -> list[dict[str, Any]]:
    return [row for row in table if row["panel"] == panel]


def _pictured(table: Sequence[dict[str, Any]], width: str) -> bool:
    """Whether there are too many panels for bars in each."""
    return len(_panels(table)) > _ROWS * _COLUMNS[width]


def _grid(n: int, width: str) -> tuple[int, int]:
    """Rows and columns for n panels, with no row left nearly empty."""
    rows = math.ceil(n / _COLUMNS[width])
    return rows, math.ceil(n / rows)


def _height(table: Sequence[dict[str, Any]], width: str) -> float:
    panels = _panels(table)
    bars = max(len(_of(table, "all")), 2)
    if _pictured(table, width):
        longest = max(map(len, panels)) if len(panels) <= _NAMED else 4
        return 0.75 + _ROW * max(bars, 6) + 0.055 * min(longest, 20)
    return 0.55 + _grid(len(panels), width)[0] * (_HEAD + _ROW * bars)


def _draw_bars(part: SubFigure, table: list[dict[str, Any]], title: str, width: str, log: bool, lag: int) -> None:
    panels = _panels(table)
    rows, columns = _grid(len(panels), width)
    grid = part.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    names = _names(table, width)
    _scale(grid[0, 0], [100 * row["frequency"] for row in table if row["frequency"] > 0], log, columns)
    for j, axes in enumerate(grid.flat):
        if j >= len(panels):
            axes.remove()
            # The panel above it is now the lowest of its column.
            grid.flat[j - columns].tick_params(labelbottom=True)
            continue
        shares = [100 * row["frequency"] for row in _of(table, panels[j])]
        _bars(axes, shares, names, style.CATEGORIES[min(j, 1)], width)
        style.letter(axes, "all states" if panels[j] == "all" else panels[j] + (f" +{lag}" if lag else ""))
    part.supxlabel("share of states (%)", fontsize=style.FONTS[width])
    part.suptitle(title, x=0.01, ha="left")


def _names(table: list[dict[str, Any]], width: str) -> list[str]:
    longest = {"column": 12, "full": 20, "slide": 20}[width]
    return [
        f"other ({row['regions']:,})" if row["bitcode"] is None else style.short_code(row["bitcode"], longest)
        for row in _of(table, "all")
    ]


def _bars(axes: Axes, shares: list[float], names: list[str], colour: str, width: str) -> None:
    """Bars with their shares at the end; a share of nothing has no bar but a 0."""
    place = np.arange(len(shares))
    bars = axes.barh(place, shares, height=0.72, color=colour, edgecolor="black", linewidth=0.4)
    for y, share in zip(place, shares, strict=True):
        x = share if axes.get_xscale() == "linear" or share > 0 else axes.get_xlim()[0]
        axes.annotate(_percent(share), (x, y), xytext=(2, 0), textcoords="offset points", ha="left", va="center",
                      fontsize=style.FONTS[width], gid="share")  # fmt: skip
    axes.set_yticks(place, names, family="monospace", fontsize=style.FONTS[width])
    axes.tick_params(axis="y", length=0)
    if names[-1].startswith("other"):
        bars[-1].set(facecolor="white", hatch="////")
    axes.set_ylim(max(len(shares), 2) - 0.4, -0.6)


def _percent(share: float) -> str:
    """A share in per cent, short: "98", "5.1", "<0.1"."""
    if 0 < share < 0.05:
        return "<0.1"
    if 99.95 <= share < 100:
        return ">99.9"
    return f"{share:.0f}" if share in (0, 100) or 9.95 <= share < 99.5 else f"{share:.1f}"


def _scale(axes: Axes, shares: list[float], log: bool, columns: int) -> None:
    """The x axis, shared by all panels, with room for the numbers at the bars' ends."""
    room = 1 + 0.12 * (columns + 1)  # the narrower the panel, the larger a part of it a number takes
    most = max(shares, default=1.0)
    if log and shares:
        axes.set_xscale("log")
        low = 10 ** math.floor(math.log10(min(shares)) - 0.01)
        axes.set_xlim(low, most * (most / low) ** (room - 1))
        decades = np.arange(round(math.log10(low)), math.floor(math.log10(most)) + 1)
        axes.set_xticks([10.0**k for k in decades[:: -(-len(decades) // (2 if columns > 1 else 6))]])
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_xlim(0, room * most)
        ticks = MaxNLocator(2 if columns > 1 else 5, steps=[1, 2, 2.5, 5, 10]).tick_values(0, most)
        axes.set_xticks([x for x in ticks if x <= 1.02 * most])
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _draw_picture(part: SubFigure, table: list[dict[str, Any]], title: str, width: str, log: bool, side: str) -> None:
    """Bars of all states, and beside them a row of colours for each bitcode, a column for each phase or condition."""
    left, right = part.subplots(1, 2, sharey=True, width_ratios=(1, 2.2))
    names, columns = _names(table, width), _panels(table)[1:]
    everywhere = [100 * row["frequency"] for row in _of(table, "all")]
    _scale(left, [x for x in everywhere if x > 0], log, 2)
    _bars(left, everywhere, names, style.CATEGORIES[0], width)
    style.letter(left, "all states")
    left.set_xlabel("share (%)")
    values = np.array([[100 * row["frequency"] for row in _of(table, name)] for name in columns]).T
    positive = values[values > 0]
    scale = LogNorm(positive.min(), positive.max()) if log and len(positive) else Normalize(0, values.max())
    image = right.imshow(np.ma.masked_less_equal(values, 0) if log else values, aspect="auto", interpolation="nearest",
                         cmap=style.SCALE, norm=scale, gid="shares")  # fmt: skip
    right.tick_params(axis="both", length=0, labelleft=False)
    if len(columns) <= _NAMED:
        right.set_xticks(range(len(columns)), [style.short_name(name) for name in columns], rotation=90)
    else:
        right.xaxis.set_major_locator(NullLocator())
        right.set_xlabel(f"{side} ({len(columns)})")
    right.spines[:].set_visible(False)
    style.letter(right, f"by {side}")
    bar = part.colorbar(image, ax=right, label="share of states (%)", pad=0.02, aspect=30)
    bar.outline.set_linewidth(0.5)  # type: ignore[operator]
    part.suptitle(title, x=0.01, ha="left")


def _title(report: AnalysisReport, label: str) -> str:
    used = report.usage.get("all")
    P = report.model["P"]
    if used is None:
        return label
    if P == 0:
        return f"{label}\none linear region (P = 0)" if label else "one linear region (P = 0)"
    possible = f"$2^{{{P}}}$" if P > 10 else f"{2**P:,}"
    effective = "" if used.effective_number is None else f", effective number {used.effective_number:.3g}"
    text = f"{used.n_visited:,} of {possible} subregions visited{effective}"
    return f"{label}\n{text}" if label else text


def _caption(
    reports: Sequence[AnalysisReport], tables: list[list[dict[str, Any]]], sides: list[tuple[str, list[str]]], log: bool
) -> str:
    counted = " / ".join(f"{r.usage['all'].n_states:,}" for r in reports if "all" in r.usage)
    said = [
        "Share of states in each linear subregion, by bitcode (1: unit above zero, units M-P to M-1), sorted by use"
        + (f"; {counted} states counted." if counted else ".")
    ]
    for report, table, (side, _) in zip(reports, tables, sides, strict=True):
        if side != "none":
            said.append(f"Beside all states: shares within each {side}.")
        if report.model["P"] == 0:
            said.append("P = 0: the model is linear and has one region.")
        other = next((row["regions"] for row in table if row["bitcode"] is None), 0)
        if other:
            said.append(f"Other: the {many(other, 'less used subregion')} together.")
        if (lag := report.lag) and side == "phase":
            said.append(
                f"+{lag}: states {many(lag, 'step')} after the phase's input, where phase and subregion are most closely tied."
            )
    if log:
        said.append("Logarithmic scale: no bar or colour where no state fell.")
    return " ".join(dict.fromkeys(said))
