"""The training loop: from a resolved configuration to the best state by validation."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..config import RunConfig
from ..errors import UsageError
from ..kernels import resolve
from ..model.alrnn import ALRNN
from ..tasks.base import Task
from . import evaluate, schedule, streams
from .data import Batch, Feed
from .losses import loss
from .state import State

_REGION_TRIALS = 100  # validation trials whose visited subregions the history follows


@dataclass(frozen=True)
class Progress:
    """How training goes; handed to the caller after every step. score: the last evaluation's first metric, NaN before one."""

    step: int
    total: int
    epoch: float
    loss: float
    score: float
    best: float
    lr: float
    grad_norm: float
    T: int
    restart: int
    evaluated: bool


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


class Loop:
    """One run. `state` can be saved and restored between steps; `run` goes on from wherever it is."""

    def __init__(self, config: RunConfig, task: Task, device: torch.device, backend: str) -> None:
        self.config = config
        self.training = config.training
        self.task = task
        self.device = device
        self.backend = resolve(backend, device)
        if self.training.fresh and task.fresh(1, streams.rng(0, streams.FRESH)) is None:
            raise UsageError(f"--fresh: task {task.name!r} has a fixed set of trials.", "Leave out --fresh.")
        self.lengths = task.lengths_for_curriculum()
        if self.training.curriculum and not (self.training.fresh and self.lengths):
            raise UsageError(
                f"--curriculum: needs fresh trials of any length (task {task.name!r}).",
                "Use --fresh with a task that generates its trials, or --curriculum 0.",
            )
        model = ALRNN(config.model, task.K, task.N)
        if model.stride > 1 and task.scored == "each":
            raise UsageError(
                f"--encoder {config.model.encoder} shortens trials, and task {task.name!r} is scored at every step.",
                "Use --encoder none.",
            )
        model.to(device)
        # A step on W acts T times over, so long trials may want smaller ones there than in encoder and readout.
        recurrent = [model.A, model.W, model.h]
        others = [p for p in model.parameters() if all(p is not q for q in recurrent)]
        groups = [
            {"params": recurrent, "factor": self.training.lr_recurrent},
            {"params": others, "factor": 1.0},
        ]
        # The fused kernel does one pass over all parameters; it is deterministic.
        self.state = State(model, torch.optim.Adam(groups, lr=self.training.lr, fused=True))
        self.feed = Feed(task, self.training.batch, self.training.seed, self.training.fresh, device)
        self.validation = task.split("validation")
        self.total = max(1, round(self.training.epochs * self.feed.steps_per_epoch)) if self.training.epochs else 0
        self.every = max(1, round(self.training.eval_every * self.feed.steps_per_epoch))
        self.metric, self.direction = next(iter(task.metrics.items()))
        self._begin(0)

    def _begin(self, restart: int) -> None:
        """Draw new parameters and forget the optimizer's moments; books about the best state stay."""
        self.state.model.initialise([(self.training.seed, streams.INIT, restart)])
        self.state.optimizer.state.clear()
        self.state.counters.restart = restart
        self.state.counters.attempt_step = 0
        self.state.attempt_best = None

    def run(
        self,
        on_step: Callable[[Progress], None] = lambda _: None,
        should_stop: Callable[[], str] = lambda: "",
        on_evaluation: Callable[[], None] = lambda: None,
    ) -> Outcome:
        """Train until done. on_evaluation is called after each evaluation (to save); should_stop returns a reason or "".

        The model holds the latest parameters afterwards, `state.best` the best ones.
        """
        c, t = self.state.counters, self.training
        started, before = time.monotonic(), c.seconds
        score = self.state.history.columns.get("score", [float("nan")])[-1]
        while c.attempt_step < self.total:
            c.seconds = before + time.monotonic() - started
            if stop := should_stop():
                return Outcome("interrupted", stop)
            if t.max_steps and c.step >= t.max_steps:
                return Outcome("finished", f"the limit of {t.max_steps} steps was reached")
            if t.max_seconds and c.seconds >= t.max_seconds:
                return Outcome("finished", f"the limit of {t.max_seconds:g} s was reached")
            lr = schedule.learning_rate(t, c.attempt_step, self.total)
            T = schedule.trial_length(t, c.attempt_step, self.total, self.lengths)
            value, penalty, norm = self._step(self.feed.at(c.step, T), lr)
            if not np.isfinite(value + penalty + norm):
                what = "the loss" if not np.isfinite(value) else "the gradient"
                return Outcome("diverged", f"{what} became NaN or infinite at step {c.step + 1}")
            c.step += 1
            c.attempt_step += 1
            c.loss_sum, c.penalty_sum, c.norm_sum = c.loss_sum + value, c.penalty_sum + penalty, c.norm_sum + norm
            c.summed += 1
            due = c.attempt_step % self.every == 0 or c.attempt_step == self.total or c.step == t.max_steps
            if due:
                score = self._evaluate(lr, T)
            best = self.state.best_score[self.metric] if self.state.best_score else float("nan")
            on_step(
                Progress(
                    c.step, self.total, c.step / self.feed.steps_per_epoch, value, score, best, lr, norm,
                    T or self.task.T, c.restart, due,
                )
            )  # fmt: skip
            if due:
                c.seconds = before + time.monotonic() - started
                if reached(score, t.target, self.direction):
                    return Outcome("finished", f"the target {self.metric} of {t.target:g} was reached")
                if t.patience and c.stale >= t.patience:
                    return Outcome("finished", f"no better state in {c.stale} evaluations")
                if self._stuck():
                    self._begin(c.restart + 1)
                on_evaluation()
        return Outcome("finished", f"all {t.epochs:g} epochs were trained")

    def _step(self, batch: Batch, lr: float) -> tuple[float, float, float]:
        """One optimizer step, unless loss or gradient is not finite. Returns: loss, penalty with its weight, gradient norm."""
        model, optimizer = self.state.model, self.state.optimizer
        last = self.task.scored == "last"
        s, lengths = model.encode(batch.s, batch.lengths)
        z0 = evaluate.noise(
            model,
            streams.rng(self.training.seed, streams.NOISE, self.state.counters.step),
            s.shape[1],
            self.training.batch,
        )
        z = model.states(s, lengths, z0=z0, last=last, backend=self.backend)
        value = loss(self.task.loss, model.read(z), batch.targets, batch.mask)
        total = value.sum()
        penalty = 0.0
        if self.training.tau:
            weighted = self.training.tau * model.penalty(self.training.M_reg)
            total = total + weighted.sum()
            penalty = float(weighted.detach().sum())
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(total)
        norm = gradient_norm(model)
        measured = (float(value.detach().sum()), penalty, float(norm))
        if np.isfinite(sum(measured)):
            if self.training.clip and norm > self.training.clip:
                scale = self.training.clip / norm
                for p in model.parameters():
                    if p.grad is not None:
                        p.grad.mul_(scale)
            for group in optimizer.param_groups:
                group["lr"] = lr * group["factor"]
            optimizer.step()
        return measured

    def _evaluate(self, lr: float, T: int | None) -> float:
        """Score the validation trials, write one row of history, keep the state if it is the best. Returns: the first metric."""
        state, c = self.state, self.state.counters
        out = evaluate.outputs(
            state.model, self.task, self.validation, backend=self.backend,
            batch=self.training.batch, eval_seed=self.training.eval_seed,
        )  # fmt: skip
        with np.errstate(over="ignore", invalid="ignore"):
            metrics = self.task.score(out, self.validation)
        radius, n = evaluate.regions(state.model, self.validation.take(slice(0, _REGION_TRIALS)), backend=self.backend)
        score = metrics[self.metric]
        state.history.append(
            {
                "step": c.step,
                "epoch": c.step / self.feed.steps_per_epoch,
                "loss": c.loss_sum / max(1, c.summed),
                "penalty": c.penalty_sum / max(1, c.summed),
                "score": score,
                "grad_norm": c.norm_sum / max(1, c.summed),
                "lr": lr,
                "spectral_radius": radius,
                "bitcodes": n,
                "T": T or self.task.T,
                "restart": c.restart,
            }
        )
        c.loss_sum = c.penalty_sum = c.norm_sum = 0.0
        c.summed = 0
        c.stale += 1
        if better(metrics, state.best_score, self.task.metrics):
            state.keep(metrics)
        if state.attempt_best is None or better(
            {self.metric: score}, {self.metric: state.attempt_best}, {self.metric: self.direction}
        ):
            state.attempt_best = score
        return score

    def _stuck(self) -> bool:
        """Whether this attempt has sat on a plateau for long enough to begin anew.

        A plateau: past the share `restart_after` of training, the attempt's best validation score has still covered less
        than 1 - restart_above of the way from chance to perfect.
        """
        c, t = self.state.counters, self.training
        if c.restart >= t.restarts or c.attempt_step < t.restart_after * self.total or c.attempt_step >= self.total:
            return False
        chance = self.task.chance[self.metric]
        perfect = 0.0 if self.direction == "min" else 1.0
        best = self.state.attempt_best
        return best is None or not abs(best - perfect) < t.restart_above * abs(chance - perfect)


def gradient_norm(model: ALRNN) -> Tensor:
    """Euclidean norm of the whole gradient. Returns: a scalar."""
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(grads)))
