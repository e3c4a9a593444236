"""Eigenvalues of the visited subregions in the unit circle.

Of each subregion's Jacobian; colour and marker: subregion, the most used first, the rest grey; size: how often it is used. The modes
nearest the circle are named with their timescale; a panel around +1 opens where they crowd.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Rectangle
from matplotlib.ticker import MaxNLocator

from ..errors import InputError
from ..records import AnalysisReport, Mode
from . import style
from ._words import number, percent, steps
from .drawing import Drawing, many, needs_subregions, one_of, whole

OPTIONS = (
    ("top", "6", "subregions with a colour of their own (at most 7); the rest is grey"),
    ("slow", "4", "slow modes named with their timescale (at most 6)"),
    ("zoom", "auto", "a panel around +1: auto (where eigenvalues crowd there), yes, no"),
    ("split", "no", "yes: a small panel for each of the top subregions instead"),
)

_NEAR = 0.15  # what counts as close to +1
_FARTHEST = 2.5  # eigenvalues beyond this modulus are told, not drawn
_BESIDE = 0.75  # room for names to the right of the circle, in its radii


@dataclass(frozen=True)
class _Dot:
    """One eigenvalue. rank: of its region by use."""

    value: complex
    rank: int
    bitcode: str
    frequency: float
    mode: Mode


def draw(reports: Sequence[AnalysisReport], labels: Sequence[str], width: str, options: Mapping[str, str]) -> Drawing:
    """Spectra of the visited regions. Errors: InputError where there is none; UsageError for a bad option."""
    needs_subregions("eigenvalues", reports)
    top = min(whole("eigenvalues", "top", options["top"], 1), len(style.CATEGORIES))
    slow = min(whole("eigenvalues", "slow", options["slow"], 0), 6)
    zoom = one_of("eigenvalues", "zoom", options["zoom"], ("auto", "yes", "no"))
    split = one_of("eigenvalues", "split", options["split"], ("no", "yes")) == "yes"
    clouds = [_dots(report) for report in reports]
    views = [_view(dots, "no", 0, top, width) if split else _view(dots, zoom, slow, top, width) for dots in clouds]
    heights = [
        _split_height(width, min(top, _regions(dots)), label)
        if split
        else _height(width, view, label, min(top + 1, _regions(dots)))
        for view, label, dots in zip(views, labels, clouds, strict=True)
    ]
    figure = style.new(width, sum(heights))
    parts = style.parts(figure, heights)
    for part, dots, view, label in zip(parts, clouds, views, labels, strict=True):
        if split:
            _draw_split(part, dots, view, label, top, width)
        else:
            _draw_one(part, dots, view, label, top, width)
    figure.draw_without_rendering()  # so that the panels have their places and names can be dealt out
    for part, view in zip(parts, views, strict=True):
        for axes, named in zip(part.axes, (view.beside, view.near), strict=False):
            _name(axes, named, width)
    return Drawing(figure, _caption(reports, clouds, top, split=split), _rows(labels, clouds))


def _rows(labels: Sequence[str], clouds: list[list[_Dot]]) -> list[dict[str, Any]]:
    return [
        {
            "report": label,
            "bitcode": d.bitcode,
            "frequency": d.frequency,
            "re": d.value.real,
            "im": d.value.imag,
            "modulus": d.mode.modulus,
            "kind": d.mode.kind,
            "timescale": d.mode.timescale,
            "period": d.mode.period,
        }
        for label, dots in zip(labels, clouds, strict=True)
        for d in dots
    ]


def _dots(report: AnalysisReport) -> list[_Dot]:
    """Every finite eigenvalue of the visited regions, the most used region first."""
    used = sorted((r for r in report.regions if r.visited), key=lambda r: (-r.count, r.bitcode))
    dots = [
        _Dot(complex(*mode.eigenvalue), rank, region.bitcode, region.frequency, mode)
        for rank, region in enumerate(used)
        for mode in region.modes
        if None not in mode.eigenvalue and np.isfinite(mode.eigenvalue).all()
    ]
    if not dots:
        raise InputError(
            "The report lists no eigenvalue of a visited subregion.",
            "Analyze with trials whose states are finite: alrnn analyze CHECKPOINT",
        )
    return dots


def _regions(dots: Sequence[_Dot]) -> int:
    return len({d.rank for d in dots})


@dataclass(frozen=True)
class _View:
    """limit: half the side of the circle's panel; radius: half the height of the one around +1, or None, and left, right: how far it
    reaches from there, in radii, the names being to the right; beside, near: modes named in each panel."""

    limit: float
    radius: float | None
    left: float
    right: float
    beside: tuple[_Dot, ...]
    near: tuple[_Dot, ...]

    @property
    def end(self) -> float:
        """Where the circle's panel ends, names included."""
        return self.limit + (_BESIDE if self.beside else 0.0)


def _view(dots: Sequence[_Dot], zoom: str, slow: int, top: int, width: str) -> _View:
    left, right = (1.5, 0.9) if width == "column" else (1.25, 0.75)  # beside the circle, a square like it
    radius = None if zoom == "no" else _zoom_radius(dots, zoom == "yes")
    farthest = max(abs(d.value) for d in dots)
    limit = float(np.clip(1.12 * farthest, 1.15 if radius is None else 1.22, 1.05 * _FARTHEST))
    apart = 0.04 * limit if radius is None else 0.04 * radius
    named = _slow_modes([d for d in dots if d.rank < top and abs(d.value) < limit], slow, apart)
    view = _View(limit, radius, left, right, (), ())
    near = tuple(d for d in named if radius is not None and _within(d, view))
    return replace(view, beside=tuple(d for d in named if d not in near), near=near)


def _zoom_radius(dots: Sequence[_Dot], always: bool) -> float | None:
    """The scale of the panel around +1, or None where the circle alone shows enough."""
    near = {complex(round(d.value.real, 6), round(d.value.imag, 6)) for d in dots if abs(d.value - 1) < _NEAR}
    if len(near) < 3 and not always:
        return None
    reach = float(np.quantile([abs(value - 1) for value in near], 0.9)) if near else _NEAR
    return float(np.clip(reach, 1e-3, 1.2 * _NEAR))


def _legend_columns(width: str) -> int:
    return 2 if width == "column" else 4


def _height(width: str, view: _View, label: str, entries: int) -> float:
    """Inches at the font of column width."""
    side = style.WIDTHS[width] / style.scale(width)
    circle, near = (
        2 * view.limit / (view.limit + view.end),
        2 / (view.left + view.right),
    )  # height by width of the panels
    if view.radius is None:
        panel = min(0.86 * side * circle, 3.0)
    elif width == "column":
        panel = min(0.86 * side * circle, 2.6) + 0.86 * side * near + 0.55
    else:
        panel = max(0.43 * side * circle, 0.43 * side * near) + 0.1
    return panel + 0.45 + (0.2 if label else 0.0) + 0.15 * math.ceil(entries / _legend_columns(width))


def _draw_one(part: SubFigure, dots: list[_Dot], view: _View, label: str, top: int, width: str) -> None:
    count = 1 if view.radius is None else 2
    shape = (count, 1) if width == "column" else (1, count)  # a column is too narrow for two side by side
    panels = list(part.subplots(*shape, squeeze=False).flat)
    for axes in panels:
        _plane(axes)
        _scatter(axes, dots, range(top), width)
    main = panels[0]
    main.set(xlim=(-view.limit, view.end), ylim=(-view.limit, view.limit))
    _ticks(main, view.limit)
    if view.radius is not None:
        r = view.radius
        near = panels[1]
        near.set(xlim=(1 - view.left * r, 1 + view.right * r), ylim=(-r, r), title="around +1")
        near.xaxis.set_major_locator(MaxNLocator(4))
        near.yaxis.set_major_locator(MaxNLocator(3))
        near.ticklabel_format(useOffset=False)
        main.add_patch(Rectangle((1 - view.left * r, -r), (view.left + view.right) * r, 2 * r, fill=False, lw=0.7,
                                 ec="black", clip_on=False, zorder=4))  # fmt: skip
    handles = _handles(dots, top, width)
    part.legend(
        handles=handles,
        loc="outside lower center",
        ncols=min(_legend_columns(width), len(handles)),
        prop={"family": "monospace", "size": style.FONTS[width]},
        handletextpad=0.3,
    )
    if label:
        part.suptitle(label, x=0.01, ha="left")


def _ticks(axes: Axes, limit: float) -> None:
    """Whole numbers within the circle's own part of the panel."""
    places = range(-math.floor(limit), math.floor(limit) + 1)
    axes.set_xticks(places)
    axes.set_yticks(places)


_SPLIT_COLUMNS = {"column": 3, "full": 6, "slide": 4}


def _split_shape(width: str, count: int) -> tuple[int, int]:
    rows = math.ceil(count / _SPLIT_COLUMNS[width])
    return rows, math.ceil(count / rows)


def _split_height(width: str, count: int, label: str) -> float:
    rows, columns = _split_shape(width, count)
    return rows * (min(style.WIDTHS[width] / style.scale(width) / columns, 1.6) + 0.35) + 0.2 + (0.2 if label else 0.0)


def _draw_split(part: SubFigure, dots: list[_Dot], view: _View, label: str, top: int, width: str) -> None:
    """The circle once for each of the most used subregions, with its share and its slowest mode."""
    seen = {d.rank: d for d in reversed(dots)}
    rows, columns = _split_shape(width, min(top, len(seen)))
    grid = part.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for rank, axes in enumerate(grid.flat):
        if rank >= min(top, len(seen)):
            axes.remove()
            continue
        own = [d for d in dots if d.rank == rank]
        _plane(axes)
        _scatter(axes, own, [rank], width)
        axes.set(xlim=(-view.limit, view.limit), ylim=(-view.limit, view.limit), xlabel="", ylabel="")
        _ticks(axes, view.limit)
        slowest = min((d for d in own if d.mode.modulus > 0), key=_slowness, default=None)
        words = "" if slowest is None else "\n" + _wording(slowest.mode).replace("grows,\n", "grows, ").split(",\n")[0]
        code = style.short_code(own[0].bitcode, 9)
        axes.set_title(f"{code} {percent(own[0].frequency)}{words}", fontsize=style.FONTS[width])
    part.supxlabel("Re λ", fontsize=style.FONTS[width])
    part.supylabel("Im λ", fontsize=style.FONTS[width])
    if label:
        part.suptitle(label, x=0.01, ha="left")


def _within(dot: _Dot, view: _View) -> bool:
    """Whether the panel around +1 shows it."""
    r = view.radius or 0.0
    return 1 - view.left * r < dot.value.real < 1 + view.right * r and abs(dot.value.imag) < r


def _plane(axes: Axes) -> None:
    axes.set_aspect("equal")
    axes.axhline(0, color=style.LIGHT, lw=0.5, zorder=0)
    axes.axvline(0, color=style.LIGHT, lw=0.5, zorder=0)
    axes.add_patch(Circle((0, 0), 1, fill=False, lw=0.8, ec="black", zorder=0.5, gid="unit circle"))
    axes.set_xlabel("Re λ")
    axes.set_ylabel("Im λ", labelpad=1)


def _scatter(axes: Axes, dots: list[_Dot], ranks: Sequence[int], width: str) -> None:
    """The regions of these ranks in colour, the others in grey underneath."""
    scale = style.scale(width) ** 2
    rest = [d for d in dots if d.rank not in ranks]
    if rest:
        xy = np.array([(d.value.real, d.value.imag) for d in rest])
        axes.scatter(
            xy[:, 0],
            xy[:, 1],
            s=5 * scale,
            c=style.GREY,
            alpha=0.35,
            lw=0,
            zorder=1,
            gid="rest",
            rasterized=len(rest) > 2000,
        )
    most = max(d.frequency for d in dots) or 1.0
    for rank in ranks:
        own = [d for d in dots if d.rank == rank]
        if not own:
            continue
        xy = np.array([(d.value.real, d.value.imag) for d in own])
        size = (8 + 26 * math.sqrt(own[0].frequency / most) if len(ranks) > 1 else 9) * scale
        # the most used below and largest, so that smaller marks on the same spot stay in sight
        axes.scatter(
            xy[:, 0], xy[:, 1], s=size, c=style.CATEGORIES[rank], marker=style.MARKERS[rank], lw=0.4,
            ec="white", alpha=0.85,
            zorder=2 + 0.1 * rank, gid=f"region-{rank}",
        )  # fmt: skip


def _slow_modes(dots: list[_Dot], most: int, apart: float) -> list[_Dot]:
    """The modes with |λ| nearest 1; one for a conjugate pair, and one for eigenvalues too close to be told apart."""
    chosen: list[_Dot] = []
    for d in sorted((d for d in dots if d.mode.modulus > 0), key=lambda d: (_slowness(d), d.rank)):
        if len(chosen) >= most or _slowness(d) > 0.7:
            break
        if d.value.imag > -1e-12 and all(abs(d.value - c.value) > apart for c in chosen):
            chosen.append(d)
    return chosen


def _slowness(dot: _Dot) -> float:
    """|ln|λ||, 0 on the circle."""
    return abs(math.log(dot.mode.modulus))


def _wording(mode: Mode) -> str:
    """A mode in words, short."""
    text = ("grows,\n" if mode.kind == "growing" else "") + steps(None if mode.kind == "marginal" else mode.timescale)
    return text if mode.period is None else f"{text},\nperiod {number(mode.period)}"


def _name(axes: Axes, named: Sequence[_Dot], width: str) -> None:
    """Names in a column at the right of the panel, above the real axis where there is room, joined to their points by lines that do
    not cross: of all orders the one with the shortest lines."""
    if not named:
        return
    right, (low, high) = axes.get_xlim()[1], axes.get_ylim()
    box = axes.get_window_extent()
    unit = style.FONTS[width] / 72 * axes.get_figure(root=True).dpi * (high - low) / box.height  # type: ignore[union-attr]
    words = [_wording(d.mode).split("\n") for d in named]
    tall = [unit * (1.25 * len(rows) + 0.45) for rows in words]
    start = np.array([(d.value.real, d.value.imag) for d in named])
    edge = right - 0.56 * unit * max(len(row) for rows in words for row in rows)
    wanted = start[:, 1] + np.where(start[:, 1] < 1e-9, 0.3 * (high - low), 0)
    best: tuple[int, float, list[float]] = (len(named) ** 2, 0.0, [])
    for floor in (low + 0.56 * (high - low), low + 0.05 * (high - low)):
        for order in permutations(range(len(named))):  # from above to below
            heights = _stacked(order, wanted, tall, min(floor, high - sum(tall)), high)
            end = np.column_stack([np.full(len(named), edge), heights])
            best = min(best, (_crossings(start, end), float(np.linalg.norm(end - start, axis=1).sum()), heights))
        if best[0] == 0:
            break
    for d, rows, y in zip(named, words, best[2], strict=True):
        axes.annotate(
            "\n".join(rows), (d.value.real, d.value.imag), (edge, y), ha="left", va="center", fontsize=style.FONTS[width],
            linespacing=1.05, zorder=6, gid="slow",
            bbox={"boxstyle": "square,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.9},
            arrowprops={"arrowstyle": "-", "lw": 0.5 * style.scale(width), "color": "black", "shrinkA": 0, "shrinkB": 1,
                        "relpos": (0.0, 0.5)},
        )  # fmt: skip


def _stacked(order: Sequence[int], wanted: np.ndarray, tall: Sequence[float], floor: float, top: float) -> list[float]:
    """Heights of the names in this order from above to below, each near where it is wanted, with room for those that follow."""
    heights = [0.0] * len(order)
    below = sum(tall)
    for i in order:
        below -= tall[i]
        heights[i] = max(min(top - tall[i] / 2, float(wanted[i])), floor + below + tall[i] / 2)
        top = heights[i] - tall[i] / 2
    return heights


def _crossings(start: np.ndarray, end: np.ndarray) -> int:
    """How many pairs of the lines from start to end (n, 2) cross."""

    def side(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> Any:
        return np.sign(
            (b - a)[:, None, 0] * (c[None] - a[:, None])[..., 1] - (b - a)[:, None, 1] * (c[None] - a[:, None])[..., 0]
        )

    parts = side(start, end, start) != side(
        start, end, end
    )  # [i, j]: the line through i has the ends of j on either side
    return int((parts & parts.T & ~np.eye(len(start), dtype=bool)).sum()) // 2


def _handles(dots: list[_Dot], top: int, width: str) -> list[Line2D]:
    longest = 11 if width == "column" else 16
    seen = {d.rank: d for d in reversed(dots)}
    scale = style.scale(width)
    handles = [
        Line2D(
            [], [], ls="none", marker=style.MARKERS[rank], color=style.CATEGORIES[rank], mec="white", mew=0.4,
            ms=5 * scale, label=f"{style.short_code(seen[rank].bitcode, longest)} {percent(seen[rank].frequency)}",
        )
        for rank in sorted(seen) if rank < top
    ]  # fmt: skip
    rest = sum(rank >= top for rank in seen)
    if rest:
        grey = Line2D([], [], ls="none", marker="o", color=style.GREY, alpha=0.5, mew=0, ms=3 * scale)
        grey.set_label(f"other ({rest:,})")
        handles.append(grey)
    return handles


def _caption(reports: Sequence[AnalysisReport], clouds: list[list[_Dot]], top: int, *, split: bool) -> str:
    regions = " / ".join(many(_regions(dots), "visited subregion") for dots in clouds)
    said = [
        f"Eigenvalues λ of the Jacobian in {regions}; circle: |λ| = 1"
        + ("" if split else "; larger: used more often, and share of states")
        + ". Named: "
        + ("each one's slowest mode" if split else "the slowest modes of the most used")
        + ", -1/ln|λ| steps (growth time where |λ| > 1)."
    ]
    if split and any(_regions(dots) > top for dots in clouds):
        said.append(f"The {top} most used are shown.")
    elif any(_regions(dots) > top for dots in clouds):
        said.append(f"Grey: all but the {top} most used.")
    if any(len(r.modes) < report.model["M"] for report in reports for r in report.regions if r.visited):
        said.append("Of some rarely used subregions the leading eigenvalue only.")
    beyond = sum(abs(d.value) > _FARTHEST for dots in clouds for d in dots)
    if beyond:
        said.append(f"{many(beyond, 'eigenvalue')} with |λ| > {_FARTHEST} may lie outside the axes.")
    return " ".join(said)
