"""Context: integrate noisy evidence, and report its sign or the opposite, as a context cue says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import UsageError
from ..lazy import lazy
from ..records import Trials
from .base import Option, Phase
from .generated import Generated, sizes
from .scores import accuracy, cross_entropy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

_CONTEXTS, _ANSWERS = ("A", "B"), ("positive", "negative")
_EVIDENCE, _RECALL = 2, 3  # input channels; 0 and 1 are the contexts
#: when the context is visible: at the first step, while evidence is shown, at the last step
_VISIBLE = {
    "both": (True, False, True),
    "first": (True, False, False),
    "last": (False, False, True),
    "always": (True, True, True),
}


class Context(Generated):
    """Evidence e_t = ±1 + noise · N(0, 1) at steps 2 … T-1; at T report sign(Σ e_t) in context A and its opposite in B.

    Source: arXiv 2506.07919; after Mante, Sussillo, Shenoy & Newsome 2013.
    """

    name = "context"
    summary = "integrate noisy evidence, and report its sign or the opposite, as a context cue says"
    description = (
        "The first step shows one of two contexts, the steps after it evidence of +1 or -1 with noise, and the last one a "
        "recall flag and the context again. There the larger output must tell the sign of all evidence that was shown, noise "
        "included, in context A, and the opposite sign in context B."
    )
    citation = "Brenner & Koppe 2025, arXiv 2506.07919; after Mante et al. 2013, Nature 503"
    options = (
        Option("T", 100, "length of a trial", unit="steps", minimum=3),
        # Without noise the evidence of an even number of steps may sum to 0, which has no sign.
        Option("noise", 0.2, "standard deviation of the noise on the evidence", above=0),
        Option("cue", "both", "when the context is visible; both: first and last step", choices=tuple(_VISIBLE)),
        *sizes(1_000, 200, 200),
    )
    # docs/recipes.md says what was tried.
    recipe: ClassVar[dict[str, Any]] = {
        "M": 10,
        "P": 2,
        "init": "identity",
        "batch": 64,
        "epochs": 1200.0,
        "lr": 3e-3,
        "schedule": "cosine",
        "clip": 1.0,
        "tau": 0.01,
        "fresh": True,
        "curriculum": 0.4,
        "eval_every": 12.0,
        # A linear network is right on three of the four pairs of context and answer by luck of its threshold.
        "select": "cross_entropy",
    }
    paper_recipe: ClassVar[dict[str, Any]] = {
        "M": 10,
        "P": 2,
        "init": "paper",
        "batch": 64,
        "epochs": 1000.0,
        "lr": 1e-3,
        "schedule": "constant",
        "clip": 0.0,
        "tau": 0.1,
        "readout_bias": False,
        "z0": "zero",
    }

    K = 4
    N = 2
    input_names = ("context A", "context B", "evidence", "recall")
    output_names = _ANSWERS
    condition_names = tuple(f"{context}, {answer}" for context in _CONTEXTS for answer in _ANSWERS)
    loss = "cross_entropy"
    scored = "last"
    metrics = {"accuracy": "max", "cross_entropy": "min"}
    chance = {"accuracy": 0.5, "cross_entropy": math.log(2)}

    def __init__(self, options: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(options, **kwargs)
        self.T = self.opt["T"]
        told = ("the first step", "evidence comes; constant input: its mean, 0", "the last step")
        phases: list[Phase] = []
        self._phase = np.zeros((3, 2), np.int8)  # by stage and context
        for stage, name in enumerate(("start", "evidence", "recall")):
            visible = _VISIBLE[self.opt["cue"]][stage]
            for context in range(2):
                self._phase[stage, context] = len(phases) if visible or not context else len(phases) - 1
                if visible or not context:
                    flags = [0.0] * self.K
                    flags[context] = float(visible)
                    flags[_RECALL] = float(stage == 2)
                    where = f" {_CONTEXTS[context]}" if visible else ""
                    phases.append(
                        Phase(name + where, told[stage] + (f", in context{where}" if where else ""), tuple(flags))
                    )
        self.phases = tuple(phases)

    def lengths_for_curriculum(self) -> tuple[int, int]:
        return (3, self.T)

    def generate(self, n: int, T: int, rng: np.random.Generator) -> Trials:
        if T < 3:
            raise UsageError(f"Task 'context' needs T >= 3, got {T}.", "Use --task-opt T=3 or more.")
        context = rng.integers(0, 2, n)
        evidence = rng.choice(np.array([-1, 1], np.float32), (n, T - 2))
        evidence += self.opt["noise"] * rng.standard_normal((n, T - 2), np.float32)
        stage = np.full(T, 1)
        stage[0], stage[-1] = 0, 2
        visible = np.array(_VISIBLE[self.opt["cue"]])[stage]
        inputs = np.zeros((n, T, self.K), np.float32)
        inputs[np.arange(n), :, context] = visible
        inputs[:, 1:-1, _EVIDENCE] = evidence
        inputs[:, -1, _RECALL] = 1
        # In float64 the sign is that of the very numbers shown.
        answer = ((evidence.sum(1, dtype=np.float64) < 0) ^ (context == 1)).astype(np.int64)
        mask = np.zeros((n, T), bool)
        mask[:, -1] = True
        phases = self._phase[stage, context[:, None]]
        return Trials(inputs, answer, mask, np.full(n, T, np.int64), 2 * context + answer, phases)

    def score(self, outputs: np.ndarray, trials: Trials) -> dict[str, float]:
        return {
            "accuracy": accuracy(outputs, trials.targets),
            "cross_entropy": cross_entropy(outputs, trials.targets),
        }


TASK = Context
