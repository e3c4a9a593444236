"""Tables of the causal tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..records.metrics import parts
from .output import console, number

if TYPE_CHECKING:
    from ..records import AnalysisReport, Lesion, LinearisedUnit

_ROWS = 12  # units, modes and steps on the screen; the files have all
_UNITS = 8  # units that have a column each


def show_lesions(report: AnalysisReport) -> None:
    """In which nonlinear units switching matters, and which slow modes matter, what matters most first."""
    if not report.lesions:
        return
    from rich.table import Table

    from ..analysis.causes import by_unit, controls, gentler, severity

    screen = console()
    metric, before = next(iter(report.score.items()))
    units = by_unit(report.lesions)
    if units:
        share = {u.unit: u.on for u in report.units}
        table = Table(title=f"Nonlinear units, {metric} with the bit fixed ({number(before)} without)", title_justify="left",
                      title_style="bold", box=None, pad_edge=False, header_style="dim")  # fmt: skip
        table.add_column("unit")
        for column in ("on", "linear (1)", "±", "silent (0)", "±", "frozen at"):
            table.add_column(column, justify="right")
        table.add_column("switching used")
        for unit, own in list(units.items())[:_ROWS]:
            linear, silent = own["linearise"], own["silence"]
            table.add_row(
                str(unit),
                f"{100 * share[unit]:.1f} %",
                *_told(linear, metric),
                *_told(silent, metric),
                str(int(bool(own["freeze"].bit))),
                {"worse": "yes", "unclear": "unclear"}.get(gentler(own).effect, "no"),
            )
        screen.print()
        screen.print(table)
        _more(len(units))
        _show_parts(report, units)
    modes = sorted((x for x in report.lesions if x.kind == "remove mode"), key=severity, reverse=True)
    if modes:
        table = Table(title=f"Slow modes removed ({metric} {number(before)} without)", title_justify="left",
                      title_style="bold", box=None, pad_edge=False, header_style="dim")  # fmt: skip
        table.add_column("removed")
        table.add_column(metric, justify="right")
        table.add_column("±", justify="right")
        table.add_column("effect")
        for x in modes[:_ROWS]:
            table.add_row(x.target, *_told(x, metric), x.effect)
        for rank in sorted({x.rank for x in modes}):
            control = controls(report.lesions, rank, metric)
            if control is not None:
                name = control.worst.target.rpartition(" ")[0]
                table.add_row(f"{control.number} {name}s, mean", number(control.mean), "", "")
                table.add_row(f"worst {name}", *_told(control.worst, metric), control.worst.effect)
        screen.print()
        screen.print(table)
        _more(len(modes))
    screen.print(
        "[dim]±: standard error of the change, over ten groups of trials; an effect exceeds three of them; switching is used "
        "where either bit makes the score worse[/]"
    )


def _show_parts(report: AnalysisReport, units: dict[int, dict[str, Lesion]]) -> None:
    """Which part of the metric needs which unit's switching, where it has parts: the score of each with the unit's gentler bit."""
    from rich.table import Table

    from ..analysis.causes import gentler

    metric, own = next(iter(parts(report.score).items()))
    if not own:
        return
    shown = {unit: gentler(lesions).score for unit, lesions in list(units.items())[:_UNITS]}
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    for column in ("none", *map(str, shown)):
        table.add_column(column, justify="right")
    for part, name in own.items():
        table.add_row(part, *(number(score[name], 2) for score in (report.score, *shown.values())))
    screen = console()
    # Not the table's title: that would be broken to the width of a table that may be narrow.
    screen.print(f"\n[bold]{metric.capitalize()} of each, by fixed unit[/]")
    screen.print(table)
    screen.print("[dim]Linear or silent, whichever does less harm to all[/]")


def show_linearised(report: AnalysisReport) -> None:
    """The steps of the greedy search: which unit, made what, and the score with all until then."""
    found = report.linearised
    if found is None or not (found.units or found.refused):
        return
    from rich.table import Table

    screen = console()
    table = Table(title="Fewer nonlinear units",
                  title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")  # fmt: skip
    table.add_column("P", justify="right")
    table.add_column("unit")
    table.add_column("made")
    table.add_column(found.metric, justify="right")
    table.add_column("")
    left = len(found.units) + len(found.remaining)
    rows = [(left - i, step, "never switches" if step.free else "") for i, step in enumerate(found.units, 1)]
    table.add_row(str(left), "", "as it is", number(found.before[found.metric]), "")
    for P, step, note in rows[-_ROWS:]:
        table.add_row(*_step(P, step, found.metric), note)
    if found.refused is not None:
        table.add_row(*_step(len(found.remaining) - 1, found.refused, found.metric), f"beyond {number(found.allowed)}")
    screen.print()
    if len(rows) > _ROWS:
        screen.print(f"[dim]{len(rows) - _ROWS} earlier steps are in the file[/]")
    screen.print(table)
    screen.print("[dim]A greedy search: what remains is enough, and may not be the fewest[/]")


def _told(lesion: Lesion, metric: str) -> tuple[str, str]:
    """A score after a lesion, and the standard error of its change."""
    value = "no change" if lesion.effect == "none" else number(lesion.score[metric])
    return value, "" if lesion.effect == "none" else number(lesion.standard_error, 2)


def _step(P: int, step: LinearisedUnit, metric: str) -> tuple[str, str, str, str]:
    return str(P), str(step.unit), "linear" if step.bit else "silent", number(step.score[metric])


def _more(n: int) -> None:
    if n > _ROWS:
        console().print(f"[dim]… and {n - _ROWS} more[/]")
