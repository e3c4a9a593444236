"""What inputs pass through before the recurrence, by name.

An encoder says how many `channels` it leaves, of how many steps it makes one (`stride`), and whether its channels are the units
(`direct`): then C is the identity and is not trained.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor, nn

from ...config import ENCODERS
from ...errors import UsageError, closest
from ...records import Tokens
from .conv import IMAGE, SOUND, Conv1dEncoder
from .tokens import TokenEncoder


class NoEncoder(nn.Module):
    """Inputs go to the recurrence as they are."""

    stride = 1
    direct = False

    def __init__(self, K: int) -> None:
        super().__init__()
        self.channels = K

    def initialise(self, e: int, seed: np.random.SeedSequence, scale: float) -> None:
        """There is nothing to draw."""

    def forward(self, s: Tensor, lengths: Tensor | None) -> Tensor:
        return s


Encoder = NoEncoder | Conv1dEncoder | TokenEncoder


def make(name: str, E: int, K: int, M: int, tokens: Tokens | None = None) -> Encoder:
    """The encoder called `name` for E members, K input channels and M units. tokens: what the inputs are indices of, None: numbers.

    Errors: UsageError for an unknown name, and where it does not read what the inputs are.
    """
    if name not in ENCODERS:
        raise UsageError(f"Unknown encoder {name!r}.", closest(name, ENCODERS))
    if name == "token-mlp":
        if tokens is None:
            raise UsageError(
                "--encoder token-mlp reads indices of a vocabulary, and this task's inputs are numbers.",
                "Leave --encoder out, or use --encoder none.",
            )
        return TokenEncoder(E, M, tokens)
    if tokens is not None:
        raise UsageError(
            f"--encoder {name}: this task's inputs are indices of a vocabulary, which are not to be taken for numbers.",
            "Leave --encoder out, or use --encoder token-mlp.",
        )
    if name == "none":
        return NoEncoder(K)
    return Conv1dEncoder(E, K, M, {"conv1d": IMAGE, "conv1d-short": SOUND}[name])
