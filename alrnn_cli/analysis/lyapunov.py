"""Lyapunov exponents: how fast neighbouring states of the trials come together or part, under the inputs that the task gives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..dynamics import bits, jacobian, unique_regions
from ..maps import Map
from ..records import Lyapunov, Parameters, Trajectories
from .clusters import EPS
from .spectra import spectra

#: Share of every trial that is left out at its beginning, while the basis turns to the directions that grow most.
DISCARDED = 0.2
#: Blocks that standard errors are made from, at least: trials, or pieces of them where there are fewer trials.
BLOCKS = 20
#: Steps with the mean Jacobian that turn the first basis towards its modes.
_WARM = 200
#: A sum of exponents above minus this is not negative: that of a stored value is 0 but for rounding.
_ZERO = 1e-12
#: States of a map without subregions whose mean Jacobian turns the first basis.
_SAMPLED = 256

#: What a step does to a basis: (rows of trials, step, their basis (r, M, k)) -> J basis, and the length that counts as lost.
Advance = Callable[[np.ndarray, int, np.ndarray], tuple[np.ndarray, float]]


def lyapunov(system: Parameters | Map, trajectories: Trajectories, exponents: int, max_steps: int) -> Lyapunov | None:
    """The leading Lyapunov exponents by QR decomposition, averaged over trials.

    With J(z) = diag(A) + W diag(d(z)), or dF/dz of a map F(z, s), J(z_(t-1)) Q_(t-1) = Q_t R_t, exponent i is the mean of
    ln|R_t,ii| per step; the input moves the states and so the subregions, and is not differentiated. The step from z_0 is left out.
    Every trial starts from the same basis, which subspace iteration with the mean Jacobian has turned towards its modes. If one
    Jacobian governs all steps, the exponents are its ln|λ|.

    Where |R_t,ii| <= M eps (|A| + ‖W‖_F), or M eps times the largest ‖J‖_F of that step, the map loses a direction, an exponent of
    -infinity. It then goes last with all its past, and the others grow on as they did: J q_i = 0 leaves of a later column what is at
    right angles to q_i, which is what its R_jj has counted.

    Standard error: blocks are trials, or equal pieces of them where there are fewer than 20; with their means x_b and shares w_b
    of the steps, sqrt(n / (n - 1) Σ w_b² (x_b - x̄)²). It takes blocks to be independent and knows nothing of a bias that all trials
    share: exponents of trials that end before their beginning is forgotten are those of the trials, not of an attractor.

    exponents: how many, at most M; max_steps: of the first trials, cut where a single one is longer. Returns: Lyapunov, or None
    where there is no step to average over.
    Source: Benettin et al., Meccanica 15 (1980).
    """
    k = min(exponents, system.M)
    before, counted = _steps(trajectories, max_steps)
    step = np.arange(counted.shape[1])
    kept = counted & (step >= np.floor(DISCARDED * counted.sum(axis=1))[:, None])
    # z_0 is chosen, not reached: at 0 every unit is off, and that one Jacobian would lose what no later step does.
    counted, kept = counted & (step > 0), kept & (step > 0)
    total = int(kept.sum())
    if not k or not total:
        return None
    only = None
    if isinstance(system, Map):
        s = trajectories.s[: len(before), : before.shape[1]]
        mean, advance = _mean_jacobian(system, before[counted], s[counted]), _by_map(system, before, s)
    else:
        regions, counts, _ = unique_regions(before[counted], system.P)
        only = jacobian(system, regions[0]) if len(regions) == 1 else None
        mean, advance = _mean_of_regions(system, counts @ regions / counts.sum()), _by_region(system, before)
    if only is not None:
        rates, singular = _of_one(only, k), np.zeros(k, np.int64)
        singular[np.isinf(rates)] = total
        errors, n_blocks = np.zeros(k), 0
    else:
        logs = _growth(advance, counted, _first_basis(mean, k))
        rates, errors, n_blocks = _averages(logs, kept)
        singular = np.isinf(logs[counted]).sum(axis=0)
        rates[singular > 0] = -np.inf  # those lost before the steps averaged over, too
    order = np.argsort(-rates, kind="stable")
    found = [float(x) if np.isfinite(x) else None for x in rates[order]]
    return Lyapunov(
        exponents=tuple(found),
        standard_errors=tuple(
            None if n_blocks == 1 or x is None else float(e) for x, e in zip(found, errors[order], strict=True)
        ),
        singular=tuple(singular[order].tolist()),
        kaplan_yorke=kaplan_yorke(rates[order], system.M),
        method="eigenvalues" if only is not None else "QR",
        n_steps=total,
        n_trials=int(kept.any(axis=1).sum()),
        n_blocks=n_blocks,
        discarded=DISCARDED,
        dt=trajectories.dt,
        dt_unit=trajectories.dt_unit,
    )


def kaplan_yorke(exponents: np.ndarray, M: int) -> float | None:
    """j + Σ_(i <= j) λ_i / |λ_(j+1)| with the largest j whose sum is not negative.

    exponents: (k,) the leading ones of M, falling, -inf allowed. Returns: the dimension, or None where k < M are not enough.
    Source: Kaplan & Yorke, Lecture Notes in Mathematics 730 (1979).
    """
    sums = np.cumsum(exponents)
    j = int((sums >= -_ZERO).sum())
    if j == len(exponents):
        return float(j) if j == M else None
    return j + (max(0.0, float(sums[j - 1])) / abs(float(exponents[j])) if j else 0.0)


def _steps(trajectories: Trajectories, max_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """The state before each step, z_0 … z_(T-1), and whether the step counts: within its trial, no state so far infinite or NaN.
    Returns: (n, T, M) and (n, T) bool of the first trials, max_steps steps in all at most."""
    T = min(trajectories.z.shape[1], max_steps)
    n = max_steps // max(T, 1)
    z = trajectories.z[:n, :T]
    before = np.concatenate([trajectories.z0[: len(z), None, :], z[:, :-1]], axis=1)[:, :T]
    finite = np.logical_and.accumulate(np.isfinite(before).all(axis=-1), axis=1)
    return before, trajectories.valid[:n, :T] & finite


def _of_one(J: np.ndarray, k: int) -> np.ndarray:
    """ln|λ| of the k largest eigenvalues; -inf for 0, and 0 for 1, to precision. J: (M, M). Returns: (k,)."""
    told = spectra(J[None])
    modulus = told.modulus[0, :k]
    modulus = np.where(modulus <= told.tolerance[0, :k], 0, np.where(told.marginal[0, :k], 1, modulus))
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(modulus))


def _mean_of_regions(params: Parameters, share: np.ndarray) -> np.ndarray:
    """diag(A) + W diag(mean d). share: (P,) of steps with the unit on. Returns: (M, M)."""
    d = np.ones(params.M)
    d[params.M - params.P :] = share
    return np.asarray(np.diag(params.A) + params.W * d)


def _mean_jacobian(system: Map, z: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Mean Jacobian over some of the steps, evenly picked. z, s: (S, …). Returns: (M, M)."""
    some = np.linspace(0, len(z) - 1, min(len(z), _SAMPLED)).astype(int)
    return np.asarray(system.jacobian(z[some], s[some]).mean(axis=0))


def _by_region(params: Parameters, before: np.ndarray) -> Advance:
    """Steps with the Jacobians of the subregions that states (n, T, M) are in."""
    lost = params.M * EPS * (np.linalg.norm(params.A) + np.linalg.norm(params.W))

    def advance(rows: np.ndarray, t: int, Q: np.ndarray) -> tuple[np.ndarray, float]:
        d = np.ones((len(rows), params.M))
        d[:, params.M - params.P :] = bits(before[rows, t], params.P)
        return params.A[:, None] * Q + params.W @ (d[:, :, None] * Q), float(lost)

    return advance


def _by_map(system: Map, before: np.ndarray, s: np.ndarray) -> Advance:
    """Steps with the Jacobians of a map at states (n, T, M) under inputs (n, T, K)."""

    def advance(rows: np.ndarray, t: int, Q: np.ndarray) -> tuple[np.ndarray, float]:
        J = system.jacobian(before[rows, t], s[rows, t])
        return J @ Q, system.M * EPS * float(np.linalg.norm(J, axis=(1, 2)).max(initial=0.0))

    return advance


def _first_basis(J: np.ndarray, k: int) -> np.ndarray:
    """k orthonormal columns near the leading modes of a mean Jacobian. Returns: (M, k)."""
    Q = np.linalg.qr(np.random.default_rng(0).normal(size=(len(J), k)))[0]
    for _ in range(_WARM):
        Q = np.linalg.qr(J @ Q)[0]
    return np.asarray(Q)


def _growth(advance: Advance, counted: np.ndarray, first: np.ndarray) -> np.ndarray:
    """ln|R_t,ii| of every counted step, -inf where a direction is lost, 0 elsewhere.

    counted: (n, T) bool; first: (M, k). Returns: (n, T, k)."""
    n, T = counted.shape
    Q = np.tile(first, (n, 1, 1))
    logs = np.zeros((n, T, first.shape[1]))
    for t in range(T):
        rows = np.flatnonzero(counted[:, t])
        moved, lost = advance(rows, t, Q[rows])
        Q[rows], size, order = _qr(moved, lost)
        turned = np.flatnonzero((order != np.arange(order.shape[1])).any(axis=1))
        logs[rows[turned], :t] = np.take_along_axis(logs[rows[turned], :t], order[turned, None, :], axis=2)
        logs[rows, t] = np.where(size > lost, np.log(np.where(size > lost, size, 1)), -np.inf)
    return logs


def _qr(Y: np.ndarray, lost: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Q and |diag R| of Y, the columns that are no more than `lost` away from the others last.

    LAPACK completes a lost column's q by some direction or other, which would be taken out of later columns that are not lost.
    Y: (n, M, k). Returns: (n, M, k), (n, k), and which column of Y each of them comes from, (n, k).
    """
    Q, R = np.linalg.qr(Y)
    size = np.abs(np.diagonal(R, axis1=-2, axis2=-1)).copy()
    order = np.tile(np.arange(Y.shape[2]), (len(Y), 1))
    rows = np.flatnonzero((size <= lost).any(axis=1))
    while len(rows):
        columns = np.take_along_axis(Y[rows], order[rows, None, :], axis=2)
        gone = size[rows] <= lost
        kept = Q[rows] * ~gone[:, None, :]
        left = np.linalg.norm(columns - kept @ (np.swapaxes(kept, 1, 2) @ columns), axis=1)
        rank = np.where(~gone, 0, np.where(left > 2 * lost, 1, 2))
        wrong = (np.diff(rank, axis=1) < 0).any(axis=1)  # the first one gone is lost for certain
        rows, rank, columns = rows[wrong], rank[wrong], columns[wrong]
        turn = np.argsort(rank, axis=1, kind="stable")
        order[rows] = np.take_along_axis(order[rows], turn, axis=1)
        Q[rows], R = np.linalg.qr(np.take_along_axis(columns, turn[:, None, :], axis=2))
        size[rows] = np.abs(np.diagonal(R, axis1=-2, axis2=-1))
    return Q, size, order


def _averages(logs: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Means per step and their standard errors. logs: (n, T, k); kept: (n, T) bool. Returns: (k,), (k,), number of blocks."""
    used = np.flatnonzero(kept.any(axis=1))
    pieces = -(-BLOCKS // len(used))
    sums, sizes = [], []
    for i in used:
        for block in np.array_split(logs[i, kept[i]], min(pieces, int(kept[i].sum()))):
            sums.append(block.sum(axis=0))
            sizes.append(len(block))
    total, size = np.array(sums), np.array(sizes)[:, None]
    mean = total.sum(axis=0) / size.sum()
    n = len(size)
    with np.errstate(invalid="ignore"):  # -inf - -inf: a direction that is lost has no error
        squares = (size / size.sum() * (total / size - mean)) ** 2
        error = np.sqrt(squares.sum(axis=0) * n / max(n - 1, 1))
    return mean, error, n
