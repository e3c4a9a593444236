"""What is measured: shapes of the tasks in the paper, and two larger ones."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """B trials of T steps, M units of which P are ReLUs, K inputs, N outputs; `each`: scored at every step, else at the last."""

    name: str
    B: int
    T: int
    M: int
    P: int
    K: int
    N: int
    loss: str = "cross_entropy"
    each: bool = False

    @property
    def flops(self) -> float:
        """Of forward and backward with all gradients: three products with [W | C] for each trial and step."""
        return 6.0 * self.B * self.T * self.M * (self.M + self.K)


CASES = (
    Case("addition", 128, 100, 50, 1, 2, 1, loss="mse"),
    Case("copy", 64, 117, 50, 5, 5, 5, each=True),
    Case("smnist", 64, 392, 100, 10, 100, 10),
    Case("imdb", 64, 128, 100, 5, 100, 2),
    Case("context", 64, 100, 10, 2, 4, 2),
    Case("raw pixels", 64, 784, 128, 8, 1, 10),
    Case("larger", 64, 100, 512, 16, 64, 10),
)
#: only the last state counts, and few units are ReLUs: where the chunked kernel is at home
LAST = (
    Case("addition", 128, 100, 50, 1, 2, 1),
    Case("raw pixels", 64, 784, 128, 8, 1, 10),
    Case("long", 64, 1000, 100, 5, 2, 1),
    Case("long and wide", 64, 1000, 512, 16, 1, 10),
)
#: shapes of small models, of which many fit one call, and how many at once
GROUPED = ("addition", "copy", "context")
MEMBERS = (1, 4, 16, 64)
