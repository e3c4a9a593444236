"""What an input does to an output."""

from __future__ import annotations

from dataclasses import dataclass

from .words import Vector


@dataclass(frozen=True)
class Influence:
    """By how much an output at a trial's last counted step changes per unit of an input at an earlier one.

    phase: of the inputs counted, "all" for every step; n_steps: counted, of n_trials trials; mean, spread: (N, K), of ∂y_i/∂s_k over
    these steps, and its standard deviation, with every state kept in its subregion.
    """

    phase: str
    n_steps: int
    n_trials: int
    mean: tuple[Vector, ...]
    spread: tuple[Vector, ...]
