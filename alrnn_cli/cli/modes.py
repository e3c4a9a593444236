"""Tables of slow modes and Lyapunov exponents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .output import console, more, number
from .output import table as table_of

if TYPE_CHECKING:
    from ..records import AnalysisReport

ROWS = 12  # of a table; the files have all
_GAINS = 4  # gains of a mode that have columns of their own
_WIDE = 100  # columns of a screen that has room for alignments
_OBLIQUE = 9.99  # share of variance beyond which its number says nothing


def show_slow_modes(report: AnalysisReport) -> None:
    """What each slow mode keeps, of what, and whether it holds it for a trial."""
    from ..analysis.lines import leading
    from ..wording import near_one

    shown = report.modes[:ROWS]
    if not shown:
        return
    screen = console()
    task = report.task or {}
    names = [(k, i) for i in task.get("output_names", ()) for k in task.get("input_names", ())]
    if len(names) != report.model["K"] * report.model["N"] or len(names) > _GAINS:
        names = []
    turning, wide = any(m.period for m in shown), screen.width >= _WIDE
    columns = ["bitcode", ">|λ|", ">steps"] + [">period"] * turning + [">variance"] + [f">{k} → {i}" for k, i in names]
    table = table_of("Slow modes", *columns, *[">cos PC1"] * wide, "holds")
    for m in shown:
        gain = [number(x, 2) for row in m.gain for x in row] if m.gain is not None else ["–"] * len(names)
        line = leading(report.line_attractors, m)
        time = "–" if m.timescale is None else f"{m.timescale:,.4g}"
        table.add_row(
            m.bitcode or "(P = 0)",
            near_one(abs(complex(*m.eigenvalue))) + ("" if m.trusted else " ?"),
            f"grows, {time}" if m.kind == "growing" else m.kind if m.kind == "marginal" else time,
            *["–" if m.period is None else number(m.period)] * turning,
            _share(m.variance_share),
            *(gain if names else ()),
            *[number(m.pc_alignment[0]) if m.pc_alignment else "–"] * wide,
            "–" if line is None else f"{line.verdict} ({line.phase})",
        )
    screen.print()
    screen.print(table)
    more(len(report.modes), ROWS)
    doubt = "; ?: rounding leaves its side of 1 open" if any(not m.trusted for m in shown) else ""
    gains = "; arrows: effective gain through the mode" if names else ""
    screen.print(
        f"[dim]Variance: of the states there; shares of oblique modes overlap{gains}. Holds: what becomes of stored values in the "
        f"time that a trial spends under an input{doubt}[/]"
    )


def _share(share: float | None) -> str:
    """A share of variance; far beyond the whole it only says that the mode is oblique."""
    if share is None:
        return "–"
    return f"{100 * share:.1f} %" if share < _OBLIQUE else f"> {100 * _OBLIQUE:.0f} %"


def show_lyapunov(report: AnalysisReport) -> None:
    from ..wording import plural

    found = report.lyapunov
    if found is None:
        return
    told = [
        f"-∞ ({n:,} singular steps)" if x is None else f"{x:.4g}" + (f" ± {e:.1g}" if e else "")
        for x, e, n in zip(found.exponents, found.standard_errors, found.singular, strict=True)
    ]
    more = "" if len(told) <= ROWS else f", … and {len(told) - ROWS} more"
    screen = console()
    screen.print(f"\n[bold]Lyapunov exponents[/] per step: {', '.join(told[:ROWS])}{more}")
    how = "ln|λ| of the one Jacobian" if found.method == "eigenvalues" else f"QR, {found.n_blocks} blocks"
    screen.print(
        f"[dim]{how}; {found.n_steps:,} steps of {plural(found.n_trials, 'trial')}, the first {100 * found.discarded:.0f} % of each "
        f"left out; Kaplan-Yorke dimension {number(found.kaplan_yorke)}[/]"
    )
