"""How states spread, whatever the model: what needs no subregions."""

from __future__ import annotations

from dataclasses import dataclass

from .words import Vector


@dataclass(frozen=True)
class Explained:
    """How much of the variance of each trial's last state its condition explains.

    n_trials, n_conditions: with a finite last state; share: Σ n_c |mean_c - mean|² / Σ |z - mean|²; chance: its mean over shuffles of
    the conditions, (n_conditions - 1) / (n_trials - 1); p_value: share of shuffles that explain as much, this one counted as one.
    """

    n_trials: int
    n_conditions: int
    share: float
    chance: float
    p_value: float


@dataclass(frozen=True)
class StateSpread:
    """The cloud of all states counted.

    n_states: of them; variance: summed over units; dimension: (Σ v)² / Σ v² of the variances v along the principal components,
    1 on a line and M in a round cloud; pc_shares: of the variance, along the first ten components; by_condition: None where fewer
    than two conditions were seen; by_phase: share of the variance between the phases of the inputs that made the states (None
    with fewer than two). Shares are None where the states do not spread.
    """

    n_states: int
    variance: float
    dimension: float | None
    pc_shares: Vector | None
    by_condition: Explained | None
    by_phase: float | None
