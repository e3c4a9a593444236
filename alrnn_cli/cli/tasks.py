"""`alrnn tasks`: what there is to learn, and everything about one task."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .. import tasks
from ..config import flag
from ..records.metrics import parts
from .options import Debug, Json
from .output import console, print_json

NAME = "tasks"
HELP = """List the tasks, or show one: its inputs, targets, loss, options, recipe and source.

    alrnn tasks
    alrnn tasks addition
"""


def command(
    name: Annotated[str | None, typer.Argument(help="a task", metavar="NAME")] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """List the tasks, or show one."""
    if name is None:
        _list(as_json=json)
    else:
        _show(tasks.get(name), as_json=json)


def facts(task: type[tasks.Task]) -> dict[str, Any]:
    """What a task says of itself without data."""
    return {
        "name": task.name,
        "summary": task.summary,
        "description": task.description,
        "citation": task.citation,
        "needs_data": task.needs_data,
        "encoder": task.encoder,
        "options": [
            {"name": o.name, "default": o.default, "unit": o.unit, "help": o.help, "choices": list(o.choices)}
            for o in task.options
        ],
        "recipe": task.recipe,
        "paper_recipe": task.paper_recipe,
        **({} if task.needs_data else _shape(task)),
    }


def _shape(task: type[tasks.Task]) -> dict[str, Any]:
    made = task()
    return {
        "K": made.K,
        "N": made.N,
        "T": made.T,
        "input_names": list(made.input_names),
        "output_names": list(made.output_names),
        "loss": made.loss,
        "scored": made.scored,
        "metrics": made.metrics,
        "chance": made.chance,
        "phases": [{"name": p.name, "help": p.help, "input": p.input} for p in made.phases],
    }


def _list(*, as_json: bool) -> None:
    found = [tasks.get(name) for name in tasks.names()]
    if as_json:
        print_json({"schema": "alrnn.tasks/1", "tasks": [facts(t) for t in found]})
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("task", "what it asks", "data"):
        table.add_column(column)
    for t in found:
        yours = "--data FOLDER, or downloaded" if t.remote else "yours: --data FILE"
        source = yours if t.needs_data else "generated"
        table.add_row(t.name, t.summary, source)
    console().print(table)


def _show(task: type[tasks.Task], *, as_json: bool) -> None:
    content = facts(task)
    if as_json:
        print_json({"schema": "alrnn.task/1", **content})
        return
    from rich.table import Table

    screen = console()
    screen.print(f"[bold]{task.name}[/]: {task.summary}\n\n{task.description}\n")
    rows = Table(box=None, show_header=False, pad_edge=False)
    rows.add_column(style="dim")
    rows.add_column()
    if not task.needs_data:
        inputs, outputs = ", ".join(content["input_names"]), content["output_names"]
        rows.add_row("inputs", f"K = {content['K']}: {inputs}; T = {content['T']} steps")
        rows.add_row("outputs", f"N = {content['N']}: {', '.join(outputs)}")
        where = "the last step" if content["scored"] == "last" else "every counted step"
        rows.add_row("loss", f"{content['loss'].replace('_', '-')} at {where}")
        chance, wanted = content["chance"], []
        for name, own in parts(content["metrics"]).items():
            better = "lower" if content["metrics"][name] == "min" else "higher"
            wanted.append(f"{name} ({better} is better, {chance[name]:.4g} by chance)")
            if own:
                wanted[-1] += " and of each: " + ", ".join(f"{part} ({chance[full]:.4g})" for part, full in own.items())
        rows.add_row("scores", "; ".join(wanted))
        for p in content["phases"]:
            constant = "its mean input" if p["input"] is None else f"input {', '.join(f'{x:g}' for x in p['input'])}"
            rows.add_row("phase", f"{p['name']}: {p['help']} ({constant})")
    rows.add_row("encoder", task.encoder)
    rows.add_row("source", task.citation)
    screen.print(rows)
    if task.options:
        screen.print("\n[bold]Options[/] (--task-opt NAME=VALUE)\n")
        table = Table(box=None, pad_edge=False, header_style="dim")
        for column in ("name", "default", "unit", "meaning"):
            table.add_column(column)
        for o in task.options:
            table.add_row(o.name, str(o.default).lower() if isinstance(o.default, bool) else str(o.default), o.unit,
                          o.help + (f": {', '.join(o.choices)}" if o.choices else ""))  # fmt: skip
        screen.print(table)
    for title, recipe in (("Recipe", task.recipe), ("Published recipe (--recipe paper)", task.paper_recipe)):
        if recipe:
            screen.print(f"\n[bold]{title}[/]\n")
            screen.print("  " + " ".join(_spelled(k, v) for k, v in recipe.items()))


def _spelled(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return flag(name) if value else "--no-" + flag(name)[2:]
    return f"{flag(name)} {value}"
