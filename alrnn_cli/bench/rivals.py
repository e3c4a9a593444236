"""What the same work looks like elsewhere: the published loop, and torch's own recurrent networks.

The published loop is written anew, faithful in its operations: at each step a clone of the state, a zero tensor and a product on a
slice for A, a concatenation for Φ, three products and sums, and a penalty that goes from unit to unit in Python.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def published_loop(s: Tensor, A: Tensor, W: Tensor, C: Tensor, h: Tensor, z0: Tensor) -> Tensor:
    """States (B, T, M) of one AL-RNN. s: (B, T, K), A: (P,) with P > 0, W: (M, M), C: (M, K), h: (M,), z0: (B, M)."""
    P = A.shape[0]
    z, states = z0, []
    for t in range(s.shape[1]):
        before = z.clone()
        own = torch.zeros_like(before)
        own[:, -P:] = A * before[:, -P:]
        phi = torch.cat([before[:, :-P], torch.relu(before[:, -P:])], dim=1)
        z = own + phi @ W.t() + s[:, t] @ C.t() + h
        states.append(z)
    return torch.stack(states, dim=1)


def published_penalty(A: Tensor, W: Tensor, h: Tensor, M_reg: int) -> Tensor:
    """The manifold regularisation without tau, unit by unit."""
    M, P = W.shape[0], A.shape[0]
    total = torch.zeros((), device=W.device)
    for i in range(M_reg):
        diagonal = W[i, i] + A[i - (M - P)] if i >= M - P else W[i, i]
        total = total + (diagonal - 1) ** 2 + (W[i] ** 2).sum() - W[i, i] ** 2 + h[i] ** 2
    return total


def torch_rnn(kind: str, K: int, M: int) -> nn.RNNBase:
    """torch's recurrent network of the same size. kind: "nn.RNN" (relu), "nn.GRU" or "nn.LSTM"."""
    if kind == "nn.RNN":
        return nn.RNN(K, M, nonlinearity="relu", batch_first=True)
    return {"nn.GRU": nn.GRU, "nn.LSTM": nn.LSTM}[kind](K, M, batch_first=True)
