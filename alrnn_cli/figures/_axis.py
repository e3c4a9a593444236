"""One coordinate of the state, by name: a principal component, a unit or an output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError, UsageError
from ..records import AnalysisReport
from . import _plane


@dataclass(frozen=True)
class Axis:
    """direction · z + offset. direction: (M,); name: for a label."""

    direction: np.ndarray
    offset: float
    name: str

    def __call__(self, z: Any) -> np.ndarray:
        """z: (..., M). Returns: (...)."""
        return np.asarray(np.asarray(z, float) @ self.direction + self.offset)


def axis(report: AnalysisReport, text: str, figure: str, option: str) -> Axis:
    """The coordinate that an option asks for: "pc:i" (from 1), "unit:i" or "output:i" (from 0).

    Of one unit, "pc:1" is the unit itself. Errors: UsageError for what is no coordinate; InputError where the report lacks it.
    """
    M, N = report.model["M"], report.model["N"]
    kind, _, index = text.partition(":")
    low, high = {"pc": (1, M), "unit": (0, M - 1), "output": (0, N - 1)}.get(kind, (0, -1))
    if not (index.isdecimal() and low <= int(index) <= high):
        known = [f"pc:1 to pc:{M}", f"unit:0 to unit:{M - 1}", f"output:0 to output:{N - 1}"]
        raise UsageError(
            f"Figure {figure!r}, option {option!r}: got {text!r}, expected one of {', '.join(known)}.",
            f"Try {option}=pc:1.",
        )
    i = int(index)
    if kind == "unit" or (kind == "pc" and M == 1):
        unit = 0 if M == 1 else i
        return Axis(np.eye(M)[unit], 0.0, f"$z_{{{unit}}}$ (state)")
    if kind == "pc":
        return _component(report, i, figure, option)
    params = _plane.parameters(report)
    if params.readout == "phi":
        raise UsageError(
            f"Figure {figure!r}, option {option!r}: this model's outputs read Φ(z), not z.", f"Try {option}=pc:1."
        )
    names = [str(n) for n in (report.task or {}).get("output_names") or ()]
    return Axis(params.D[i], float(params.b[i]), f"{names[i] if i < len(names) else f'output {i}'} (output)")


def _component(report: AnalysisReport, i: int, figure: str, option: str) -> Axis:
    M = report.model["M"]
    components = np.asarray(report.arrays.get("pca.components", np.zeros((0, M))), np.float64)
    mean = np.asarray(report.arrays.get("pca.mean", np.full(M, np.nan)), np.float64)
    if i > len(components) or not np.isfinite(mean).all() or not np.isfinite(components[i - 1]).all():
        raise InputError(
            f"The report has no principal component {i}.", f"Take a unit: alrnn plot {figure} --option {option}=unit:0"
        )
    variance = np.asarray(report.arrays.get("pca.variance", np.zeros(0)), np.float64)
    total = float(variance.sum()) if len(variance) >= M and np.isfinite(variance).all() else 0.0
    share = f"{100 * variance[i - 1] / total:.0f}% of variance" if total > 0 else "state"
    return Axis(components[i - 1], -float(mean @ components[i - 1]), f"PC {i} ({share})")
