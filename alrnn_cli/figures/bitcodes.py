"""How often each linear subregion is used: bars by bitcode, over all states and in each phase.

Bars are sorted by use; what is beyond the first `top` is summed as "other". Bitcodes read from unit M-P to unit M-1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.ticker import LogFormatterSciNotation, LogLocator, MaxNLocator, MultipleLocator, NullFormatter

from ..errors import InputError
from ..records import AnalysisReport
from . import style
from .drawing import Drawing, many, needs_subregions, one_of, whole

OPTIONS = (
    ("top", "16", "subregions shown one by one; the rest is summed as other"),
    ("log", "no", "yes: logarithmic axis of shares"),
    ("phases", "yes", "no: all states only"),
)

_COLUMNS = {"column": 3, "full": 5, "slide": 5}
_MOST_PHASES = 9


def draw(reports: Sequence[AnalysisReport], labels: Sequence[str], width: str, options: Mapping[str, str]) -> Drawing:
    """Bars of subregion frequency. Errors: InputError where no state was counted; UsageError for a bad option."""
    needs_subregions("bitcodes", reports)
    top = whole("bitcodes", "top", options["top"], 1)
    log = one_of("bitcodes", "log", options["log"], ("no", "yes")) == "yes"
    by_phase = one_of("bitcodes", "phases", options["phases"], ("no", "yes")) == "yes"
    tables = [_table(r, label, top, by_phase) for r, label in zip(reports, labels, strict=True)]
    heights = [_height(table, width) for table in tables]
    figure = style.new(width, sum(heights))
    parts = style.parts(figure, heights)
    for part, report, label, table in zip(parts, reports, labels, tables, strict=True):
        _draw_one(part, table, _title(report, label), width, log, report.lag)
    data = [row for table in tables for row in table]
    return Drawing(figure, _caption(reports, tables, log), data)


def _table(report: AnalysisReport, label: str, top: int, by_phase: bool) -> list[dict[str, Any]]:
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
    panels = ["all"]
    if by_phase and report.model["P"] > 0:
        # a phase without a single state has no shares
        panels += [name for name, u in report.usage.items() if name != "all" and u.n_states][:_MOST_PHASES]
    rows: list[dict[str, Any]] = []
    for panel in panels:

        def share(region: Any, panel: str = panel) -> float:
            by_phase = region.frequency_after_phase if report.lag else region.frequency_by_phase
            value = region.frequency if panel == "all" else by_phase.get(panel)
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


def _grid(n: int, width: str) -> tuple[int, int]:
    """Rows and columns for n panels, with no row left nearly empty."""
    rows = math.ceil(n / _COLUMNS[width])
    return rows, math.ceil(n / rows)


def _height(table: Sequence[dict[str, Any]], width: str) -> float:
    panels = _panels(table)
    bars = len(table) // len(panels)
    return 0.55 + _grid(len(panels), width)[0] * (0.28 + 0.135 * max(bars, 2))


def _draw_one(part: SubFigure, table: list[dict[str, Any]], title: str, width: str, log: bool, lag: int) -> None:
    panels = _panels(table)
    rows, columns = _grid(len(panels), width)
    grid = part.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    longest = {"column": 12, "full": 20, "slide": 20}[width]
    names = [
        f"other ({row['regions']:,})" if row["bitcode"] is None else style.short_code(row["bitcode"], longest)
        for row in table
        if row["panel"] == "all"
    ]
    for j, axes in enumerate(grid.flat):
        if j >= len(panels):
            axes.remove()
            continue
        shares = [100 * row["frequency"] for row in table if row["panel"] == panels[j]]
        _bars(axes, shares, names, style.CATEGORIES[min(j, 1)], width)
        style.letter(axes, "all states" if panels[j] == "all" else panels[j] + (f" +{lag}" if lag else ""))
    positive = [100 * row["frequency"] for row in table if row["frequency"] > 0]
    _scale(grid[0, 0], positive, log, columns)
    part.supxlabel("share of states (%)", fontsize=style.FONTS[width])
    part.suptitle(title, x=0.01, ha="left")


def _bars(axes: Axes, shares: list[float], names: list[str], colour: str, width: str) -> None:
    place = np.arange(len(shares))
    bars = axes.barh(place, shares, height=0.72, color=colour, edgecolor="black", linewidth=0.4)
    axes.set_yticks(place, names, family="monospace", fontsize=style.FONTS[width])
    axes.tick_params(axis="y", length=0)
    if names[-1].startswith("other"):
        bars[-1].set(facecolor="white", hatch="////")
    axes.set_ylim(max(len(shares), 2) - 0.4, -0.6)


def _scale(axes: Axes, shares: list[float], log: bool, columns: int) -> None:
    """The x axis, shared by all panels."""
    if log and shares:
        axes.set_xscale("log")
        low = 10 ** math.floor(math.log10(min(shares)) - 0.01)
        axes.set_xlim(low, 100)
        axes.xaxis.set_major_locator(LogLocator(numticks=4 if columns > 1 else 6))
        axes.xaxis.set_major_formatter(LogFormatterSciNotation())
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_xlim(0, 1.15 * max(shares, default=1.0))
        axes.xaxis.set_major_locator(MultipleLocator(50) if max(shares, default=100) >= 60 else MaxNLocator(3))


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


def _caption(reports: Sequence[AnalysisReport], tables: list[list[dict[str, Any]]], log: bool) -> str:
    counted = " / ".join(f"{r.usage['all'].n_states:,}" for r in reports if "all" in r.usage)
    said = [
        "Share of states in each linear subregion, by bitcode (1: unit above zero, units M-P to M-1), sorted by use"
        + (f"; {counted} states counted." if counted else ".")
    ]
    for report, table in zip(reports, tables, strict=True):
        if report.model["P"] == 0:
            said.append("P = 0: the model is linear and has one region.")
        other = next((row["regions"] for row in table if row["bitcode"] is None), 0)
        if other:
            said.append(f"Hatched: the {many(other, 'less used subregion')} together.")
        if (lag := report.lag) and len(_panels(table)) > 1:
            said.append(
                f"+{lag}: states {many(lag, 'step')} after the phase's input, where phase and subregion are most closely tied."
            )
        there = [n for n, u in report.usage.items() if n != "all" and u.n_states]
        if len(there) > _MOST_PHASES:
            said.append(f"The first {_MOST_PHASES} of {len(there)} phases are shown.")
    if log:
        said.append("Logarithmic axis: no bar where no state fell.")
    return " ".join(dict.fromkeys(said))
