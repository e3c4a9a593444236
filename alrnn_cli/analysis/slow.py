"""Slow modes: what a subregion keeps, how much of the states lies along it, and what each input and output has to do with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from ..dynamics import code, jacobian, mask
from ..records import Parameters, SlowMode
from .clusters import EPS
from .modes import mode
from .spectra import spectra

#: A mode is slow where ||λ| - 1| is at most this.
SLOW = 0.02
#: Subregions that a report describes the slow modes of, the most used ones.
LEAST_REGIONS, MOST_REGIONS = 4, 64
#: Gains of inputs on outputs that it may list for more than the fewest of them.
MOST_GAINS = 200_000
#: Principal components that a mode is compared with, the first ones.
COMPONENTS = 3
#: Eigenvalues nearer than this, relative to ‖J‖, share an eigenspace whose basis is a matter of choice.
_CLUSTER = 1e-8
#: Rounding may move an eigenvalue by this many times eps ‖J‖ κ; beyond a tenth of its distance from 1 it is not to be trusted
#: (one that is 1 to precision: beyond 1e-9).
_ROUNDING = 10.0


@dataclass(frozen=True)
class Direction:
    """A slow mode's eigenvalue and vectors: J r = λ r, lᵀ J = λ lᵀ, lᵀ r = 1, |r| = 1.

    tolerance: how far rounding may have moved the eigenvalue; condition: κ = |l| |r|, inf where it is defective, and then left
    and right are None; multiplicity: eigenvalues that rounding makes one of, this being their mean; trusted: as in SlowMode.
    """

    value: complex
    tolerance: float
    condition: float
    trusted: bool
    left: np.ndarray | None = None
    right: np.ndarray | None = None
    multiplicity: int = 1


def directions(J: np.ndarray, tolerance: float = SLOW) -> list[Direction]:
    """The slow modes of one Jacobian by falling |λ|, of a complex pair the one with Im λ > 0. J: (M, M). Returns: list."""
    values, lefts, rights = linalg.eig(J, left=True, right=True)
    lefts = lefts.conj().T
    told = spectra(J[None])
    size = float(linalg.norm(J, 2))
    found, rest = [], np.ones(len(values), bool)
    parts = told.multiplicity[0] > 1
    means, at = np.unique(told.values[0, parts], return_index=True)
    for mean, i in zip(means, np.flatnonzero(parts)[at], strict=True):
        k = int(told.multiplicity[0, i])
        left_over = np.flatnonzero(rest)
        rest[left_over[np.argsort(np.abs(values[left_over] - mean), kind="stable")[:k]]] = False
        if _slow(mean, tolerance):
            found.append(Direction(complex(mean), float(told.tolerance[0, i]), np.inf, False, multiplicity=k))
    for i in np.flatnonzero(rest & _slow(values, tolerance)):
        value, l, r = (
            complex(values[i]),
            _dual(values, lefts, rights, i, _CLUSTER * max(size, np.finfo(float).tiny)),
            rights[:, i],
        )
        condition = float(np.linalg.norm(l) * np.linalg.norm(r))  # inf where defective
        if not condition < 1 / EPS:
            found.append(Direction(value, 0.0, np.inf, False))
            continue
        moves = _ROUNDING * EPS * size * condition
        trusted = bool(moves <= max(0.1 * abs(abs(value) - 1), 1e-9))
        # Of a real mode the largest entry of r is positive, so that the same mode always has the same direction.
        length = np.linalg.norm(r) * (-1.0 if not value.imag and r[np.abs(r).argmax()].real < 0 else 1.0)
        found.append(Direction(value, float(moves), condition, trusted, l * length, r / length))
    return sorted(found, key=lambda d: -abs(d.value))


def _slow(values: np.ndarray, tolerance: float) -> np.ndarray:
    """(k,) bool: within the tolerance of |λ| = 1, and not the lower one of a pair."""
    return (np.abs(np.abs(values) - 1) <= tolerance) & (values.imag >= 0)


def regions_with_modes(params: Parameters) -> int:
    """Of how many subregions a report tells the slow modes: fewer where each may have M modes of N K gains."""
    return max(LEAST_REGIONS, min(MOST_REGIONS, MOST_GAINS // (params.M * max(params.N * params.K, 1))))


def slow_modes(
    params: Parameters,
    regions: np.ndarray,
    states: np.ndarray,
    of: np.ndarray,
    tolerance: float = SLOW,
    *,
    components: np.ndarray | None = None,
    dt: float = 1.0,
) -> tuple[SlowMode, ...]:
    """The slow modes of some subregions, by region, then by falling |λ|; of a complex pair the one with Im λ > 0.

    J r = λ r, lᵀ J = λ lᵀ. Effective gain of input k on output i through the mode: (D_Ω r)_i (lᵀ C)_k / (lᵀ r), which no scaling
    of l and r changes; summed over all modes with λⁿ it is D_Ω Jⁿ C exactly, D_Ω being what the readout sees in Ω. Share of
    variance: var(lᵀ(z - z̄) / (lᵀ r)) |r|² over the total; oblique modes overlap, so that shares need not add up to 1.
    Condition κ = |l| |r| / |lᵀ r|. A pair has twice the real part of its gain, and the share of both its members together.
    Variance is that of the states in Ω, where the mode acts.

    Alignments are cosines of angles, 0 … 1: |uᵀ v| / (|u| |v|) of r with a principal component u or with a row u of D_Ω, and of l
    with a column of C; for a pair |Qᵀ u| / |u|, Q an orthonormal basis of the plane of Re v and Im v. They say how much of a
    component, of a row, of an input's push points along the mode, whatever its size: of a real mode |gain_ik| = |D_i| |C_k| κ
    cos_i cos_k. A large gain may come of long vectors or an oblique mode; a cosine near 0 with either end shuts the mode off.

    regions: (r, P) bool; states: (S, M); of: (S,) int64, each state's row in `regions` (others may be there); components: (c, M)
    orthonormal rows, the principal components that have variance; dt: of a step, for `timescale_dt`.
    Returns: tuple of SlowMode. Source: arXiv 2506.07919 for the share of variance.
    """
    components = np.zeros((0, params.M)) if components is None else components[:COMPONENTS]
    found = []
    for number, region in enumerate(regions):
        own = states[of == number]
        centred = own - own.mean(axis=0) if len(own) else own
        total = float((centred**2).sum())
        seen = params.D * mask(region, params.M) if params.readout == "phi" else params.D
        for d in directions(jacobian(params, region), tolerance):
            value, l, r = d.value, d.left, d.right
            paired = 2.0 if value.imag else 1.0
            told = mode(value, d.tolerance)
            gain = share = None
            alignments = {}
            if l is not None and r is not None:
                gain = paired * np.real(np.outer(seen @ r, l @ params.C))
                if total:
                    along = np.real(np.outer(centred @ l, r)) * paired
                    share = float((along**2).sum() / total)
                alignments = {
                    "pc_alignment": _cosines(components, r),
                    "readout_alignment": _cosines(seen, r),
                    "input_alignment": _cosines(params.C.T, l),
                }
            found.append(
                SlowMode(
                    bitcode=code(region),
                    eigenvalue=(value.real, value.imag),
                    condition=d.condition if np.isfinite(d.condition) else None,
                    trusted=d.trusted,
                    variance_share=share,
                    gain=None if gain is None else tuple(tuple(row.tolist()) for row in gain),
                    role="storing" if told.period is None else "alternating" if told.period == 2 else "rotating",
                    kind=told.kind,
                    timescale=told.timescale,
                    timescale_dt=None if told.timescale is None else told.timescale * dt,
                    period=told.period,
                    multiplicity=d.multiplicity,
                    **alignments,
                )
            )
    return tuple(found)


def _cosines(rows: np.ndarray, v: np.ndarray) -> tuple[float, ...]:
    """|cos| of the angle between each row and v, or the plane of Re v and Im v; 0 for a row of zeros. rows: (k, M) real."""
    Q = np.linalg.qr(np.stack([v.real, v.imag], axis=1) if v.imag.any() else v.real[:, None])[0]
    length = np.linalg.norm(rows, axis=1)
    along = np.linalg.norm(rows @ Q, axis=1)
    return tuple(np.minimum(along / np.where(length > 0, length, 1), 1.0).tolist())


def _dual(values: np.ndarray, lefts: np.ndarray, rights: np.ndarray, i: np.intp, near: float) -> np.ndarray:
    """The left eigenvector of mode i with lᵀ r = 1 of its own right one, and 0 of the others of its eigenspace.

    Where several eigenvalues coincide, LAPACK's left and right bases of their space are not each other's dual. In an eigenspace
    that is defective, so that no projection onto its modes exists, it is infinite.
    values: (M,); lefts: (M, M) rows, rights: (M, M) columns; near: eigenvalues within it share a space. Returns: (M,).
    """
    space = np.flatnonzero(np.abs(values - values[i]) <= near)
    gram = lefts[space] @ rights[:, space]
    if not np.linalg.cond(gram) < 1 / EPS:
        return np.full(len(values), np.inf)
    return np.asarray(np.linalg.solve(gram, lefts[space])[np.flatnonzero(space == i)[0]])
