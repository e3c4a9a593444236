"""What it is to remove a slow mode: the spectral projection of an eigenvalue, of a pair, or of several that coincide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from ..wording import SPELT, near_one, steps
from .slow import SLOW

#: Eigenvalues nearer than this are removed together: they act alike for a million steps, and each by itself is a matter of choice.
_SAME = 1e-6
#: Largest norm of a projection: beyond it rounding decides what is removed.
_STEEPEST = 1e8


@dataclass(frozen=True)
class Subspace:
    """An invariant subspace and its dual. eigenvalues: (k,) complex, by falling |λ|, of a pair the one with Im λ > 0 first;
    left, right: (k, M) real with left rightᵀ = I, so that z - rightᵀ (left z) is z without its part in the subspace."""

    eigenvalues: np.ndarray
    left: np.ndarray
    right: np.ndarray


def slow_subspaces(J: np.ndarray, tolerance: float = SLOW) -> tuple[list[Subspace], int]:
    """The spectral projections of the slow modes, ||λ| - 1| <= tolerance, by falling |λ|.

    For one eigenvalue R = r lᵀ / (lᵀ r), J r = λ r, lᵀ J = λ lᵀ; for a pair the sum of both, which is real; for eigenvalues that
    coincide the Riesz projection R = X (Yᴴ X)⁻¹ Yᴴ, X and Y bases of the right and the left invariant subspace from ordered Schur
    forms: it exists where eigenvectors are missing, too. J: (M, M).
    Returns: the subspaces, and how many were left out because their projection exceeds 1e8 in norm.
    """
    values = linalg.eigvals(J)
    near = np.abs(values[:, None] - values[None, :]) <= _SAME
    found, left_out = [], 0
    taken = np.zeros(len(values), bool)
    for i in np.lexsort((-values.imag, -np.abs(values))):
        if taken[i] or abs(abs(values[i]) - 1) > tolerance:
            continue
        members = _closed(near, values, i)
        taken |= members
        projection = _projection(J, values, members)
        if projection is None or linalg.norm(projection, 2) > _STEEPEST:
            left_out += 1
            continue
        u, size, v = linalg.svd(projection)
        k = int(members.sum())
        own = values[members]
        own = own[np.lexsort((-own.imag, -np.abs(own)))]
        found.append(Subspace(own, size[:k, None] * v[:k], np.ascontiguousarray(u[:, :k].T)))
    return found, left_out


def _closed(near: np.ndarray, values: np.ndarray, i: int) -> np.ndarray:
    """Eigenvalue i with all that coincide with it or with each other, and their conjugates. Returns: (M,) bool."""
    members = np.zeros(len(values), bool)
    members[i] = True
    while True:
        conjugates = np.abs(values[:, None] - values[members].conj()).argmin(axis=0)
        grown = members | near[members].any(axis=0)
        grown[conjugates] = True
        if (grown == members).all():
            return members
        members = grown


def _projection(J: np.ndarray, values: np.ndarray, members: np.ndarray) -> np.ndarray | None:
    """The Riesz projection of some eigenvalues, closed under conjugation. Returns: (M, M) real; None where rounding leaves none."""

    def chosen(value: complex) -> bool:
        return bool(members[np.abs(values - value).argmin()])

    k = int(members.sum())
    _, X, _ = linalg.schur(J, output="complex", sort=chosen)
    _, Y, _ = linalg.schur(J.T, output="complex", sort=chosen)
    X, Y = X[:, :k], Y[:, :k]  # closed under conjugation both spaces are real, so that Yᴴ does for Yᵀ
    gram = Y.conj().T @ X
    if not np.linalg.cond(gram) < 1 / np.finfo(float).eps:
        return None
    return np.real(X @ np.linalg.solve(gram, Y.conj().T))


def name(subspace: Subspace, bitcode: str, rank: int) -> str:
    """What a table calls it: "mode λ = 0.9969 of 01", "pair |λ| = 0.998, period 12 steps, of 01", "2 modes λ = 1 of 01".

    rank: of the subregion by use, from 1, which stands for a bitcode too long to read. Returns: text.
    """
    values, k = subspace.eigenvalues, len(subspace.eigenvalues)
    of = "" if not bitcode else f" of {bitcode}" if len(bitcode) <= SPELT else f" of subregion #{rank}"
    if abs(values[0].imag) > _SAME:
        head = "pair" if k == 2 else f"{k // 2} pairs"
        period = 2 * np.pi / abs(np.angle(values[0]))
        return f"{head} |λ| = {near_one(abs(values[0]))}, period {steps(period)}{',' if of else ''}{of}"
    # Rounding spreads eigenvalues that coincide, but not their mean.
    value = float(values.mean().real) if k == 1 else round(float(values.mean().real), 9)
    return f"{'mode' if k == 1 else f'{k} modes'} λ = {near_one(value)}{of}"
