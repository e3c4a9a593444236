"""Copy: report a sequence of symbols after a delay of fixed length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..lazy import lazy
from .base import Option
from .generated import sizes
from .recall import Recall

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")


class Copy(Recall):
    """Symbols, a cue, `delay` steps of silence, recall: T = 2 length + 1 + delay.

    Source: Hochreiter & Schmidhuber 1997; in this form Arjovsky, Shah & Bengio 2016; as used in arXiv 2506.07919.
    """

    name = "copy"
    summary = "report a sequence of symbols after a delay of fixed length"
    description = (
        "Symbols are shown one by one, then a cue, then nothing for a fixed number of steps. Then the first input is on "
        "again, and at each of its steps the largest output must be the next symbol of the sequence."
    )
    citation = (
        "Hochreiter & Schmidhuber 1997, Neural Computation 9(8); Arjovsky, Shah & Bengio 2016, arXiv 1511.06464; "
        "Brenner & Koppe 2025, arXiv 2506.07919"
    )
    options = (
        Option("symbols", 4, "different symbols", minimum=2),
        Option("length", 8, "symbols in a sequence", unit="steps", minimum=1),
        Option("delay", 100, "silence between cue and recall", unit="steps", minimum=0),
        Option("time_encoding", False, "show the time as 16 sinusoids too"),
        *sizes(2_000, 200, 200),
    )
    # docs/recipes.md says what was tried.
    recipe: ClassVar[dict[str, Any]] = {
        "M": 50,
        "P": 5,
        "init": "orthogonal",
        "batch": 64,
        "epochs": 100.0,
        "lr": 3e-3,
        "lr_recurrent": 0.3,
        "schedule": "cosine",
        "clip": 1.0,
        "tau": 0.0,
        "eval_every": 2.0,
    }
    paper_recipe: ClassVar[dict[str, Any]] = {
        "M": 50,
        "P": 5,
        "init": "paper",
        "batch": 64,
        "epochs": 8000.0,
        "lr": 1e-3,
        "schedule": "constant",
        "clip": 0.0,
        "tau": 0.1,
        "readout_bias": False,
        "z0": "noise",
    }

    def __init__(self, options: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(options, **kwargs)
        self.T = 2 * self.length + 1 + self.opt["delay"]

    def times(self, n: int, T: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        return np.full(n, self.length), np.full(n, T - self.length)


TASK = Copy
