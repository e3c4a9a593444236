"""`alrnn train`: from a task and a configuration to a checkpoint."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import config as configuration
from .. import runs, tasks
from ..errors import DivergedError, RequirementError, StoppedError, UsageError
from .options import OUTPUT, Cache, Data, Debug, Json, Quiet, pairs
from .output import print_json, say

if TYPE_CHECKING:
    from ..training.run import Run

NAME = "train"
HELP = """Train a model on a task and write a checkpoint.

    alrnn train --task addition --P 1
    alrnn train --task addition --model gru
    alrnn train --task smnist --data FOLDER --P 5 --epochs 3
    alrnn train --task custom --data mytask.npz --P 2
    alrnn train --task addition --P 1 --watch           (draws the loss)
    alrnn train --task addition --P 1 --resume          (goes on after Ctrl-C)

A setting comes from its option, else from --config, else from the task's recipe (`alrnn tasks addition` shows
it), else it has the default given here. --dry-run prints what would be run.
"""

SCHEMA = "alrnn.train/1"

PANELS = {"model": "Model", "training": "Training"}

_LEADING: dict[str, tuple[Any, Any]] = {
    "task": (Annotated[str | None, typer.Option("--task", help="what to learn; `alrnn tasks` lists them", metavar="NAME",
                                                rich_help_panel="Task")], None),
    "task_opt": (Annotated[list[str], typer.Option("--task-opt", help="an option of the task, repeatable: T=50",
                                                   metavar="NAME=VALUE", rich_help_panel="Task")], []),
    "data": (Data, None),
    "cache": (Cache, None),
    "config": (Annotated[Path | None, typer.Option("--config", help="settings from TOML, JSON or a checkpoint",
                                                   metavar="FILE", rich_help_panel="Task")], None),
    "recipe": (Annotated[str, typer.Option("--recipe", help="default: what solves the task; paper: as published [default]",
                                           metavar="NAME", rich_help_panel="Task")], "default"),
}  # fmt: skip

_TRAILING = {
    "device": (Annotated[str, typer.Option("--device", help="cpu or cuda [cpu]", metavar="NAME", rich_help_panel="Machine")], "cpu"),
    "backend": (Annotated[str, typer.Option("--backend", help="kernel: auto, cuda, cpu, chunked, torch, reference [auto]",
                                            metavar="NAME",
                                            rich_help_panel="Machine")], "auto"),
    "threads": (Annotated[int, typer.Option("--threads", help="CPU threads (0: torch's own choice) [0]", min=0, metavar="INT",
                                            rich_help_panel="Machine")], 0),
    "tf32": (Annotated[bool, typer.Option("--tf32", help="on a GPU, products in TF32: faster, with 10 bits of mantissa",
                                          rich_help_panel="Machine")], False),
    "out": (Annotated[Path, typer.Option("--out", "-o", help="the checkpoint to write [ckpt.safetensors]", metavar="FILE",
                                         rich_help_panel=OUTPUT)], Path("ckpt.safetensors")),
    "overwrite": (Annotated[bool, typer.Option("--overwrite", help="begin anew whatever is at --out",
                                               rich_help_panel=OUTPUT)], False),
    "resume": (Annotated[bool, typer.Option("--resume", help="go on where an interrupted run stopped, or begin",
                                            rich_help_panel=OUTPUT)], False),
    "save_every": (Annotated[int, typer.Option("--save-every", help="also write X-STEP.safetensors every so many steps "
                                               "(0: never) [0]", min=0, metavar="INT", rich_help_panel=OUTPUT)], 0),
    "require": (Annotated[list[str], typer.Option("--require", help="exit 7 unless the test score holds, repeatable: "
                                                  "'mse<=1e-4'", metavar="CONDITION", rich_help_panel=OUTPUT)], []),
    "watch": (Annotated[bool, typer.Option("--watch", help="draw loss and validation score in the terminal while it trains",
                                           rich_help_panel=OUTPUT)], False),
    "dry_run": (Annotated[bool, typer.Option("--dry-run", help="print the resolved configuration and stop",
                                             rich_help_panel=OUTPUT)], False),
    "json": (Json, False),
    "quiet": (Quiet, False),
    "debug": (Debug, False),
}  # fmt: skip


def command(**given: Any) -> None:
    """Resolve the configuration, train, show the result. The signature is made from the configuration's own fields."""
    flags = {name: given[name] for name in configuration.options() if given[name] is not None}
    task_class, run = resolve(given, flags)
    requirements = [parse_requirement(text) for text in given["require"]]
    if given["dry_run"]:
        _show_config(run, as_json=given["json"])
        return
    if given["watch"] and given["quiet"]:
        raise UsageError("--watch draws on the terminal, and --quiet forbids it.", "Leave one of them out.")
    from .training import execute

    result, task = execute(run, task_class, requirements, given)
    _conclude(result, task, requirements, given)


def resolve(given: dict[str, Any], flags: dict[str, Any]) -> tuple[type[tasks.Task], configuration.RunConfig]:
    """The task and the run that the options mean. Errors: UsageError."""
    file: dict[str, Any] = {}
    if given["config"] is not None:
        from ..store import read_config

        file = configuration.flatten(read_config(given["config"]), str(given["config"]))
    name = given["task"] or file.pop("task", None)
    file.pop("task", None)
    if name is None:
        raise UsageError("--task is missing.", "For example: alrnn train --task addition. `alrnn tasks` lists all.")
    options = {**file.pop("task_options", {}), **pairs(given["task_opt"], "--task-opt")}
    data = given["data"] or file.pop("data", None)
    file.pop("data", None)
    return runs.request(name, options, flags, file=file, data=data, recipe=given["recipe"])


def parse_requirement(text: str) -> tuple[str, str, float]:
    """'mse<=1e-4' -> ("mse", "<=", 1e-4). Errors: UsageError."""
    for operator in ("<=", ">=", "==", "<", ">"):
        name, found, value = text.partition(operator)
        if found:
            try:
                return name.strip(), operator, float(value)
            except ValueError:
                break
    raise UsageError(f"--require {text!r}: expected METRIC, an operator and a number.", "For example 'mse<=1e-4'.")


def holds(requirement: tuple[str, str, float], metrics: dict[str, float]) -> bool:
    """Whether the condition is met; a NaN meets none."""
    name, operator, bound = requirement
    value = metrics[name]
    tests = {"<=": value <= bound, ">=": value >= bound, "==": value == bound, "<": value < bound, ">": value > bound}
    return bool(tests[operator])


def _show_config(run: configuration.RunConfig, *, as_json: bool) -> None:
    content = run.to_dict()
    if as_json:
        print_json({"schema": "alrnn.config/1", **content})
        return
    typer.echo(to_toml(content))


def to_toml(content: dict[str, Any]) -> str:
    """A resolved configuration as TOML that --config reads back. None has no TOML spelling and is left out."""
    lines, tables = [], []
    for key, value in content.items():
        if isinstance(value, dict):
            tables += ["", f"[{key}]", *_entries(value)]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            tables += [line for one in value for line in ("", f"[[{key}]]", *_entries(one))]
        elif value is not None:
            lines += _entries({key: value})
    return "\n".join(lines + tables)


def _entries(table: dict[str, Any]) -> list[str]:
    """Lines of one table; a table in it is written in line."""
    import json

    def spell(value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{k} = {spell(v)}" for k, v in value.items()) + "}"
        return json.dumps(value)

    return [f"{key} = {spell(value)}" for key, value in table.items() if value is not None]


def _conclude(run: Run, task: tasks.Task, requirements: list[tuple[str, str, float]], given: dict[str, Any]) -> None:
    """Show what came out, and end with the exit code that says so."""
    from .training import show_result

    meta, out = run.checkpoint.meta, given["out"]
    if run.outcome is not None and run.outcome.status == "interrupted":
        raise StoppedError(
            f"Stopped by {run.outcome.reason} at step {meta.step}; everything is saved.",
            "Run the same command with --resume to go on.",
            terminated=run.outcome.reason == "SIGTERM",
        )
    if meta.status == "diverged":
        raise DivergedError(
            f"Training diverged: {meta.reason}. {out} holds the best state before, from step {meta.best_step}.",
            "Try a lower --lr, --clip 0.1, or --init identity.",
        )
    met = [(r, holds(r, meta.metrics["test"])) for r in requirements]
    if given["json"]:
        print_json(
            {
                "schema": SCHEMA,
                "checkpoint": str(out),
                "already_trained": run.outcome is None,
                "reason": meta.reason,
                "metrics": meta.metrics,
                "chance": task.chance,
                "step": meta.step,
                "best_step": meta.best_step,
                "seconds": run.seconds,
                "parameters": meta.parameters,
                "backend": meta.backend,
                "device": meta.device,
                "threads": meta.threads,
                "config": meta.config,
                "requirements": [{"metric": n, "operator": o, "bound": b, "met": ok} for (n, o, b), ok in met],
            }
        )
    else:
        show_result(run, task, out)
    failed = [f"{n} {o} {b:g} (got {meta.metrics['test'][n]:.4g})" for (n, o, b), ok in met if not ok]
    if failed:
        raise RequirementError(
            f"Not met on the test trials: {'; '.join(failed)}.", "The checkpoint is written all the same."
        )
    if not given["json"]:
        say(f"Next: alrnn analyze {out}", quiet=given["quiet"])


METAVARS = {"int": "INT", "float": "NUM", "float | None": "NUM", "str": "NAME", "bool": None}


def _signature() -> inspect.Signature:
    """The command's parameters: fixed ones, and one for every field of the configuration."""
    kinds = {"int": int, "float": float, "bool": bool, "str": str, "float | None": float}
    declared: dict[str, tuple[Any, Any]] = dict(_LEADING)
    for section, cls in configuration.SECTIONS.items():
        for name, option in configuration.options().items():
            if not hasattr(cls, name):
                continue
            meta = option.metadata
            shown = "none" if option.default is None else str(option.default).lower()
            choices = f": {', '.join(meta['choices'])}" if meta["choices"] else ""
            unit = f" {meta['unit']}" if meta["unit"] else ""
            flag = configuration.flag(name)
            declared[name] = (
                Annotated[
                    kinds[str(option.type)] | None,  # type: ignore[valid-type]
                    typer.Option(
                        f"{flag}/--no-{flag[2:]}" if option.type == "bool" else flag,
                        help=f"{meta['help']}{choices} [{shown}{unit}]",
                        metavar=METAVARS[str(option.type)],
                        rich_help_panel=PANELS[section],
                    ),
                ],
                None,
            )
    declared |= _TRAILING
    keyword = inspect.Parameter.KEYWORD_ONLY
    return inspect.Signature(
        [inspect.Parameter(n, keyword, default=default, annotation=kind) for n, (kind, default) in declared.items()]
    )


command.__signature__ = _signature()  # type: ignore[attr-defined]
command.__annotations__ = {p.name: p.annotation for p in command.__signature__.parameters.values()}  # type: ignore[attr-defined]
