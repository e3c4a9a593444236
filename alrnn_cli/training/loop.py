"""The training loop: a group of runs from their resolved configurations to their best states by validation.

A run that trains alone is a group of one. What a member sees and does is a function of its own configuration, so that it
ends the same in any company.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..config import RunConfig
from ..kernels import Choice
from ..model import make
from ..tasks.base import Task
from . import evaluate, stackable, streams
from .arrays import library
from .data import Feed, distinct
from .member import Member, Outcome
from .stack import Stack

_REGION_TRIALS = 100  # validation trials whose visited subregions the history follows
# Steps between two looks at losses and gradients. Reading a number of an accelerator waits until it has done all before.
_READ_EVERY = {"cpu": 1, "cuda": 20}


@dataclass(frozen=True, slots=True)
class Progress:
    """How training goes; handed to the caller after every step. step: made in all; attempt_step of total: since training last began
    anew, the restart-th time; score: the last evaluation's first metric, NaN before one."""

    step: int
    attempt_step: int
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
class Hooks:
    """What a caller does while a group trains; members are numbered as they were given.

    step: told of each member's every step, on an accelerator some steps later; stop: gives a reason to stop, or "";
    evaluated: after each evaluation (to save); ended: a member has its outcome, the others go on; save: the present state of
    a member at each multiple of `save_every` steps (0: never).
    """

    step: Callable[[int, Progress], None] = lambda e, progress: None
    stop: Callable[[], str] = lambda: ""
    evaluated: Callable[[int], None] = lambda e: None
    ended: Callable[[int], None] = lambda e: None
    save: Callable[[int], None] = lambda e: None
    save_every: int = 0


@dataclass(frozen=True)
class _Made:
    """A step that is made and not yet read. measured: (3, E)."""

    lr: list[float]
    T: list[int | None]
    measured: Any


class Group:
    """Runs that train as one stack. Their state can be packed and restored between steps; `run` goes on from wherever they are.

    Errors: UsageError where the runs do not fit together, or their tasks cannot do what they ask; DeviceError.
    """

    def __init__(self, configs: Sequence[RunConfig], tasks: Sequence[Task], device: torch.device, backend: str) -> None:
        stackable.check(configs, tasks)
        self.device = device
        sets, index = distinct(tasks, "validation")
        self._validation = [sets[i] for i in index]
        self.choice = self._choose(backend, configs, tasks[0])
        self.backend = self.choice.name
        self.stack = Stack(configs, tasks[0], device, self.backend)
        self.members = [Member(c, t, self.stack.columns) for c, t in zip(configs, tasks, strict=True)]
        self._everyones_feed = self.feed = Feed(configs, tasks, device)
        self._numbers = list(range(len(configs)))  # the members in the stack
        for e, member in enumerate(self.members):
            member.row = self.stack.row(e)
            self.stack.begin(e, (member.training.seed, streams.INIT, 0))

    def _choose(self, backend: str, configs: Sequence[RunConfig], task: Task) -> Choice:
        """The backend of the whole group, and why it."""
        model = make([c.model for c in configs], task.K, task.N, task.tokens())
        return model.choose(
            backend, self.device, torch.float32, B=configs[0].training.batch, T=max(1, task.T // model.stride),
            last=task.scored == "last",
            ragged=any(bool((trials.lengths < trials.inputs.shape[1]).any()) for trials in self._validation),
        )  # fmt: skip

    def run(self, hooks: Hooks = Hooks()) -> None:
        """Train until every member has its outcome. A member's `row` then holds its latest parameters, `best` the best."""
        while going := [e for e, m in enumerate(self.members) if m.outcome is None]:
            # Members that were interrupted earlier than others catch up first.
            first = min(self.members[e].counters.step for e in going)
            together = [e for e in going if self.members[e].counters.step == first]
            until = min((self.members[e].counters.step for e in going if e not in together), default=-1)
            self._gather(together)
            self._advance(until, hooks)
            for e in self._numbers:
                if self.members[e].outcome is not None:
                    hooks.ended(e)

    def _gather(self, numbers: list[int]) -> None:
        """Bring these members into one stack, from whatever stacks they are in."""
        members = [self.members[e] for e in numbers]
        self.stack = Stack([m.config for m in members], members[0].task, self.device, self.backend)
        self.feed = self._everyones_feed.select(numbers)
        self._numbers = numbers
        for e, member in enumerate(members):
            self.stack.put(e, member.row, member.counters.attempt_step)
            member.row = self.stack.row(e)

    def _advance(self, until: int, hooks: Hooks) -> None:
        """Steps of the members in the stack until one of them ends, or all have made `until` steps in all."""
        members = [self.members[e] for e in self._numbers]
        started, before = time.monotonic(), [m.counters.seconds for m in members]

        def clock() -> None:
            for m, seconds in zip(members, before, strict=True):
                m.counters.seconds = seconds + time.monotonic() - started

        while members[0].counters.step != until:
            clock()
            for m in members:
                if reason := m.spent():
                    m.outcome = Outcome("finished", reason)
            if any(m.outcome for m in members):
                return
            if stop := hooks.stop():
                for m in members:
                    m.outcome = Outcome("interrupted", stop)
                return
            # The numbers of steps after which nothing is due are read together with the next one's.
            unread: list[_Made] = []
            for ahead in range(_READ_EVERY[self.device.type]):
                unread.append(self._step(members, ahead))
                step = members[0].counters.step + ahead + 1
                saving = hooks.save_every > 0 and step % hooks.save_every == 0
                if saving or step == until or any(m.due(ahead + 1) for m in members):
                    break
            self._read(members, unread, hooks, clock)
            if any(m.outcome for m in members):
                return

    def _step(self, members: list[Member], ahead: int) -> _Made:
        """One step of the stack, `ahead` steps after the last that was read."""
        lr = [m.lr(ahead) for m in members]
        T = [m.trial_length(ahead) for m in members]
        step = members[0].counters.step + ahead
        batch = self.feed.at(step, T)
        z0 = None
        if self.stack.model.config.z0 == "noise":
            rngs = [streams.rng(m.training.seed, streams.NOISE, step) for m in members]
            z0 = evaluate.noise(self.stack.model, rngs, batch.s.shape[1], self.feed.batch)
        return _Made(lr, T, self.stack.step(batch, z0, lr))

    def _read(self, members: list[Member], unread: list[_Made], hooks: Hooks, clock: Callable[[], None]) -> None:
        """Count the steps that were made, and do what is due after the last of them."""
        rows = library(self.device).stack([made.measured for made in unread]).tolist()
        begun: set[int] = set()
        for made, (losses, penalties, norms) in zip(unread, rows, strict=True):
            going = [e for e, m in enumerate(members) if m.outcome is None]
            for e in going:
                if e in begun:
                    # Steps that the lost attempt made before it was known to be.
                    members[e].counters.step += 1
                    continue
                members[e].count(losses[e], penalties[e], norms[e])
                if members[e].lost:
                    begun.add(e)
                    self._begin_anew(members[e], e)
            going = [e for e in going if members[e].outcome is None]
            due = [e for e in going if members[e].due() and e not in begun]
            if due:
                self._evaluate(members, due, made)
            for e in going:
                m, number = members[e], self._numbers[e]
                if hooks.save_every and m.counters.step % hooks.save_every == 0:
                    hooks.save(number)
                best = m.best_score[m.metric] if m.best_score else float("nan")
                hooks.step(
                    number,
                    Progress(
                        m.counters.step, m.counters.attempt_step, m.total, m.counters.step / m.steps_per_epoch, losses[e], m.score, best,
                        made.lr[e], norms[e], made.T[e] or m.task.T, m.counters.restart, e in due,
                    ),
                )  # fmt: skip
            if due:
                clock()
            for e in due:
                m = members[e]
                if reason := m.content():
                    m.outcome = Outcome("finished", reason)
                    continue
                if m.stuck():
                    self._begin_anew(m, e)
                hooks.evaluated(self._numbers[e])

    def _begin_anew(self, member: Member, place: int) -> None:
        member.begin_anew()
        self.stack.begin(place, (member.training.seed, streams.INIT, member.counters.restart))

    def _evaluate(self, members: list[Member], due: list[int], made: _Made) -> None:
        """Score the validation trials of some members, and enter it in their books; those with the same trials together."""
        sets: dict[int, list[int]] = {}
        for e in due:
            sets.setdefault(id(self._validation[self._numbers[e]]), []).append(e)
        for some in sets.values():
            trials = self._validation[self._numbers[some[0]]]
            model = self.stack.model if len(some) == len(self.stack) else self.stack.model.part(some)
            outputs = evaluate.outputs(
                model, self.feed.scored, trials, backend=self.backend, batch=self.feed.batch,
                eval_seeds=[members[e].training.eval_seed for e in some],
            )  # fmt: skip
            regions = evaluate.regions(model, trials.take(slice(0, _REGION_TRIALS)), backend=self.backend)
            for e, out, (radius, bitcodes) in zip(some, outputs, regions, strict=True):
                m = members[e]
                with np.errstate(over="ignore", invalid="ignore"):
                    metrics = m.task.score(out, trials)
                m.record(metrics, radius, bitcodes, made.lr[e], made.T[e] or m.task.T)
