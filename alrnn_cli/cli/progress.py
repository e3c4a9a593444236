"""How far training is, on stderr: a bar or a live chart on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ..tasks.base import Task
from ..training.loop import Progress
from .output import console, number, say

_PLAIN_SECONDS = 10.0  # between two lines of progress where no terminal is watching


def following(task: Task, *, quiet: bool, watch: bool) -> AbstractContextManager[Any]:
    """A context whose value has `step`, to be called after every step. watch: with a chart, where a terminal can draw one."""
    metric = next(iter(task.metrics))
    if quiet:
        return nullcontext(Silent(metric))
    if not sys.stderr.isatty():
        return nullcontext(Lines(metric))
    if watch and not console(stderr=True).is_dumb_terminal:
        from .watch import Watch

        return Watch(metric)
    return Bar(metric)


class Silent:
    """Nothing. metric: what `Progress.score` is called."""

    def __init__(self, metric: str) -> None:
        self.metric = metric

    def step(self, p: Progress) -> None:
        return


class Lines(Silent):
    """One plain line about every ten seconds."""

    def __init__(self, metric: str) -> None:
        super().__init__(metric)
        self._last = time.monotonic()
        self._step: int | None = None

    def step(self, p: Progress) -> None:
        now = time.monotonic()
        if self._step is None:
            self._step = p.step - 1  # a resumed run begins late
        if now - self._last < _PLAIN_SECONDS and p.attempt_step != p.total:
            return
        rate = (p.step - self._step) / max(now - self._last, 1e-9)
        say(f"step {p.attempt_step}/{p.total}  {status(p, self.metric)}  {rate:.0f} steps/s")
        self._last, self._step = now, p.step


def status(p: Progress, metric: str) -> str:
    restart = f"  attempt {p.restart + 1}" if p.restart else ""
    return (
        f"loss {number(p.loss)}  {metric} {number(p.score)}  best {number(p.best)}  lr {number(p.lr)}  "
        f"|grad| {number(p.grad_norm)}{restart}"
    )


class Bar(Silent):
    """A bar with loss, score, learning rate, gradient norm, steps a second and the time left.

    seconds: at least so long between two pictures.
    """

    seconds = 0.1

    def __init__(self, metric: str) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        super().__init__(metric)
        self._bar = Progress(
            TextColumn("{task.completed}/{task.total}"), BarColumn(bar_width=None), TextColumn("{task.fields[status]}"),
            TextColumn("{task.fields[rate]}"), TimeRemainingColumn(compact=True),
            console=console(stderr=True), transient=True, expand=True,
        )  # fmt: skip
        self._task = self._bar.add_task("", total=None, status="", rate="")
        self._drawn = 0.0
        self._first: tuple[float, int] | None = None

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def step(self, p: Progress) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first = (now, p.step)
        if now - self._drawn < self.seconds and p.attempt_step != p.total:
            return
        self._drawn = now
        rate = (p.step - self._first[1]) / max(now - self._first[0], 1e-9)
        self.show(p, rate)

    def show(self, p: Progress, rate: float) -> None:
        """Draw what is known after a step. rate: steps a second."""
        told, rate_told = self._told(p), f"{rate:.0f} steps/s"
        self._bar.update(self._task, completed=p.attempt_step, total=p.total, status=told, rate=rate_told)

    def _told(self, p: Progress) -> str:
        wide = self._bar.console.width >= 110
        return status(p, self.metric) if wide else f"loss {number(p.loss)}  {self.metric} {number(p.score)}"
