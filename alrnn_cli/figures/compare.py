"""Two or more reports side by side: score, subregions, memory and fixed points, a panel of dots for each.

A dot is a number of the report; what a report does not have is left open.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from ..errors import InputError, UsageError, closest
from ..records import AnalysisReport
from . import style
from ._words import first_metric, n_visited, number
from .drawing import Drawing, one_of, whole

OPTIONS = (
    (
        "show",
        "all",
        "which panels, joined by +: score, units, regions, effective, entropy-rate, radius, timescale, points, lyapunov, dimension",
    ),
    ("log", "auto", "logarithmic axes: auto (where values span decades), yes (where they are positive), no"),
    ("top", "20", "reports drawn, the first ones"),
)

_COLUMNS = {"column": 2, "full": 5, "slide": 4}
_LONGEST = 20  # characters of a report's name
_DECADES = 30.0


@dataclass(frozen=True)
class _Quantity:
    """A number of every report: its panel's title, and whether it counts something."""

    title: str
    value: Callable[[AnalysisReport], float | None]
    whole: bool = False


@dataclass(frozen=True)
class _Panel:
    """values, chance: (reports,), NaN where a report has none; infinite where there is no end to it."""

    key: str
    title: str
    values: np.ndarray
    chance: np.ndarray
    whole: bool


def draw(reports: Sequence[AnalysisReport], labels: Sequence[str], width: str, options: Mapping[str, str]) -> Drawing:
    """Dots by report. Errors: InputError for fewer than two reports; UsageError for a bad option."""
    if len(reports) < 2:
        raise InputError(
            f"Figure 'compare' needs two or more reports, got {len(reports)}.",
            "Name them: alrnn plot compare a.analysis.json b.analysis.json",
        )
    log = one_of("compare", "log", options["log"], ("auto", "yes", "no"))
    top = whole("compare", "top", options["top"], 2)
    shown, names = list(reports[:top]), list(labels[:top])
    panels = _panels(shown, _chosen(options["show"]))
    columns = _fit(panels, names, width)
    rows = -(-len(panels) // columns)
    figure = style.new(width, 0.45 + rows * (0.5 + 0.14 * max(len(shown), 2)))
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for axes, panel in zip(grid.flat, panels, strict=False):
        _draw_panel(axes, panel, log, width)
    for axes in grid.flat[len(panels) :]:
        axes.remove()
    for row in grid:
        row[0].set_yticks(range(len(shown)), [_short(name) for name in names])
        row[0].set_ylim(len(shown) - 0.4, -0.6)
    figure.suptitle(f"{len(shown)} models compared", x=0.01, ha="left")
    if any(np.isfinite(panel.chance).any() for panel in panels):
        look: dict[str, Any] = {"ls": "none", "marker": "|", "color": style.GREY, "label": "chance"}
        mark = Line2D([], [], ms=6 * style.scale(width), mew=1.2 * style.scale(width), **look)
        figure.legend(handles=[mark], loc="outside upper right", borderpad=0)
    return Drawing(figure, _caption(panels, shown, len(reports)), _rows(panels, shown, names))


def _chosen(text: str) -> list[str]:
    known = ["score", *_QUANTITIES]
    chosen = known if text == "all" else text.split("+")
    for name in chosen:
        if name not in known:
            raise UsageError(f"Figure 'compare', option 'show': there is no {name!r}.", closest(name, known))
    return [name for name in known if name in chosen]


def _panels(reports: Sequence[AnalysisReport], chosen: Sequence[str]) -> list[_Panel]:
    """Every panel with a number in it. The score has one for each metric that is some report's own."""
    nothing = np.full(len(reports), math.nan)
    panels = []
    if "score" in chosen:
        for metric in dict.fromkeys(first_metric(report) for report in reports):
            own = [first_metric(report) == metric for report in reports]
            values = [r.score.get(metric) if mine else None for r, mine in zip(reports, own, strict=True)]
            chance = [r.chance.get(metric) if mine else None for r, mine in zip(reports, own, strict=True)]
            panels.append(_Panel("score", metric.replace("_", " "), _array(values), _array(chance), whole=False))
    for name, quantity in _QUANTITIES.items():
        if name in chosen:
            values = [quantity.value(report) for report in reports]
            panels.append(_Panel(name, quantity.title, _array(values), nothing, quantity.whole))
    panels = [panel for panel in panels if not np.isnan(panel.values).all()]
    if not panels:
        raise InputError("The reports have none of these numbers.", "Show others: --option show=all")
    return panels


def _array(values: Sequence[float | None]) -> np.ndarray:
    return np.array([math.nan if value is None else float(value) for value in values])


def _switching(report: AnalysisReport) -> float | None:
    """PWL units that switch on these trials."""
    if report.model["P"] and not report.units:
        return None
    return sum(unit.role == "switching" for unit in report.units)


def _effective(report: AnalysisReport) -> float | None:
    return report.usage["all"].effective_number if "all" in report.usage else None


def _radius(report: AnalysisReport) -> float | None:
    return max((region.spectral_radius for region in report.regions if region.visited), default=None)


def _timescale(report: AnalysisReport) -> float | None:
    """Of the slowest decaying mode of a visited subregion; infinite where one neither grows nor decays."""
    modes = [mode for region in report.regions if region.visited for mode in region.modes]
    if any(mode.kind == "marginal" for mode in modes):
        return math.inf
    return max(
        (mode.timescale for mode in modes if mode.kind == "decaying" and mode.timescale is not None), default=None
    )


def _points(report: AnalysisReport) -> float | None:
    """Real fixed points under zero input."""
    if "zero" in report.fixed_point_counts:
        return report.fixed_point_counts["zero"].get("real", 0)
    if "zero" not in report.settings.get("inputs", ()):
        return None
    return sum(point.kind == "real" for point in report.fixed_points if point.phase == "zero")


def _lyapunov(report: AnalysisReport) -> float | None:
    return report.lyapunov.exponents[0] if report.lyapunov is not None and report.lyapunov.exponents else None


_QUANTITIES = {
    "units": _Quantity("units that switch", _switching, whole=True),
    "regions": _Quantity("subregions visited", lambda r: n_visited(r) or None, whole=True),
    "effective": _Quantity("effective number", _effective),
    "entropy-rate": _Quantity("entropy rate (nats)", lambda r: r.transitions.entropy_rate if r.transitions else None),
    "radius": _Quantity("largest |λ|", _radius),
    "timescale": _Quantity("slowest mode (steps)", _timescale),
    "points": _Quantity("real fixed points", _points, whole=True),
    "lyapunov": _Quantity("Lyapunov exponent", _lyapunov),
    "dimension": _Quantity("dimension", lambda r: r.lyapunov.kaplan_yorke if r.lyapunov else None),
}


def _draw_panel(axes: Axes, panel: _Panel, log: str, width: str) -> None:
    scale = style.scale(width)
    place = np.arange(len(panel.values))
    finite = np.concatenate([panel.values, panel.chance])
    finite = finite[np.isfinite(finite)]
    right = _scale(axes, panel, finite, log)
    axes.plot(
        panel.chance,
        place,
        ls="none",
        marker="|",
        color=style.GREY,
        ms=6 * scale,
        mew=1.2 * scale,
        zorder=2,
        gid=f"chance-{panel.key}",
    )
    good = np.isfinite(panel.values)
    if good.any():  # a line of nothing that is not clipped would count as one at the corner of the page
        axes.plot(panel.values[good], place[good], ls="none", marker="o", color=style.BLUE, ms=4.2 * scale, mec="white",
                  mew=0.4 * scale, zorder=3, gid=f"dots-{panel.key}", clip_on=False)  # fmt: skip
    for y in place[~good]:
        text = "∞" if math.isinf(panel.values[y]) else "–"
        axes.text(
            right,
            y,
            text,
            ha="right",
            va="center",
            gid="none",
            bbox={"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none"},
        )
    axes.grid(axis="y", color="#e4e4e4", lw=0.5)
    axes.tick_params(axis="y", length=0)
    style.letter(axes, panel.title)


def _scale(axes: Axes, panel: _Panel, finite: np.ndarray, log: str) -> float:
    """Limits and ticks. Returns: where what has no place on the axis is written."""
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    positive = len(finite) > 0 and low > 0
    room = 0.22 if not np.isfinite(panel.values).all() else 0.06
    if positive and (log == "yes" or (log == "auto" and high / low > _DECADES)):
        span = max(math.log10(high / low), 0.3)
        axes.set_xscale("log")
        axes.set_xlim(low / 10 ** (0.06 * span), high * 10 ** (room * span))
        axes.xaxis.set_major_locator(LogLocator(numticks=4))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
        axes.xaxis.set_minor_formatter(NullFormatter())
        return float(axes.get_xlim()[1])
    if low > 0 and (high - low) > 0.4 * high:
        low = 0.0  # what is nearly nothing is seen to be
    span = high - low or max(0.2 * abs(high), 1.0 if panel.whole else 1e-3)
    low, high = (low, high) if high > low else (low - span / 2, high + span / 2)
    axes.set_xlim(low - 0.06 * span, high + room * span)
    axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10], integer=panel.whole, min_n_ticks=1))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    return float(axes.get_xlim()[1])


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else "…" + name[-(_LONGEST - 1) :]


def _fit(panels: Sequence[_Panel], names: Sequence[str], width: str) -> int:
    """How many panels have room for their titles beside each other, with no row left nearly empty."""
    room = style.WIDTHS[width] / style.scale(width) - 0.062 * max(len(_short(name)) for name in names) - 0.15
    each = 0.062 * max(len(panel.title) for panel in panels) + 0.1
    most = max(1, min(len(panels), _COLUMNS[width], int(room / each)))
    return -(-len(panels) // -(-len(panels) // most))


def _rows(panels: Sequence[_Panel], reports: Sequence[AnalysisReport], names: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each report and panel; None where there is no number, infinite ones in words."""

    def told(x: float) -> float | None:
        return float(x) if math.isfinite(x) else None

    return [
        {"report": name, "M": report.model["M"], "P": report.model["P"], "quantity": panel.key, "title": panel.title,
         "value": told(panel.values[i]), "infinite": bool(math.isinf(panel.values[i])), "chance": told(panel.chance[i])}
        for panel in panels
        for i, (name, report) in enumerate(zip(names, reports, strict=True))
    ]  # fmt: skip


_SAID = {
    "units": "Units that switch: nonlinear units whose bit changes on these trials.",
    "effective": "Effective number: of subregions used equally often that would be as diverse.",
    "entropy-rate": "Entropy rate: of the chain of successive subregions, per step.",
    "radius": "Largest |λ| and slowest mode: over the visited subregions' Jacobians; of decaying modes, in steps.",
    "points": "Fixed points: under zero input.",
    "lyapunov": "Lyapunov exponent: the largest, per step; dimension: Kaplan–Yorke.",
}


def _caption(panels: Sequence[_Panel], reports: Sequence[AnalysisReport], total: int) -> str:
    said = ["Numbers of several reports, one row each."]
    keys = {panel.key for panel in panels}
    said += [text for key, text in _SAID.items() if key in keys]
    if any(np.isnan(panel.values).any() for panel in panels):
        said.append("–: the report has no such number.")
    if any(np.isinf(panel.values).any() for panel in panels):
        said.append("∞: a mode with |λ| = 1.")
    if len(reports) < total:
        said.append(f"The first {len(reports)} of {total} reports.")
    return " ".join(said)
