"""Adam for many members at once: one row of numbers each, every row with its own rate and its own count of steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .arrays import array, library

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class Adam:
    """m ← β₁ m + (1 - β₁) g, v ← β₂ v + (1 - β₂) g², θ ← θ - lr · decay · θ - lr/(1 - β₁ᵗ) · m / (√v/√(1 - β₂ᵗ) + ε).

    factor: (E, n), what a coordinate's rate is multiplied with, in the last term; decay: (E, n), None for none. m, v: (E, n) moments;
    count: (E,) int64, steps since the member's last `reset`. Every operation is elementwise and rounds once, so that a member's bits
    depend neither on the members beside it nor on how the machine splits the work.
    Source: Kingma & Ba 2015, arXiv 1412.6980, ε where torch.optim.Adam has it; Loshchilov & Hutter 2019, arXiv 1711.05101 (decay).
    """

    def __init__(self, factor: Tensor, decay: Tensor | None = None) -> None:
        self.m = torch.zeros_like(factor)
        self.v = torch.zeros_like(factor)
        self.count = np.zeros(len(factor), np.int64)
        self._factor = None if bool((factor == 1).all()) else array(factor)
        self._decay = None if decay is None else array(decay)
        self._library = library(factor.device)
        self._m, self._v, self._change = array(self.m), array(self.v), array(torch.empty_like(factor))

    def reset(self, e: int) -> None:
        """Forget member e's past."""
        self.m[e] = 0
        self.v[e] = 0
        self.count[e] = 0

    def step(self, values: Any, gradient: Any, lr: Sequence[float], going: Any) -> None:
        """One step of every member, in place. values, gradient: (E, n) arrays; going: (E,) bool, the members that make it.

        The moments and the count of a member that does not go on are void afterwards, until `reset`.
        """
        x, m, v, change = self._library, self._m, self._v, self._change
        self.count += 1
        rates = np.asarray(lr)
        scalars: Any = np.stack([rates / (1 - BETA1**self.count), np.sqrt(1 - BETA2**self.count), rates])
        scalars = scalars.astype(np.float32) if x is np else torch.from_numpy(scalars).to(m)
        rate, root, plain = scalars[:, :, None]
        # No fused product and sum: whether one rounds once or twice may depend on where vectors and threads cut a row.
        x.multiply(m, BETA1, out=m)
        x.add(m, x.multiply(gradient, 1 - BETA1, out=change), out=m)
        x.multiply(v, BETA2, out=v)
        x.multiply(x.multiply(gradient, gradient, out=change), 1 - BETA2, out=change)
        x.add(v, change, out=v)
        x.divide(x.sqrt(v, out=change), root, out=change)
        x.divide(m, x.add(change, EPSILON, out=change), out=change)
        x.multiply(change, rate, out=change)
        if self._factor is not None:
            x.multiply(change, self._factor, out=change)
        if self._decay is not None:
            x.add(change, x.multiply(x.multiply(values, self._decay), plain), out=change)
        x.subtract(values, x.where(going[:, None], change, 0), out=values)
