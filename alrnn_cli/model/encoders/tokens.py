"""Tokens of a text: a vector for each, and a small network that turns it into a push on every unit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ...records import Tokens
from .draw import drawn_by_torch

_HIDDEN = 128


class _Linear(nn.Module):
    """The numbers of E layers, one a member. weight: (E, out, in), bias: (E, out)."""

    def __init__(self, E: int, inputs: int, out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(E, out, inputs))
        self.bias = nn.Parameter(torch.zeros(E, out))


class TokenEncoder(nn.Module):
    """s_t = L₃ relu(L₂ relu(L₁ v[token_t])), L₁: d→128, L₂: 128→128, L₃: 128→M; s_t is added to the state as it is: C = I.

    embedding: the vectors v, (E, count, d), trained, or given and then the same for all members and not trained.
    What stands beyond a trial's length counts as token 0.
    Source: arXiv 2506.07919, for film reviews.
    """

    stride = 1
    direct = True

    def __init__(self, E: int, M: int, tokens: Tokens) -> None:
        super().__init__()
        self.channels = M
        self.embedding: Tensor
        if tokens.vectors is None:
            self.embedding = nn.Parameter(torch.zeros(E, tokens.count, tokens.width))
        else:
            given = torch.from_numpy(tokens.vectors).expand(E, -1, -1)
            self.register_buffer("embedding", given)
        self.linear1 = _Linear(E, tokens.width, _HIDDEN)
        self.linear2 = _Linear(E, _HIDDEN, _HIDDEN)
        self.linear3 = _Linear(E, _HIDDEN, M)

    @property
    def weights(self) -> list[tuple[Tensor, Tensor]]:
        """(weight, bias) of each layer."""
        return [(layer.weight, layer.bias) for layer in (self.linear1, self.linear2, self.linear3)]

    def initialise(self, e: int, seed: np.random.SeedSequence, scale: float) -> None:
        """Draw member e's layers as torch.nn.Linear draws its own, and trained vectors from N(0, scale²)."""
        drawn_by_torch(e, seed, self.weights, nn.Linear)
        if isinstance(self.embedding, nn.Parameter):
            with torch.no_grad():
                drawn = np.random.default_rng(seed.spawn(1)[0]).standard_normal(self.embedding.shape[1:], np.float32)
                self.embedding[e].copy_(torch.from_numpy(scale * drawn))

    def forward(self, s: Tensor, lengths: Tensor | None) -> Tensor:
        """s: (E, B, T, 1) indices; lengths: (E, B) or None. Returns: (E, B, T, M)."""
        ids = s[..., 0].long()
        if lengths is not None:
            beyond = torch.arange(ids.shape[-1], device=ids.device) >= lengths[..., None]
            ids = ids.masked_fill(beyond, 0)
        if ids.device.type != "cpu":
            return grouped(ids, self.embedding, self.weights)
        # Texts repeat their words: a batch of 8,000 tokens has some 2,500 different ones, and each is encoded once. Member after
        # member, so that a member's bits are those it has alone.
        out = []
        for e, mine in enumerate(ids):
            once, where = torch.unique(mine, return_inverse=True)
            x = functional.embedding(once, self.embedding[e])
            for i, (weight, bias) in enumerate(self.weights):
                x = functional.linear(functional.relu(x) if i else x, weight[e], bias[e])
            out.append(functional.embedding(where, x))
        return torch.stack(out)


def grouped(ids: Tensor, embedding: Tensor, weights: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """All members at once, every token by itself: an accelerator would wait for the count of different ones.

    ids: (E, B, T); embedding: (E, count, d). Returns: (E, B, T, M).
    """
    E, count, width = embedding.shape
    first = count * torch.arange(E, device=ids.device)
    x = functional.embedding(ids.flatten(1) + first[:, None], embedding.reshape(E * count, width))
    for i, (weight, bias) in enumerate(weights):
        x = torch.baddbmm(bias[:, None], functional.relu(x) if i else x, weight.mT)
    return x.view(*ids.shape, -1)
