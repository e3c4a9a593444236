"""Eigenvalues of every visited subregion in the complex plane, with the timescales of the slowest modes.

Colour, marker and size say whose they are and how much that subregion is used; a second panel enlarges a cluster at +1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..records import AnalysisReport, Mode, Region
from . import style
from .base import Drawing, Option, Request, models
from .codes import code_labels, visited
from .labels import place

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

OPTIONS = (
    Option("top", 6, "number of subregions with a colour of their own; the others are grey", minimum=1),
    Option("labels", 4, "number of modes labelled with their timescale", minimum=0),
    Option("zoom", "auto", "a second panel that enlarges what lies near +1", choices=("auto", "yes", "no")),
)
_NEAR_ONE = 0.12  # distance from +1 within which eigenvalues make a cluster worth enlarging
_FARTHEST = 3.0  # eigenvalues beyond are marked at the edge
_MANY = 1500  # so many marks are embedded as an image in SVG and PDF


@dataclass(frozen=True)
class _Spectrum:
    """Eigenvalues of one report's visited subregions. values: (r,) of arrays; window: (x0, x1, y0, y1) to enlarge."""

    label: str
    regions: list[Region]
    values: list[np.ndarray]
    limit: float
    window: tuple[float, float, float, float] | None
    names: list[str]
    note: str


def draw(request: Request) -> Drawing:
    """Draw the unit circle and the eigenvalues of J_Ω for every visited subregion."""
    spectra = [_spectrum(r, label, request.options) for r, label in zip(request.reports, request.labels, strict=True)]
    heights = [_height(s, request) for s in spectra]
    figure = style.new_figure(request.width, sum(heights))
    parts: list[Any] = [figure]
    if request.several:
        parts = list(figure.subfigures(len(spectra), 1, height_ratios=heights, squeeze=False)[:, 0])
    todo = []
    for part, spectrum in zip(parts, spectra, strict=True):
        sentence = _sentence(spectrum)
        text = f"{spectrum.label}: {sentence[0].lower()}{sentence[1:]}" if request.several else sentence
        style.title(figure, text, part)
        todo += _panels(part, spectrum, request)
    for ax, anchors, texts, avoid in todo:  # when every panel has its place
        place(figure, ax, anchors, texts, avoid, request.width)
    return Drawing(figure, _caption(request, spectra), [row for s in spectra for row in _rows(s, request)])


def _spectrum(report: AnalysisReport, label: str, options: dict[str, Any]) -> _Spectrum:
    regions = [r for r in visited(report) if r.modes]
    if not regions:
        raise InputError(
            f"{label}: the report lists no eigenvalues of a visited subregion.",
            "Analyze a checkpoint whose states stay finite, on at least one trial.",
        )
    values = [np.array([complex(*m.eigenvalue) for m in r.modes]) for r in regions]
    everything = np.concatenate(values)
    everything = everything[np.isfinite(everything)]
    if not len(everything):
        raise InputError(f"{label}: no eigenvalue is finite.", "Training diverged; analyze an earlier checkpoint.")
    limit = min(_FARTHEST, max(1.18, 1.1 * float(np.abs(everything).max())))
    window = None if options["zoom"] == "no" else _window(everything, options["zoom"] == "yes")
    names, note = code_labels([r.bitcode for r in regions[: options["top"]]])
    return _Spectrum(label, regions, values, limit, window, names, note)


def _window(values: np.ndarray, always: bool) -> tuple[float, float, float, float] | None:
    """The square around the cluster at +1, +1 included; None where there are not two different eigenvalues there."""
    near = values[np.abs(values - 1) < _NEAR_ONE]
    spread = float(np.abs(near - near[0]).max()) if len(near) else 0.0
    if spread < 1e-6 and not always:
        return None
    x = np.r_[near.real, 1.0]
    y = np.r_[near.imag, 0.0]
    half = 0.62 * max(float(np.ptp(x)), float(np.ptp(y)), 1e-4)
    cx, cy = float(x.max() + x.min()) / 2, float(y.max() + y.min()) / 2
    return cx - half, cx + half, cy - half, cy + half


def _height(spectrum: _Spectrum, request: Request) -> float:
    factor = style.scale(request.width)
    entries = len(spectrum.names) + (len(spectrum.regions) > len(spectrum.names))
    if request.width == "column":
        panel = 1.75 if spectrum.window else 2.75
        return panel + 0.4 + 0.16 * math.ceil(entries / 2)
    return (3.0 if spectrum.window else 3.3) * factor


def _panels(part: Figure | SubFigure, spectrum: _Spectrum, request: Request) -> list[tuple[Axes, Any, Any, Any]]:
    """Draw the panels and the legend. Returns: axes, anchors, texts and marks to avoid, for the labels."""
    axes = part.subplots(1, 2 if spectrum.window else 1, squeeze=False)[0]
    everything = np.concatenate(spectrum.values)
    chosen = _labelled(spectrum, request.options["labels"])
    todo = []
    for i, ax in enumerate(axes):
        _circle(ax, style.scale(request.width))
        _marks(ax, spectrum, request)
        ax.set_aspect("equal", adjustable="box")
        ax.set_xlabel("Re λ (per step)")
        ax.set_ylabel("Im λ (per step)")
        if i == 0:
            # Room for labels outside the circle.
            limit = spectrum.limit
            ax.set_xlim(-limit, limit)
            ax.set_ylim(-limit, limit)
            ax.set_xticks(_ticks(limit))
            ax.set_yticks(_ticks(limit))
        else:
            assert spectrum.window is not None
            _enlarge(axes[0], ax, spectrum.window, style.scale(request.width))
        here = [(v, m) for v, m in chosen if _inside(v, spectrum.window) == (i == 1)]
        anchors = [(v.real, v.imag) for v, _ in here if abs(v) <= spectrum.limit]
        texts = [mode_label(m) for v, m in here if abs(v) <= spectrum.limit]
        todo.append((ax, anchors, texts, np.c_[everything.real, everything.imag]))
    beyond = everything[np.abs(everything) > spectrum.limit]
    if len(beyond):
        edge = beyond / np.abs(beyond) * spectrum.limit
        axes[0].plot(edge.real, edge.imag, "x", color=style.INK, clip_on=False, markersize=4, label="_beyond")
    _legend(part, spectrum, request)
    return todo


def _circle(ax: Axes, factor: float) -> None:
    from matplotlib.patches import Circle

    ax.add_patch(Circle((0, 0), 1, facecolor="#F4F4F4", edgecolor=style.INK, linewidth=0.7 * factor, zorder=0.5))
    for line in (ax.axhline, ax.axvline):
        line(0, color=style.FAINT, linewidth=0.5 * factor, zorder=0.8)


def _marks(ax: Axes, spectrum: _Spectrum, request: Request) -> None:
    top, factor = request.options["top"], style.scale(request.width)
    rest = np.concatenate(spectrum.values[top:] or [np.zeros(0, complex)])
    if len(rest):
        ax.scatter(
            rest.real, rest.imag, s=3 * factor**2, color="#9A9A9A", alpha=0.35, linewidths=0, zorder=2,
            rasterized=len(rest) > _MANY, label="rest",
        )  # fmt: skip
    for i, (region, values) in enumerate(zip(spectrum.regions[:top], spectrum.values, strict=False)):
        ax.scatter(
            values.real, values.imag, zorder=4 - 0.1 * min(i, 9), label=region.bitcode,
            s=(7 + 26 * math.sqrt(region.frequency)) * factor**2, **_look(i, factor),
        )  # fmt: skip


def _look(i: int, factor: float) -> dict[str, Any]:
    """Filled and open marks in turn: where two subregions share an eigenvalue, both are seen."""
    color = style.PALETTE[i % 7]
    return {
        "marker": style.MARKERS[i % len(style.MARKERS)],
        "facecolors": "none" if i % 2 else color,
        "edgecolors": color,
        "linewidths": (1.0 if i % 2 else 0.4) * factor,
    }


def _enlarge(main: Axes, ax: Axes, window: tuple[float, float, float, float], factor: float) -> None:
    from matplotlib.patches import Rectangle
    from matplotlib.ticker import MaxNLocator

    x0, x1, y0, y1 = window
    ax.set_xlim(x0, x1)
    ax.set_ylim(y0, y1)
    ax.set_title("enlarged near λ = +1")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(3))
    ax.ticklabel_format(useOffset=False, style="plain")
    ax.spines[["top", "right"]].set_visible(True)
    pad = max(0.0, 0.06 - (x1 - x0) / 2)  # a window too small to see is drawn as a square around it
    main.add_patch(
        Rectangle(
            (x0 - pad, y0 - pad), x1 - x0 + 2 * pad, y1 - y0 + 2 * pad, fill=False, edgecolor=style.MUTED,
            linewidth=0.7 * factor, zorder=5,
        )
    )  # fmt: skip


def _legend(part: Figure | SubFigure, spectrum: _Spectrum, request: Request) -> None:
    from matplotlib.lines import Line2D

    factor = style.scale(request.width)
    handles, texts = [], []
    for i, name in enumerate(spectrum.names):
        look = _look(i, factor)
        face = look["edgecolors"] if look["facecolors"] != "none" else "none"
        handles.append(
            Line2D([], [], linestyle="", marker=look["marker"], markersize=4.5 * factor, markerfacecolor=face,
                   markeredgecolor=look["edgecolors"], markeredgewidth=look["linewidths"])
        )  # fmt: skip
        texts.append(f"{name} ({style.percent(spectrum.regions[i].frequency)})")
    rest = len(spectrum.regions) - len(spectrum.names)
    if rest:
        handles.append(Line2D([], [], linestyle="", marker="o", markersize=2.5 * factor, color="#9A9A9A"))
        texts.append(f"{rest:,} others")
    column = request.width == "column"
    legend = part.legend(
        handles, texts, loc="outside lower left" if column else "outside right center", ncols=2 if column else 1,
        title="subregion (share of states)", alignment="left", handletextpad=0.4, columnspacing=1.2,
    )  # fmt: skip
    legend.get_title().set_fontsize(texts and legend.get_texts()[0].get_fontsize())
    for text in legend.get_texts()[: len(spectrum.names)]:
        text.set_family("monospace")


def _labelled(spectrum: _Spectrum, n: int) -> list[tuple[complex, Mode]]:
    """Modes to label: the one that grows fastest, then those with |λ| nearest 1, none closer to another than can be seen."""
    modes = [(complex(*m.eigenvalue), m) for r in spectrum.regions for m in r.modes if m.eigenvalue[1] >= 0]
    modes = [(v, m) for v, m in modes if m.kind != "instant" and np.isfinite(v)]
    modes.sort(key=lambda pair: (abs(pair[1].modulus - 1), -pair[0].real))
    growing = [pair for pair in modes if pair[1].kind == "growing"]
    chosen: list[tuple[complex, Mode]] = []
    for value, found in [*sorted(growing, key=lambda pair: -pair[1].modulus)[:1], *modes]:
        window = spectrum.window if _inside(value, spectrum.window) else None
        apart = 0.12 * (window[1] - window[0]) if window else 0.12 * spectrum.limit
        if len(chosen) < n and (not chosen or abs(found.modulus - 1) < 0.3 or found.kind == "growing"):
            if all(abs(value - other) > apart for other, _ in chosen):
                chosen.append((value, found))
    return chosen


def _inside(value: complex, window: tuple[float, float, float, float] | None) -> bool:
    return window is not None and window[0] <= value.real <= window[1] and window[2] <= value.imag <= window[3]


def _ticks(limit: float) -> list[float]:
    step = 1.0 if limit < 2.5 else 2.0
    return [step * i for i in range(-int(limit / step), int(limit / step) + 1)]


def mode_label(mode: Mode) -> str:
    """The timescale of a mode in a few words."""
    turn = "" if mode.period is None else f",\nperiod {style.number(mode.period)}"
    if mode.kind == "marginal" or mode.timescale is None:
        return f"marginal{turn}"
    return f"{'grows: ' if mode.kind == 'growing' else ''}{steps(mode.timescale)}{turn}"


def steps(timescale: float) -> str:
    text = style.number(timescale)
    return f"{text} step{'' if text == '1' else 's'}"


def _sentence(spectrum: _Spectrum) -> str:
    modes = [m for r in spectrum.regions for m in r.modes]
    n = len(spectrum.regions)
    unstable = sum(r.stability == "unstable" for r in spectrum.regions)
    marginal = sum(r.stability == "marginal" for r in spectrum.regions)
    decaying = [m.timescale for m in modes if m.kind == "decaying" and m.timescale is not None]
    slow = f"slowest decaying mode: {steps(max(decaying))}" if decaying else "no mode decays gradually"
    if n == 1:
        kind = "a growing mode" if unstable else "a marginal mode" if marginal else "decaying modes only"
        return f"One subregion visited, with {kind}; {slow}"
    if unstable:
        return f"{unstable:,} of {n:,} subregions visited have a growing mode; {slow}"
    if marginal:
        return f"{marginal:,} of {n:,} subregions visited have a mode with |λ| = 1, none a growing one; {slow}"
    return f"Every mode decays in all {n:,} subregions visited; {slow}"


def _rows(spectrum: _Spectrum, request: Request) -> list[dict[str, Any]]:
    return [
        {
            "report": spectrum.label,
            "rank": i + 1,
            "bitcode": region.bitcode,
            "share": region.frequency,
            "re": mode.eigenvalue[0],
            "im": mode.eigenvalue[1],
            "modulus": mode.modulus,
            "kind": mode.kind,
            "timescale": mode.timescale,
            "period": mode.period,
            "coloured": i < request.options["top"],
        }
        for i, region in enumerate(spectrum.regions)
        for mode in region.modes
    ]


def _caption(request: Request, spectra: list[_Spectrum]) -> str:
    parts = [
        models(request),
        "Eigenvalues λ of the Jacobian J = diag(A) + W diag(d) of every visited linear subregion, with the unit circle; "
        "a larger mark belongs to a subregion with a larger share of states. "
        "Labels give the timescale 1/|ln |λ||, in which a mode falls (or, where it says so, grows) by a factor e, and the "
        "period of a mode that rotates; |λ| = 1 to numerical precision is marginal.",
    ]
    if any(len(s.regions) > request.options["top"] for s in spectra):
        parts.append(f"The {request.options['top']} most used subregions are coloured, the others grey.")
    for s, report in zip(spectra, request.reports, strict=True):
        short = sum(len(r.modes) < int(report.model["M"]) for r in s.regions)
        if short:
            parts.append(f"{short:,} subregions of {s.label} are drawn with their leading eigenvalues only.")
        beyond = sum(int((np.abs(v) > s.limit).sum()) for v in s.values)
        if beyond:
            largest = max(float(np.abs(v).max()) for v in s.values)
            parts.append(
                f"Crosses at the edge: {beyond:,} eigenvalues with |λ| > {s.limit:g}, the largest {style.number(largest)}."
            )
    parts += sorted({s.note for s in spectra if s.note})
    return " ".join(parts)
