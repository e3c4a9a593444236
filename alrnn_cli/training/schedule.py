"""What changes over training: the learning rate, and the length of the trials."""

from __future__ import annotations

import math

from ..config import TrainingConfig


def learning_rate(config: TrainingConfig, step: int, total: int) -> float:
    """Learning rate of step 0 … total-1: a linear rise over the share `warmup`, times the schedule."""
    rise = min(1.0, (step + 1) / max(1.0, config.warmup * total))
    fall = 0.5 * (1 + math.cos(math.pi * step / max(1, total))) if config.schedule == "cosine" else 1.0
    return config.lr * rise * fall


def trial_length(config: TrainingConfig, step: int, total: int, lengths: tuple[int, int] | None) -> int | None:
    """Length of the trials of one step under a curriculum: from the shortest to the full one, by equal factors.

    Returns: None where the curriculum is over or there is none.
    """
    if lengths is None or config.curriculum <= 0:
        return None
    share = step / (config.curriculum * total)
    if share >= 1:
        return None
    shortest, full = lengths
    return round(shortest * (full / shortest) ** share)
