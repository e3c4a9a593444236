"""The definition of the recurrence in plain torch: slow, any dtype, differentiated by autograd. Other backends are tested against it."""

from __future__ import annotations

import torch
from torch import Tensor

from . import _phi

PHI = _phi.NAMES


def refusal(device: torch.device, dtype: torch.dtype) -> str:
    """Why this backend cannot run on `device` with `dtype`; "" where it can."""
    return ""


def run(
    s: Tensor, A: Tensor, W: Tensor, C: Tensor, h: Tensor, z0: Tensor, pwl: Tensor, lengths: Tensor | None, last: bool,
    phi: str = "relu",
) -> Tensor:  # fmt: skip
    """One step after the other. s: (E, B, T, K), pwl: (E, M) bool; the rest as in `scan`. Returns: (E, B, T, M) or (E, B, M)."""
    z = z0
    states = []
    for t in range(s.shape[2]):
        new = A[:, None, :] * z + _phi.apply(phi, z, pwl[:, None, :]) @ W.mT + s[:, :, t] @ C.mT + h[:, None, :]
        z = new if lengths is None else torch.where((t < lengths)[..., None], new, z)
        if not last:
            states.append(z)
    return z if last else torch.stack(states, dim=2)
