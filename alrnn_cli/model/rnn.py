"""torch.nn.RNN with relu, tanh or gelu (--phi), computed as the almost-linear RNN that it is: P = M, A = 0."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from .alrnn import ALRNN
from .network import readout_start, torch_start

TAKES = ("phi",)


class RNN(ALRNN):
    """z_t = W φ(z_{t-1}) + C s_t + h, y_t = D φ(z_t) + b; φ(z_t) are the hidden states of torch.nn.RNN.

    W: (E, M, M) = weight_hh; C: (E, M, K) = weight_ih; h: (E, M) = bias_ih + bias_hh, of which training sees only the sum. A z_0 that is
    learned or drawn passes through φ as every other state does. Kernels for the AL-RNN compute it, as fast.
    Source: Elman 1990, Cognitive Science 14(2).
    """

    recurrent = ()

    def build(self) -> None:
        E, M = self.members, self.config.M
        self.W = nn.Parameter(torch.zeros(E, M, M))
        self.C = nn.Parameter(torch.zeros(E, M, self.K))
        self.h = nn.Parameter(torch.zeros(E, M))
        self.set_units((M,) * E, "phi")

    def draw(self, e: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        M = self.config.M
        W, C, one, two = torch_start(M, rng, (M, M), (M, self.K), (M,), (M,))
        return {"W": W, "C": C, "h": one + two, "D": readout_start(self.D.shape[-2], M, rng)}

    def diagonal(self) -> Tensor:
        return torch.zeros_like(self.h)


MODEL = RNN
