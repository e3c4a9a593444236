"""Fixed points followed along one input: where they are, where they are born and die, and where they pass a switching plane.

Solid: stable; dashed: a saddle or unstable; dotted: marginal. Below, how many real ones there are: a line
from the branches, dots at the values searched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from ..errors import InputError
from ..records import AnalysisReport, Branch, Collision
from . import _axis, _plane, style
from ._axis import Axis
from ._words import apart, number
from .drawing import Drawing, many, needs_subregions, whole

OPTIONS = (
    ("axis", "pc:1", "what of the state: pc:i (principal component, from 1), unit:i or output:i (from 0)"),
    ("top", "6", "subregions with a colour of their own, the longest branches first (at most 7)"),
)

_DASHES: dict[str, Any] = {"stable": "-", "saddle": (0, (4, 1.6)), "unstable": (0, (4, 1.6)), "marginal": (0, (1, 1.2))}
_EVENTS: dict[str, tuple[str, str, str]] = {
    "passes": ("o", "white", "passes a plane"),
    "birth": (">", "black", "two are born"),
    "death": ("<", "black", "two die"),
    "undetermined": ("X", style.LIGHT, "undetermined"),
}
_NAMED = 6  # events with their unit beside them
_INCHES = (1.75, 0.42)


@dataclass(frozen=True)
class _Sweep:
    """What one report has to show. places: (branches, 2) positions at start and end; events: each collision with its positions, one
    or, of two points that meet, two equal ones; states: 1st and 99th percentile of the example states along the axis, or NaN."""

    axis: Axis
    branches: tuple[Branch, ...]
    places: np.ndarray
    events: list[tuple[Collision, float]]
    colours: dict[str, str]
    states: tuple[float, float]


def draw(reports: Sequence[AnalysisReport], labels: Sequence[str], width: str, options: Mapping[str, str]) -> Drawing:
    """Branches along an input. Errors: InputError where a report has none; UsageError for a bad option."""
    needs_subregions("continuation", reports)
    top = min(whole("continuation", "top", options["top"], 1), len(style.CATEGORIES))
    sweeps = [_sweep(report, options["axis"], top) for report in reports]
    heights = [
        sum(_INCHES) + 0.75 + 0.15 * _legend_rows(sweep, width) + (0.15 if label else 0)
        for sweep, label in zip(sweeps, labels, strict=True)
    ]
    figure = style.new(width, sum(heights))
    for part, sweep, report, label in zip(style.parts(figure, heights), sweeps, reports, labels, strict=True):
        _draw_one(part, sweep, report, label, width)
    data = [row for s, r, label in zip(sweeps, reports, labels, strict=True) for row in _rows(s, r, label)]
    return Drawing(figure, _caption(sweeps, reports), data)


def _sweep(report: AnalysisReport, axis: str, top: int) -> _Sweep:
    found = report.continuation
    if found is None:
        raise InputError(
            "The report follows no fixed points along an input.",
            "Make that: alrnn analyze CHECKPOINT --input-sweep NAME=0:1:0.05, with the name of an input",
        )
    if not found.branches:
        raise InputError(
            f"There is no real fixed point anywhere along {found.input}.",
            "Sweep another range: alrnn analyze CHECKPOINT --input-sweep …",
        )
    coordinate = _axis.axis(report, axis, "continuation", "axis")
    places = np.array([(coordinate(b.z_start), coordinate(b.z_end)) for b in found.branches])
    length: dict[str, float] = {}
    for b in found.branches:
        length[b.bitcode] = length.get(b.bitcode, 0.0) + b.end - b.start
    longest = sorted(length, key=lambda code: (-length[code], code))[:top]
    colours = {
        code: style.CATEGORIES[i]
        for i, code in enumerate(dict.fromkeys(b.bitcode for b in found.branches if b.bitcode in longest))
    }
    z, _ = _plane.states(report)
    along = coordinate(z.reshape(-1, z.shape[-1])) if z.size else np.zeros(0)
    along = along[np.isfinite(along)]
    states = tuple(np.percentile(along, (1, 99)).tolist()) if len(along) else (np.nan, np.nan)
    events = [(c, y) for c in found.collisions if np.isfinite(y := _place(c, found.branches, places))]
    return _Sweep(coordinate, found.branches, places, events, colours, (states[0], states[1]))


def _place(event: Collision, branches: Sequence[Branch], places: np.ndarray) -> float:
    """Where a fixed point is when it meets the plane: at the end of a branch in one of the two subregions. NaN where there is none."""
    ends = [
        (abs(at - event.at), float(place))
        for b, (first, last) in zip(branches, places, strict=True)
        if b.bitcode in event.bitcodes
        for at, place in ((b.start, first), (b.end, last))
    ]
    distance, place = min(ends, default=(np.inf, np.nan))
    return place if distance < 1e-6 * max(1.0, abs(event.at)) else float("nan")


def _draw_one(part: SubFigure, sweep: _Sweep, report: AnalysisReport, label: str, width: str) -> None:
    assert report.continuation is not None
    found = report.continuation
    axes, below = part.subplots(2, 1, sharex=True, height_ratios=_INCHES)
    scale = style.scale(width)
    if np.isfinite(sweep.states).all():
        axes.axhspan(*sweep.states, color="#ececec", lw=0, zorder=0, gid="states")
    for b, place in zip(sweep.branches, sweep.places, strict=True):
        axes.plot([b.start, b.end], place, color=sweep.colours.get(b.bitcode, style.GREY), ls=_DASHES[b.stability],
                  lw=1.5 * scale, zorder=2, gid=f"branch-{b.stability}", solid_capstyle="butt",
                  marker="." if b.start == b.end else None)  # fmt: skip
    for event, y in sweep.events:
        marker, face, _ = _EVENTS[event.kind]
        axes.plot(
            event.at,
            y,
            ls="none",
            marker=marker,
            mfc=face,
            mec="black",
            mew=0.8 * scale,
            ms=4.5 * scale,
            zorder=4,
            gid=event.kind,
        )
    axes.set_ylabel(sweep.axis.name)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    low, high = float(min(found.values)), float(max(found.values))
    margin = 0.02 * (high - low or 1.0)
    axes.set_xlim(low - margin, high + margin)
    bottom, up = axes.get_ylim()
    axes.set_ylim(bottom - 0.04 * (up - bottom), up + 0.12 * (up - bottom))
    if len(sweep.events) <= _NAMED:
        _name_events(axes, sweep, width)
    between = _covered(sweep.branches, (low, high))
    below.plot(*between.T, color="black", lw=1.0 * scale, gid="between")
    below.plot(
        found.values, found.real, ls="none", marker="o", ms=2.2 * scale, color="black", mew=0, clip_on=False, gid="real"
    )
    below.set(
        xlabel=f"{found.input} (input)", ylabel="real\npoints", ylim=(0, max(found.real, default=1) * 1.25 + 0.25)
    )
    below.yaxis.set_major_locator(MaxNLocator(2, integer=True))
    part.align_ylabels([axes, below])
    part.suptitle(_title(sweep, report, label), x=0.01, ha="left")
    handles = _handles(sweep, width)
    part.legend(handles=handles, loc="outside lower center", ncols=_columns(sweep, width), handlelength=1.8)


def _covered(branches: Sequence[Branch], span: tuple[float, float]) -> np.ndarray:
    """How many branches there are between one end of a branch and the next, all over the span: corners (n, 2) of a line of steps."""
    at = np.unique([*span, *(x for b in branches for x in (b.start, b.end))])
    # Where one branch ends and the next begins, rounding may leave them apart or let them overlap.
    at = at[np.diff(at, prepend=-np.inf) > 1e-9 * (span[1] - span[0])]
    counts = [sum(b.start <= (x + y) / 2 <= b.end for b in branches) for x, y in pairwise(at.tolist())]
    return np.column_stack([np.repeat(at, 2)[1:-1], np.repeat(counts, 2)])


def _name_events(axes: Axes, sweep: _Sweep, width: str) -> None:
    """Which unit's plane, in a row above the branches, with a line to the event."""
    scale = style.scale(width)
    low, high = axes.get_xlim()
    ordered = sorted(sweep.events, key=lambda event: event[0].at)
    texts = [f"unit {event.unit}" for event, _ in ordered]
    inches = style.WIDTHS[width] / scale - 0.8
    gap = (0.06 * max(map(len, texts), default=0) + 0.08) / inches * (high - low)
    places = apart([event.at for event, _ in ordered], gap, low + gap / 2, high - gap / 2)
    for (event, y), x, text in zip(ordered, places, texts, strict=True):
        axes.annotate(text, (event.at, y), (x, 0.99), xycoords="data", textcoords=("data", "axes fraction"), ha="center", va="top",
                      fontsize=style.FONTS[width], gid="event name", zorder=5,
                      arrowprops={"arrowstyle": "-", "lw": 0.4 * scale, "color": style.GREY, "shrinkA": 1,
                                  "shrinkB": 3 * scale})  # fmt: skip


def _title(sweep: _Sweep, report: AnalysisReport, label: str) -> str:
    assert report.continuation is not None
    counts = report.continuation.real
    span = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    noun = "fixed point" if span == "1" else "fixed points"
    text = f"{span} real {noun} along {report.continuation.input}"
    kinds = [event.kind for event, _ in sweep.events]
    if kinds.count("passes"):
        text += f", {many(kinds.count('passes'), 'passage')}"
    return f"{label}\n{text}" if label else text


def _handles(sweep: _Sweep, width: str) -> list[Any]:
    scale = style.scale(width)
    longest = 11 if width == "column" else 20
    handles: list[Any] = [
        Line2D([], [], color=colour, lw=1.5 * scale, label=f"in {style.short_code(code, longest)}")
        for code, colour in sweep.colours.items()
    ]
    if {b.bitcode for b in sweep.branches} - set(sweep.colours):
        handles.append(Line2D([], [], color=style.GREY, lw=1.5 * scale, label="in others"))
    kinds = {"saddle": "saddle", "unstable": "unstable", "marginal": "marginal"}
    used = {b.stability for b in sweep.branches}
    dashed = " or ".join(kinds[k] for k in ("saddle", "unstable") if k in used)
    if "stable" in used:
        handles.append(Line2D([], [], color="black", lw=1.2 * scale, ls=_DASHES["stable"], label="stable"))
    if dashed:
        handles.append(Line2D([], [], color="black", lw=1.2 * scale, ls=_DASHES["saddle"], label=dashed))
    if "marginal" in used:
        handles.append(Line2D([], [], color="black", lw=1.2 * scale, ls=_DASHES["marginal"], label="marginal"))
    there = {event.kind for event, _ in sweep.events}
    handles += [
        Line2D([], [], ls="none", marker=m, mfc=face, mec="black", mew=0.8 * scale, ms=4.5 * scale, label=text)
        for kind, (m, face, text) in _EVENTS.items()
        if kind in there
    ]
    if np.isfinite(sweep.states).all():
        handles.append(Patch(fc="#ececec", lw=0, label="trials' states"))
    return handles


def _columns(sweep: _Sweep, width: str) -> int:
    longest = max(len(str(handle.get_label())) for handle in _handles(sweep, width))
    return max(1, min(4, int((style.WIDTHS[width] / style.scale(width) - 0.1) / (0.058 * longest + 0.42))))


def _legend_rows(sweep: _Sweep, width: str) -> int:
    return -(-len(_handles(sweep, width)) // _columns(sweep, width))


def _rows(sweep: _Sweep, report: AnalysisReport, label: str) -> list[dict[str, Any]]:
    """A row for each branch (from, to and where), each collision, and each value searched (count of real points)."""
    assert report.continuation is not None
    found = report.continuation
    none = {"to": None, "to_position": None, "bitcode": None, "stability": None, "unit": None, "count": None}
    rows: list[dict[str, Any]] = [
        {"report": label, "what": "branch", "input": b.start, "position": float(y[0]), **none, "to": b.end, "to_position": float(y[1]),
         "bitcode": b.bitcode, "stability": b.stability}
        for b, y in zip(sweep.branches, sweep.places, strict=True)
    ]  # fmt: skip
    rows += [
        {"report": label, "what": event.kind, "input": event.at, "position": y, **none, "bitcode": " | ".join(event.bitcodes),
         "stability": " | ".join(str(s) for s in event.stability), "unit": event.unit}
        for event, y in sweep.events
    ]  # fmt: skip
    rows += [
        {"report": label, "what": "real points", "input": x, "position": None, **none, "count": n}
        for x, n in zip(found.values, found.real, strict=True)
    ]
    if np.isfinite(sweep.states).all():
        low, high = sweep.states
        rows.append({"report": label, "what": "states", "input": None, "position": low, **none, "to_position": high})
    return rows


def _caption(sweeps: Sequence[_Sweep], reports: Sequence[AnalysisReport]) -> str:
    found = [r.continuation for r in reports if r.continuation is not None]
    names = " / ".join(dict.fromkeys(c.input for c in found))
    said = [
        f"Real fixed points under constant input as {names} varies, exact: straight lines within a subregion (colour, by bitcode), "
        "solid where stable, dashed where not."
    ]
    if any(s.events for s in sweeps):
        said.append(
            "Marks: a point meets the switching plane of a unit and passes into the next subregion, or two are born or die there."
        )
    for report, c in zip(reports, found, strict=True):
        names_of = list((report.task or {}).get("input_names") or ())
        others = [
            f"{names_of[k] if k < len(names_of) else f'input {k}'} = {number(v)}"
            for k, v in enumerate(c.held)
            if k != c.index
        ]
        if 0 < len(others) <= 6:
            said.append(f"Held: {', '.join(others)}.")
        if c.singular:
            said.append(f"{many(len(c.singular), 'subregion')} without isolated fixed point left out.")
        if not c.complete:
            said.append("The search is not complete: there may be more.")
        missing = len(c.collisions) - len(sweeps[found.index(c)].events)
        if missing:
            said.append(f"{many(missing, 'meeting')} without a branch not drawn.")
    if any(np.isfinite(s.states).all() for s in sweeps):
        said.append("Grey band: where 98 % of the trials' states are on this axis.")
    return " ".join(dict.fromkeys(said))
