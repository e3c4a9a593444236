"""What inputs pass through before the recurrence. An encoder says how many channels and steps it leaves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..config import ENCODERS
from ..errors import UsageError, closest


class NoEncoder(nn.Module):
    """Inputs go to the recurrence as they are."""

    stride = 1

    def __init__(self, E: int, K: int, M: int) -> None:
        super().__init__()
        self.channels = K

    def initialise(self, e: int, seed: np.random.SeedSequence) -> None:
        """There is nothing to draw."""

    def forward(self, s: Tensor, lengths: Tensor | None) -> Tensor:
        return s


class _Conv1d(nn.Module):
    """The numbers of E convolutions, one a member. weight: (E, out, in, k), bias: (E, out)."""

    def __init__(self, E: int, channels: int, out: int, k: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(E, out, channels, k))
        self.bias = nn.Parameter(torch.zeros(E, out))


class Conv1dEncoder(nn.Module):
    """Conv1d K→16 (15), ReLU, MaxPool 2, Conv1d 16→32 (7), ReLU, Conv1d 32→M (3): half the steps, M channels.

    The encoder of sequential MNIST in arXiv 2506.07919. Padding is zeroed before every convolution, and a trial of odd
    length loses its last step to the pooling, so what stands beyond a trial's length never reaches its own steps.
    """

    stride = 2

    def __init__(self, E: int, K: int, M: int) -> None:
        super().__init__()
        self.channels = M
        self.conv1 = _Conv1d(E, K, 16, 15)
        self.conv2 = _Conv1d(E, 16, 32, 7)
        self.conv3 = _Conv1d(E, 32, M, 3)

    def initialise(self, e: int, seed: np.random.SeedSequence) -> None:
        """Draw member e's kernels as torch.nn.Conv1d draws its own. Always on the CPU: every device starts from the same."""
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            # torch's convolutions initialise themselves from the global generator.
            torch.manual_seed(int(seed.generate_state(1)[0]))
            for conv in (self.conv1, self.conv2, self.conv3):
                _, out, channels, k = conv.weight.shape
                drawn = nn.Conv1d(channels, out, k)
                conv.weight[e].copy_(drawn.weight)
                if drawn.bias is not None:
                    conv.bias[e].copy_(drawn.bias)

    def forward(self, s: Tensor, lengths: Tensor | None) -> Tensor:
        """s: (E, B, T, K); lengths: (E, B) or None. Returns: (E, B, T // 2, M)."""
        weights = [(conv.weight, conv.bias) for conv in (self.conv1, self.conv2, self.conv3)]
        E = s.shape[0]
        if E == 1 or s.device.type != "cpu":
            return grouped(s, lengths, weights)
        # On the CPU one member after the other takes two thirds of the time, and a member's bits are those it has alone.
        alone = zip(*(zip(torch.split(w, 1), torch.split(b, 1), strict=True) for w, b in weights), strict=True)
        rows = [None] * E if lengths is None else torch.split(lengths, 1)
        return torch.cat([grouped(x, n, w) for x, n, w in zip(torch.split(s, 1), rows, alone, strict=True)])


def grouped(s: Tensor, lengths: Tensor | None, weights: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """All members' encoders at once, each layer one convolution in E groups. weights: (weight, bias) of the three layers."""
    one, two, three = weights
    x = functional.relu(_convolve(_keep(s.permute(1, 0, 3, 2), lengths), *one))
    B, E, channels, _ = x.shape
    x = functional.max_pool1d(x.flatten(1, 2), 2).view(B, E, channels, -1)
    half = None if lengths is None else lengths // 2
    x = functional.relu(_convolve(_keep(x, half), *two))
    x = _convolve(_keep(x, half), *three)
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


_CLASSES: dict[str, type[NoEncoder] | type[Conv1dEncoder]] = {"none": NoEncoder, "conv1d": Conv1dEncoder}


def make(name: str, E: int, K: int, M: int) -> NoEncoder | Conv1dEncoder:
    """The encoder called `name` for E members, K input channels and M units. Errors: UsageError for an unknown name."""
    if name not in ENCODERS:
        raise UsageError(f"Unknown encoder {name!r}.", closest(name, ENCODERS))
    return _CLASSES[name](E, K, M)
