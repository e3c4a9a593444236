"""The part of `alrnn train` that needs torch: run it with progress and signals, and show the result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..config import RunConfig
from ..errors import UsageError, closest
from ..signals import Signals
from ..tasks.base import Task
from ..training.run import Run, device_of, train
from ..wording import plural
from .output import console, number, say
from .progress import following


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
    with Signals() as signals, following(task, quiet=quiet, watch=given["watch"]) as progress:
        result = train(
            run, task, given["out"], device=given["device"], backend=given["backend"], threads=given["threads"], tf32=given["tf32"],
            overwrite=given["overwrite"], resume=given["resume"], save_every=given["save_every"],
            on_step=progress.step, should_stop=signals.reason, say=lambda text: say(text, quiet=quiet),
        )  # fmt: skip
    return result, task


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
