"""Seeded random streams, one for each use, so that drawing more from one never shifts another.

Every draw comes from a generator made of (seed, stream, index…): nothing has to be saved to resume, and step 700 draws the
same trials whether training was interrupted before or not.
"""

from __future__ import annotations

import numpy as np

# 1, 2 and 3 are the tasks' own: training, validation and test trials.
INIT, ORDER, FRESH, NOISE, EVAL_NOISE = 0, 4, 5, 6, 7


def rng(seed: int, stream: int, *index: int) -> np.random.Generator:
    """A generator for one use. index: step, epoch or restart within the stream."""
    return np.random.default_rng([seed, stream, *index])
