"""A gated recurrent unit as torch.nn.GRU defines it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._map import Map, sigmoid, tensor


def read(tensors: Mapping[str, np.ndarray], model: Mapping[str, Any]) -> Map:
    M = tensor(tensors, "weight_hh_l0", None, None).shape[1]
    W, C = tensor(tensors, "weight_hh_l0", 3 * M, M), tensor(tensors, "weight_ih_l0", 3 * M, None)
    h, c = tensor(tensors, "bias_hh_l0", 3 * M), tensor(tensors, "bias_ih_l0", 3 * M)
    return GRU(M, C.shape[1], len(tensor(tensors, "D", None, M)), "a GRU", W, C, h, c)


@dataclass(frozen=True)
class GRU(Map):
    """r, u = σ(C s + c + W z + h), n = tanh(C_n s + c_n + r ∘ m), m = W_n z + h_n, F(z, s) = (1 - u) ∘ n + u ∘ z.

    W: (3M, M), C: (3M, K), h, c: (3M,), rows r, u, n.
    """

    W: np.ndarray
    C: np.ndarray
    h: np.ndarray
    c: np.ndarray

    def _gates(self, z: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, ...]:
        """r, u, n, m, each (n, M)."""
        (ar, au, an), (br, bu, m) = (np.split(x, 3, axis=-1) for x in (s @ self.C.T + self.c, z @ self.W.T + self.h))
        r, u = sigmoid(ar + br), sigmoid(au + bu)
        return r, u, np.tanh(an + r * m), m

    def step(self, z: np.ndarray, s: np.ndarray) -> np.ndarray:
        _, u, n, _ = self._gates(z, s)
        return (1 - u) * n + u * z

    def jacobian(self, z: np.ndarray, s: np.ndarray) -> np.ndarray:
        """diag(u) + diag((z - n) u (1 - u)) W_u + diag((1 - u)(1 - n²)) [diag(r) W_n + diag(m r (1 - r)) W_r]."""
        r, u, n, m = self._gates(z, s)
        Wr, Wu, Wn = np.split(self.W, 3)
        inner = r[..., None] * Wn + (m * r * (1 - r))[..., None] * Wr
        J = ((z - n) * u * (1 - u))[..., None] * Wu + ((1 - u) * (1 - n * n))[..., None] * inner
        return J + u[..., None] * np.eye(self.M)
