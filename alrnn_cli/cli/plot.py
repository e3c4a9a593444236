"""`alrnn plot`: a figure from one or more analyses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import OUTPUT, Cache, Data, Debug, Json, pairs
from .output import console, print_json

NAME = "plot"
HELP = """Draw a figure from analyses.

    alrnn plot bitcodes
    alrnn plot phase ckpt.analysis.json -o phase.pdf --width full
    alrnn plot loss a.analysis.json b.analysis.json
    alrnn plot trial --task addition                    (a task, without a model)
    alrnn plot --list

Without a report, the only *.analysis.json in this folder is taken. An existing picture is replaced.
"""

SCHEMA = "alrnn.plot/1"


def command(
    figure: Annotated[str | None, typer.Argument(help="what to draw", metavar="FIGURE")] = None,
    reports: Annotated[
        list[Path] | None, typer.Argument(help="what `alrnn analyze` wrote", metavar="REPORTS...")
    ] = None,
    list_figures: Annotated[bool, typer.Option("--list", help="list the figures", rich_help_panel="Figure")] = False,
    width: Annotated[
        str, typer.Option("--width", help="column (86 mm), full (178 mm) or slide [column]", metavar="NAME", rich_help_panel="Figure")
    ] = "column",
    option: Annotated[
        list[str] | None,
        typer.Option("--option", help="an option of the figure, repeatable: log=true, axes=units:0,1",
                     metavar="NAME=VALUE", rich_help_panel="Figure"),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option("--task", help="with `trial`: draw this task's trials, without a model", metavar="NAME",
                     rich_help_panel="Task"),
    ] = None,
    task_opt: Annotated[
        list[str] | None,
        typer.Option("--task-opt", help="an option of the task, repeatable: T=50", metavar="NAME=VALUE",
                     rich_help_panel="Task"),
    ] = None,
    data: Data = None,
    cache: Cache = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="the picture: .png, .svg or .pdf [FIGURE.png]", metavar="FILE",
                     rich_help_panel=OUTPUT),
    ] = None,
    caption: Annotated[
        bool, typer.Option("--caption", help="also write FILE.txt, how the picture was made", rich_help_panel=OUTPUT)
    ] = False,
    json: Json = False,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Draw one figure, or list them."""
    from .. import figures
    from ..errors import UsageError, closest

    if list_figures:
        _list(as_json=json)
        return
    if figure is None:
        raise UsageError("Which figure?", f"One of: {', '.join(figures.names())}. For example: alrnn plot bitcodes")
    if figure not in figures.names():
        raise UsageError(f"Unknown figure {figure!r}.", closest(figure, figures.names()))
    target = out or Path(f"{figure}.png")
    from .. import store

    if task is None:
        if task_opt or data is not None:
            raise UsageError(f"--{'task-opt' if task_opt else 'data'} is given without --task.", "Say which task.")
        paths = reports or [only_report()]
        loaded = [store.load_analysis(path) for path in paths]
    else:
        if figure != "trial" or reports:
            what = f"Figure {figure!r} shows a model." if figure != "trial" else "A report and --task are both given."
            raise UsageError(what, f"For a task's own trials: alrnn plot trial --task {task}")
        from .. import api

        paths, loaded = [], [api.example(task, pairs(task_opt or [], "--task-opt"), data=data)]
    labels = [label(p) for p in paths] if len(paths) > 1 else None
    drawing = figures.draw(figure, loaded, labels=labels, width=width, options=pairs(option or [], "--option"))
    figures.save(drawing, target)
    if caption:
        store.write_atomic(target.with_suffix(".txt"), (drawing.caption + "\n").encode())
    if json:
        print_json({"schema": SCHEMA, "figure": figure, "file": str(target), "caption": drawing.caption,
                    "reports": [str(p) for p in paths]})  # fmt: skip
        return
    screen = console()
    screen.print(drawing.caption)
    screen.print(f"Wrote {target}", soft_wrap=True)


def label(path: Path) -> str:
    """What a report is called in a legend: its file's name, and its folder's where that says more."""
    return path.name.removesuffix(".analysis.json")


def only_report() -> Path:
    """The only *.analysis.json in this folder. Errors: UsageError with the candidates, InputError where there is none."""
    from ..errors import UsageError

    found = sorted(Path().glob("*.analysis.json"))
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError("There is no *.analysis.json in this folder.", "Make one: alrnn analyze ckpt.safetensors")
    shown = ", ".join(str(p) for p in found[:8]) + (", …" if len(found) > 8 else "")
    raise UsageError(f"There are {len(found)} analyses in this folder: {shown}.", "Name the one to draw.")


def _list(*, as_json: bool) -> None:
    from .. import figures

    found = {name: figures.summary(name) for name in figures.names()}
    if as_json:
        print_json({"schema": "alrnn.figures/1", "figures": found})
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    for name, summary in found.items():
        table.add_row(name, summary)
    console().print(table)
