"""`alrnn demo`: the whole way once, in under a minute."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from .options import OUTPUT, Debug
from .output import console

NAME = "demo"
HELP = """Train, analyze and plot the addition task with one nonlinear unit.

    alrnn demo

Runs the three commands that it shows, in a folder of its own.
"""

_TASK = "--task addition --task-opt T=20 --M 20 --P 1 --epochs 30"


def command(
    folder: Annotated[
        Path, typer.Option("--folder", help="where to put the files [alrnn-demo]", metavar="FOLDER",
                           rich_help_panel=OUTPUT)
    ] = Path("alrnn-demo"),
    debug: Debug = False,
) -> None:  # fmt: skip
    """Echo and run each command, then say what was found and where."""
    from . import app

    checkpoint, picture = folder / "ckpt.safetensors", folder / "phase.png"
    report = folder / "ckpt.analysis.json"
    lines = [
        f"train {_TASK} --out {shlex.quote(str(checkpoint))} --overwrite",
        f"analyze {shlex.quote(str(checkpoint))}",
        f"plot phase {shlex.quote(str(report))} -o {shlex.quote(str(picture))} --width full",
    ]
    screen = console()
    for line in lines:
        screen.print(f"\n[bold green]$ alrnn {line}[/]", soft_wrap=True)
        app.invoke([*shlex.split(line), "--quiet"] if not line.startswith(("plot", "train")) else shlex.split(line))
    screen.print(
        "\nOne ReLU unit is enough to add: it opens and shuts a gate, and a slow linear mode keeps the sum.\n"
        f"Look at {picture}; then try the same with --P 0, which cannot do it.",
        soft_wrap=True,
    )
