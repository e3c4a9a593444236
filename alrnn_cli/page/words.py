"""Numbers, names of subregions and cells of tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from ..records import AnalysisReport
from ..wording import SPELT, number, percent, plural
from .content import Cell, Column, Table

#: Rows of a table; more would make a page that a phone cannot hold.
MOST_ROWS = 400
_Row = TypeVar("_Row")


def name_of(report: AnalysisReport, bitcode: str) -> str:
    """A subregion in a sentence: its bitcode, or its rank by use where that is too long to read."""
    if not bitcode:
        return "the one linear region"
    if len(bitcode) <= SPELT:
        return f"subregion {bitcode}"
    rank = next((i for i, r in enumerate(report.regions, 1) if r.bitcode == bitcode and r.visited), None)
    return "a subregion never visited" if rank is None else f"subregion #{rank} by use"


def after(report: AnalysisReport, phase: str) -> str:
    """When the states are that a phase's shares count: "with “cue”", "2 steps after “cue”"."""
    return f"{plural(report.lag, 'step')} after “{phase}”" if report.lag else f"with “{phase}”"


def names(report: AnalysisReport, which: str, count: int) -> list[str]:
    """Names of inputs or outputs, by number where the task has none. which: "input" or "output"."""
    known = list((report.task or {}).get(f"{which}_names") or ())
    return [str(x) for x in known] if len(known) == count else [f"{which} {i}" for i in range(count)]


def channels(report: AnalysisReport) -> tuple[list[str], list[str]]:
    """Names of the inputs and of the outputs."""
    return names(report, "input", report.model["K"]), names(report, "output", report.model["N"])


def model_of(report: AnalysisReport) -> str:
    """ "An almost-linear recurrent network of 50 units, 1 of them nonlinear", and what another model is."""
    M, P, name = report.model["M"], report.model["P"], report.model.get("name", "alrnn")
    which = "all linear" if not P else "all nonlinear" if P == M else f"{P:,} of them nonlinear"
    if not report.piecewise_linear:
        return f"A recurrent network of the kind {name} with a state of {plural(M, 'number')}"
    kind = (
        "An almost-linear recurrent network"
        if name == "alrnn"
        else f"A piecewise-linear recurrent network of the kind {name}, with"
    )
    return f"{kind}{' of' if name == 'alrnn' else ''} {plural(M, 'unit')}, {which}"


def task_name(report: AnalysisReport) -> str:
    """The task's name, "" for a model without one."""
    return str((report.task or {}).get("name") or "")


def metric_of(report: AnalysisReport) -> str:
    """The metric that decides, "" without a score. A file has its scores in alphabetical order, and names that metric."""
    named = str((report.task or {}).get("metric") or "")
    return named if named in report.score else next(iter(report.score), "")


def decimals(largest: float, digits: int) -> int:
    """Decimals that give the largest of some numbers so many digits, at most six; 0.999 counts as 1."""
    return 0 if not largest else min(6, max(0, digits - 1 - math.floor(math.log10(1.005 * abs(largest)))))


def fixed(value: float, places: int) -> str:
    """A number with so many decimals, never "-0.00"."""
    text = f"{value:,.{places}f}"
    return text if float(text.replace(",", "")) else text.lstrip("-")


def quantity(value: float | None) -> Cell:
    """A number in a table, "–" for None."""
    if value is None or math.isnan(value):
        return Cell("–", -math.inf)
    return Cell(number(value), value)


def share(value: float | None) -> Cell:
    """A share in percent."""
    return (
        Cell("–", -math.inf)
        if value is None or math.isnan(value)
        else Cell(percent(value).replace("less than", "<").replace("more than", ">"), value)
    )


def count(value: int | None) -> Cell:
    """A whole number, however large."""
    return Cell("–", -math.inf) if value is None else Cell(f"{value:,}", float(value))


def word(text: Any) -> Cell:
    """Text in a table, "–" for None."""
    return Cell("–" if text is None or text == "" else str(text), "" if text is None else str(text))


def code(bitcode: str) -> Cell:
    """A bitcode as the heading of its row."""
    return Cell(bitcode or "(P = 0)", bitcode, heading=True)


def eigenvalue(value: tuple[float, float]) -> Cell:
    """λ as "0.9969" or "0.94 ± 0.11i", sorted by its modulus."""
    re, im = value
    text = f"{re:.4f}" if not im else f"{re:.4f} {'+' if im > 0 else '−'} {abs(im):.4f}i"
    return Cell(text, math.hypot(re, im))


def table(
    caption: str, columns: Sequence[Column], rows: Iterable[tuple[Cell, ...]], *, folded: bool = False, note: str = ""
) -> Table | None:
    """A table of at most MOST_ROWS rows that says how many it leaves out; None where there are no rows."""
    listed = list(rows)
    if not listed:
        return None
    if len(listed) > MOST_ROWS:
        note = f"{note} The first {MOST_ROWS:,} of {len(listed):,} rows; the analysis file has all.".strip()
    return Table(caption, tuple(columns), tuple(listed[:MOST_ROWS]), note, folded)


def there(*things: _Row | None) -> tuple[_Row, ...]:
    """Those that are not None."""
    return tuple(x for x in things if x is not None)
