"""`alrnn import`: from a model made elsewhere to a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import importing
from .options import OUTPUT, Cache, Data, Debug, Json, Quiet, pairs
from .output import console, number, print_json, say

if TYPE_CHECKING:
    from ..importing._convert import Imported

NAME = "import"
HELP = """Turn a model made elsewhere into a checkpoint that analyze reads.

    alrnn import lorenz.pt --from alrnn-dsr --P 2
    alrnn import rnn.pt --from torch-rnn --readout fc -o rnn.safetensors
    alrnn import adder.pt --from memory-tasks --task addition --task-opt T=100

FILE is a state dict that torch saved, a safetensors file or an .npz; its content says which. Without --task,
analyze runs the model freely from random states.
"""

SCHEMA = "alrnn.import/1"


def command(
    file: Annotated[Path, typer.Argument(help="the model", metavar="FILE")],
    format: Annotated[
        str, typer.Option("--from", help=f"what made it: {', '.join(importing.names())}", metavar="FORMAT", rich_help_panel="Model")
    ],
    P: Annotated[
        int | None, typer.Option("--P", help="number of piecewise-linear (ReLU) units, where the file does not say", min=0,
                                 metavar="INT", rich_help_panel="Model")
    ] = None,
    readout: Annotated[
        str | None, typer.Option("--readout", help="the layer (or matrix) that reads the states, where the file has several",
                                 metavar="NAME", rich_help_panel="Model")
    ] = None,
    task: Annotated[
        str | None, typer.Option("--task", help="analyze it on this task's trials; `alrnn tasks` lists them", metavar="NAME",
                                 rich_help_panel="Task")
    ] = None,
    task_opt: Annotated[
        list[str] | None, typer.Option("--task-opt", help="an option of the task, repeatable: T=50", metavar="NAME=VALUE",
                                       rich_help_panel="Task")
    ] = None,
    data: Data = None,
    cache: Cache = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="the checkpoint to write [ckpt.safetensors]", metavar="FILE", rich_help_panel=OUTPUT)
    ] = Path("ckpt.safetensors"),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="replace whatever is at --out", rich_help_panel=OUTPUT)
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Read, convert, write, and say what was understood."""
    from ..api import import_model

    imported = import_model(
        file, format, P=P, readout=readout, task=task, task_options=pairs(task_opt or [], "--task-opt"), data=data, out=out,
        overwrite=overwrite,
    )  # fmt: skip
    if json:
        print_json({"schema": SCHEMA, "checkpoint": str(out), **facts(imported)})
        return
    show(imported)
    console().print(f"Wrote {out}", soft_wrap=True)
    say(f"Next: alrnn analyze {out}", quiet=quiet)


def facts(imported: Imported) -> dict[str, Any]:
    """What was read, as one JSON object's keys."""
    meta, tensors = imported.checkpoint.meta, imported.checkpoint.tensors
    model = meta.config["model"]
    return {
        "source": meta.imported,
        "model": {
            "M": model["M"], "P": model["P"], "K": tensors["C"].shape[1], "N": tensors["D"].shape[0], "readout": model["readout"],
        },
        "read_by": imported.readout,
        "task": meta.task and meta.task["name"],
        "notes": imported.notes,
    }  # fmt: skip


def show(imported: Imported) -> None:
    """The same for a person."""
    from rich.table import Table
    from rich.text import Text

    screen = console()
    for note in imported.notes:
        screen.print(Text(f"! {note}", style="yellow"))
    told = facts(imported)
    m = told["model"]
    screen.print(
        f"{told['source']['format']}  M = {m['M']}, P = {m['P']}, K = {m['K']}, N = {m['N']}, readout {m['readout']}"
    )
    rows = Table(box=None, show_header=False, pad_edge=False)
    rows.add_column(style="dim")
    rows.add_column()
    rows.add_row("read by", imported.readout)
    rows.add_row("task", told["task"] or "none: analyze runs it freely")
    if imported.folded:
        rows.add_row(
            "A", f"folded into W on {imported.folded:,} linear unit{'s' if imported.folded > 1 else ''}: the same map"
        )
    exact = (
        "exact" if not imported.rounding else f"changes an entry by at most {number(imported.rounding, 2)} of itself"
    )
    rows.add_row("float32", exact)
    if imported.unused:
        rows.add_row("not used", ", ".join(imported.unused))
    screen.print(rows)
