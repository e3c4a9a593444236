"""Geometry of a plane (or a space of three axes) through state space: projecting, lifting, limits, and where lines cross the view."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..records import AnalysisReport, FixedPoint, Parameters

Box = tuple[float, ...]  # x from, x to, y from, y to, and so on
_AGAIN = "Analyze the checkpoint again: alrnn analyze CHECKPOINT"
_NAMES = ("A", "W", "C", "h", "D", "b", "z0")


@dataclass(frozen=True)
class Plane:
    """x = basis (z - origin), and back: z = origin + x up, with basis upᵀ = 1. origin: (M,); basis, up: (d, M), d = 1 to 3.

    Of orthonormal axes the two are one; a mode is read by its left eigenvector and lies along its right one.
    """

    origin: np.ndarray
    basis: np.ndarray
    up: np.ndarray
    names: tuple[str, ...]

    def project(self, z: np.ndarray) -> np.ndarray:
        """z: (..., M). Returns: (..., d)."""
        return np.asarray((z - self.origin) @ self.basis.T)

    def lift(self, x: np.ndarray) -> np.ndarray:
        """x: (..., d). Returns: (..., M), the point of the plane."""
        return np.asarray(self.origin + x @ self.up)


def parameters(report: AnalysisReport) -> Parameters:
    """The model in the report. Errors: InputError where its parameters are missing."""
    missing = [n for n in _NAMES if f"parameters.{n}" not in report.arrays]
    if missing:
        raise InputError(f"The report has no array parameters.{missing[0]}.", _AGAIN)
    arrays = {n: np.asarray(report.arrays[f"parameters.{n}"], np.float64) for n in _NAMES}
    return Parameters(P=report.model["P"], readout=report.model.get("readout", "z"), **arrays)


def states(report: AnalysisReport) -> tuple[np.ndarray, np.ndarray]:
    """Example states with NaN on padding, (n, T, M), and conditions (n,). n = 0 where the report has none."""
    M = report.model["M"]
    z = report.arrays.get("trajectories.z")
    if z is None or z.ndim != 3 or z.shape[0] == 0 or z.shape[1] == 0:
        return np.zeros((0, 0, M)), np.zeros(0, np.int64)
    z = np.array(z, np.float64)
    lengths = report.arrays.get("trajectories.lengths", np.full(len(z), z.shape[1]))
    z[~np.isfinite(z).all(-1) | (np.arange(z.shape[1])[None] >= np.asarray(lengths)[:, None])] = np.nan
    conditions = report.arrays.get("trajectories.conditions", np.zeros(len(z), np.int64))
    return z, np.asarray(conditions, np.int64)


def constant_input(report: AnalysisReport, name: str) -> np.ndarray:
    """The constant input that `name` stands for, (K,). Errors: InputError where the report does not say."""
    inputs = list(report.settings.get("inputs", ()))
    rows = report.arrays.get("phase_inputs")
    if rows is not None and name in inputs and inputs.index(name) < len(rows):
        return np.asarray(rows[inputs.index(name)], np.float64)
    for point in report.fixed_points:
        if point.phase == name and len(point.input) == report.model["K"]:
            return np.asarray(point.input, np.float64)
    if name == "zero":
        return np.zeros(report.model["K"])
    raise InputError(f"The report has no constant input for phase {name!r}.", _AGAIN)


def view(x: np.ndarray, points: np.ndarray) -> Box:
    """Axis limits: the bulk of the trajectories x (m, d), widened to fixed points (f, d) close by.

    Without trajectories the bulk of the fixed points; without either, -1 to 1.
    """
    base = x[np.isfinite(x).all(-1)]
    points = points[np.isfinite(points).all(-1)]
    if not len(base):
        base = points
    if not len(base):
        return (-1.0, 1.0) * x.shape[-1]
    low, high = np.percentile(base, 0.5, axis=0), np.percentile(base, 99.5, axis=0)
    span = high - low
    span = np.maximum(span, max(0.25 * float(span.max()), 1e-3 * float(np.abs(base).max()), 0.0))
    span[span <= 1e-12] = 1.0
    centre = (low + high) / 2
    low, high = centre - span / 2, centre + span / 2
    near = points[((points > low - 0.6 * span) & (points < high + 0.6 * span)).all(-1)]
    if len(near):
        low, high = np.minimum(low, near.min(0)), np.maximum(high, near.max(0))
    low, high = low - 0.1 * (high - low), high + 0.1 * (high - low)
    return tuple(np.column_stack([low, high]).ravel().tolist())


def inside(x: np.ndarray, box: Box) -> bool:
    """Whether one point (d,) is in view."""
    return bool((x >= box[::2]).all() and (x <= box[1::2]).all())


def clip(start: np.ndarray, along: np.ndarray, box: Box) -> tuple[float, float] | None:
    """The stretch of t in which start + t along is in view, or None."""
    first, last = -np.inf, np.inf
    for k in range(2):
        low, high = box[2 * k] - start[k], box[2 * k + 1] - start[k]
        if abs(along[k]) < 1e-12:
            if low > 0 or high < 0:
                return None
            continue
        a, b = sorted((low / along[k], high / along[k]))
        first, last = max(first, a), min(last, b)
    return (first, last) if np.isfinite([first, last]).all() and first < last else None


def boundaries(plane: Plane, P: int, box: Box) -> list[tuple[int, np.ndarray]]:
    """Where z_i = 0 crosses the plane in view, for each PWL unit: (unit, ends (2, 2))."""
    found = []
    M = len(plane.origin)
    for unit in range(M - P, M):
        normal, offset = plane.up[:, unit], plane.origin[unit]
        square = float(normal @ normal)
        if square < 1e-16:
            continue
        start, along = -offset * normal / square, np.array([-normal[1], normal[0]]) / np.sqrt(square)
        stretch = clip(start, along, box)
        if stretch:
            found.append((unit, start + np.array(stretch)[:, None] * along))
    return found


def continuum_lines(point: FixedPoint, plane: Plane, box: Box) -> list[np.ndarray]:
    """The part of a line of fixed points that lies in its own subregion and in view, (2, 2) ends for each direction."""
    if point.z is None:
        return []
    z, P = np.asarray(point.z), len(point.bitcode)
    lines = []
    for direction in np.atleast_2d(np.asarray(point.directions, float)) if point.directions else ():
        stretch = clip(plane.project(z), direction @ plane.basis.T, box)
        if stretch is None:
            continue
        first, last = stretch
        for bit, value, slope in zip(point.bitcode, z[len(z) - P :], direction[len(z) - P :], strict=True):
            sign = 1.0 if bit == "1" else -1.0
            if abs(slope) > 1e-12:
                crossing = -value / slope
                first, last = (max(first, crossing), last) if sign * slope > 0 else (first, min(last, crossing))
            elif sign * value < -1e-9:
                last = first
        if first < last:
            lines.append(plane.project(z + np.array([[first], [last]]) * direction))
    return lines
