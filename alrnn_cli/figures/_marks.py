"""How fixed points and cycles are marked, by what they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.lines import Line2D

from ..records import Cycle, FixedPoint
from . import style

# kind -> (marker, face, what the legend says)
MARKS = {
    "stable": ("o", "black", "stable fixed point"),
    "marginal": ("s", style.LIGHT, "marginal fixed point"),
    "saddle": ("D", "white", "saddle"),
    "unstable": ("o", "white", "unstable fixed point"),
    "undetermined": ("X", style.LIGHT, "undetermined (at a boundary)"),
}
CYCLES = {
    "stable": ("p", "black", "stable cycle"),
    "marginal": ("p", style.LIGHT, "marginal cycle"),
    "saddle": ("p", "white", "unstable cycle"),
    "unstable": ("p", "white", "unstable cycle"),
    "undetermined": ("P", style.LIGHT, "undetermined cycle (at a boundary)"),
    "continuum": ("p", style.LIGHT, "cycle, one of a family"),
}


def kind(point: FixedPoint) -> str:
    """Which of MARKS a point gets; "" for none."""
    if point.z is None or not np.isfinite(np.asarray(point.z, float)).all():
        return ""
    if point.kind == "real":
        return point.stability if point.stability in MARKS else "unstable"
    return "undetermined" if point.kind == "undetermined" else ""


def cycle_kind(cycle: Cycle) -> str:
    """Which of CYCLES a cycle gets."""
    if cycle.kind != "real":
        return cycle.kind if cycle.kind in CYCLES else "undetermined"
    return cycle.stability if cycle.stability in CYCLES else "unstable"


def entry(marker: str, face: str, scale: float, **line: Any) -> Line2D:
    """A legend's mark. line: what joins the marks, none unless said."""
    options: dict[str, Any] = {"ls": "none", **line}
    return Line2D([], [], marker=marker, mfc=face, mec="black", mew=0.9 * scale, ms=5 * scale, **options)
