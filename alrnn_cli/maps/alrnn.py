"""The almost-linear RNN: exact where its nonlinearity is the ReLU, else the same map with tanh or gelu."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import store
from ..records import Parameters
from . import _phi
from ._map import Map


def read(tensors: Mapping[str, np.ndarray], model: Mapping[str, Any]) -> Parameters | Map:
    params = store.parameters(tensors, model["P"], model["readout"])
    return with_phi(params, model.get("phi", "relu"), f"an almost-linear RNN with P = {params.P} units")


def with_phi(params: Parameters, phi: str, what: str) -> Parameters | Map:
    """The parameters themselves for relu, else the map with `phi` in its place."""
    if phi == "relu":
        return params
    return Smooth(params.M, params.K, params.N, f"{what} of {phi}", params, phi)


@dataclass(frozen=True)
class Smooth(Map):
    """F(z, s) = A∘z + W Φ(z) + C s + h, Φ being tanh or gelu on the last P units; dF/dz = diag(A) + W diag(Φ'(z))."""

    params: Parameters
    phi: str

    @property
    def P(self) -> int:
        return self.params.P

    def step(self, z: np.ndarray, s: np.ndarray) -> np.ndarray:
        p = self.params
        squashed = np.array(z)
        squashed[..., p.M - p.P :] = _phi.value(self.phi, z[..., p.M - p.P :])
        return p.A * z + squashed @ p.W.T + s @ p.C.T + p.h

    def jacobian(self, z: np.ndarray, s: np.ndarray) -> np.ndarray:
        p = self.params
        slope = np.ones_like(z)
        slope[..., p.M - p.P :] = _phi.derivative(self.phi, z[..., p.M - p.P :])
        return np.diag(p.A) + p.W * slope[:, None, :]
