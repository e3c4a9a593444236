"""Convolutions over the steps of a trial."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .draw import drawn_by_torch


@dataclass(frozen=True)
class Layer:
    """One convolution. out: channels that it leaves, 0 for M; kernel: steps that it sees, odd; pool: of how many steps the largest
    value is kept, after the ReLU that every layer but the last ends with."""

    out: int
    kernel: int
    pool: int = 1


#: Conv1d K→16 (15), ReLU, MaxPool 2, Conv1d 16→32 (7), ReLU, Conv1d 32→M (3): sequential MNIST of arXiv 2506.07919
IMAGE = (Layer(16, 15, 2), Layer(32, 7), Layer(0, 3))
#: Conv1d K→64 (3), ReLU, Conv1d 64→M (3): spoken words of arXiv 2506.07919
SOUND = (Layer(64, 3), Layer(0, 3))


class _Conv1d(nn.Module):
    """The numbers of E convolutions, one a member. weight: (E, out, in, k), bias: (E, out)."""

    def __init__(self, E: int, channels: int, out: int, k: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(E, out, channels, k))
        self.bias = nn.Parameter(torch.zeros(E, out))


class Conv1dEncoder(nn.Module):
    """Convolutions with ReLUs and pooling between them, from K to M channels; conv1, conv2, … hold their numbers.

    Padding is zeroed before every convolution, and a length that a pool does not divide loses its last steps to it, so what
    stands beyond a trial's length never reaches its own steps.
    """

    direct = False

    def __init__(self, E: int, K: int, M: int, layers: Sequence[Layer]) -> None:
        super().__init__()
        self.channels = M
        self.pools = [layer.pool for layer in layers]
        self.stride = math.prod(self.pools)
        outs = [layer.out or M for layer in layers]
        for i, (channels, out, layer) in enumerate(zip([K, *outs], outs, layers, strict=False), 1):
            self.add_module(f"conv{i}", _Conv1d(E, channels, out, layer.kernel))

    @property
    def weights(self) -> list[tuple[Tensor, Tensor]]:
        """(weight, bias) of each layer."""
        return [(conv.weight, conv.bias) for conv in self.children()]  # type: ignore[misc]

    def initialise(self, e: int, seed: np.random.SeedSequence, scale: float) -> None:
        """Draw member e's kernels as torch.nn.Conv1d draws its own; `scale` is C's."""
        drawn_by_torch(e, seed, self.weights, nn.Conv1d)

    def forward(self, s: Tensor, lengths: Tensor | None) -> Tensor:
        """s: (E, B, T, K); lengths: (E, B) or None. Returns: (E, B, T // stride, M)."""
        E = s.shape[0]
        if E == 1 or s.device.type != "cpu":
            return grouped(s, lengths, self.weights, self.pools)
        # On the CPU one member after the other takes two thirds of the time, and a member's bits are those it has alone.
        alone = zip(*(zip(torch.split(w, 1), torch.split(b, 1), strict=True) for w, b in self.weights), strict=True)
        rows = [None] * E if lengths is None else torch.split(lengths, 1)
        return torch.cat([grouped(x, n, w, self.pools) for x, n, w in zip(torch.split(s, 1), rows, alone, strict=True)])


def grouped(
    s: Tensor, lengths: Tensor | None, weights: Sequence[tuple[Tensor, Tensor]], pools: Sequence[int]
) -> Tensor:
    """All members' encoders at once, each layer one convolution in E groups. weights: (weight, bias) of each; pools: of each."""
    x = s.permute(1, 0, 3, 2)
    for i, ((weight, bias), pool) in enumerate(zip(weights, pools, strict=True)):
        x = _convolve(_keep(x, lengths), weight, bias)
        if i < len(weights) - 1:
            x = functional.relu(x)
        if pool > 1:
            B, E, channels, _ = x.shape
            x = functional.max_pool1d(x.flatten(1, 2), pool).view(B, E, channels, -1)
            lengths = None if lengths is None else lengths // pool
    # In one layout, however many members: how the product with C rounds depends on it.
    return x.permute(1, 0, 3, 2).contiguous()


def _convolve(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """x: (B, E, in, T). Returns: (B, E, out, T)."""
    E, out, _, k = weight.shape
    y = functional.conv1d(x.flatten(1, 2), weight.flatten(0, 1), bias.flatten(), padding=k // 2, groups=E)
    return y.view(-1, E, out, y.shape[-1])


def _keep(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Zero the steps beyond each trial's length. x: (B, E, channels, T); lengths: (E, B)."""
    if lengths is None:
        return x
    beyond = torch.arange(x.shape[-1], device=x.device) >= lengths.T[..., None]
    return x.masked_fill(beyond[:, :, None, :], 0)
