"""What a reader would call a defect of a picture: words on words, words cut off, small print, panels with nothing in them."""

from __future__ import annotations

from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from alrnn_cli.figures import Drawing


def artists(drawing: Drawing, gid: str) -> list[Any]:
    """What is drawn under this name."""
    return [a for a in drawing.figure.findobj() if a.get_gid() == gid]


def words(drawing: Drawing) -> list[Text]:
    """Every piece of text that is on the page: ticks beyond the limits of their axis are not."""
    figure = drawing.figure
    FigureCanvasAgg(figure).draw()
    hidden: set[int] = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
            low, high = sorted(axis.get_view_interval())
            for tick in ticks:
                if not (
                    axis.get_visible()
                    and axes.axison
                    and low - 1e-9 * abs(low) <= tick.get_loc() <= high + 1e-9 * abs(high)
                ):
                    hidden |= {id(tick.label1), id(tick.label2)}
    found = figure.findobj(Text)
    return [
        t for t in found if isinstance(t, Text) and t.get_visible() and t.get_text().strip() and id(t) not in hidden
    ]


def defects(drawing: Drawing) -> list[str]:
    """Texts that overlap, leave the page or are smaller than 7 pt, and axes without anything drawn."""
    shown = words(drawing)
    page = drawing.figure.bbox
    boxes = [Text.get_window_extent(t) for t in shown]  # of an annotation without its arrow
    found = [f"{t.get_text()!r} is {t.get_fontsize():.1f} pt" for t in shown if t.get_fontsize() < 7]
    for i, (t, box) in enumerate(zip(shown, boxes, strict=True)):
        if box.x0 < page.x0 - 2 or box.y0 < page.y0 - 2 or box.x1 > page.x1 + 2 or box.y1 > page.y1 + 2:
            found.append(f"{t.get_text()!r} is cut off")
        for other, there in zip(shown[:i], boxes[:i], strict=True):
            across = min(box.x1, there.x1) - max(box.x0, there.x0)
            down = min(box.y1, there.y1) - max(box.y0, there.y0)
            if across > 1 and down > 0.15 * min(box.height, there.height):
                found.append(f"{t.get_text()!r} overlaps {other.get_text()!r}")
    found += [
        "empty panel" for axes in drawing.figure.axes if not axes.has_data() and not axes.patches and not axes.texts
    ]
    return found
