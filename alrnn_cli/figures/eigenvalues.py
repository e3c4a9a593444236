"""Eigenvalues of the visited subregions' Jacobians in the unit circle, slow modes named with their timescale.

Colour and marker: subregion, the most used first, the rest grey; size: how often the region is used.
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
from matplotlib.patches import Circle, Rectangle
from matplotlib.ticker import MaxNLocator

from ..errors import InputError
from ..records import AnalysisReport, Mode
from . import style
from .drawing import Drawing, many, needs_subregions, one_of, whole

OPTIONS = (
    ("top", "6", "subregions with a colour of their own (at most 7); the rest is grey"),
    ("slow", "4", "slow modes named with their timescale (at most 8)"),
    ("zoom", "auto", "a panel around +1: auto (where eigenvalues crowd there), yes, no"),
)

_NEAR = 0.15  # what counts as close to +1
_FARTHEST = 2.5  # eigenvalues beyond this modulus are told, not drawn


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
    slow = min(whole("eigenvalues", "slow", options["slow"], 0), 8)
    zoom = one_of("eigenvalues", "zoom", options["zoom"], ("auto", "yes", "no"))
    clouds = [_dots(report) for report in reports]
    radii = [None if zoom == "no" else _zoom_radius(dots, zoom == "yes") for dots in clouds]
    heights = [
        _height(width, radius is not None, label, min(top + 1, _regions(dots)))
        for radius, label, dots in zip(radii, labels, clouds, strict=True)
    ]
    figure = style.new(width, sum(heights))
    parts = style.parts(figure, heights)
    for part, dots, radius, label in zip(parts, clouds, radii, labels, strict=True):
        _draw_one(part, dots, radius, label, top, slow, width)
    return Drawing(figure, _caption(reports, clouds, top), _rows(labels, clouds))


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


def _zoom_radius(dots: Sequence[_Dot], always: bool) -> float | None:
    """Half the side of the panel around +1, or None where the circle alone shows enough."""
    near = {complex(round(d.value.real, 6), round(d.value.imag, 6)) for d in dots if abs(d.value - 1) < _NEAR}
    if len(near) < 3 and not always:
        return None
    reach = float(np.quantile([abs(value - 1) for value in near], 0.9)) if near else _NEAR
    return float(np.clip(1.3 * reach, 1e-3, 1.3 * _NEAR))


def _legend_columns(width: str) -> int:
    return 3 if width == "column" else 4


def _height(width: str, zoomed: bool, label: str, entries: int) -> float:
    """Inches at the font of column width."""
    side = style.WIDTHS[width] / style.scale(width)
    panel = 3.2 if not zoomed else 5.4 if width == "column" else side / 2
    return panel + 0.25 + (0.2 if label else 0.0) + 0.15 * math.ceil(entries / _legend_columns(width))


def _draw_one(
    part: SubFigure, dots: list[_Dot], radius: float | None, label: str, top: int, slow: int, width: str
) -> None:
    count = 1 if radius is None else 2
    shape = (count, 1) if width == "column" else (1, count)  # a column is too narrow for two side by side
    panels = list(part.subplots(*shape, squeeze=False).flat)
    limit = float(np.clip(1.12 * max(abs(d.value) for d in dots), 1.15, 1.05 * _FARTHEST))
    named = _slow_modes(dots, slow, limit, radius)
    inside = [d for d in named if radius is not None and _within(d, radius)]
    for axes in panels:
        _plane(axes)
        _scatter(axes, dots, top, width)
    main = panels[0]
    main.set(xlim=(-limit, limit), ylim=(-limit, limit))
    for axis in (main.xaxis, main.yaxis):
        axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    _name(main, [d for d in named if d not in inside], 0.45 if radius is None else 0.6, width)
    if radius is not None:
        near = panels[1]
        near.set(xlim=(1 - radius, 1 + radius), ylim=(-radius, radius), title="around +1")
        for axis in (near.xaxis, near.yaxis):
            axis.set_major_locator(MaxNLocator(3))
        near.ticklabel_format(useOffset=False)
        main.add_patch(Rectangle((1 - radius, -radius), 2 * radius, 2 * radius, fill=False, lw=0.7, ec="black"))
        _name(near, inside, 0.98, width)
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


def _within(dot: _Dot, radius: float) -> bool:
    return abs(dot.value.real - 1) < radius and abs(dot.value.imag) < radius


def _plane(axes: Axes) -> None:
    axes.set_aspect("equal")
    axes.axhline(0, color=style.LIGHT, lw=0.5, zorder=0)
    axes.axvline(0, color=style.LIGHT, lw=0.5, zorder=0)
    axes.add_patch(Circle((0, 0), 1, fill=False, lw=0.8, ec="black", zorder=0.5, gid="unit circle"))
    axes.set_xlabel("Re λ")
    axes.set_ylabel("Im λ", labelpad=1)


def _scatter(axes: Axes, dots: list[_Dot], top: int, width: str) -> None:
    """The rest in grey underneath, then the most used regions, the least of them first."""
    scale = style.scale(width) ** 2
    rest = [d for d in dots if d.rank >= top]
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
    for rank in range(top - 1, -1, -1):
        own = [d for d in dots if d.rank == rank]
        if not own:
            continue
        xy = np.array([(d.value.real, d.value.imag) for d in own])
        size = (8 + 26 * math.sqrt(own[0].frequency / most)) * scale
        # the most used below and largest, so that smaller marks on the same spot stay in sight
        axes.scatter(
            xy[:, 0], xy[:, 1], s=size, c=style.CATEGORIES[rank], marker=style.MARKERS[rank], lw=0.4,
            ec="white", alpha=0.85,
            zorder=2 + 0.1 * rank, gid=f"region-{rank}",
        )  # fmt: skip


def _slow_modes(dots: list[_Dot], most: int, limit: float, radius: float | None) -> list[_Dot]:
    """The modes with |λ| nearest 1; one for a conjugate pair, and one for eigenvalues too close to be told apart."""
    chosen: list[_Dot] = []
    nearness = [(abs(math.log(d.mode.modulus)), d.rank, k) for k, d in enumerate(dots) if d.mode.modulus > 0]
    for distance, _, k in sorted(nearness):
        if len(chosen) >= most or distance > 0.7:
            break
        d = dots[k]
        apart = 0.04 * (radius if radius is not None and _within(d, radius) else limit)
        if d.value.imag > -1e-12 and abs(d.value) < limit and all(abs(d.value - c.value) > apart for c in chosen):
            chosen.append(d)
    return chosen


def _wording(mode: Mode) -> str:
    """A mode in words, short."""
    if mode.kind == "marginal" or mode.timescale is None:
        text = "|λ| = 1"
    else:
        text = ("grows, " if mode.kind == "growing" else "") + _number(mode.timescale) + " steps"
    return text if mode.period is None else f"{text}, period {mode.period:.3g}"


def _number(value: float) -> str:
    """Three digits, without an exponent up to a million: "4.79", "40,600"."""
    if not 100 <= value < 1e6:
        return f"{value:.3g}"
    digits = 2 - math.floor(math.log10(value))
    return f"{round(value, digits):,.0f}"


def _name(axes: Axes, named: list[_Dot], right: float, width: str) -> None:
    """Labels in a column that ends at `right` (a share of the panel's width), ordered so that leaders do not cross."""
    low, high = axes.get_ylim()
    ordered = sorted(named, key=lambda d: (-d.value.imag, -d.mode.modulus))
    inches = axes.get_figure(root=True).get_figwidth() * axes.get_position().width  # type: ignore[union-attr]
    gap = 1.55 * style.FONTS[width] / 72 / max(inches, 0.5)
    # beside its point, pulled to the middle; above the axis for a real eigenvalue; then spread
    wanted = [0.5 + 0.7 * d.value.imag / (high - low) + (0.25 if abs(d.value.imag) < 1e-9 else 0.0) for d in ordered]
    heights: list[float] = []
    for y in wanted:
        heights.append(min(y, heights[-1] - gap) if heights else min(max(y, 0.6 + gap * len(ordered) / 4), 0.93))
    lift = max(0.0, 0.07 - min(heights, default=1.0))
    for y, d in zip(heights, ordered, strict=True):
        axes.annotate(
            _wording(d.mode), (d.value.real, d.value.imag), (right, y + lift),
            textcoords="axes fraction", ha="right", va="center", fontsize=style.FONTS[width], zorder=6, gid="slow",
            bbox={"boxstyle": "square,pad=0.12", "fc": "white", "ec": "none", "alpha": 0.85},
            arrowprops={"arrowstyle": "-", "lw": 0.5, "color": "black", "shrinkA": 0, "shrinkB": 2,
                        "relpos": (1.0 if right < 0.9 else 0.8, 0.0)},
        )  # fmt: skip


def _handles(dots: list[_Dot], top: int, width: str) -> list[Line2D]:
    longest = 11 if width == "column" else 20
    seen = {d.rank: d for d in reversed(dots)}
    scale = style.scale(width)
    handles = [
        Line2D(
            [], [], ls="none", marker=style.MARKERS[rank], color=style.CATEGORIES[rank], mec="white", mew=0.4,
            ms=5 * scale, label=style.short_code(seen[rank].bitcode, longest),
        )
        for rank in sorted(seen) if rank < top
    ]  # fmt: skip
    rest = sum(rank >= top for rank in seen)
    if rest:
        grey = Line2D([], [], ls="none", marker="o", color=style.GREY, alpha=0.5, mew=0, ms=3 * scale)
        grey.set_label(f"other ({rest:,})")
        handles.append(grey)
    return handles


def _caption(reports: Sequence[AnalysisReport], clouds: list[list[_Dot]], top: int) -> str:
    regions = " / ".join(many(_regions(dots), "visited subregion") for dots in clouds)
    said = [
        f"Eigenvalues λ of the Jacobian in {regions}; circle: |λ| = 1; larger: used more often. "
        "Named: the slowest modes, -1/ln|λ| steps (growth time where |λ| > 1)."
    ]
    if any(_regions(dots) > top for dots in clouds):
        said.append(f"Grey: all but the {top} most used.")
    if any(len(r.modes) < report.model["M"] for report in reports for r in report.regions if r.visited):
        said.append("Of some rarely used subregions the leading eigenvalue only.")
    beyond = sum(abs(d.value) > _FARTHEST for dots in clouds for d in dots)
    if beyond:
        said.append(f"{many(beyond, 'eigenvalue')} with |λ| > {_FARTHEST} may lie outside the axes.")
    return " ".join(said)
