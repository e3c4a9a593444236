"""Variable copy: report a sequence of symbols when a cue asks for it, and nobody knows when that will be."""

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


class VariableCopy(Recall):
    """Symbols, `static` steps of silence, a cue at a random one of the next `variable` steps, and recall right after it.

    Trials end with their recall, after 2 length + static + 1 … 2 length + static + variable = T steps.
    Source: arXiv 2506.07919.
    """

    name = "variable-copy"
    summary = "report a sequence of symbols when a cue asks for it, after a delay of unknown length"
    description = (
        "Symbols are shown one by one, then nothing for a fixed number of steps, then a cue at a random one of the steps "
        "of a further period. The first input stays on after the cue, and at each of these steps the largest output must be "
        "the next symbol of the sequence. A trial ends with its last symbol, so trials differ in length."
    )
    citation = "Brenner & Koppe 2025, arXiv 2506.07919"
    options = (
        Option("symbols", 4, "different symbols", minimum=2),
        Option("length", 5, "symbols in a sequence", unit="steps", minimum=1),
        Option("static", 50, "silence before the cue can come", unit="steps", minimum=0),
        Option("variable", 50, "steps at one of which the cue comes", unit="steps", minimum=1),
        *sizes(1_000, 300, 300),
    )
    # docs/recipes.md says what was tried: less training does not solve the task.
    recipe: ClassVar[dict[str, Any]] = {
        "M": 50,
        "P": 10,
        "init": "identity",
        "batch": 64,
        "epochs": 1600.0,
        "lr": 3e-3,
        "schedule": "cosine",
        "clip": 1.0,
        "tau": 0.0,
        "fresh": True,
        "curriculum": 0.5,
        "eval_every": 20.0,
    }
    paper_recipe: ClassVar[dict[str, Any]] = {
        "M": 50,
        "P": 10,
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
        self.T = 2 * self.length + self.opt["static"] + self.opt["variable"]

    def times(self, n: int, T: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        # A shorter trial has less of both periods, in their proportion, and one step of the variable one at least.
        silence = T - 2 * self.length
        variable = max(1, round(silence * self.opt["variable"] / (self.opt["static"] + self.opt["variable"])))
        cue = self.length + silence - variable + rng.integers(0, variable, n)
        return cue, cue + 1


TASK = VariableCopy
