"""Slow modes: what a subregion keeps, how much of the states lies along it, and what each input and output has to do with it."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from ..dynamics import code, jacobian, mask
from ..records import Parameters, SlowMode

#: A mode is slow where ||λ| - 1| is at most this.
SLOW = 0.02
#: Subregions that a report describes the slow modes of, the most used ones.
MOST_REGIONS = 64
#: Eigenvalues nearer than this, relative to ‖J‖, share an eigenspace whose basis is a matter of choice.
_CLUSTER = 1e-8
#: Rounding may move an eigenvalue by this many times eps ‖J‖ κ; beyond a tenth of its distance from 1 it is not to be trusted
#: (one that is 1 to precision: beyond 1e-9).
_ROUNDING = 10.0


def slow_modes(
    params: Parameters, regions: np.ndarray, states: np.ndarray, of: np.ndarray, tolerance: float = SLOW
) -> tuple[SlowMode, ...]:
    """The slow modes of some subregions, by region, then by falling |λ|; of a complex pair the one with Im λ > 0.

    J r = λ r, lᵀ J = λ lᵀ. Effective gain of input k on output i through the mode: (D_Ω r)_i (lᵀ C)_k / (lᵀ r), which no scaling
    of l and r changes; summed over all modes with λⁿ it is D_Ω Jⁿ C exactly, D_Ω being what the readout sees in Ω. Share of
    variance: var(lᵀ(z - z̄) / (lᵀ r)) |r|² over the total; oblique modes overlap, so that shares need not add up to 1.
    Condition κ = |l| |r| / |lᵀ r|. A pair has twice the real part of its gain, and the share of both its members together.
    Variance is that of the states in Ω, where the mode acts. regions: (r, P) bool; states: (S, M); of: (S,) int64, each state's row
    in `regions` (others may be there). Returns: tuple of SlowMode. Source: arXiv 2506.07919 for the share of variance.
    """
    found = []
    for number, region in enumerate(regions):
        own = states[of == number]
        centred = own - own.mean(axis=0) if len(own) else own
        total = float((centred**2).sum())
        J = jacobian(params, region)
        values, lefts, rights = _biorthogonal(J)
        seen = params.D * mask(region, params.M) if params.readout == "phi" else params.D
        size = np.finfo(float).eps * linalg.norm(J, 2)
        slow = np.flatnonzero((np.abs(np.abs(values) - 1) <= tolerance) & (values.imag >= 0))
        for i in slow[np.argsort(-np.abs(values[slow]), kind="stable")]:
            value, r, l = values[i], rights[:, i], lefts[i]
            condition = float(linalg.norm(l) * linalg.norm(r))
            safe = np.isfinite(condition) and condition < 1 / np.finfo(float).eps
            paired = 2.0 if value.imag else 1.0
            gain = share = None
            if safe:
                gain = paired * np.real(np.outer(seen @ r, l @ params.C))
                if total:
                    along = np.real(np.outer(centred @ l, r)) * paired
                    share = float((along**2).sum() / total)
            found.append(
                SlowMode(
                    bitcode=code(region),
                    eigenvalue=(float(value.real), float(value.imag)),
                    condition=condition if np.isfinite(condition) else None,
                    trusted=bool(safe and _ROUNDING * size * condition <= max(0.1 * abs(abs(value) - 1), 1e-9)),
                    variance_share=share,
                    gain=None if gain is None else tuple(tuple(row.tolist()) for row in gain),
                )
            )
    return tuple(found)


def _biorthogonal(J: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Eigenvalues (M,), left eigenvectors by rows and right ones by columns, lᵢᵀ rᵢ = 1 and 0 between others of one eigenspace.

    Where several eigenvalues coincide, LAPACK's left and right bases of their space are not each other's dual. The rows of an
    eigenspace that is defective, so that no projection onto its modes exists, are infinite.
    """
    values, left, rights = linalg.eig(J, left=True, right=True)
    lefts = left.conj().T
    near = np.abs(values[:, None] - values[None, :]) <= _CLUSTER * max(linalg.norm(J, 2), np.finfo(float).tiny)
    out = np.empty_like(lefts)
    for i in range(len(values)):
        space = np.flatnonzero(near[i])
        gram = lefts[space] @ rights[:, space]
        if np.linalg.cond(gram) < 1 / np.finfo(float).eps:
            out[i] = np.linalg.solve(gram, lefts[space])[np.flatnonzero(space == i)[0]]
        else:
            out[i] = np.inf
    return values, out, rights
