"""Words and numbers that several figures share: short numbers, the name of time, conditions by name, labels kept apart."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..records import AnalysisReport, Lesion, Region
from ..records.metrics import parts


def number(value: float) -> str:
    """Three digits, without an exponent up to a million: "4.79", "40,600"; "−∞" where it is."""
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞" if value > 0 else "−∞"
    if 100 <= abs(value) < 1e6:
        digits = 2 - math.floor(math.log10(abs(value)))
        return f"{round(value, digits):,.0f}".replace("-", "−")
    mantissa, _, exponent = f"{value:.3g}".replace("-", "−").partition("e")
    return mantissa if not exponent else f"{mantissa}e{exponent.replace('−0', '−').replace('+0', '')}"


def percent(share: float) -> str:
    """A share as "62 %"; what is not 0 is never "0 %", what is not all never "100 %"."""
    if 0 < share < 0.0005:
        return "<0.1 %"
    if 0.9995 <= share < 1:
        return ">99.9 %"
    return f"{100 * share:.0f} %" if share in (0, 1) or 0.1 <= share < 0.995 else f"{100 * share:.1f} %"


def steps(timescale: float | None) -> str:
    """A timescale in words: "1 step", "323 steps"; None is that of a marginal mode."""
    if timescale is None:
        return "|λ| = 1"
    text = number(timescale)
    return f"{text} step" if text == "1" else f"{text} steps"


def time_unit(report: AnalysisReport) -> tuple[float, str]:
    """The length of a step, and its unit in the plural where it is the step itself: (1.0, "steps"), (5.0, "ms")."""
    task = report.task or {}
    unit = str(task.get("dt_unit") or "step")
    return float(task.get("dt") or 1.0), "steps" if unit in ("step", "steps") else unit


def condition_name(report: AnalysisReport, condition: int) -> str:
    """What the task calls a condition, else its number."""
    names = list((report.task or {}).get("condition_names") or ())
    return str(names[condition]) if 0 <= condition < len(names) else f"condition {condition}"


def by_use(report: AnalysisReport) -> list[Region]:
    """Visited subregions, the most used first."""
    return sorted((r for r in report.regions if r.visited), key=lambda r: (-r.count, r.bitcode))


def n_visited(report: AnalysisReport) -> int:
    """Subregions visited, those that the report does not list included."""
    listed = sum(r.visited for r in report.regions)
    return max(listed, report.usage["all"].n_visited) if "all" in report.usage else listed


def apart(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places in rising order at least `gap` apart and within low … high, as near to those wanted (in rising order) as a
    pass up and a pass down bring them. Where there is no room for all, evenly from low to high."""
    n = len(wanted)
    if n > 1 and gap * (n - 1) >= high - low:
        return [low + (high - low) * i / (n - 1) for i in range(n)]
    placed: list[float] = []
    for i, y in enumerate(wanted):
        placed.append(max(y, low + gap * i, placed[-1] + gap if placed else low))
    for i in range(n - 1, -1, -1):
        placed[i] = min(placed[i], high - gap * (n - 1 - i), placed[i + 1] - gap if i + 1 < n else high)
    return placed


def first_metric(report: AnalysisReport) -> str:
    """The metric that decides, and that lesions are judged by; "" without a score.

    A file has its metrics in alphabetical order. Those of older versions do not name the first one: it is the one that the lesions'
    `change` is told in.
    """
    named = str((report.task or {}).get("metric") or "")
    if named in report.score:
        return named
    told = [x for x in report.lesions if x.change is not None and math.isfinite(x.change)]

    def fits(name: str, lesion: Lesion) -> bool:
        after, before = lesion.score.get(name), report.score[name]
        return after is not None and math.isclose(after - before, lesion.change, abs_tol=1e-12)

    known = list(parts(report.score))
    return next((name for name in known if told and all(fits(name, x) for x in told)), next(iter(known), ""))


def better(report: AnalysisReport, metric: str) -> str:
    """ "less is better" or "more is better", "" where the task does not say."""
    return {"min": "less is better", "max": "more is better"}.get(
        str(((report.task or {}).get("metrics") or {}).get(metric)), ""
    )
