"""Every figure that a report supports, ready to stand in a page."""

from __future__ import annotations

from collections.abc import Sequence

from .. import figures
from ..errors import AlrnnError
from ..records import AnalysisReport
from .content import Picture
from .svg import inline

#: Figures that set several reports beside each other.
_SEVERAL = ("compare", "loss")


def pictures(report: AnalysisReport, prefix: str) -> dict[str, Picture]:
    """Figures of one report by name, their ids beginning with `prefix`; one that refuses is left out."""
    return {
        name: Picture(name, inline(drawn, f"{prefix}{name}-"), drawn.caption)
        for name, drawn in figures.draw_all([report])
        if isinstance(drawn, figures.Drawing)
    }


def comparing(reports: Sequence[AnalysisReport], labels: Sequence[str], prefix: str) -> list[Picture]:
    """Figures of several reports together, those that all of them support."""
    found = []
    for name in _SEVERAL:
        try:
            drawn = figures.draw(name, reports, labels=labels)
        except AlrnnError:
            continue  # the reports have not what the figure shows
        found.append(Picture(name, inline(drawn, f"{prefix}{name}-"), drawn.caption))
    return found
