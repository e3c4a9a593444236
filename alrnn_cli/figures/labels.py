"""Put text beside points so that no label covers another label, a point, or the edge of the axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation

_RADII = (5.0, 9.0, 14.0, 20.0, 28.0, 38.0, 52.0, 70.0)  # points between a mark and its label
_ANGLES = tuple(2 * math.pi * i / 16 for i in range(16))


def place(
    figure: Figure, ax: Axes, anchors: Sequence[tuple[float, float]], texts: Sequence[str], avoid: Any, width: str
) -> list[Annotation]:
    """Annotate each anchor (data coordinates) with its text where there is room, joined by a thin line where it is far.

    avoid: (n, 2) data coordinates of marks that text should not cover. Earlier anchors choose first; a text for which no
    place is free goes where it covers the fewest marks, and is left out if that would cover another label.
    Returns: the annotations. The figure's layout is settled here, so that places in points hold when it is drawn.
    """
    figure.draw_without_rendering()
    factor = style.scale(width)
    pixel = figure.dpi / 72 * factor
    frame = ax.bbox
    marks = ax.transData.transform(np.asarray(avoid, float).reshape(-1, 2))
    taken: list[tuple[float, float, float, float]] = []
    lines: list[np.ndarray] = []
    out = []
    for anchor, text in zip(anchors, texts, strict=True):
        x, y = ax.transData.transform(anchor)
        w, h = _size(figure, text)
        best: tuple[float, Any] | None = None
        for radius in _RADII:
            for angle in _ANGLES:
                cx = x + math.cos(angle) * (radius * pixel + w / 2)
                cy = y + math.sin(angle) * (radius * pixel + h / 2)
                box = (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)
                if not (frame.x0 <= box[0] and box[2] <= frame.x1 and frame.y0 <= box[1] and box[3] <= frame.y1):
                    continue
                leader = np.linspace((x, y), _nearest(box, x, y), 12)
                if any(_overlap(box, other, 2 * pixel) for other in taken) or _crosses(leader, taken):
                    continue
                if any(_inside(line, box).any() for line in lines):
                    continue
                cost = 12 * _inside(marks, box, 2 * pixel).sum() + radius
                if best is None or cost < best[0]:
                    best = (cost, (cx, cy, box, leader, radius))
            if best is not None and best[0] <= radius:
                break
        if best is None:
            continue
        cx, cy, box, leader, radius = best[1]
        taken.append(box)
        lines.append(leader[2:])
        out.append(_annotate(ax, anchor, text, (cx - x, cy - y), figure.dpi, radius > 9, factor))
    return out


def _annotate(
    ax: Axes, anchor: tuple[float, float], text: str, offset: Any, dpi: float, far: bool, factor: float
) -> Annotation:
    line = {"arrowstyle": "-", "color": style.MUTED, "linewidth": 0.5 * factor, "shrinkA": 0, "shrinkB": 1.5}
    note = ax.annotate(
        text,
        anchor,
        (offset[0] * 72 / dpi, offset[1] * 72 / dpi),
        textcoords="offset points",
        ha="center",
        va="center",
        fontsize=_font_size(),
        arrowprops=line if far else None,
        zorder=6,
        linespacing=1.1,
    )
    note.set_in_layout(False)
    return note


def _font_size() -> float:
    import matplotlib

    return float(matplotlib.rcParams["xtick.labelsize"])


def _size(figure: Figure, text: str) -> tuple[float, float]:
    """Width and height in pixels of text of one or more lines."""
    size = _font_size()
    lines = text.split("\n")
    width = max(style.text_width(figure, line, size) for line in lines) * figure.dpi
    return width, (1.15 * len(lines)) * size * figure.dpi / 72


def _nearest(box: tuple[float, float, float, float], x: float, y: float) -> tuple[float, float]:
    return min(max(x, box[0]), box[2]), min(max(y, box[1]), box[3])


def _inside(points: np.ndarray, box: tuple[float, float, float, float], pad: float = 0.0) -> np.ndarray:
    low, high = (box[0] - pad, box[1] - pad), (box[2] + pad, box[3] + pad)
    inside: np.ndarray = ((points > low) & (points < high)).all(axis=-1)
    return inside


def _overlap(a: tuple[float, ...], b: tuple[float, ...], pad: float) -> bool:
    return a[0] < b[2] + pad and b[0] < a[2] + pad and a[1] < b[3] + pad and b[1] < a[3] + pad


def _crosses(leader: np.ndarray, boxes: Sequence[tuple[float, float, float, float]]) -> bool:
    return any(_inside(leader[2:], box).any() for box in boxes)
