"""Bitcodes as labels: complete where they are short, shortened where they would fill the page."""

from __future__ import annotations

from collections.abc import Sequence

from ..records import AnalysisReport, Region, Usage
from . import style

#: A bitcode of up to so many bits is written out.
FULL = 16
_END = 5
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def code_labels(bitcodes: Sequence[str]) -> tuple[list[str], str]:
    """Labels of the bitcodes shown together, and a sentence for the caption where they are shortened ("" if not).

    Long bitcodes keep the bits in which they differ and "…" for the units on which they agree; where that is not short
    either, their rank, first and last bits.
    """
    P = max((len(c) for c in bitcodes), default=0)
    if P == 0:
        return ["linear" for _ in bitcodes], ""
    if P <= FULL:
        return list(bitcodes), ""
    differ = [len({c[i] for c in bitcodes}) > 1 for i in range(P)]
    short = [_kept(c, differ) for c in bitcodes]
    if any(differ) and len(short[0]) <= FULL + 2:
        return short, "In the bitcodes, … stands for units that have the same bit in all subregions named."
    ends = [f"{c[:_END]}…{c[-_END:]}" for c in bitcodes]
    if len(bitcodes) > 1:
        width = len(str(len(bitcodes)))
        ends = [f"#{i + 1:<{width}} {c}" for i, c in enumerate(ends)]
    return ends, f"Bitcodes of {P} bits are shortened to their first and last {_END}; the table has them whole."


def _kept(bitcode: str, differ: Sequence[bool]) -> str:
    out: list[str] = []
    for bit, keep in zip(bitcode, differ, strict=True):
        if keep:
            out.append(bit)
        elif not out or out[-1] != "…":
            out.append("…")
    return "".join(out)


def visited(report: AnalysisReport) -> list[Region]:
    """The visited subregions by falling use, then by bitcode."""
    return sorted((r for r in report.regions if r.visited), key=lambda r: (-r.frequency, r.bitcode))


def spread(usage: Usage, P: int) -> str:
    """How many subregions are used and how evenly, as a sentence without its full stop."""
    if P == 0:
        return "One linear region: without PWL units nothing switches"
    possible = f"{2**P:,}" if P <= 20 else f"2{str(P).translate(_SUPERSCRIPT)}"
    words = f"{usage.n_visited:,} of {possible} subregions visited"
    if usage.entropy is None or usage.effective_number is None or usage.n_visited < 2:
        return words
    return f"{words}, effective number {style.number(usage.effective_number)} (entropy {usage.entropy:.2f} nats)"
