"""Adam for many members at once: one row of numbers each, every row with its own rate and its own count of steps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class Adam:
    """m ← β₁ m + (1 - β₁) g, v ← β₂ v + (1 - β₂) g², θ ← θ - lr/(1 - β₁ᵗ) · m / (√v/√(1 - β₂ᵗ) + ε).

    factor: (E, n), what a coordinate's rate is multiplied with. m, v: (E, n) moments; count: (E,) int64, steps since the
    member's last `reset`. Every operation is elementwise and rounds once, so that a member's bits depend neither on
    the members beside it nor on how the machine splits the work.
    Source: Kingma & Ba 2015, arXiv 1412.6980; ε stands where torch.optim.Adam has it.
    """

    def __init__(self, factor: Tensor) -> None:
        self.m = torch.zeros_like(factor)
        self.v = torch.zeros_like(factor)
        self.count = np.zeros(len(factor), np.int64)
        self._factor = None if bool((factor == 1).all()) else factor
        self._scratch = torch.empty_like(factor)

    def reset(self, e: int) -> None:
        """Forget member e's past."""
        self.m[e] = 0
        self.v[e] = 0
        self.count[e] = 0

    def step(self, values: Tensor, gradient: Tensor, lr: Sequence[float], going: Tensor) -> None:
        """One step of every member, in place. values, gradient: (E, n); going: (E,) bool, the members that make it.

        The moments and the count of a member that does not go on are void afterwards, until `reset`.
        """
        self.count += 1
        rate = np.asarray(lr) / (1 - BETA1**self.count)
        root = np.sqrt(1 - BETA2**self.count)
        # One transfer for both.
        scalars = torch.from_numpy(np.stack([rate, root])).to(values.device, values.dtype)
        change = self._scratch
        # No lerp_ or addcmul_: they fuse a product and a sum where the row is vectorised, and may not at its end.
        self.m.mul_(BETA1).add_(torch.mul(gradient, 1 - BETA1, out=change))
        self.v.mul_(BETA2).add_(torch.mul(gradient, gradient, out=change).mul_(1 - BETA2))
        torch.sqrt(self.v, out=change).div_(scalars[1, :, None]).add_(EPSILON)
        torch.div(self.m, change, out=change).mul_(scalars[0, :, None])
        if self._factor is not None:
            change.mul_(self._factor)
        values.sub_(torch.where(going[:, None], change, 0))
