"""Losses, averaged over counted steps; one number a member."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def loss(kind: str, outputs: Tensor, targets: Tensor, mask: Tensor | None) -> Tensor:
    """Mean squared error, or cross-entropy in nats, over the steps that count.

    outputs: (E, B, N) with targets (E, B, N) or (E, B) int64 and mask None (scored at the last step), or
    outputs: (E, B, T, N) with targets (E, B, T, N) or (E, B, T) int64 and mask (E, B, T) bool.
    Returns: (E,).
    """
    if kind == "mse":
        each = (outputs - targets).square().mean(-1)
    else:
        flat = functional.cross_entropy(outputs.flatten(0, -2), targets.flatten(), reduction="none")
        each = flat.reshape(targets.shape)
    if mask is None:
        return each.mean(-1)
    # where, not times: an uncounted step may hold anything.
    counted = torch.where(mask, each, torch.zeros_like(each))
    return counted.sum((-1, -2)) / mask.sum((-1, -2)).clamp_min(1)
