"""From a task's numpy trials to batches of tensors with a member axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..records import Trials
from ..tasks.base import Task
from . import streams


@dataclass(frozen=True)
class Batch:
    """Tensors of one step, member axis first: s (E, B, T, inputs), targets, mask (None where scored at the
    last step), lengths (E, B), or None where all trials have the full length."""

    s: Tensor
    targets: Tensor
    mask: Tensor | None
    lengths: Tensor | None


def to_batch(trials: Trials, scored: str, device: torch.device) -> Batch:
    """One member's trials as tensors."""
    full = bool((trials.lengths == trials.inputs.shape[1]).all())

    def move(x: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(x)).to(device).unsqueeze(0)

    return Batch(
        move(trials.inputs),
        move(trials.targets),
        move(trials.mask) if scored == "each" else None,
        None if full else move(trials.lengths),
    )


class Feed:
    """The batch of any step, for one member: new trials each time (`fresh`), or a fixed set in an order drawn anew each epoch."""

    def __init__(self, task: Task, batch: int, seed: int, fresh: bool, device: torch.device) -> None:
        self.task = task
        self.batch = batch
        self.seed = seed
        self.fresh = fresh
        self.device = device
        self.trials = task.split("train")
        self.steps_per_epoch = max(1, -(-len(self.trials) // batch))
        self._epoch = -1
        self._order = np.empty(0, np.int64)

    def at(self, step: int, T: int | None) -> Batch:
        """The batch of `step`, a function of the seed and the step alone. T: length of fresh trials, None for the full one."""
        if self.fresh:
            trials = self.task.fresh(self.batch, streams.rng(self.seed, streams.FRESH, step), T)
            assert trials is not None  # checked when the run was set up
        else:
            epoch, within = divmod(step, self.steps_per_epoch)
            if epoch != self._epoch:
                self._order = streams.rng(self.seed, streams.ORDER, epoch).permutation(len(self.trials))
                self._epoch = epoch
            trials = self.trials.take(self._order[within * self.batch : (within + 1) * self.batch])
        return to_batch(trials, self.task.scored, self.device)
