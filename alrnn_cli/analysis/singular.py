"""What takes the fixed point's place where I - J_Ω is singular: a continuum of fixed points, or a drift."""

from __future__ import annotations

import numpy as np

#: HiGHS meets constraints to 1e-7; below this margin, relative to the state, its answer is not an answer.
_LP_TOLERANCE = 1e-6


def drift(c: np.ndarray, right: np.ndarray, left: np.ndarray, rounding: float) -> tuple[np.ndarray, bool]:
    """Displacement per step along the eigenvalue 1 of J where (I - J) z = c has no solution.

    With L, N the left and right null spaces of I - J (rows), every step changes the coordinates L z by exactly L c.
    Where eigenvalue 1 is semisimple (L Nᵀ invertible) the displacement that does this and stays within N is the
    spectral projection

        v = Nᵀ (L Nᵀ)⁻¹ L c,

    the constant velocity left once all decaying modes have died. (The orthogonal projection Lᵀ L c would point out of
    N, in a direction in which the state does not keep moving, unless J is normal.) Where eigenvalue 1 is defective, no
    velocity stays constant; Lᵀ L c, the least displacement with the exact L c, is given and called unsteady.
    c: (M,); right, left: (d, M) orthonormal; rounding: relative error of the two. Returns: (M,), steady.
    """
    along = left @ c
    overlap = left @ right.T
    if np.linalg.svd(overlap, compute_uv=False).min() <= 10 * rounding:
        return along @ left, False
    return np.linalg.solve(overlap, along) @ right, True


def meets_region(
    z: np.ndarray, directions: np.ndarray, region: np.ndarray, error: float, rounding: float
) -> bool | None:
    """Whether a continuum of fixed points z + Σ t_j n_j lies partly in its subregion.

    Seeks the t that maximises δ in ±(z_i + Σ t_j n_ji) >= δ over the PWL units (+ where the bit is 1), by linear
    programming. z: (M,); directions: (d, M) orthonormal; region: (P,) bool; error: bound on z; rounding: relative error
    of the directions. Returns: True, False, or None where it only touches a switching plane to within the error.
    """
    P, M = len(region), len(z)
    sign = np.where(region, 1.0, -1.0)
    q = sign * z[M - P :]
    if not P or q.min() > error:
        return True
    n = directions[:, M - P :].T * sign[:, None]  # (P, d)
    fixed = np.linalg.norm(n, axis=1) <= 10 * rounding  # units that do not change along the continuum
    if (q[fixed] < -error).any():
        return False
    free_q, free_n = q[~fixed], n[~fixed]
    margin = _widest_margin(free_q, free_n) if len(free_q) else np.inf
    threshold = max(error, _LP_TOLERANCE * float(np.abs(free_q).max(initial=0)))
    if margin < -threshold:
        return False
    if margin <= threshold or (q[fixed] <= error).any():
        return None
    return True


def _widest_margin(q: np.ndarray, n: np.ndarray) -> float:
    """max over t of min_i (q_i + n_i·t), or max |q| (1 where q = 0) if that is less. q: (r,); n: (r, d)."""
    from scipy.optimize import linprog  # type: ignore[import-untyped]  # slow to import, rarely needed

    scale = float(np.abs(q).max()) or 1.0
    d = n.shape[1]
    objective = np.r_[np.zeros(d), -1.0]
    found = linprog(
        objective,
        A_ub=np.c_[-n, np.ones(len(q))],
        b_ub=q / scale,
        bounds=[(None, None)] * d + [(None, 1.0)],
        method="highs",
    )
    # Always feasible (any t, δ low enough) and bounded (δ <= 1): no answer can only be a numerical failure.
    return float(found.x[-1]) * scale if found.x is not None else 0.0
