"""Multitask: eleven cognitive tasks in one network, told which by a cue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import UsageError, closest
from ..lazy import lazy
from ..records import Trials
from . import cognitive
from .base import Option, Phase
from .generated import Generated, sizes
from .scores import mse

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")


class Multitask(Generated):
    """Seven channels of stimuli and eleven that name the task; at the trial's own last step answer (fixation, cos φ, sin φ).

    Source: Yang et al. 2019; Driscoll, Shenoy & Sussillo 2024; as used in arXiv 2506.07919.
    """

    name = "multitask"
    summary = "eleven cognitive tasks in one network: remember, react, categorise, compare, integrate, withhold"
    description = (
        "Each trial is of one of eleven tasks, which a cue names throughout. Periods of random length follow each other: "
        "context, stimulus, delay, response. At the trial's own last step the output must be a direction (cos, sin) with fixation "
        "0, or fixation 1 where the right answer is to hold."
    )
    citation = (
        "Yang et al. 2019, Nature Neuroscience 22; Driscoll, Shenoy & Sussillo 2024, Nature Neuroscience 27; "
        "Brenner & Koppe 2025, arXiv 2506.07919"
    )
    options = (
        Option("tasks", "all", f"which, joined by +: {', '.join(cognitive.NAMES)}"),
        Option("periods", "short", "length of the periods", choices=tuple(cognitive.DURATIONS)),
        Option("noise", 0.2, "standard deviation of the evidence at a step; its mean is 0.1, 0.2 or 0.4", minimum=0),
        *sizes(5_000, 1_000, 1_000),
    )
    # docs/recipes.md says what was tried.
    recipe: ClassVar[dict[str, Any]] = {
        "M": 64,
        "P": 8,
        "init": "identity",
        "batch": 64,
        "epochs": 30.0,
        "lr": 3e-3,
        "schedule": "cosine",
        "warmup": 0.02,
        "clip": 1.0,
        "tau": 0.0,
        "fresh": True,
    }
    paper_recipe: ClassVar[dict[str, Any]] = {
        "M": 64,
        "P": 8,
        "init": "paper",
        "batch": 64,
        "epochs": 300.0,
        "lr": 1e-3,
        "schedule": "constant",
        "clip": 0.0,
        "tau": 0.01,
        "readout_bias": False,
        "z0": "zero",
    }

    K = len(cognitive.CHANNELS) + len(cognitive.NAMES)
    N = 3
    input_names = (*cognitive.CHANNELS, *cognitive.NAMES)
    output_names = ("fixation", "cos", "sin")
    phases = (
        Phase("context", "fixation and the task's cue"),
        Phase("stimulus", "the first stimulus, or the evidence"),
        Phase("delay", "fixation and cue again; also where a reaction task waits for its stimulus"),
        Phase("response", "an answer is due; fixation is off, or a reaction task's stimulus is on"),
    )
    loss = "mse"
    scored = "last"

    def __init__(self, options: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(options, **kwargs)
        self.condition_names = chosen(self.opt["tasks"])
        self.T = sum(longest for _, longest in cognitive.DURATIONS[self.opt["periods"]])
        rules = [cognitive.RULES[name] for name in self.condition_names]
        per_task = [f"accuracy.{name}" for name in self.condition_names]
        self.metrics = {"accuracy": "max", "mse": "min", **dict.fromkeys(per_task, "max")}
        self.chance = {
            "accuracy": sum(rule.chance for rule in rules) / len(rules),
            "mse": sum(rule.variance for rule in rules) / len(rules),
            **{name: rule.chance for name, rule in zip(per_task, rules, strict=True)},
        }

    @classmethod
    def resolve_options(cls, given: dict[str, Any]) -> dict[str, Any]:
        """As any task's; `tasks` in the order of the list, "all" for all of them, so that one choice has one spelling."""
        found = super().resolve_options(given)
        names = chosen(found["tasks"])
        found["tasks"] = "all" if names == cognitive.NAMES else "+".join(names)
        return found

    def generate(self, n: int, T: int, rng: np.random.Generator) -> Trials:
        """n trials. Errors: UsageError for a T that the periods do not give."""
        if T != self.T:
            raise UsageError(f"Task 'multitask' has trials of up to {self.T} steps, got T = {T}.", "Leave T as it is.")
        return cognitive.generate(n, self.condition_names, self.opt["periods"], self.opt["noise"], rng)

    def score(self, outputs: np.ndarray, trials: Trials) -> dict[str, float]:
        """Share of right answers over all trials and over each task's (NaN where there is none), and the squared error."""
        right = cognitive.right(outputs, trials.targets)
        found = {"accuracy": float(right.mean()), "mse": mse(outputs, trials.targets)}
        for k, name in enumerate(self.condition_names):
            own = right[trials.conditions == k]
            found[f"accuracy.{name}"] = float(own.mean()) if len(own) else float("nan")
        return found


def chosen(text: str) -> tuple[str, ...]:
    """ "DelayAnti+DelayPro" as names in the order of the list; "all": every one. Errors: UsageError."""
    if text == "all":
        return cognitive.NAMES
    asked = text.split("+")
    for i, name in enumerate(asked):
        if name not in cognitive.NAMES:
            raise UsageError(
                f"--task-opt tasks={text} (task multitask): unknown task {name!r}.", closest(name, cognitive.NAMES)
            )
        if name in asked[:i]:
            raise UsageError(
                f"--task-opt tasks={text} (task multitask): {name} is named twice.", "Name each task once."
            )
    return tuple(name for name in cognitive.NAMES if name in asked)


TASK = Multitask
