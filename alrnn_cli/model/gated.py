"""What torch's gated recurrent layers have in common: the names, shapes and start of their weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from .network import Network, readout_start, torch_start

NAMES = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")


class Gated(Network):
    """weight_ih_l0: (E, gates M, K), weight_hh_l0: (E, gates M, M), bias_ih_l0, bias_hh_l0: (E, gates M), all from U(±1/√M)."""

    gates: ClassVar[int]

    def build(self) -> None:
        for name, shape in zip(NAMES, self._shapes(), strict=True):
            self.register_parameter(name, nn.Parameter(torch.zeros(self.members, *shape)))

    def _shapes(self) -> tuple[tuple[int, ...], ...]:
        M, rows = self.config.M, self.gates * self.config.M
        return (rows, self.K), (rows, M), (rows,), (rows,)

    def draw(self, e: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        drawn = torch_start(self.config.M, rng, *self._shapes())
        return {**dict(zip(NAMES, drawn, strict=True)), "D": readout_start(self.D.shape[-2], self.X, rng)}

    def weights(self) -> Iterator[list[Tensor]]:
        """Each member's four, as torch's functions take them."""
        stacked = (self.get_parameter(name) for name in NAMES)
        return (list(one) for one in zip(*(w.unbind(0) for w in stacked), strict=True))
