"""The part of `alrnn train` that needs torch: run it with progress and signals, and show the result."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from ..config import RunConfig
from ..errors import UsageError, closest
from ..signals import Signals
from ..tasks.base import Task
from ..training.loop import Progress
from ..training.run import Run, device_of, train
from ..wording import plural
from .output import console, number, say

_PLAIN_SECONDS = 10.0  # between two lines of progress where no terminal is watching


def execute(
    run: RunConfig, task_class: type[Task], requirements: list[tuple[str, str, float]], given: dict[str, Any]
) -> tuple[Run, Task]:
    """Train with progress on stderr; Ctrl-C and SIGTERM stop it after the step in hand."""
    device_of(given["device"])  # before any data are read
    task = task_class(run.task_options, data=run.data, seed=run.training.seed, eval_seed=run.training.eval_seed)
    for name, *_ in requirements:
        if name not in task.metrics:
            raise UsageError(
                f"--require {name}: not a metric of task {task.name!r}.", closest(name, list(task.metrics))
            )
    quiet = given["quiet"]
    if line := task.describe_data():
        say(line, quiet=quiet)
    watch: AbstractContextManager[Any] = nullcontext(_Silent())
    if not quiet:
        watch = _Bar() if sys.stderr.isatty() else nullcontext(_Lines())
    with Signals() as signals, watch as progress:
        progress.metric = next(iter(task.metrics))
        result = train(
            run, task, given["out"], device=given["device"], backend=given["backend"], threads=given["threads"], tf32=given["tf32"],
            overwrite=given["overwrite"], resume=given["resume"], save_every=given["save_every"],
            on_step=progress.step, should_stop=signals.reason, say=lambda text: say(text, quiet=quiet),
        )  # fmt: skip
    return result, task


class _Silent:
    metric = "score"

    def step(self, p: Progress) -> None:
        return


class _Lines(_Silent):
    """One plain line about every ten seconds."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._step: int | None = None

    def step(self, p: Progress) -> None:
        now = time.monotonic()
        if self._step is None:
            self._step = p.step - 1  # a resumed run begins late
        if now - self._last < _PLAIN_SECONDS and p.attempt_step != p.total:
            return
        rate = (p.step - self._step) / max(now - self._last, 1e-9)
        say(f"step {p.attempt_step}/{p.total}  {_status(p, self.metric)}  {rate:.0f} steps/s")
        self._last, self._step = now, p.step


def _status(p: Progress, metric: str) -> str:
    restart = f"  attempt {p.restart + 1}" if p.restart else ""
    return (
        f"loss {number(p.loss)}  {metric} {number(p.score)}  best {number(p.best)}  lr {number(p.lr)}  "
        f"|grad| {number(p.grad_norm)}{restart}"
    )


class _Bar(_Silent):
    """A bar with loss, score, learning rate, gradient norm, steps a second and the time left."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.completed}/{task.total}"), BarColumn(bar_width=None), TextColumn("{task.fields[status]}"),
            TextColumn("{task.fields[rate]}"), TimeRemainingColumn(compact=True),
            console=console(stderr=True), transient=True, expand=True,
        )  # fmt: skip
        self._task = self._bar.add_task("", total=None, status="", rate="")
        self._drawn = 0.0
        self._first: tuple[float, int] | None = None

    def __enter__(self) -> _Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def step(self, p: Progress) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first = (now, p.step)
        if now - self._drawn < 0.1 and p.attempt_step != p.total:
            return
        self._drawn = now
        rate = (p.step - self._first[1]) / max(now - self._first[0], 1e-9)
        wide = self._bar.console.width >= 110
        status = _status(p, self.metric) if wide else f"loss {number(p.loss)}  {self.metric} {number(p.score)}"
        self._bar.update(self._task, completed=p.attempt_step, total=p.total, status=status, rate=f"{rate:.0f} steps/s")


def show_result(run: Run, task: Task, out: Path) -> None:
    """What was trained and how good it is, on stdout."""
    from rich.table import Table

    meta = run.checkpoint.meta
    model = meta.config["model"]
    screen = console()
    options = ", ".join(f"{k} = {v}" for k, v in task.opt.items() if k == "T" or v != _default(task, k))
    screen.print(
        f"[bold]{task.name}[/]{'  ' + options if options else ''}  {_described(model, meta.parameters)}", soft_wrap=True
    )
    if run.outcome is None:
        screen.print("already trained with this configuration")
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("metric")
    for column in ("test", "validation", "chance"):
        table.add_column(column, justify="right")
    for name in task.metrics:
        values = [meta.metrics.get(split, {}).get(name) for split in ("test", "validation")]
        table.add_row(name, *(number(v, 4) for v in values), number(task.chance[name], 4))
    screen.print(table)
    screen.print(f"Best at step {meta.best_step} of {meta.step}; ended because {meta.reason}.", soft_wrap=True)
    if run.outcome is not None:
        done = meta.step - run.resumed_from
        rate = f" ({done / run.seconds:.0f} steps/s)" if run.seconds > 0 and not run.resumed_from else ""
        screen.print(
            f"{run.seconds:.1f} s{rate}, backend {meta.backend} on {meta.device}, {plural(meta.threads, 'thread')}",
            soft_wrap=True,
        )
    screen.print(f"Wrote {out}" if run.outcome is not None else f"See {out}", soft_wrap=True)


def _described(model: dict[str, Any], parameters: int | None) -> str:
    """The model in a line: what it is where it is not an almost-linear RNN, its size, how many parameters were trained."""
    name, phi = model.get("model", "alrnn"), model.get("phi", "relu")
    parts = [] if name == "alrnn" else [name]
    parts += [f"M = {model['M']}"] + ([f"P = {model['P']}"] if "P" in model else [])
    parts += [phi] if phi != "relu" else []
    parts += [] if parameters is None else [f"{parameters:,} parameters"]
    return ", ".join(parts)


def _default(task: Task, name: str) -> Any:
    return next(o.default for o in task.options if o.name == name)
