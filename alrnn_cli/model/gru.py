"""A gated recurrent unit: torch.nn.GRU, one layer."""

from __future__ import annotations

import torch
from torch import Tensor

from .gated import Gated
from .network import hold, without_padding

TAKES = ()


class GRU(Gated):
    """z_t = (1 - u) ∘ n + u ∘ z_{t-1}, the gates r and u being σ(W_i s_t + b_i + W_h z_{t-1} + b_h).

    n = tanh(W_in s_t + b_in + r ∘ (W_hn z_{t-1} + b_hn)). Rows of the weights: r, u, n. Parameters have the names and shapes of
    torch.nn.GRU's, with a member axis.
    Source: Cho et al. 2014, arXiv 1406.1078, with torch's place for b_hn.
    """

    gates = 3
    computed = "torch's own GRU"

    def states(
        self,
        s: Tensor,
        lengths: Tensor | None = None,
        *,
        z0: Tensor | None = None,
        last: bool = False,
        backend: str = "auto",
    ) -> Tensor:
        s, start = without_padding(s, lengths), self.initial_state(s.shape[1], z0)
        found = [
            torch.gru(x, z[None], weights, True, 1, 0.0, self.training, False, True)[0]
            for x, z, weights in zip(s, start, self.weights(), strict=True)
        ]
        return hold(torch.stack(found), lengths, last)


MODEL = GRU
