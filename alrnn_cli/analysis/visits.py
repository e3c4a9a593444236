"""Which subregions the states of the trials fall into: counts over valid steps, overall and by phase."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..dynamics import unique_regions
from ..records import Trajectories


@dataclass(frozen=True)
class Visits:
    """Visited subregions by falling count (ties: by bitcode), and how often each was seen.

    regions: (r, P) bool; counts: (r,) int64; by_phase: (r, number of phases) int64; states: (S, M) the states counted;
    sequence: (n, T) int64, the row in `regions` of every state, -1 where none was counted;
    not_finite: states left out because they are infinite or not a number. Padding is in none of them.
    """

    regions: np.ndarray
    counts: np.ndarray
    by_phase: np.ndarray
    states: np.ndarray
    sequence: np.ndarray
    not_finite: int

    @property
    def total(self) -> int:
        return int(self.counts.sum())


def count_visits(trajectories: Trajectories, P: int) -> Visits:
    """Count the states z_1 … z_T of every trial, without its padding, under the phase of the input s_t that made them.

    Returns: Visits.
    """
    valid = trajectories.valid
    states, phases = trajectories.z[valid], trajectories.phases[valid]
    finite = np.isfinite(states).all(axis=-1)
    if not finite.all():
        states, phases = states[finite], phases[finite]
    regions, counts, inverse = unique_regions(states, P)
    n_phases = len(trajectories.phase_names)
    by_phase = np.zeros((len(regions), n_phases), np.int64)
    named = (phases >= 0) & (phases < n_phases)
    np.add.at(by_phase, (inverse[named], phases[named].astype(np.int64)), 1)
    # unique_regions sorts by bitcode, so a stable sort by count leaves ties in that order.
    order = np.argsort(-counts, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    sequence = np.full(valid.shape, -1, np.int64)
    counted = valid.copy()
    counted[valid] = finite
    sequence[counted] = rank[inverse]
    return Visits(regions[order], counts[order], by_phase[order], states, sequence, int((~finite).sum()))
