"""Slow modes: how long each keeps what it holds against how much of the variance it carries, and what each input writes into outputs.

Above, timescale and share of the variance in its subregion; below (in wide figures beside), the gain of every input through each mode.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from ..errors import InputError
from ..records import AnalysisReport, SlowMode
from . import style
from ._words import by_use, number, steps
from .drawing import Drawing, many, needs_subregions, whole

OPTIONS = (
    ("top", "8", "modes named by a letter and listed with their gains (at most 16), the most used subregions' first"),
    ("regions", "5", "subregions with a colour of their own (at most 7); the rest is grey"),
)

_ROLES = {"storing": "o", "rotating": "D", "alternating": "s", None: "P"}
_ROW = 0.15  # inches of a row of gains
_NAME = 0.115  # inches that a name on end takes
_DECADES = 4.0  # of gain in colours


@dataclass(frozen=True)
class _Modes:
    """Slow modes, the most used subregions' first, within one by falling timescale.

    rank: (n,) of their subregions by use, among those with slow modes; timescale: (n,) steps, infinite where marginal; share: (n,) of
    the variance, NaN where there is none; gain: (n, K) on the one output, or the largest in size over several; signed: whether of one.
    """

    modes: list[SlowMode]
    rank: np.ndarray
    timescale: np.ndarray
    share: np.ndarray
    gain: np.ndarray
    signed: bool
    inputs: list[str]
    named: int


def draw(reports: Sequence[AnalysisReport], labels: Sequence[str], width: str, options: Mapping[str, str]) -> Drawing:
    """Slow modes and their gains. Errors: InputError where a report has no slow mode; UsageError for a bad option."""
    needs_subregions("modes", reports)
    top = min(whole("modes", "top", options["top"], 1), 16)
    coloured = min(whole("modes", "regions", options["regions"], 1), len(style.CATEGORIES))
    found = [_modes(report, top) for report in reports]
    heights = [
        _height(modes, coloured, width) + (0.15 if label else 0) for modes, label in zip(found, labels, strict=True)
    ]
    figure = style.new(width, sum(heights))
    for part, modes, label in zip(style.parts(figure, heights), found, labels, strict=True):
        _draw_one(part, modes, label, coloured, width)
    data = [row for modes, label in zip(found, labels, strict=True) for row in _rows(modes, label)]
    return Drawing(figure, _caption(found, width), data)


def _modes(report: AnalysisReport, top: int) -> _Modes:
    if not report.modes:
        tolerance = report.settings.get("slow_tolerance")
        near = f" within {tolerance:g}" if isinstance(tolerance, float) else ""
        raise InputError(
            f"The report has no slow mode, none with |λ|{near} of 1.", "All eigenvalues: alrnn plot eigenvalues"
        )
    if all(mode.variance_share is None for mode in report.modes):
        raise InputError(
            "Every slow mode in the report is defective, without a share of variance.",
            "All eigenvalues: alrnn plot eigenvalues",
        )
    slow = {mode.bitcode for mode in report.modes}
    used = [region.bitcode for region in by_use(report) if region.bitcode in slow]
    rank = {bitcode: i for i, bitcode in enumerate(used)}
    last = len(rank)

    def life(mode: SlowMode) -> float:
        return math.inf if mode.timescale is None else mode.timescale

    modes = sorted(report.modes, key=lambda m: (rank.get(m.bitcode, last), -life(m), m.eigenvalue))
    K, N = report.model["K"], report.model["N"]
    gain = np.full((len(modes), K), np.nan)
    for i, mode in enumerate(modes):
        if mode.gain is not None and N > 0 and K > 0:
            own = np.array([[math.nan if g is None else g for g in row] for row in mode.gain], float).reshape(N, K)
            gain[i] = own[0] if N == 1 else np.abs(own).max(0)
    names = [str(n) for n in (report.task or {}).get("input_names") or ()]
    return _Modes(
        modes, np.array([rank.get(m.bitcode, last) for m in modes]), np.array([life(m) for m in modes]),
        np.array([math.nan if m.variance_share is None else m.variance_share for m in modes]), gain, N == 1,
        names if len(names) == K else [f"input {k}" for k in range(K)], min(top, len(modes)),
    )  # fmt: skip


def _columns(modes: _Modes, coloured: int, width: str) -> int:
    longest = max(len(str(h.get_label())) for h in _handles(modes, coloured, width))
    return max(1, min(6, int((style.WIDTHS[width] / style.scale(width) - 0.1) / (0.0585 * longest + 0.35))))


def _height(modes: _Modes, coloured: int, width: str) -> float:
    legend = 0.15 * -(-len(_handles(modes, coloured, width)) // _columns(modes, coloured, width))
    table = _table_inches(modes, width)
    if width == "column":
        return 0.25 + 1.9 + (table if modes.inputs else 0) + legend
    return 0.45 + max(1.75, table) + legend


def _table_inches(modes: _Modes, width: str) -> float:
    names = 0.06 * max(map(len, modes.inputs), default=0) if _upright(modes, width) else 0.15
    return _ROW * max(modes.named, 2) + 0.3 + names


def _listed(modes: _Modes, width: str) -> tuple[list[str], float]:
    """Names of the rows of gains, without bitcodes where the inputs need the room. Returns: names, and inches for each input's cells."""
    across, longest = style.WIDTHS[width] / style.scale(width), 9 if width == "column" else 11
    first = modes.modes[: modes.named]
    short = [f"{_life(m)}  {chr(ord('a') + i)}" for i, m in enumerate(first)]
    long = [f"{style.short_code(m.bitcode, longest)}, {name}" for m, name in zip(first, short, strict=True)]

    def room(names: list[str]) -> float:
        left = across - 0.058 * max(map(len, names)) - 0.55
        return (left if width == "column" else (left - 0.5) / 2) / max(len(modes.inputs), 1)

    return (long, room(long)) if room(long) > _NAME else (short, room(short))


def _upright(modes: _Modes, width: str) -> bool:
    """Whether the inputs' names stand on end: side by side they would not fit."""
    return 0.062 * max(map(len, modes.inputs), default=0) + 0.06 > _listed(modes, width)[1]


def _every(modes: _Modes, width: str) -> int:
    """Every how many inputs one is named."""
    return max(1, math.ceil(_NAME / _listed(modes, width)[1]))


def _draw_one(part: SubFigure, modes: _Modes, label: str, coloured: int, width: str) -> None:
    part.suptitle(_title(modes, label), x=0.01, ha="left")
    if not modes.inputs:
        axes = part.subplots()
    elif width == "column":
        above, below = part.subfigures(2, 1, height_ratios=[1.9, _table_inches(modes, width)], squeeze=False)[:, 0]
        axes = above.subplots()
        _gains(below, below.subplots(), modes, width)
    else:
        axes, beside = part.subplots(1, 2)
        _gains(part, beside, modes, width)
    _scatter(axes, modes, coloured, width)
    handles = _handles(modes, coloured, width)
    part.legend(handles=handles, loc="outside lower center", ncols=_columns(modes, coloured, width), handletextpad=0.3)


def _scatter(axes: Axes, modes: _Modes, coloured: int, width: str) -> None:
    scale = style.scale(width)
    drawn = np.flatnonzero(np.isfinite(modes.share))
    x, y = modes.timescale[drawn], 100 * modes.share[drawn]
    edge = _limits(axes, x, y)
    x = np.where(np.isinf(x), edge, x)
    for i in np.argsort(-modes.rank[drawn], kind="stable"):
        mode = modes.modes[drawn[i]]
        colour = style.CATEGORIES[modes.rank[drawn[i]]] if modes.rank[drawn[i]] < coloured else style.GREY
        axes.plot(x[i], y[i], ls="none", marker=_ROLES[mode.role], mec=colour, mfc="white" if mode.kind == "growing" else colour,
                  mew=1.0 * scale, ms=4.2 * scale, zorder=3, gid="mode", clip_on=False)  # fmt: skip
    named = [i for i in range(len(drawn)) if drawn[i] < modes.named]
    _letters(axes, x, y, [(i, chr(ord("a") + int(drawn[i]))) for i in named], width)
    axes.set_xlabel("timescale (steps)")
    axes.set_ylabel("share of variance (%)")


def _limits(axes: Axes, x: np.ndarray, y: np.ndarray) -> float:
    """Scales and limits of the scatter. Returns: where marks without a finite timescale stand."""
    finite = x[np.isfinite(x) & (x > 0)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (10.0, 100.0)
    axes.set_xscale("log")
    span = max(math.log10(high / low), 0.5)
    middle = math.sqrt(low * high)
    half = 10 ** (0.62 * span)
    axes.set_xlim(middle / half, middle * half * (10 ** (0.12 * span) if np.isinf(x).any() else 1))
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if span < 1.2 else (1.0,), numticks=8))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    positive = y[y > 0]
    if len(positive) and len(positive) == len(y) and positive.max() / positive.min() > 30:
        span = math.log10(positive.max() / positive.min())
        axes.set_yscale("log")
        axes.set_ylim(positive.min() / 10 ** (0.1 * span), positive.max() * 10 ** (0.1 * span))
        axes.yaxis.set_major_locator(LogLocator(numticks=6))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        top = float(y.max()) if len(y) and y.max() > 0 else 1.0
        axes.set_ylim(-0.06 * top, 1.15 * top)
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    if np.isinf(x).any():
        axes.text(
            axes.get_xlim()[1],
            axes.get_ylim()[1],
            "|λ| = 1",
            ha="right",
            va="bottom",
            fontsize=axes.xaxis.label.get_fontsize(),
        )
    return float(axes.get_xlim()[1])


def _letters(axes: Axes, x: np.ndarray, y: np.ndarray, named: list[tuple[int, str]], width: str) -> None:
    """A letter beside each named mode, on the side that is least crowded."""
    if not len(x):
        return
    inches = np.array([style.WIDTHS[width] / style.scale(width) * (0.75 if width == "column" else 0.36), 1.4])

    def place(values: np.ndarray, axis: str) -> np.ndarray:
        low, high = getattr(axes, f"get_{axis}lim")()
        if getattr(axes, f"get_{axis}scale")() == "log":
            values, low, high = np.log(values), math.log(low), math.log(high)
        return np.asarray((values - low) / (high - low))

    at = np.stack([place(x, "x"), place(y, "y")], 1) * inches
    taken, sides = list(at), np.pi * np.array([0.25, 0.75, -0.25, -0.75, 0, 1, 0.5, -0.5])
    offsets = [
        r * np.array((math.cos(a), math.sin(a))) for r in (0.1, 0.16, 0.22) for a in sides
    ]  # inches from the mark
    for i, letter in named:

        def room(offset: np.ndarray, mark: np.ndarray = at[i]) -> float:
            """Distance to what is nearest, as far as it matters; beyond the edge there is none."""
            spot = mark + offset
            inside = bool((spot > 0.05).all() and (spot < inches - 0.05).all())
            return min(0.0999, *(float(np.hypot(*(spot - other))) for other in taken)) if inside else -1.0

        best = max(offsets, key=room)  # the first, and so the nearest, of those with enough
        taken.append(at[i] + best)
        axes.annotate(letter, (x[i], y[i]), tuple(72 * style.scale(width) * best), textcoords="offset points", ha="center", va="center",
                      fontsize=style.FONTS[width], gid="letter", zorder=4, annotation_clip=False)  # fmt: skip


def _gains(part: SubFigure, axes: Axes, modes: _Modes, width: str) -> None:
    """A cell for each named mode and input."""
    shown = modes.gain[: modes.named]
    size = np.ma.masked_invalid(np.abs(shown))
    largest = float(size.max()) if size.count() and size.max() > 0 else 1.0
    smallest = largest / 10**_DECADES
    norm = LogNorm(smallest, largest)
    image = axes.imshow(np.ma.maximum(size, smallest), cmap=style.SCALE, norm=norm, aspect="auto", gid="gains")
    names, room = _listed(modes, width)
    axes.set_yticks(range(modes.named), names)
    every = _every(modes, width)
    axes.set_xticks(
        range(0, len(modes.inputs), every), modes.inputs[::every], rotation=90 if _upright(modes, width) else 0
    )
    axes.tick_params(length=0)
    axes.spines[:].set_visible(True)
    style.letter(axes, "gain, by input" if modes.signed else "largest |gain|, by input")
    if room >= 0.36:
        for i, k in np.ndindex(*shown.shape):
            if math.isfinite(shown[i, k]):
                light = norm(max(abs(float(shown[i, k])), smallest)) > 0.6
                axes.text(k, i, number(float(f"{shown[i, k]:.2g}")), ha="center", va="center", color="black" if light else "white",
                          fontsize=style.FONTS[width], gid="gain")  # fmt: skip
    else:
        bar = part.colorbar(image, ax=axes, aspect=15, pad=0.02)
        bar.outline.set_linewidth(0.5)  # type: ignore[operator]
        bar.ax.yaxis.set_major_locator(LogLocator(numticks=4))
        bar.ax.yaxis.set_minor_formatter(NullFormatter())


def _life(mode: SlowMode) -> str:
    return steps(mode.timescale) + (" growing" if mode.kind == "growing" else "")


def _title(modes: _Modes, label: str) -> str:
    longest = float(modes.timescale.max())
    regions = len({m.bitcode for m in modes.modes})
    text = f"{many(len(modes.modes), 'slow mode')} in {many(regions, 'subregion')}"
    growing = sum(m.kind == "growing" for m in modes.modes)
    text += f", {growing} growing" if growing else ""
    if math.isfinite(longest) and not growing:
        text += f", up to {steps(longest)}"
    return f"{label}\n{text}" if label else text


def _handles(modes: _Modes, coloured: int, width: str) -> list[Any]:
    scale = style.scale(width)
    longest = 9 if width == "column" else 16
    first = {int(r): m.bitcode for r, m in zip(modes.rank[::-1], modes.modes[::-1], strict=True)}
    look: dict[str, Any] = {"ls": "none", "ms": 4.2 * scale, "mew": 1.0 * scale}
    handles: list[Any] = [
        Line2D([], [], marker="o", color=style.CATEGORIES[rank], label=style.short_code(code, longest), **look)
        for rank, code in sorted(first.items())
        if rank < coloured
    ]
    if any(rank >= coloured for rank in first):
        handles.append(
            Line2D([], [], marker="o", color=style.GREY, label=f"others ({sum(r >= coloured for r in first)})", **look)
        )
    roles = dict.fromkeys(m.role for m in modes.modes)
    handles += [
        Line2D([], [], marker=_ROLES[role], color="black", label=role or "unknown role", **look)
        for role in roles
        if len(roles) > 1
    ]
    if any(m.kind == "growing" for m in modes.modes):
        handles.append(Line2D([], [], marker="o", mec="black", mfc="white", label="growing", **look))
    return handles


def _rows(modes: _Modes, label: str) -> list[dict[str, Any]]:
    """A row for each mode and input; input None where there is none."""

    def told(x: float) -> float | None:
        return float(x) if math.isfinite(x) else None

    return [
        {"report": label, "name": chr(ord("a") + i) if i < modes.named else None, "bitcode": m.bitcode, "re": m.eigenvalue[0],
         "im": m.eigenvalue[1], "role": m.role, "kind": m.kind, "timescale": m.timescale, "period": m.period,
         "variance_share": told(modes.share[i]), "input": name or None, "gain": told(modes.gain[i, k]) if name else None}
        for i, m in enumerate(modes.modes)
        for k, name in enumerate(modes.inputs or [""])
    ]  # fmt: skip


def _caption(found: Sequence[_Modes], width: str) -> str:
    said = [
        "Modes with |λ| near 1 of the most used subregions (colour, by bitcode): timescale −1/ln|λ| (of a growing one, open, its growth "
        "time) and share of the variance of the states in its subregion; shares of oblique modes overlap and may exceed 100 %. "
        "Storing: near +1; alternating: near −1; rotating: between."
    ]
    if any(m.inputs for m in found):
        said.append(
            "Gains (D r)(lᵀ C) / (lᵀ r) of each input on the output through the mode"
            + ("." if all(m.signed for m in found) else ", of several outputs the largest in size.")
            + " Colour: size, logarithmic."
        )
    every = max(_every(m, width) for m in found if m.inputs) if any(m.inputs for m in found) else 1
    if every > 1:
        said.append(f"Not all inputs are named: one in {every}.")
    missing = sum(int(np.isnan(m.share).sum()) for m in found)
    if missing:
        said.append(f"{many(missing, 'defective mode')} without a share not drawn.")
    if any(m.named < len(m.modes) for m in found):
        said.append(
            "Lettered: "
            + " / ".join(f"{m.named} of {len(m.modes)}" for m in found)
            + ", the most used subregions' first."
        )
    return " ".join(said)
