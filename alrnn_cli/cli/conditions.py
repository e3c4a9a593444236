"""The part of `alrnn analyze` that shows which conditions use which subregions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .output import console, fitted, number

if TYPE_CHECKING:
    from ..records import AnalysisReport, Region

_ROWS = 12  # conditions on the screen; the files have all
_COLUMNS = 6  # subregions beside them
_WIDE = 8  # longest bitcode that heads a column


def show_conditions(report: AnalysisReport) -> None:
    """Shares of the most used subregions in each condition, and what the subregion tells of it; nothing without conditions."""
    from rich.table import Table
    from rich.text import Text

    names = [name for name, used in report.usage_by_condition.items() if used.n_states]
    if len(names) < 2 or not report.model["P"]:
        return
    screen = console()
    top = [r for r in report.regions if r.visited][:_COLUMNS]
    shown = sorted(_most_different(report, names, top), key=names.index)
    table = Table(title="Subregions by condition", title_justify="left", title_style="bold", box=None, pad_edge=False,
                  header_style="dim")  # fmt: skip
    table.add_column("condition", max_width=20, no_wrap=True)
    table.add_column("eff. number", justify="right")
    for rank, region in enumerate(top, 1):
        table.add_column(region.bitcode if len(region.bitcode) <= _WIDE else f"#{rank}", justify="right")
    for name in shown:
        shares = [region.frequency_by_condition.get(name) for region in top]
        table.add_row(
            Text(name),
            number(report.usage_by_condition[name].effective_number),
            *("–" if x is None else f"{100 * x:.1f} %" for x in shares),
        )
    screen.print()
    screen.print(fitted(table, optional=len(top) - 1))
    if len(shown) < len(names):
        screen.print(f"[dim]The {len(shown)} of {len(names)} conditions whose use differs most from all states'[/]")
    told = {"all": "all states", "last": "last states"}
    for where, found in report.condition_information.items():
        screen.print(
            f"[dim]Condition and subregion share {number(found.information)} of {number(found.entropy)} nats ({told[where]}); "
            f"by chance {number(found.chance)}, p = {number(found.p_value, 2)}[/]"
        )


def _most_different(report: AnalysisReport, names: list[str], top: list[Region]) -> list[str]:
    """The conditions that fit the screen: those whose shares of the shown subregions differ most from the shares of all states."""

    def apart(name: str) -> float:
        return sum(abs((r.frequency_by_condition.get(name) or 0.0) - r.frequency) for r in top)

    return sorted(names, key=apart, reverse=True)[:_ROWS]
