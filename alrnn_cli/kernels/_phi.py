"""What Φ does on the P units: the ReLU of an AL-RNN, or a smooth function in its place."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

VALUES: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": lambda z: z.clamp_min(0),
    "tanh": torch.tanh,
    "gelu": functional.gelu,  # z Φ(z) with the normal distribution's Φ, not its approximation by tanh
}
NAMES = tuple(VALUES)


def apply(name: str, z: Tensor, units: Tensor) -> Tensor:
    """Φ(z): the function called `name` where `units` (bool, broadcast against z) is True, the identity elsewhere. Any shape."""
    if name == "relu":
        # z <= 0 rather than not z > 0: a NaN stays a NaN, and the gradient at exactly 0 is 0.
        return torch.where(units & (z <= 0), torch.zeros_like(z), z)
    return torch.where(units, VALUES[name](z), z)


def derivative(name: str, z: Tensor) -> Tensor:
    """φ'(z), elementwise: 1 or 0 for the ReLU (0 at exactly 0), 1 - tanh², and for gelu Φ(z) + z e^(-z²/2) / √(2π)."""
    if name == "tanh":
        return 1 - torch.tanh(z).square()
    if name == "gelu":
        return torch.special.ndtr(z) + z * torch.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    # Only z <= 0 closes a unit: a NaN lets the gradient through and stays visible.
    return ((z > 0) | z.isnan()).to(z.dtype)
