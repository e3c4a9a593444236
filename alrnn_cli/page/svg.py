"""A figure as SVG that can stand inside a page beside others: names of its own, no style for anyone else, no links out."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from ..figures.drawing import Drawing, render

#: Bytes of one figure beyond which its heavy parts become pixels.
MOST = 250_000
_DROPPED = {"metadata", "style", "title", "script", "a", "foreignObject"}


def inline(drawing: Drawing, prefix: str) -> str:
    """The drawing as one <svg> element whose ids begin with `prefix`; its heavy parts as pixels where it is larger than MOST."""
    data = render(drawing, "svg")
    if len(data) > MOST:
        _rasterise(drawing)
        data = render(drawing, "svg")
    root = ElementTree.fromstring(data)
    width, height = (float(str(root.get(side)).removesuffix("pt")) for side in ("width", "height"))
    _clean(root, prefix)
    kept = {name: value for name, value in root.attrib.items() if name == "viewBox"}
    root.attrib.clear()
    # The joins that matplotlib asks for in a style of every element, which would be every element of the page.
    root.attrib |= {
        **kept,
        "stroke-linejoin": "round",
        "stroke-linecap": "butt",
        "width": f"{width:g}pt",
        "height": f"{height:g}pt",
    }
    return ElementTree.tostring(root, encoding="unicode")


def _rasterise(drawing: Drawing) -> None:
    """Everything inside axes but text and axis lines becomes pixels when it is next drawn."""
    from matplotlib.collections import Collection
    from matplotlib.lines import Line2D

    for axes in drawing.figure.axes:
        for artist in (*axes.collections, *axes.lines, *axes.patches):
            if isinstance(artist, (Collection, Line2D)) or len(axes.patches) > 500:
                artist.set_rasterized(True)


def _clean(element: Any, prefix: str) -> None:
    element.tag = _local(element.tag)
    for child in list(element):
        if not isinstance(child.tag, str) or _local(child.tag) in _DROPPED:
            element.remove(child)
        else:
            _clean(child, prefix)
    for name, value in list(element.attrib.items()):
        del element.attrib[name]
        local = _local(name)
        if local == "id":
            value = prefix + value
        elif local == "href":
            # Inside the figure, or pixels it carries along; nothing else.
            if not value.startswith(("#", "data:image/png;base64,")):
                continue
            value = f"#{prefix}{value[1:]}" if value.startswith("#") else value
        else:
            value = re.sub(r"url\(#([^)]+)\)", lambda m: f"url(#{prefix}{m[1]})", value)
        element.attrib[local] = value


def _local(name: str) -> str:
    return name.rpartition("}")[2]
