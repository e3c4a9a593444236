"""Losses with their gradients, averaged over counted steps; one number a member."""

from __future__ import annotations

import torch
from torch import Tensor


def loss(kind: str, outputs: Tensor, targets: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Mean squared error, or cross-entropy in nats, over the steps that count, and its gradient.

    dL/dy = 2 (y - target) / (N · count), or (softmax(y) - one-hot(target)) / count; 0 at a step that does not count.
    outputs: (E, B, N) with targets (E, B, N) or (E, B) int64 and mask None (scored at the last step), or
    outputs: (E, B, T, N) with targets (E, B, T, N) or (E, B, T) int64 and mask (E, B, T) bool.
    Returns: (E,), and the gradient in the shape of `outputs`.
    """
    with torch.no_grad():
        if kind == "mse":
            gradient = outputs - targets
            each = gradient.square().mean(-1)
            scale = 2 / outputs.shape[-1]
        else:
            gradient = torch.log_softmax(outputs, -1)
            label = targets[..., None]
            each = -gradient.gather(-1, label)[..., 0]
            gradient.exp_().scatter_add_(-1, label, gradient.new_full((1,), -1).expand(label.shape))
            scale = 1.0
        if mask is None:
            return each.mean(-1), gradient.mul_(scale / each.shape[-1])
        # masked_fill, not times: an uncounted step may hold anything.
        count = mask.sum((-1, -2)).clamp_min(1)
        value = each.masked_fill(~mask, 0).sum((-1, -2)) / count
        return value, gradient.masked_fill_(~mask[..., None], 0).mul_((scale / count)[:, None, None, None])
