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

_TASK = "--task addition --task-opt T=20 --M 20 --P 1 --epochs 30 --threads 1"


def command(
    ctx: typer.Context,
    folder: Annotated[
        Path, typer.Option("--folder", help="where to put the files [alrnn-demo]", metavar="FOLDER",
                           rich_help_panel=OUTPUT)
    ] = Path("alrnn-demo"),
    debug: Debug = False,
) -> None:  # fmt: skip
    """Echo and run each command, then say what was found and where."""
    # The program that runs this command, without importing it: it imports us.
    program = ctx.find_root().command
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
        words = [*shlex.split(line), *(["--quiet"] if line.startswith("analyze") else [])]
        program.main(args=words, prog_name="alrnn", standalone_mode=False)
    screen.print(
        f"\n{found(report)}\nLook at {picture}; then train a linear model, which cannot add:\n"
        f"alrnn train {_TASK.replace('--P 1', '--P 0')} --out linear.safetensors"
    )


def found(path: Path) -> str:
    """What the analysis says the one nonlinear unit is for, in a sentence."""
    from ..store import load_analysis
    from ..wording import steps

    report = load_analysis(path)
    open_, shut = (
        {r.bitcode: r.frequency_after_phase.get(phase) or 0.0 for r in report.regions}
        for phase in ("mask on", "mask off")
    )
    on, off = max(open_, key=open_.__getitem__), max(shut, key=shut.__getitem__)
    head = f"Found: test mse {report.score['mse']:.1e} (chance {report.chance['mse']:.3f})"
    when = f" {steps(report.lag)} after" if report.lag else " when"
    if on == off:
        return f"{head}; most states are in subregion {on} whether the mask is on or off."
    return (
        f"{head}. The one ReLU unit is a gate: {100 * open_[on]:.1f} % of states are in subregion {on}{when} a number is "
        f"marked, {100 * shut[off]:.1f} % in subregion {off} otherwise."
    )
