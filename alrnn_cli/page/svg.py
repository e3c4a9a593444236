"""A figure as SVG that can stand inside a page beside others: names of its own, no style for anyone else, no links out."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from ..figures.drawing import Drawing, render

#: Bytes of one figure beyond which its heavy parts become pixels.
MOST = 250_000
_REFERENCE = re.compile(r"^#(.+)$|url\(#([^)]+)\)")
_DROPPED = {"metadata", "style", "title", "script", "a", "foreignObject"}


def inline(drawing: Drawing, prefix: str) -> str:
    """The drawing as one <svg> element whose ids begin with `prefix`; its heavy parts as pixels where it is larger than MOST."""
    data = render(drawing, "svg")
    if len(data) > MOST:
        _rasterise(drawing)
        data = render(drawing, "svg")
    root = ElementTree.fromstring(data)
    width, height = (float(str(root.get(side)).removesuffix("pt")) for side in ("width", "height"))
    used = {name for element in root.iter() for value in element.attrib.values() for name in _names(value)}
    _clean(root, prefix, used)
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


def _names(value: str) -> set[str]:
    """What an attribute refers to."""
    return {a or b for a, b in _REFERENCE.findall(value)}


def _clean(element: Any, prefix: str, used: set[str]) -> None:
    """Drop namespaces, and what is not drawn; names stay where something refers to them, with the prefix."""
    element.tag = _local(element.tag)
    for child in list(element):
        if not isinstance(child.tag, str) or _local(child.tag) in _DROPPED:
            element.remove(child)
        else:
            _clean(child, prefix, used)
    for name, value in list(element.attrib.items()):
        del element.attrib[name]
        local = _local(name)
        if local == "id":
            if value in used:
                element.set("id", prefix + value)
        elif local == "href":
            if value.startswith("#"):
                element.set("href", f"#{prefix}{value[1:]}")
            elif value.startswith("data:image/png;base64,"):  # pixels that it carries along; nothing else is loaded
                element.set("href", value)
        else:
            element.set(local, re.sub(r"url\(#([^)]+)\)", lambda m: f"url(#{prefix}{m[1]})", value))


def _local(name: str) -> str:
    return name.rpartition("}")[2]
