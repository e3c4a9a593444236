"""Numbers and counts as a person would write them."""

from __future__ import annotations

import math
from collections.abc import Sequence

#: Longest bitcode that is spelt out.
SPELT = 16


def percent(share: float) -> str:
    """A share in percent; "100 %" and "0 %" only where that is exact. Shares of what overlaps may be above 1. Returns: text."""
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    if share < 0.0005:
        return "less than 0.1 %"
    if 0.9995 < share < 1:
        return "more than 99.9 %"
    return f"{100 * share:.1f} %"


def number(x: float) -> str:
    """Three significant digits, or all of a whole number from 100 on; powers of ten beyond 10^7 and below 10^-3."""
    if not math.isfinite(x):
        return str(x)
    size = abs(x)
    if size == 0:
        return "0"
    if not 1e-3 <= size < 1e7:
        return f"{x:.2e}"
    if size >= 100:
        return f"{x:,.0f}"
    return f"{float(f'{x:.3g}'):g}"


def near_one(x: float) -> str:
    """A number near 1 with as many decimals as show how far from 1 it is, at least three; 1 itself has none."""
    gap = abs(1 - abs(x))
    if gap == 0:
        return f"{x:.0f}"
    decimals = min(12, max(3, 1 - math.floor(math.log10(gap))))
    return f"{x:.{decimals}f}"


def steps(x: float) -> str:
    """A number of time steps. Returns: text with its unit."""
    text = number(x)
    return f"{text} step" if text == "1" else f"{text} steps"


def plural(n: int, noun: str) -> str:
    """ "1 trial", "2 trials". Returns: text."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def join(parts: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c". Returns: text."""
    if len(parts) < 2:
        return "".join(parts)
    return ", ".join(parts[:-1]) + " and " + parts[-1]
