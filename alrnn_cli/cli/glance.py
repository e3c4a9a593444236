"""The part of `alrnn analyze` that shows at a glance: the spectrum of the most used subregions, and how the states are shared out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wording import SPELT
from .charts import bars, has_unicode, spectrum
from .output import console

if TYPE_CHECKING:
    from rich.text import Text

    from ..records import AnalysisReport, Region

ROWS = 12  # subregions with a bar of their own, as many as the table below them has rows
_WIDE = 112  # columns of a screen that has room for two spectra
_NARROW = 64  # columns below which bars and spectrum do not stand beside each other
_GAP = 3


def show_glance(report: AnalysisReport) -> bool:
    """Spectra and bars beside each other; bars only where there is more than one subregion. Returns: whether there are bars."""
    from rich.table import Table
    from rich.text import Text

    visited = [r for r in report.regions if r.visited]
    if not visited:
        return False
    screen = console()
    unicode, width = has_unicode(screen), min(screen.width, 130)
    shown = visited[: 2 if screen.width >= _WIDE else 1]
    panels = [_spectrum(rank, r, unicode=unicode) for rank, r in enumerate(shown, 1)]
    if len(visited) > 1:
        taken = sum(max(line.cell_len for line in panel) + _GAP for panel in panels)
        beside = width >= _NARROW
        panels.append(_bars(report, visited, width - taken if beside else width, unicode=unicode))
        if not beside:
            panels = [[line for panel in panels for line in (*panel, Text())][:-1]]
    grid = Table.grid(*[""] * len(panels), padding=(0, _GAP, 0, 0))
    grid.add_row(*(Text("\n").join(panel) for panel in panels))
    screen.print()
    screen.print(grid)
    return len(visited) > 1


def _name(rank: int, region: Region) -> str:
    """Its bitcode, or its rank by use where that is too long to read, as in the summary."""
    return region.bitcode if len(region.bitcode) <= SPELT else f"#{rank}"


def _spectrum(rank: int, region: Region, *, unicode: bool) -> list[Text]:
    from rich.text import Text

    name = f"subregion {_name(rank, region)}" if region.bitcode else "the linear map"
    drawn = spectrum(region.modes, unicode=unicode)
    return [Text(f"λ in {name}", style="bold"), *drawn.picture, *drawn.legend]


def _bars(report: AnalysisReport, visited: list[Region], width: int, *, unicode: bool) -> list[Text]:
    """One bar for each of the most used, one for all others together."""
    from rich.text import Text

    shares = [(_name(rank, r), r.frequency) for rank, r in enumerate(visited[:ROWS], 1)]
    others = report.usage["all"].n_visited - len(shares)
    if others > 0:
        shares.append((f"{others:,} more", max(0.0, 1 - sum(share for _, share in shares))))
    by_rank = ", by rank" if len(visited[0].bitcode) > SPELT else ""
    return [Text(f"Share of states{by_rank}", style="bold"), *bars(shares, width, unicode=unicode)]
