"""Long short-term memory as torch.nn.LSTM defines it, on the state (h, c)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._map import Map, sigmoid, tensor


def read(tensors: Mapping[str, np.ndarray], model: Mapping[str, Any]) -> Map:
    M = tensor(tensors, "weight_hh_l0", None, None).shape[1]
    W, C = tensor(tensors, "weight_hh_l0", 4 * M, M), tensor(tensors, "weight_ih_l0", 4 * M, None)
    bias = tensor(tensors, "bias_hh_l0", 4 * M) + tensor(tensors, "bias_ih_l0", 4 * M)
    return LSTM(2 * M, C.shape[1], len(tensor(tensors, "D", None, M)), "an LSTM", W, C, bias)


@dataclass(frozen=True)
class LSTM(Map):
    """i, f, o = σ(a), g = tanh(a), a = C s + W h + bias, c' = f ∘ c + i ∘ g, h' = o ∘ tanh(c'); z = (h, c).

    W: (2M, M/2), C: (2M, K), bias: (2M,) with M = numbers in a state, rows i, f, g, o.
    """

    W: np.ndarray
    C: np.ndarray
    bias: np.ndarray

    def _gates(self, z: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, ...]:
        """i, f, g, o, the cell before and after, each (n, M/2)."""
        h, c = np.split(z, 2, axis=-1)
        i, f, g, o = np.split(s @ self.C.T + h @ self.W.T + self.bias, 4, axis=-1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        return i, f, g, o, c, f * c + i * g

    def step(self, z: np.ndarray, s: np.ndarray) -> np.ndarray:
        *_, o, _, after = self._gates(z, s)
        return np.concatenate([o * np.tanh(after), after], axis=-1)

    def jacobian(self, z: np.ndarray, s: np.ndarray) -> np.ndarray:
        """With t = tanh(c'): dc'/dc = f, dc'/dh = c f (1 - f) W_f + g i (1 - i) W_i + i (1 - g²) W_g,
        dh'/d(h, c) = o (1 - t²) dc'/d(h, c) + (t o (1 - o) W_o, 0)."""
        i, f, g, o, c, after = self._gates(z, s)
        t = np.tanh(after)
        Wi, Wf, Wg, Wo = np.split(self.W, 4)

        def rows(x: np.ndarray) -> np.ndarray:
            return x[..., None]

        by_h = rows(c * f * (1 - f)) * Wf + rows(g * i * (1 - i)) * Wi + rows(i * (1 - g * g)) * Wg
        cell = np.concatenate([by_h, rows(f) * np.eye(self.M // 2)], axis=-1)
        hidden = rows(o * (1 - t * t)) * cell
        hidden[..., : self.M // 2] += rows(t * o * (1 - o)) * Wo
        return np.concatenate([hidden, cell], axis=-2)
