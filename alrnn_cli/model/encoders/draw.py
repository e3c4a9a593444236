"""How encoders' layers start: as torch's own layers of their kind do."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor, nn


def drawn_by_torch(
    e: int, seed: np.random.SeedSequence, weights: Iterable[tuple[Tensor, Tensor]], kind: Callable[..., nn.Module]
) -> None:
    """Give member e the numbers with which torch's layers begin, one after the other. weights: (weight, bias) of each layer, weight
    (E, out, in, …); kind: makes a layer from in, out, …

    Always on the CPU: every device starts from the same.
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        # torch's layers initialise themselves from the global generator.
        torch.manual_seed(int(seed.generate_state(1)[0]))
        for mine in weights:
            _, out, inputs, *more = mine[0].shape
            for here, there in zip(mine, kind(inputs, out, *more).parameters(), strict=True):
                here[e].copy_(there)
