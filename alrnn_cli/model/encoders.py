"""What inputs pass through before the recurrence. An encoder says how many channels and steps it leaves."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from ..config import ENCODERS
from ..errors import UsageError, closest


class NoEncoder(nn.Module):
    """Inputs go to the recurrence as they are."""

    stride = 1

    def __init__(self, K: int, M: int) -> None:
        super().__init__()
        self.channels = K

    def forward(self, s: Tensor, lengths: Tensor | None) -> Tensor:
        return s


class Conv1dEncoder(nn.Module):
    """Conv1d K→16 (15), ReLU, MaxPool 2, Conv1d 16→32 (7), ReLU, Conv1d 32→M (3): half the steps, M channels.

    The encoder of sequential MNIST in arXiv 2506.07919. Padding is zeroed before every convolution, and a trial of odd
    length loses its last step to the pooling, so what stands beyond a trial's length never reaches its own steps.
    """

    stride = 2

    def __init__(self, K: int, M: int) -> None:
        super().__init__()
        self.channels = M
        self.conv1 = nn.Conv1d(K, 16, 15, padding=7)
        self.conv2 = nn.Conv1d(16, 32, 7, padding=3)
        self.conv3 = nn.Conv1d(32, M, 3, padding=1)

    def forward(self, s: Tensor, lengths: Tensor | None) -> Tensor:
        """s: (B, T, K); lengths: (B,) or None. Returns: (B, T // 2, M)."""
        x = _keep(s.mT, lengths)
        x = functional.max_pool1d(functional.relu(self.conv1(x)), 2)
        half = None if lengths is None else lengths // 2
        x = functional.relu(self.conv2(_keep(x, half)))
        x = self.conv3(_keep(x, half))
        return x.mT


def _keep(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Zero the steps beyond each trial's length. x: (B, channels, T)."""
    if lengths is None:
        return x
    import torch

    beyond = torch.arange(x.shape[-1], device=x.device) >= lengths[:, None]
    return x.masked_fill(beyond[:, None, :], 0)


_CLASSES: dict[str, type[NoEncoder] | type[Conv1dEncoder]] = {"none": NoEncoder, "conv1d": Conv1dEncoder}


def make(name: str, K: int, M: int) -> NoEncoder | Conv1dEncoder:
    """The encoder called `name` for K input channels and M units. Errors: UsageError for an unknown name."""
    if name not in ENCODERS:
        raise UsageError(f"Unknown encoder {name!r}.", closest(name, ENCODERS))
    return _CLASSES[name](K, M)
