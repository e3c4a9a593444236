"""Addition: add the two marked numbers of a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import UsageError
from ..lazy import lazy
from ..records import Trials
from .base import Option, Phase
from .generated import Generated, sizes
from .scores import mse

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")


class Addition(Generated):
    """Values s¹_t ~ U(0,1) and a mask s²_t that marks two distinct steps of the first half; at T report their sum.

    Source: Hochreiter & Schmidhuber 1997; as used in arXiv 2506.07919.
    """

    name = "addition"
    summary = "add (or multiply) the two marked numbers of a sequence"
    description = (
        "Each step shows a value drawn from U(0, 1) and a mask that is 1 at two distinct steps of the first half and 0 "
        "elsewhere. At the last step the output must be the sum of the two marked values."
    )
    citation = "Hochreiter & Schmidhuber 1997, Neural Computation 9(8); Brenner & Koppe 2025, arXiv 2506.07919"
    options = (
        Option("T", 100, "length of a trial", unit="steps", minimum=4),
        *sizes(10_000, 1_000, 1_000),
        Option("operation", "addition", "what to do with the two numbers", choices=("addition", "multiplication")),
    )
    # docs/recipes.md says what was tried. An attempt that half of training left above 1e-3 never ended below 1e-4.
    recipe: ClassVar[dict[str, Any]] = {
        "M": 50,
        "P": 1,
        "init": "identity",
        "batch": 128,
        "epochs": 60.0,
        "lr": 3e-3,
        "schedule": "cosine",
        "warmup": 0.02,
        "clip": 0.1,
        "tau": 0.0,
        "fresh": True,
        "restarts": 8,
        "restart_after": 0.5,
        "restart_above": 0.006,
    }
    paper_recipe: ClassVar[dict[str, Any]] = {
        "M": 50,
        "P": 1,
        "init": "paper",
        "batch": 128,
        "epochs": 2000.0,
        "lr": 1e-3,
        "schedule": "constant",
        "clip": 0.0,
        "tau": 0.1,
        "readout_bias": False,
        "z0": "noise",
    }

    K = 2
    N = 1
    input_names = ("value", "mask")
    output_names = ("answer",)
    phases = (
        Phase("mask off", "steps whose value is to be ignored", (0.5, 0.0)),
        Phase("mask on", "the two marked steps", (0.5, 1.0)),
    )
    loss = "mse"
    scored = "last"
    metrics = {"mse": "min"}

    def __init__(self, options: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(options, **kwargs)
        self.T = self.opt["T"]
        if self.opt["operation"] == "multiplication":
            # -log(uv) with u, v ~ U(0, 1) is a sum of two unit exponentials: variance 2.
            self.chance = {"mse": 2.0}
        else:
            # Always answering E[u + v] = 1 leaves the variance of the sum, 2/12.
            self.chance = {"mse": 1 / 6}

    def lengths_for_curriculum(self) -> tuple[int, int] | None:
        return (min(6, self.T), self.T)

    def generate(self, n: int, T: int, rng: np.random.Generator) -> Trials:
        half = T // 2
        if half < 2:
            raise UsageError(f"Task 'addition' needs T >= 4, got {T}.", "Use --task-opt T=4 or more.")
        value = rng.random((n, T), dtype=np.float32)
        # Two distinct positions: the second is drawn from the half-1 others and steps over the first.
        i = rng.integers(0, half, n)
        j = rng.integers(0, half - 1, n)
        j += j >= i
        mask = np.zeros((n, T), np.float32)
        row = np.arange(n)
        mask[row, i] = 1
        mask[row, j] = 1
        u, v = value[row, i], value[row, j]
        if self.opt["operation"] == "multiplication":
            target = -np.log(np.maximum(u * v, np.finfo(np.float32).tiny))
        else:
            target = u + v
        counted = np.zeros((n, T), bool)
        counted[:, -1] = True
        return Trials(
            inputs=np.stack([value, mask], axis=-1),
            targets=target[:, None].astype(np.float32),
            mask=counted,
            lengths=np.full(n, T, np.int64),
            conditions=np.zeros(n, np.int64),
            phases=mask.astype(np.int8),
        )

    def score(self, outputs: np.ndarray, trials: Trials) -> dict[str, float]:
        return {"mse": mse(outputs, trials.targets)}


TASK = Addition
