"""`alrnn plot`: a figure, or all there are, from one or more analyses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import OUTPUT, Cache, Debug, Json, pairs
from .output import console, print_json, say
from .window import open_window

if TYPE_CHECKING:
    from ..figures import Drawing
    from ..records import AnalysisReport

NAME = "plot"
HELP = """Draw a figure from analyses, or all figures.

    alrnn plot bitcodes
    alrnn plot phase ckpt.analysis.json -o phase.png --width full
    alrnn plot phase --list                            (the figure's options)
    alrnn plot loss a.analysis.json b.analysis.json    (several runs overlaid)
    alrnn plot trial --task addition                   (a task, no model)
    alrnn plot sweep FOLDER                            (a sweep's scores; profile likewise)
    alrnn plot all -o FOLDER                           (all that there are)
    alrnn plot --list

Without a report, the only *.analysis.json in this folder is taken. Pictures are
written as PDF with their fonts embedded, unless --out or --format says
otherwise; what is there under that name is replaced.
"""

SCHEMA = "alrnn.plot/1"
ALL = "all"


def command(
    figure: Annotated[str | None, typer.Argument(help="what to draw; all: every figure that the reports support",
                                                 metavar="FIGURE")] = None,
    reports: Annotated[
        list[Path] | None,
        typer.Argument(help="what `alrnn analyze` wrote; for sweep and profile, their folders", metavar="REPORTS..."),
    ] = None,
    list_figures: Annotated[
        bool, typer.Option("--list", help="list the figures, or the options of FIGURE with their defaults",
                           rich_help_panel="Figure")
    ] = False,
    width: Annotated[
        str, typer.Option("--width", help="column (86 mm), full (178 mm) or slide (254 mm) [column]", metavar="NAME",
                          rich_help_panel="Figure")
    ] = "column",
    option: Annotated[
        list[str] | None,
        typer.Option("--option", help="an option of FIGURE, repeatable: log=yes, axes=units:0,1", metavar="NAME=VALUE",
                     rich_help_panel="Figure"),
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
    task_data: Annotated[
        str | None,
        typer.Option("--task-data", help="file or folder of the task's data (what other commands call --data)",
                     metavar="PATH", rich_help_panel="Task"),
    ] = None,
    cache: Cache = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="the picture, .pdf, .svg or .png [FIGURE.pdf]; with all: a folder [figures]",
                     metavar="PATH", rich_help_panel=OUTPUT),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", help="pdf, svg or png where --out does not say [pdf]", metavar="NAME",
                     rich_help_panel=OUTPUT),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="also write the plotted numbers: a .csv file; with all: a folder", metavar="PATH",
                     rich_help_panel=OUTPUT),
    ] = None,
    caption: Annotated[
        bool, typer.Option("--caption", help="also write FIGURE.txt, how the picture was made", rich_help_panel=OUTPUT)
    ] = False,
    show: Annotated[
        bool, typer.Option("--show", help="open the picture in a window, where there is a display",
                           rich_help_panel=OUTPUT)
    ] = False,
    json: Json = False,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Draw, write and tell; or list."""
    from .. import figures
    from ..errors import UsageError, closest

    if figure not in (None, ALL, *figures.names()):
        raise UsageError(f"Unknown figure {figure!r}.", closest(str(figure), [*figures.names(), ALL]))
    if list_figures:
        _list(figure, as_json=json)
        return
    if figure is None:
        raise UsageError(
            "Which figure?", f"One of: {', '.join(figures.names())}, all. For example: alrnn plot bitcodes"
        )
    if form is not None and form not in figures.FORMATS:
        raise UsageError(f"--format {form}: expected pdf, svg or png.", closest(form, figures.FORMATS))
    given = pairs(option or [], "--option")
    if figure == ALL and (given or task is not None):
        raise UsageError(f"--{'option' if given else 'task'} is for one figure, not for all.", "Name the figure.")
    if task is not None and data is not None and data.suffix.lower() != ".csv":
        # Before anything is downloaded: elsewhere --data is where the task's files are.
        raise UsageError(
            f"--data {data}: with plot that is the .csv file to write.", f"The task's own files: --task-data {data}"
        )
    paths, loaded = _reports(figure, reports or [], task, task_opt or [], task_data)
    labels = labels_of(paths) if len(paths) > 1 else None
    if figure == ALL:
        _draw_all(paths, loaded, labels, width, out or Path("figures"), form or figures.FORMATS[0], data, caption, show,
                  as_json=json)  # fmt: skip
        return
    target = _target(figure, out, form)
    drawing = figures.draw(figure, loaded, labels=labels, width=width, options=given)
    _write(drawing, target, data, caption=caption)
    if json:
        print_json({"schema": SCHEMA, "figure": figure, "file": str(target), "caption": drawing.caption,
                    "reports": [str(p) for p in paths]})  # fmt: skip
    else:
        screen = console()
        screen.print(drawing.caption, markup=False)
        screen.print(f"Wrote {target}" + (f" and {data}" if data else ""), soft_wrap=True, markup=False)
    if show:
        open_window(target)


def _reports(
    figure: str, paths: list[Path], task: str | None, task_opt: list[str], task_data: str | None
) -> tuple[list[Path], list[Any]]:
    """The reports to draw and their files; one of the task's own trials, without a file, where a task is named."""
    from .. import figures, store
    from ..errors import UsageError

    if figure != ALL and (kind := figures.reads(figure)) != "report":
        if task is not None or task_opt or task_data is not None:
            raise UsageError(f"Figure {figure!r} shows runs, not a task.", f"alrnn plot {figure} FOLDER")
        if not paths:
            raise UsageError(f"Figure {figure!r} is drawn from a folder.", f"alrnn plot {figure} FOLDER")
        return paths, [_runs(kind, path) for path in paths]

    if task is None:
        if task_opt or task_data is not None:
            raise UsageError(f"--task-{'opt' if task_opt else 'data'} is given without --task.", "Say which task.")
        paths = paths or [only_report()]
        return paths, [store.load_analysis(path) for path in paths]
    if figure != "trial" or paths:
        what = f"Figure {figure!r} shows a model." if figure != "trial" else "A report and --task are both given."
        raise UsageError(what, f"For a task's own trials: alrnn plot trial --task {task}")
    from .. import api

    return [], [api.example(task, pairs(task_opt, "--task-opt"), data=task_data)]


def _runs(kind: str, folder: Path) -> Any:
    """What a sweep or a profile has found so far. Errors: InputError."""
    from ..sweep import record
    from ..sweep.folder import Sweep

    return record.profile(folder) if kind == "profile" else record.sweep(Sweep.open(folder))


def _target(figure: str, out: Path | None, form: str | None) -> Path:
    """The file to write. Errors: UsageError where --out and --format disagree."""
    from .. import figures
    from ..errors import UsageError

    if out is None:
        return Path(f"{figure}.{form or figures.FORMATS[0]}")
    if form is not None and out.suffix.lower() != f".{form}":
        raise UsageError(f"--out {out} does not end in .{form}.", "Leave --format out: the file's ending says it.")
    return out


def _write(drawing: Drawing, target: Path, data: Path | None, *, caption: bool) -> None:
    from .. import figures, store

    figures.save(drawing, target)
    if data is not None:
        figures.save_data(drawing, data)
    if caption:
        store.write_atomic(target.with_suffix(".txt"), (drawing.caption + "\n").encode())


def _draw_all(
    paths: list[Path], loaded: list[AnalysisReport], labels: list[str] | None, width: str, folder: Path, form: str,
    data: Path | None, caption: bool, show: bool, *, as_json: bool,
) -> None:  # fmt: skip
    """Every figure into a folder, each told as it is written; on stderr those that the reports do not support, and why.

    Errors: UsageError where a file stands where a folder should; InputError where no figure could be made.
    """
    from .. import figures
    from ..errors import AlrnnError, InputError, UsageError

    for flag, place in (("--out", folder), ("--data", data)):
        if place is not None and (place.suffix or place.is_file()):
            raise UsageError(f"{flag} {place}: with all, it is a folder.", f"For example {flag} {place.stem}")
    screen = console()
    made: list[dict[str, str]] = []
    refused: dict[str, str] = {}
    for name, drawing in figures.draw_all(loaded, labels=labels, width=width):
        if isinstance(drawing, AlrnnError):
            refused[name] = drawing.message
            say(f"{name}: not drawn. {drawing.message}", quiet=as_json)
            continue
        target = folder / f"{name}.{form}"
        _write(drawing, target, data / f"{name}.csv" if data is not None else None, caption=caption)
        made.append({"figure": name, "file": str(target), "caption": drawing.caption})
        if not as_json:
            screen.print(f"Wrote {target}", soft_wrap=True, markup=False)
    if not made:
        raise InputError("No figure could be drawn of these reports.", "Analyze with trials: alrnn analyze CHECKPOINT")
    if as_json:
        print_json({"schema": "alrnn.plots/1", "folder": str(folder), "figures": made, "refused": refused,
                    "reports": [str(p) for p in paths]})  # fmt: skip
    if show:
        open_window(folder)


def labels_of(paths: Sequence[Path]) -> list[str]:
    """What reports are called in a legend: the file's name, with as many of its folders as it takes to tell them apart."""
    names = [p.name.removesuffix(".analysis.json") for p in paths]
    folders = [p.absolute().parent.parts for p in paths]
    for depth in range(max(map(len, folders), default=0) + 1):
        labels = ["/".join([*f[len(f) - depth :], n]) for f, n in zip(folders, names, strict=True)]
        if len(set(labels)) == len(set(zip(folders, names, strict=True))):
            return labels
    return names


def only_report(purpose: str = "draw") -> Path:
    """The only *.analysis.json in this folder. purpose: what the user is to name one for.

    Errors: UsageError with the candidates, InputError where there is none.
    """
    from ..errors import UsageError

    found = sorted(Path().glob("*.analysis.json"))
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError("There is no *.analysis.json in this folder.", "Make one: alrnn analyze ckpt.safetensors")
    shown = ", ".join(str(p) for p in found[:8]) + (", …" if len(found) > 8 else "")
    raise UsageError(f"There are {len(found)} analyses in this folder: {shown}.", f"Name the one to {purpose}.")


def _list(figure: str | None, *, as_json: bool) -> None:
    """All figures with a line each, or one figure's options with their defaults."""
    from .. import figures
    from ..errors import UsageError

    if figure == ALL:
        raise UsageError("All figures together have no options.", "alrnn plot --list names them.")
    if as_json:
        print_json(_listed(figure))
        return
    from rich.table import Table

    screen = console()
    table = Table(box=None, pad_edge=False, show_header=figure is not None, header_style="dim")
    if figure is None:
        for name in figures.names():
            table.add_row(name, figures.summary(name))
    else:
        screen.print(f"[bold]{figure}[/]: {figures.summary(figure)}\n")
        for column in ("--option", "default", "meaning"):
            table.add_column(column)
        for name, default, meaning in figures.options(figure):
            table.add_row(name, default or "–", meaning)
    screen.print(table)


def _listed(figure: str | None) -> dict[str, Any]:
    from .. import figures

    if figure is None:
        return {"schema": "alrnn.figures/1", "figures": {name: figures.summary(name) for name in figures.names()}}
    options = {name: {"default": default, "help": meaning} for name, default, meaning in figures.options(figure)}
    return {"schema": "alrnn.figure/1", "figure": figure, "summary": figures.summary(figure), "options": options}
