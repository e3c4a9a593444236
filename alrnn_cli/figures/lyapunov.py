"""Lyapunov exponents along the trials, largest first, with standard errors, and the Kaplan–Yorke dimension.

A second panel has the leading exponents alone where there are many. Several reports are overlaid.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ..errors import InputError
from ..records import AnalysisReport
from . import style
from ._words import number
from .drawing import Drawing, many, one_of, whole

OPTIONS = (
    ("leading", "8", "exponents in the panel of the leading ones; 0 for none"),
    ("per", "step", "step, or time: per unit of the task's time"),
)


@dataclass(frozen=True)
class _Spectrum:
    """Exponents and their standard errors, (m,), largest first; -inf where a direction is lost; dimension: Kaplan–Yorke, or NaN."""

    label: str
    exponents: np.ndarray
    errors: np.ndarray
    dimension: float
    unit: str
    steps: int
    trials: int
    blocks: int
    discarded: float
    method: str


def draw(reports: Sequence[AnalysisReport], labels: Sequence[str], width: str, options: Mapping[str, str]) -> Drawing:
    """Spectra. Errors: InputError where no report has one; UsageError for a bad option."""
    leading = whole("lyapunov", "leading", options["leading"], 0)
    per_time = one_of("lyapunov", "per", options["per"], ("step", "time")) == "time"
    spectra = [
        _spectrum(r, label, per_time) for r, label in zip(reports, labels, strict=True) if r.lyapunov is not None
    ]
    if not spectra:
        raise InputError("The report has no Lyapunov exponents.", "Make them: alrnn analyze CHECKPOINT --lyapunov")
    longest = max(len(s.exponents) for s in spectra)
    zoom = leading > 0 and longest > leading + 2
    several = len(spectra) > 1
    figure = style.new(width, 2.15 + (0.15 * -(-len(spectra) // 2) if several else 0))
    panels = list(figure.subplots(1, 1 + zoom, squeeze=False, width_ratios=[1.5, 1][: 1 + zoom])[0])
    _panel(panels[0], spectra, longest, width)
    units = list(dict.fromkeys(s.unit for s in spectra))
    panels[0].set_ylabel(f"Lyapunov exponent (per {' or '.join(units)})")
    if zoom:
        _panel(panels[1], spectra, leading, width)
        style.letter(panels[1], f"the leading {leading}")
    figure.suptitle(_title(spectra), x=0.01, ha="left")
    if several:
        handles = [Line2D([], [], label=s.label, **_look(k, style.scale(width))) for k, s in enumerate(spectra)]
        figure.legend(handles=handles, loc="outside lower center", ncols=2 if width == "column" else 4)
    missing = [label or "the report" for r, label in zip(reports, labels, strict=True) if r.lyapunov is None]
    return Drawing(figure, _caption(spectra, missing), _rows(spectra))


def _spectrum(report: AnalysisReport, label: str, per_time: bool) -> _Spectrum:
    found = report.lyapunov
    assert found is not None
    dt = found.dt if per_time else 1.0
    exponents = np.array([-math.inf if x is None else x for x in found.exponents]) / dt
    errors = np.array([math.nan if x is None else x for x in found.standard_errors]) / dt
    dimension = math.nan if found.kaplan_yorke is None else found.kaplan_yorke
    return _Spectrum(label, exponents, errors, dimension, found.dt_unit if per_time else "step", found.n_steps, found.n_trials,
                     found.n_blocks, found.discarded, found.method)  # fmt: skip


def _look(k: int, scale: float) -> dict[str, Any]:
    n = len(style.CATEGORIES)
    return {"color": style.CATEGORIES[k % n], "marker": style.MARKERS[k % n], "ms": 3.6 * scale, "ls": "none", "mew": 0}


def _panel(axes: Axes, spectra: Sequence[_Spectrum], count: int, width: str) -> None:
    """The first `count` exponents by index, from 1."""
    scale = style.scale(width)
    axes.axhline(0, color="black", lw=0.8 * scale, zorder=1, gid="zero")
    shown = np.concatenate([s.exponents[:count] for s in spectra])
    finite = shown[np.isfinite(shown)]
    low, high = (min(float(finite.min()), 0.0), max(float(finite.max()), 0.0)) if len(finite) else (-1.0, 0.0)
    span = high - low or 1.0
    floor = low - 0.12 * span
    for k, s in enumerate(spectra):
        index, y, e = np.arange(1, len(s.exponents) + 1)[:count], s.exponents[:count], s.errors[:count]
        look = _look(k, scale)
        good = np.isfinite(y)
        bars = good & np.isfinite(e)
        axes.vlines(
            index[bars], (y - e)[bars], (y + e)[bars], color=look["color"], lw=0.9 * scale, zorder=2, gid=f"error-{k}"
        )
        axes.plot(index[good], y[good], zorder=3, gid=f"exponents-{k}", **look)
        lost = ~good
        axes.plot(
            index[lost],
            np.full(lost.sum(), floor),
            zorder=3,
            gid=f"lost-{k}",
            **(look | {"marker": "$↓$", "ms": 6 * scale}),
        )
        if 0 < s.dimension <= count:
            axes.axvline(s.dimension, color=look["color"] if len(spectra) > 1 else style.GREY, lw=0.8 * scale, ls=(0, (4, 2)),
                         zorder=0.5, gid="dimension")  # fmt: skip
    axes.set(xlim=(0.3, count + 0.7), ylim=(floor - 0.08 * span, high + 0.08 * span), xlabel="index")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))


def _title(spectra: Sequence[_Spectrum]) -> str:
    if len(spectra) > 1:
        return f"Lyapunov exponents of {many(len(spectra), 'model')}"
    (s,) = spectra
    first, error = float(s.exponents[0]), float(s.errors[0])
    text = f"largest exponent {number(first)}" + (
        f" ± {error:.1g}".replace("e-0", "e−") if math.isfinite(error) else ""
    )
    return text + (f"; dimension {number(s.dimension)}" if math.isfinite(s.dimension) else "")


def _rows(spectra: Sequence[_Spectrum]) -> list[dict[str, Any]]:
    """One row for each exponent; None is minus infinity, or a standard error that is not known."""

    def told(x: float) -> float | None:
        return float(x) if math.isfinite(x) else None

    return [
        {"report": s.label, "index": i + 1, "exponent": told(s.exponents[i]), "standard_error": told(s.errors[i]), "per": s.unit,
         "kaplan_yorke": told(s.dimension)}
        for s in spectra
        for i in range(len(s.exponents))
    ]  # fmt: skip


def _caption(spectra: Sequence[_Spectrum], missing: list[str]) -> str:
    said = [
        "Lyapunov exponents under the task's inputs, largest first; below 0 (line) neighbouring trajectories come together."
    ]
    for s in spectra:
        how = f"{s.steps:,} steps of {many(s.trials, 'trial')} averaged, the first {100 * s.discarded:g} % of each trial left out"
        if s.method == "eigenvalues":
            how = "one Jacobian governs all steps, the exponents are its ln|λ|"
        said.append(f"{s.label}: {how}." if s.label else how[0].upper() + how[1:] + ".")
    if any(np.isfinite(s.errors).any() for s in spectra):
        said.append("Bars: standard errors from blocks, mostly smaller than the marks.")
    if any(s.dimension > 0 for s in spectra):
        said.append("Dashed: the Kaplan–Yorke dimension, up to which the exponents' sum, interpolated, is positive.")
    elif any(s.dimension == 0 for s in spectra):
        said.append("The Kaplan–Yorke dimension is 0: no exponent is positive.")
    if any(np.isneginf(s.exponents).any() for s in spectra):
        said.append("Arrows: minus infinity, the map loses that direction.")
    if missing:
        said.append("No exponents, not drawn: " + ", ".join(missing) + ".")
    return " ".join(dict.fromkeys(said))
