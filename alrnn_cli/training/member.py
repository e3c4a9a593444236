"""One run of a group: its configuration, its place in training, and everything it needs in order to go on exactly there."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..config import RunConfig
from ..errors import InputError, UsageError, closest
from ..model import make
from ..model.network import Network
from ..records import History
from ..tasks.base import Task
from . import schedule, streams
from .stack import Columns, Row, tensors


@dataclass
class Counters:
    """step: optimizer steps done in all; attempt_step: since training last began anew; restart: how often it did;
    best_step, stale: step of the best evaluation and evaluations since; sums: of loss, penalty and gradient norm since the last
    evaluation, over `summed` steps; seconds: time spent, interrupted parts included."""

    step: int = 0
    attempt_step: int = 0
    restart: int = 0
    best_step: int = 0
    stale: int = 0
    loss_sum: float = 0.0
    penalty_sum: float = 0.0
    norm_sum: float = 0.0
    summed: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """Why training ended. status: "finished", "interrupted" or "diverged"."""

    status: str
    reason: str


def better(a: dict[str, float], b: dict[str, float] | None, metrics: dict[str, str]) -> bool:
    """Whether score `a` beats `b`: metrics in order, a later one deciding where the earlier are equal. NaN never wins."""
    if b is None:
        return bool(np.isfinite(a[next(iter(metrics))]))
    for name, direction in metrics.items():
        x, y = (a[name], b[name]) if direction == "min" else (-a[name], -b[name])
        if not np.isfinite(x):
            return False
        if x != y:
            return bool(x < y)
    return False


def reached(score: float, target: float | None, direction: str) -> bool:
    """Whether `score` is at least as good as `target`."""
    return target is not None and (score <= target if direction == "min" else score >= target)


class Member:
    """One run. row: its present numbers, views into the stack it is in; best: the kept parameters (n,), best_score: their
    metrics; outcome: None while it trains.

    Errors: UsageError for settings that its task cannot follow.
    """

    def __init__(self, config: RunConfig, task: Task, where: Columns) -> None:
        self.config = config
        self.training = t = config.training
        self.task = task
        self.columns = where
        if t.fresh and task.fresh(1, streams.rng(0, streams.FRESH)) is None:
            raise UsageError(f"--fresh: task {task.name!r} has a fixed set of trials.", "Leave out --fresh.")
        self.lengths = task.lengths_for_curriculum()
        if t.curriculum and not (t.fresh and self.lengths):
            raise UsageError(
                f"--curriculum: needs fresh trials of any length (task {task.name!r}).",
                "Use --fresh with a task that generates its trials, or --curriculum 0.",
            )
        self.steps_per_epoch = max(1, -(-task.size("train") // t.batch))
        self.total = max(1, round(t.epochs * self.steps_per_epoch)) if t.epochs else 0
        self.every = max(1, round(t.eval_every * self.steps_per_epoch))
        self.metric, self.direction = next(iter(task.metrics.items()))
        if t.select and t.select not in task.metrics:
            raise UsageError(
                f"--select: task {task.name!r} has no metric {t.select!r}.", closest(t.select, list(task.metrics))
            )
        #: by what one state is better than another; later ones decide between equals
        self.metrics = {name: task.metrics[name] for name in dict.fromkeys([t.select or self.metric, *task.metrics])}
        self.row: Row
        self.best: Tensor | None = None
        self.best_score: dict[str, float] | None = None
        self.attempt_best: float | None = None
        self.counters = Counters()
        self.history = History()
        self.outcome: Outcome | None = None
        #: whether this attempt has diverged, and another is to begin
        self.lost = False

    def lr(self, ahead: int) -> float:
        """Learning rate of the step that comes `ahead` steps after the one that is counted next."""
        return schedule.learning_rate(self.training, self.counters.attempt_step + ahead, self.total)

    def trial_length(self, ahead: int) -> int | None:
        """Length of that step's trials, None for the full one."""
        return schedule.trial_length(self.training, self.counters.attempt_step + ahead, self.total, self.lengths)

    def due(self, ahead: int = 0) -> bool:
        """Whether an evaluation is due `ahead` steps after those that are counted."""
        step, attempt_step = self.counters.step + ahead, self.counters.attempt_step + ahead
        return attempt_step % self.every == 0 or attempt_step == self.total or step == self.training.max_steps

    def spent(self) -> str:
        """Why there is no further step to make, "" where there is."""
        c, t = self.counters, self.training
        if c.attempt_step >= self.total:
            return f"all {t.epochs:g} epochs were trained"
        if t.max_steps and c.step >= t.max_steps:
            return f"the limit of {t.max_steps} steps was reached"
        if t.max_seconds and c.seconds >= t.max_seconds:
            return f"the limit of {t.max_seconds:g} s was reached"
        return ""

    def content(self) -> str:
        """Why the last evaluation ends training, "" where it does not."""
        t = self.training
        if reached(self.score, t.target, self.direction):
            return f"the target {self.metric} of {t.target:g} was reached"
        if t.patience and self.counters.stale >= t.patience:
            return f"no better state in {self.counters.stale} evaluations"
        return ""

    def stuck(self) -> bool:
        """Whether this attempt has sat on a plateau for long enough to begin anew.

        A plateau: past the share `restart_after` of training, the attempt's best validation score has still covered less
        than 1 - restart_above of the way from chance to perfect.
        """
        c, t = self.counters, self.training
        if c.restart >= t.restarts or c.attempt_step < t.restart_after * self.total or c.attempt_step >= self.total:
            return False
        chance = self.task.chance[self.metric]
        perfect = 0.0 if self.direction == "min" else 1.0
        best = self.attempt_best
        return best is None or not abs(best - perfect) < t.restart_above * abs(chance - perfect)

    def begin_anew(self) -> None:
        """Books of a further attempt; those about the best state stay."""
        self.counters.restart += 1
        self.counters.attempt_step = 0
        self.attempt_best = None
        self.lost = False

    @property
    def score(self) -> float:
        """The last evaluation's first metric, NaN before one."""
        return self.history.columns.get("score", [float("nan")])[-1]

    def count(self, loss: float, penalty: float, norm: float) -> None:
        """One step was made. Where one of its numbers is not finite the attempt is lost; without a further one the run has diverged."""
        c = self.counters
        if not np.isfinite(loss + penalty + norm):
            if c.restart < self.training.restarts:
                self.lost = True
                c.step += 1
                return
            what = "the loss" if not np.isfinite(loss) else "the gradient"
            self.outcome = Outcome("diverged", f"{what} became NaN or infinite at step {c.step + 1}")
            return
        c.step += 1
        c.attempt_step += 1
        c.loss_sum, c.penalty_sum, c.norm_sum = c.loss_sum + loss, c.penalty_sum + penalty, c.norm_sum + norm
        c.summed += 1

    def record(self, metrics: dict[str, float], radius: float, bitcodes: float, lr: float, T: int) -> None:
        """One row of history; keep the present parameters if they are the best."""
        c = self.counters
        score = metrics[self.metric]
        self.history.append(
            {
                "step": c.step,
                "epoch": c.step / self.steps_per_epoch,
                "loss": c.loss_sum / max(1, c.summed),
                "penalty": c.penalty_sum / max(1, c.summed),
                "score": score,
                "grad_norm": c.norm_sum / max(1, c.summed),
                "lr": lr,
                "spectral_radius": radius,
                "bitcodes": bitcodes,
                "T": T,
                "restart": c.restart,
            }
        )
        c.loss_sum = c.penalty_sum = c.norm_sum = 0.0
        c.summed = 0
        c.stale += 1
        if better(metrics, self.best_score, self.metrics):
            self.best, self.best_score = self.row.values.clone(), metrics
            c.best_step, c.stale = c.step, 0
        before = None if self.attempt_best is None else {self.metric: self.attempt_best}
        if better({self.metric: score}, before, {self.metric: self.direction}):
            self.attempt_best = score

    def tensors(self, row: Tensor) -> dict[str, Tensor]:
        """A row of parameters by their names in a checkpoint."""
        return tensors(row, self.columns)

    def model(self, row: Tensor) -> Network:
        """A model of this one member with the parameters of a row."""
        model = make(self.config.model, self.task.K, self.task.N, self.task.tokens()).to(row.device)
        found = self.tensors(row)
        with torch.no_grad():
            for name, p in model.named_parameters():
                p.copy_(found[name])
        return model

    def pack(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and JSON that `unpack` turns into this state again, bit for bit."""
        rows = {"model": self.row.values, "adam.m": self.row.m, "adam.v": self.row.v}
        if self.best is not None:
            rows["best"] = self.best
        arrays = {f"{kind}.{k}": x.cpu().numpy() for kind, row in rows.items() for k, x in self.tensors(row).items()}
        books = {
            "counters": asdict(self.counters),
            "history": list(self.history.columns),
            "scored": self.best_score is not None,
            "attempt_best": self.attempt_best,
        }
        # JSON has no NaN; a history may, and a score.
        arrays |= {f"history.{k}": np.asarray(v, np.float64) for k, v in self.history.columns.items()}
        arrays |= {f"score.{k}": np.asarray(v, np.float64) for k, v in (self.best_score or {}).items()}
        return arrays, books

    def unpack(self, arrays: dict[str, np.ndarray], books: dict[str, Any]) -> None:
        """Errors: InputError where the arrays do not fit this model."""
        rows = {"model": self.row.values, "adam.m": self.row.m, "adam.v": self.row.v}
        if books["scored"]:
            self.best = rows["best"] = torch.zeros_like(self.row.values)
        for kind, row in rows.items():
            for name, here in self.tensors(row).items():
                there = arrays.get(f"{kind}.{name}")
                if there is None or there.shape != tuple(here.shape):
                    found = "lacks" if there is None else f"has another shape {there.shape} of"
                    raise InputError(f"The resume file {found} {kind}.{name}.", "Start again with --overwrite.")
                here.copy_(torch.from_numpy(there))
        self.counters = Counters(**books["counters"])
        self.history = History({k: arrays[f"history.{k}"].tolist() for k in books["history"]})
        self.best_score = {k: float(arrays[f"score.{k}"]) for k in self.task.metrics} if books["scored"] else None
        self.attempt_best = books["attempt_best"]
