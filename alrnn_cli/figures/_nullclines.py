"""Where a coordinate of a plane does not change in one step: in each subregion a straight line, found exactly."""

from __future__ import annotations

import numpy as np

from .. import dynamics
from ..records import Parameters
from ._plane import Box, Plane, clip

_GRID = 80  # points along each axis at which the plane is asked for its subregions


def nullclines(params: Parameters, s: np.ndarray, plane: Plane, box: Box) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Stretches (2, 2) in view on which the first and the second coordinate of F(z) - z vanish, z in the plane. s: (K,).

    In a subregion with Jacobian J the coordinate along b is b·((J - 1) z + C s + h), affine in the plane; the stretch ends where a
    PWL unit is 0. Subregions that show themselves at none of 80 × 80 points are missed.
    """
    gx, gy = (np.linspace(a, b, _GRID) for a, b in (box[:2], box[2:]))
    at = plane.lift(np.stack(np.meshgrid(gx, gy), -1).reshape(-1, 2))
    found: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for bits in np.unique(dynamics.bits(at, params.P), axis=0):
        change = dynamics.jacobian(params, bits) - np.eye(params.M)
        slopes = plane.basis @ change @ plane.up.T
        offsets = plane.basis @ (change @ plane.origin + params.C @ s + params.h)
        for lines, slope, offset in zip(found, slopes, offsets, strict=True):
            ends = _stretch(slope, float(offset), plane, bits, box)
            if ends is not None:
                lines.append(ends)
    return found


def _stretch(slope: np.ndarray, offset: float, plane: Plane, bits: np.ndarray, box: Box) -> np.ndarray | None:
    """The part of the line slope · x + offset = 0 that is in view and in the subregion, (2, 2), or None."""
    square = float(slope @ slope)
    if square < 1e-24:
        return None
    start, along = -offset * slope / square, np.array([-slope[1], slope[0]]) / np.sqrt(square)
    seen = clip(start, along, box)
    if seen is None:
        return None
    first, last = seen
    units = slice(len(plane.origin) - len(bits), None)
    sign = np.where(bits, 1.0, -1.0)
    value, rise = sign * plane.lift(start)[units], sign * (along @ plane.up)[units]
    for v, r in zip(value, rise, strict=True):  # v + r t > 0
        if abs(r) > 1e-12:
            first, last = (max(first, -v / r), last) if r > 0 else (first, min(last, -v / r))
        elif v < 0:
            return None
    return start + np.array([[first], [last]]) * along if first < last else None
