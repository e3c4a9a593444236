"""How every figure looks: widths, fonts, colours. One rc dict, used as a context; never pyplot."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from ..errors import UsageError, closest

WIDTHS = {"column": 3.4, "full": 7.0, "slide": 10.0}  # inches
FONTS = {"column": 7.0, "full": 8.0, "slide": 13.0}  # points; nothing is set smaller than the first

# Okabe & Ito's eight, safe for colour-blind readers, ordered so that neighbours differ in lightness too.
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
CATEGORIES = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, BLACK)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (2, 2)))
GREY, LIGHT = "#7f7f7f", "#bdbdbd"
SCALE = "viridis"

RC: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.monospace": ["DejaVu Sans Mono"],
    "mathtext.fontset": "dejavusans",
    "text.usetex": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.titlelocation": "left",
    "axes.titleweight": "normal",
    "axes.unicode_minus": True,
    "axes.axisbelow": True,
    "lines.linewidth": 1.1,
    "lines.markersize": 4,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "legend.columnspacing": 1.2,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "savefig.dpi": 200,
    "savefig.bbox": None,
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "alrnn",
}


def rc(width: str) -> dict[str, Any]:
    """RC with the font sizes of one width. Errors: UsageError for a width that is not in WIDTHS."""
    if width not in WIDTHS:
        raise UsageError(f"No figure width {width!r}: {', '.join(WIDTHS)}.", closest(width, tuple(WIDTHS)))
    size = FONTS[width]
    names = ("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize", "legend.fontsize")
    return {**RC, **dict.fromkeys(names, size), "axes.titlesize": size + 0.5, "figure.titlesize": size + 1}


def context(width: str) -> AbstractContextManager[None]:
    """The style as a context: everything drawn inside looks the same, whatever matplotlibrc says."""
    defaults: dict[str, Any] = dict(matplotlib.rcParamsDefault.items())
    base = {key: defaults[key] for key in _OURS_TO_RESET}
    whole: dict[Any, Any] = {**base, **rc(width)}
    return matplotlib.rc_context(whole)


# A user's matplotlibrc may set these; a figure should not depend on it.
_OURS_TO_RESET = ("axes.grid", "axes.facecolor", "axes.edgecolor", "text.color", "xtick.color", "ytick.color",
                  "axes.labelcolor", "xtick.direction", "ytick.direction", "font.weight", "axes.formatter.limits",
                  "axes.formatter.use_mathtext", "axes.formatter.useoffset", "path.sketch", "path.simplify",
                  "path.simplify_threshold", "agg.path.chunksize", "svg.image_inline", "pdf.compression",
                  "image.composite_image")  # fmt: skip


def width_of(figure: Figure) -> str:
    """Which of WIDTHS a figure was made at."""
    inches = figure.get_figwidth()
    return min(WIDTHS, key=lambda name: abs(WIDTHS[name] - inches))


def context_of(figure: Figure) -> AbstractContextManager[None]:
    """The context a figure was drawn in: ticks are made late, when it is saved."""
    return context(width_of(figure))


def new(width: str, height: float) -> Figure:
    """An empty figure with constrained layout. height: inches at column width's font size, scaled with the font."""
    figure = Figure(figsize=(WIDTHS[width], height * scale(width)), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.03)  # type: ignore[union-attr, call-arg]
    return figure


def parts(figure: Figure, heights: list[float]) -> list[SubFigure]:
    """One part of a figure below the other, for each report."""
    return list(figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0])


def scale(width: str) -> float:
    """How much larger the font is than at column width."""
    return FONTS[width] / FONTS["column"]


def letter(axes: Axes, text: str) -> None:
    """A panel's title, left-aligned over the axes."""
    axes.set_title(text, loc="left")


def short_code(bitcode: str, most: int = 12) -> str:
    """A bitcode as a label: "(linear)" at P = 0, and "0110…0011" where it is longer than `most` characters."""
    if not bitcode:
        return "(linear)"
    if len(bitcode) <= most:
        return bitcode
    head = (most - 1) // 2
    return bitcode[: most - 1 - head] + "…" + bitcode[-head:]


def short_name(name: str, most: int = 20) -> str:
    """A name as a label, its end cut off where it is longer than `most` characters."""
    return name if len(name) <= most else name[: most - 1] + "…"


def labels_of(labels: Any, count: int) -> list[str]:
    """One label for each report; "" for a report that stands alone. Errors: UsageError where their number is wrong."""
    if labels is None:
        return [""] if count == 1 else [f"model {i + 1}" for i in range(count)]
    if len(labels) != count:
        raise UsageError(f"Got {len(labels)} labels for {count} reports.", "Give one label for each report.")
    return [str(label) for label in labels]
