"""Custom: your own trials from an .npz file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import InputError, UsageError
from ..lazy import lazy
from ..records import Trials
from . import npz
from .base import Option, Phase, Task
from .scores import accuracy, cross_entropy, mse

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

_SPLITS = ("train", "validation", "test")


class Custom(Task):
    """Inputs and targets from a file; the shape and the type of the targets say what kind of task it is.

    Integer targets are classes (cross-entropy), floats are values (mean squared error); one target per trial is scored
    at the trial's last step, one per step at every step that `mask` marks. The file is read at construction.
    """

    name = "custom"
    summary = "your own trials from an .npz file: classification or regression, at the last or at every step"
    description = (
        "Inputs (n, T, K) and targets come from an .npz file. Integer targets are classes, float targets are values; "
        "(n,) and (n, N) are scored at each trial's last step, (n, T) and (n, T, N) at every step."
    )
    citation = "your data; cite where they come from"
    options = (
        Option(
            "test_fraction",
            0.1,
            "share set aside for testing, where the file has no test_inputs",
            above=0,
            maximum=0.9,
        ),
        Option(
            "validation_fraction",
            0.1,
            "share set aside for validation, where the file has no validation_inputs",
            above=0,
            maximum=0.9,
        ),
        Option("standardise", False, "scale each input channel to mean 0 and deviation 1 over the training steps"),
    )
    needs_data = True
    # A start that can hold a value, and settings that forgive; your task may want others.
    recipe: ClassVar[dict[str, Any]] = {
        "M": 50,
        "P": 2,
        "init": "identity",
        "batch": 32,
        "epochs": 100.0,
        "lr": 1e-3,
        "schedule": "cosine",
        "warmup": 0.05,
        "clip": 1.0,
    }
    paper_recipe: ClassVar[dict[str, Any]] = {}
    phases = (Phase("trial", "the whole trial; its constant input is the mean input", None),)

    def __init__(self, options: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(options, **kwargs)
        self.path = Path(str(self.data)).expanduser()
        self._data = npz.read(self.path)
        data = self._data
        self.K, self.N = data.K, data.N
        self.input_names, self.output_names = data.input_names, data.output_names
        self.condition_names = data.condition_names
        self.dt, self.dt_unit = data.dt, data.dt_unit
        self.scored = "each" if data.per_step else "last"
        self._parts = self._divide()
        self.T = self._parts["train"].inputs.shape[1]
        self._mean, self._deviation = self._scale()
        counted = self._parts["train"].counted_targets
        if data.classes:
            self.loss = "cross_entropy"
            self.metrics = {"accuracy": "max", "cross_entropy": "min"}
            share = np.bincount(counted, minlength=self.N) / len(counted)
            some = share[share > 0]
            self.chance = {"accuracy": float(share.max()), "cross_entropy": float(-(some * np.log(some)).sum())}
        else:
            self.loss = "mse"
            self.metrics = {"mse": "min"}
            # The best constant answer is the mean of each output; what it leaves is the variance.
            self.chance = {"mse": float(counted.astype(np.float64).var(axis=0).mean())}

    def split(self, which: str) -> Trials:
        part = self._parts[which]
        inputs = part.inputs
        if self.opt["standardise"]:
            inputs = ((inputs - self._mean) / self._deviation).astype(np.float32)
            inputs[~part.valid] = 0
        return Trials(
            inputs=inputs,
            targets=part.targets,
            mask=part.counted,
            lengths=part.lengths,
            conditions=part.conditions,
            phases=np.where(part.valid, 0, -1).astype(np.int8),
        )

    def score(self, outputs: np.ndarray, trials: Trials) -> dict[str, float]:
        targets = trials.targets
        if self._data.per_step:
            valid = np.arange(trials.inputs.shape[1])[None, :] < trials.lengths[:, None]
            counted = trials.mask & valid
            outputs, targets = outputs[counted], targets[counted]
        if not self._data.classes:
            return {"mse": mse(outputs, targets)}
        return {"accuracy": accuracy(outputs, targets), "cross_entropy": cross_entropy(outputs, targets)}

    def fingerprint(self) -> str:
        """sha256 of the file's arrays, whatever way they are packed."""
        return self._data.sha256

    def describe_data(self) -> str:
        lengths = np.concatenate([part.lengths for part in self._parts.values()])
        shortest, longest = int(lengths.min()), int(lengths.max())
        T = f"{shortest}" if shortest == longest else f"{shortest}…{longest}"
        kind = f"{self.N} classes" if self._data.classes else "1 target" if self.N == 1 else f"{self.N} targets"
        where = " at every step" if self._data.per_step else ""
        counts = " / ".join(f"{len(self._parts[which]):,} {which}" for which in _SPLITS)
        return f"{len(lengths):,} trials, T = {T}, K = {self.K}, {kind}{where}; {counts}"

    def _divide(self) -> dict[str, npz.Part]:
        """The three splits: the file's own where it has them, the others cut from the shuffled training trials.

        Errors: UsageError or InputError where that leaves a split empty.
        """
        parts = dict(self._data.parts)
        every = parts["train"]
        order = np.random.default_rng([self.eval_seed, 4]).permutation(len(every))
        taken = 0
        for which in ("test", "validation"):
            if which not in parts:
                count = max(1, round(self.opt[f"{which}_fraction"] * len(every)))
                parts[which] = every.take(order[taken : taken + count])
                taken += count
        if taken >= len(order):
            if len(order) < 3:
                raise InputError(
                    f"{self.path}: inputs: {len(order)} trials are too few to split into train, validation and test.",
                    "Give more trials, or validation_inputs and test_inputs with their targets.",
                )
            raise UsageError(
                f"--task-opt test_fraction={self.opt['test_fraction']:g} and "
                f"validation_fraction={self.opt['validation_fraction']:g} leave no training trial of {len(order)}.",
                "Lower one of them.",
            )
        if taken:
            parts["train"] = every.take(order[taken:])
        for which in _SPLITS:
            if not parts[which].counted.any():
                raise InputError(
                    f"{self.path}: mask: no step of the {which} split is scored.",
                    "Mark steps in more trials, or give the file its own validation_ and test_ trials.",
                )
        return parts

    def _scale(self) -> tuple[np.ndarray, np.ndarray]:
        """(K,) mean and (K,) deviation of each channel over the training trials' valid steps."""
        part = self._parts["train"]
        steps = part.inputs[part.valid].astype(np.float64)
        deviation = steps.std(axis=0)
        constant = deviation <= 1e-12 * np.abs(steps).max(axis=0, initial=0)
        return steps.mean(axis=0), np.where(constant, 1.0, deviation)


TASK = Custom
