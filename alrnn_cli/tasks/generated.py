"""What tasks share whose trials are drawn: how many there are, and from which random stream."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from ..lazy import lazy
from ..records import Trials
from .base import Option, Task

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

_STREAMS = {"train": 1, "validation": 2, "test": 3}


def sizes(train: int, validation: int, test: int) -> tuple[Option, ...]:
    """The options for how many trials each split has."""
    return (
        Option("train", train, "training trials", unit="trials", minimum=1),
        Option("validation", validation, "validation trials", unit="trials", minimum=1),
        Option("test", test, "test trials", unit="trials", minimum=1),
    )


class Generated(Task):
    """A task with the options of `sizes` that can make any number of trials, and of any length."""

    @abstractmethod
    def generate(self, n: int, T: int, rng: np.random.Generator) -> Trials:
        """n trials, the longest of at most T steps, without a loop over trials. Errors: UsageError where T is too short."""

    def split(self, which: str) -> Trials:
        seed = self.seed if which == "train" else self.eval_seed
        return self.generate(self.opt[which], self.T, np.random.default_rng([seed, _STREAMS[which]]))

    def size(self, which: str) -> int:
        return self.opt[which]

    def fresh(self, n: int, rng: np.random.Generator, T: int | None = None) -> Trials:
        return self.generate(n, T or self.T, rng)
