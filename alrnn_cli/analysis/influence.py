"""What becomes of an input on its way to an output: the gain of whole trials rather than of one mode."""

from __future__ import annotations

import numpy as np

from ..dynamics import bits
from ..records import Influence, Parameters, Trajectories

#: Multiplications that this may take; the first trials that fit are counted.
_WORK = 2e9


def influence(params: Parameters, trajectories: Trajectories) -> tuple[Influence, ...]:
    """How outputs at the last counted step τ of a trial depend on its inputs, over all steps and over those of each phase.

    ∂y_τ/∂s_t = D J_Ω(τ-1) … J_Ω(t) C for t <= τ, J_Ω(t) of the subregion of z_t (D diag(d_Ω(τ)) for readout "phi"): exact as long as
    no state changes its subregion, so that y_τ = Σ_t (∂y_τ/∂s_t) s_t + a constant of the trial's sequence of subregions.
    Returns: one record for "all" and each phase that has steps; () without inputs, outputs or finite trials.
    """
    kept, last = _counted(params, trajectories)
    if not len(kept) or not params.K or not params.N:
        return ()
    names = ("all", *trajectories.phase_names)
    counts = np.zeros(len(names), np.int64)
    sums = np.zeros((2, len(names), params.N, params.K))
    z, phases = trajectories.z[kept], trajectories.phases[kept]
    back = np.zeros((len(kept), params.N, params.M))  # ∂y_τ/∂z_t
    for t in range(int(last.max()), -1, -1):
        on = np.ones((len(kept), params.M))
        on[:, params.M - params.P :] = bits(z[:, t], params.P)
        back = back * params.A + (back @ params.W) * on[:, None]
        ends = last == t
        back[ends] = params.D * on[ends, None] if params.readout == "phi" else params.D
        gain = back @ params.C
        for j in range(len(names)):
            here = (last >= t) & ((j == 0) | (phases[:, t] == j - 1))
            counts[j] += here.sum()
            sums[0, j] += gain[here].sum(axis=0)
            sums[1, j] += (gain[here] ** 2).sum(axis=0)
    return tuple(
        _record(name, int(n), len(kept), *sums[:, j])
        for j, (name, n) in enumerate(zip(names, counts, strict=True))
        if n
    )


def _counted(params: Parameters, trajectories: Trajectories) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the trials that are finite and have a counted step, as many as are affordable, and that step of each."""
    counted = trajectories.mask & trajectories.valid
    if not counted.shape[1]:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    finite = (np.isfinite(trajectories.z).all(axis=-1) | ~trajectories.valid).all(axis=1)
    T = counted.shape[1]
    most = max(1, int(_WORK / max(1, T * params.N * params.M**2)))
    kept = np.flatnonzero(finite & counted.any(axis=1))[:most]
    return kept, T - 1 - np.argmax(counted[kept, ::-1], axis=1)


def _record(phase: str, n: int, trials: int, total: np.ndarray, squares: np.ndarray) -> Influence:
    mean = total / n
    spread = np.sqrt(np.maximum(squares / n - mean**2, 0))
    return Influence(phase, n, trials, *(tuple(tuple(row) for row in a.tolist()) for a in (mean, spread)))
