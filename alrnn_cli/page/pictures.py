"""Every figure that a report supports, ready to stand in a page."""

from __future__ import annotations

from collections.abc import Sequence

from .. import figures
from ..errors import AlrnnError
from ..records import AnalysisReport
from .content import Picture
from .svg import inline

#: Figures that set several reports beside each other.
_SEVERAL = ("loss", "compare")


def pictures(report: AnalysisReport, prefix: str) -> dict[str, Picture]:
    """Figures of one report by name; one that refuses is left out."""
    drawn = {name: _picture(name, [report], None, prefix) for name in figures.names() if name != "compare"}
    return {name: picture for name, picture in drawn.items() if picture is not None}


def comparing(reports: Sequence[AnalysisReport], labels: Sequence[str]) -> list[Picture]:
    """Figures of several reports together."""
    drawn = [_picture(name, reports, labels, "index") for name in figures.names() if name in _SEVERAL]
    return [picture for picture in drawn if picture is not None]


def _picture(name: str, reports: Sequence[AnalysisReport], labels: Sequence[str] | None, prefix: str) -> Picture | None:
    try:
        drawing = figures.draw(name, reports, labels=labels)
    except AlrnnError:
        return None  # the report has not what the figure shows
    return Picture(name, inline(drawing, f"{prefix}-{name}-"), drawing.caption)
