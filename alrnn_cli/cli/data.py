"""`alrnn data`: fetch the data of tasks, say what is there, say where."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import UsageError, closest
from .options import Cache, Debug, Json, Quiet
from .output import console, print_json, say, table

if TYPE_CHECKING:
    from ..tasks.datasets import Notify
    from ..tasks.datasets.download import Progress
    from ..tasks.datasets.survey import Item

NAME = "data"
HELP = """Fetch the data of tasks, say what is there and where.

    alrnn data fetch smnist
    alrnn data status
    alrnn data path smnist

fetch downloads what a task needs, where it is not there, checks it and unpacks it; training does the same when
it needs to. status lists what the cache folder holds and what is missing. path prints a task's folder, no more.
"""

SCHEMA = "alrnn.data/1"
_ACTIONS = ("fetch", "status", "path")


def command(
    action: Annotated[str, typer.Argument(help="fetch, status or path", metavar="ACTION")],
    task: Annotated[
        list[str] | None, typer.Argument(help="whose data; fetch takes several", metavar="TASK", show_default=False)
    ] = None,
    cache: Cache = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Fetch, list or find the data of tasks."""
    from .. import data

    names = task or []
    if action not in _ACTIONS:
        raise UsageError(
            f"alrnn data {action}: expected fetch, status or path.", closest(action, _ACTIONS, otherwise="")
        )
    if action == "status":
        if names:
            raise UsageError(f"alrnn data status {names[0]}: status takes no task.", "Leave it out: it lists all.")
        _show(data.status(), as_json=json)
        return
    if not names or (action == "path" and len(names) > 1):
        many = "at least one task" if action == "fetch" else "one task"
        raise UsageError(
            f"alrnn data {action}: expected {many}.", f"For example: alrnn data {action} {data.fetchable()[0]}"
        )
    for name in names:
        data.remote(name)  # before anything is fetched
    if action == "fetch":
        with _progress(quiet=quiet) as (tell, progress):
            for name in names:
                data.fetch(name, say=tell, progress=progress)
    folders = {name: str(data.path(name)) for name in names}
    if json:
        print_json({"schema": SCHEMA, "action": action, "folders": folders})
    else:
        sys.stdout.write("".join(f"{folder}\n" for folder in folders.values()))


@contextmanager
def _progress(*, quiet: bool) -> Iterator[tuple[Notify, Progress | None]]:
    """Where sentences go, and a bar on a terminal; elsewhere a line about every ten seconds, which is what None means."""
    if quiet or not sys.stderr.isatty():
        yield (lambda sentence: say(sentence, quiet=quiet)), None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    screen = console(stderr=True)
    columns = (BarColumn(bar_width=None), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(compact=True))
    with Progress(*columns, console=screen, transient=True, expand=True) as bar:
        row = bar.add_task("", total=None, visible=False)

        def tell(sentence: str) -> None:
            bar.update(row, visible=False)
            screen.print(sentence, soft_wrap=True, markup=False)

        yield tell, lambda got, total: bar.update(row, completed=got, total=total, visible=got < total)


def _show(items: list[Item], *, as_json: bool) -> None:
    from ..tasks.datasets import cache_dir
    from ..tasks.datasets.download import size

    root = cache_dir()
    if as_json:
        shown: list[dict[str, Any]] = [{**asdict(i), "path": str(i.path), "tasks": list(i.tasks)} for i in items]
        print_json({"schema": SCHEMA, "action": "status", "cache": str(root), "items": shown})
        return
    screen = console()
    screen.print(f"{root}: {size(sum(i.bytes for i in items))}\n", soft_wrap=True, markup=False)
    rows = table("", "dataset", "what", ">size", "state", "tasks")
    rows.columns[1].overflow = "fold"  # a name that is cut short cannot be looked for
    last = ""
    for i in items:
        what = i.name.removesuffix(".safetensors") if i.kind == "derived" else i.name
        amount, state = size(i.bytes), i.state
        if i.state == "half-finished" and i.expected:
            amount, state = size(i.expected), f"{i.state} {100 * i.bytes // i.expected} %"
        elif i.state in ("missing", "not needed") and i.expected:
            amount = f"({size(i.expected)})"
        first = i.dataset != last
        where = what if i.kind in ("download", "other") else f"{i.kind}/{what}"
        rows.add_row(i.dataset if first else "", where, amount, state, ", ".join(i.tasks) if first else "")
        last = i.dataset
    screen.print(rows)
    if any(i.state in ("half-finished", "damaged") for i in items):
        say("What is half-finished or damaged is never read; fetching or training makes it whole.")
