"""When a phase shows: how many steps after its input the states have moved to the subregions that belong to it."""

from __future__ import annotations

import numpy as np

from ..records import PhaseLag

#: Lags compared, 0 … MAX_LAG steps.
MAX_LAG = 5
#: A lag other than 0 must tell so many times as much, so that sampling noise does not choose one.
_MORE = 1.1


def after(sequence: np.ndarray, phases: np.ndarray, r: int, n_phases: int, lag: int) -> np.ndarray:
    """States by subregion and by the phase of the input `lag` steps before the one that made them.

    sequence: (n, T) int64, subregions 0 … r-1 or -1 where no state counts; phases: (n, T), -1 for none.
    Returns: (r, n_phases) int64.
    """
    T = sequence.shape[1]
    region, phase = sequence[:, lag:], phases[:, : max(T - lag, 0)].astype(np.int64)
    counted = (region >= 0) & (phase >= 0) & (phase < n_phases)
    cell = region[counted] * n_phases + phase[counted]
    return np.bincount(cell, minlength=r * n_phases).reshape(r, n_phases).astype(np.int64)


def information(counts: np.ndarray) -> float:
    """Mutual information of rows and columns, Σ p_ij ln(p_ij / (p_i p_j)) in nats. counts: (r, c) int64. Returns: I >= 0."""
    total = counts.sum()
    if not total:
        return 0.0
    p = counts / total
    apart = p.sum(axis=1, keepdims=True) * p.sum(axis=0, keepdims=True)
    seen = p > 0
    return max(0.0, float((p[seen] * np.log(p[seen] / apart[seen])).sum()))


def phase_lag(sequence: np.ndarray, phases: np.ndarray, r: int, n_phases: int) -> tuple[PhaseLag, np.ndarray]:
    """The lag at which phase and subregion share most information: the step at which a switch that the input throws is seen.

    A unit that reads the input crosses zero in one step; one that another unit drives, a step later. Arguments: as in `after`.
    Returns: PhaseLag, and the counts (r, n_phases) at its lag.
    """
    counts = [after(sequence, phases, r, n_phases, lag) for lag in range(min(MAX_LAG + 1, max(sequence.shape[1], 1)))]
    told = [information(c) for c in counts]
    best = int(np.argmax(told))
    if told[best] <= _MORE * told[0]:
        best = 0
    return PhaseLag(best, tuple(told)), counts[best]
