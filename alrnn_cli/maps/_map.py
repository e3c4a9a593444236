"""A map that is not piecewise linear."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import InputError


@dataclass(frozen=True)
class Map(ABC):
    """z_t = F(z_{t-1}, s_t) in float64. M: numbers in a state; K: inputs; N: outputs; what: the model in words, for sentences."""

    M: int
    K: int
    N: int
    what: str

    @property
    def P(self) -> int:
        """Units with a nonlinearity of their own, of an AL-RNN."""
        return 0

    @abstractmethod
    def step(self, z: np.ndarray, s: np.ndarray) -> np.ndarray:
        """F(z, s). z: (n, M); s: (n, K). Returns: (n, M)."""

    @abstractmethod
    def jacobian(self, z: np.ndarray, s: np.ndarray) -> np.ndarray:
        """dF/dz at (z, s). Returns: (n, M, M), row i of one being the gradient of F_i."""


def tensor(tensors: Mapping[str, np.ndarray], name: str, *shape: int | None) -> np.ndarray:
    """One tensor in float64. shape: None where any size will do. Errors: InputError where it is missing or of another shape."""
    if name not in tensors:
        raise InputError(f"The checkpoint has no tensor {name!r}.", "Train the model again.")
    x = tensors[name]
    if x.ndim != len(shape) or any(m is not None and n != m for n, m in zip(x.shape, shape, strict=True)):
        raise InputError(f"The checkpoint's tensor {name!r} is of shape {x.shape}.", "Train the model again.")
    return x.astype(np.float64)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + e^-x), without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * x))
