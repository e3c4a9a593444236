"""Long short-term memory: torch.nn.LSTM, one layer."""

from __future__ import annotations

import torch
from torch import Tensor

from .gated import Gated
from .network import hold, without_padding

TAKES = ()


class LSTM(Gated):
    """i, f, o = σ(W_i s_t + b_i + W_h h_{t-1} + b_h), g = tanh(…), c_t = f ∘ c_{t-1} + i ∘ g, h_t = o ∘ tanh(c_t).

    The state z is (h, c), of 2 M numbers, and h is read. Rows of the weights: i, f, g, o. Parameters have the names and shapes of
    torch.nn.LSTM's, with a member axis.
    Source: Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000.
    """

    gates = 4
    computed = "torch's own LSTM"

    def build(self) -> None:
        super().build()
        self.S = 2 * self.config.M

    def states(
        self,
        s: Tensor,
        lengths: Tensor | None = None,
        *,
        z0: Tensor | None = None,
        last: bool = False,
        backend: str = "auto",
    ) -> Tensor:
        """h alone, which is what the readout needs."""
        s, start = without_padding(s, lengths), self.initial_state(s.shape[1], z0)
        found = [
            torch.lstm(x, (h[None], c[None]), weights, True, 1, 0.0, self.training, False, True)[0]
            for x, h, c, weights in zip(s, *start.chunk(2, -1), self.weights(), strict=True)
        ]
        return hold(torch.stack(found), lengths, last)

    def trajectory(self, s: Tensor, lengths: Tensor | None = None, *, z0: Tensor | None = None) -> Tensor:
        s, start = without_padding(s, lengths), self.initial_state(s.shape[1], z0)
        found = []
        for x, h, c, weights in zip(s, *start.chunk(2, -1), self.weights(), strict=True):
            steps = []
            for now in x.unbind(1):
                h, c = torch.lstm_cell(now, (h, c), *weights)
                steps.append(torch.cat([h, c], -1))
            found.append(torch.stack(steps, 1))
        return hold(torch.stack(found), lengths, last=False)

    def seen(self, z: Tensor) -> Tensor:
        return z[..., : self.config.M]


MODEL = LSTM
