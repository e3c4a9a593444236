"""Tables of fixed points, of cycles and of fixed points along an input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .output import console, more, number
from .output import table as table_of

if TYPE_CHECKING:
    from ..records import AnalysisReport, FixedPoint

_FEW = 8  # PWL units beyond which the time of one subregion is told
_WORD = 24  # characters of a word
ROWS = 12  # of a table; the files have all


def show_fixed_points(report: AnalysisReport) -> None:
    """Every fixed point with how certain it is and how near the states come to it."""
    screen = console()
    table = table_of(
        "Fixed points, by constant input",
        "input",
        "bitcode",
        "kind",
        "stability",
        ">margin",
        ">error",
        ">to states",
        "note",
    )
    # A virtual one must not push others off the screen.
    for p in sorted(report.fixed_points, key=lambda p: p.kind == "virtual")[:ROWS]:
        stability = f"{p.stability} {p.rotation}" if p.stability else "–"
        table.add_row(
            p.phase,
            p.bitcode or "(P = 0)",
            p.kind,
            stability,
            number(p.margin),
            number(p.error_bound, 2),
            number(p.nearest_state, 2),
            _note(p),
        )
    screen.print()
    if report.fixed_points:
        screen.print(table)
    else:
        screen.print("[bold]Fixed points[/]: none found in its own subregion")
    more(len(report.fixed_points), ROWS)
    counts = [c["virtual"] for c in report.fixed_point_counts.values()]
    virtual = "an unknown number of" if None in counts else f"{sum(n or 0 for n in counts):,}"
    listed = any(p.kind == "virtual" for p in report.fixed_points)
    state = "complete" if report.complete["fixed_points"] else "not complete"
    screen.print(
        f"[dim]{virtual} virtual ones{'' if listed else ' not shown'}; {state}: {report.complete['reason']}{_took(report)}[/]"
    )


def _took(report: AnalysisReport) -> str:
    """How long the search for fixed points took, and how long for each subregion where there are many."""
    seconds = report.provenance.get("seconds", {}).get("fixed_points")
    if seconds is None:
        return ""
    P, inputs = report.model["P"], len(report.fixed_point_counts)
    each = (
        f", {number(1e6 * seconds / (2**P * inputs), 2)} µs for each"
        if P > _FEW and report.complete["fixed_points"]
        else ""
    )
    return f" in {number(seconds, 2)} s{each}"


def _note(point: FixedPoint) -> str:
    if point.kind == "none":
        return f"drifts by {number(point.drift_speed)} a step"
    if point.kind == "continuum":
        where = {True: "reaches into its subregion", False: "outside its subregion", None: ""}[point.meets_region]
        return f"{len(point.directions)}-dimensional, {where}".rstrip(", ")
    return "visited" if point.visited else ""


def show_cycles(report: AnalysisReport) -> None:
    """Every cycle found, and whether those are all."""
    if "cycles" not in report.complete:
        return
    screen = console()
    table = table_of(
        "Cycles, by constant input", "input", ">period", "word", "kind", "stability", ">max |λ|", ">margin"
    )
    for c in report.cycles[:ROWS]:
        word = c.word if len(c.word) <= _WORD else f"{c.word[:_WORD]}…"
        largest = max((abs(complex(*v)) for v in c.eigenvalues), default=0.0)
        table.add_row(
            c.phase, str(c.period), word, c.kind, f"{c.stability} {c.rotation}", number(largest), number(c.margin)
        )
    screen.print()
    if report.cycles:
        screen.print(table)
    else:
        screen.print(
            "[bold]Cycles[/]: none found"
            if report.settings.get("max_period", 2) > 1
            else "[bold]Cycles[/]: not asked for"
        )
    more(len(report.cycles), ROWS)
    state = "complete" if report.complete["cycles"] else "not complete"
    screen.print(f"[dim]{state}: {report.complete['cycles_reason']}[/]")


def show_continuation(report: AnalysisReport) -> None:
    """Branches of fixed points along an input, and where they meet switching planes."""
    c = report.continuation
    if c is None:
        return
    screen = console()
    table = table_of(f"Fixed points along {c.input}", ">from", ">to", "bitcode", "stability")
    for b in c.branches[:ROWS]:
        table.add_row(number(b.start, 4), number(b.end, 4), b.bitcode or "(P = 0)", b.stability)
    screen.print()
    screen.print(table)
    more(len(c.branches), ROWS)
    events = table_of(
        f"Where they meet a switching plane, along {c.input}", f">{c.input}", "unit", "what", "bitcodes", "stability"
    )
    for k in c.collisions[:ROWS]:
        what = {"passes": "passes", "birth": "two are born", "death": "two vanish", "undetermined": "undetermined"}[
            k.kind
        ]
        events.add_row(
            number(k.at, 6), str(k.unit), what, " | ".join(k.bitcodes), " | ".join(x or "–" for x in k.stability)
        )
    if c.collisions:
        screen.print()
        screen.print(events)
        more(len(c.collisions), ROWS)
    state = "complete" if c.complete else "not complete: a search was cut short"
    left = (
        f"; without an isolated fixed point, not followed: {', '.join(b or 'P = 0' for b in c.singular[:4])}"
        if c.singular
        else ""
    )
    left += f" and {len(c.singular) - 4:,} more" if len(c.singular) > 4 else ""
    screen.print(f"[dim]searched at {len(c.values)} values of {c.input}, {state}{left}[/]")
