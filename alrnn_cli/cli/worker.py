"""`alrnn worker`: work on a sweep that was begun elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import Debug, Json, Quiet
from .output import print_json, say

NAME = "worker"
HELP = """Help with a sweep: take its open cells one stack after the other until none is left.

    alrnn worker sweep-addition
    alrnn worker /shared/sweep-addition --device cuda --stack 64

Any number of workers on any number of machines may share the folder; each cell is trained by one of them. A worker
that is stopped (SIGTERM, Ctrl-C) saves its cells for the next one; what a killed one held is free in a minute.
"""

SCHEMA = "alrnn.worker/1"


def command(
    folder: Annotated[Path, typer.Argument(help="the sweep's folder", metavar="FOLDER")],
    stack: Annotated[int, typer.Option("--stack", help="most runs that train as one [8]", min=1, metavar="INT")] = 8,
    device: Annotated[str, typer.Option("--device", help="cpu or cuda [cpu]", metavar="NAME")] = "cpu",
    backend: Annotated[
        str, typer.Option("--backend", help="kernel, as of `alrnn train` [auto]", metavar="NAME")
    ] = "auto",
    threads: Annotated[int, typer.Option("--threads", help="CPU threads (0: torch's own choice) [0]", min=0, metavar="INT")] = 0,
    retries: Annotated[int, typer.Option("--retries", help="further attempts at a run that fails [0]", min=0, metavar="INT")] = 0,
    analyze: Annotated[bool, typer.Option("--analyze", help="analyze every run as well")] = False,
    trials: Annotated[int, typer.Option("--trials", help="with --analyze: test trials [200]", min=1, metavar="INT")] = 200,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="stay while others still work, in case they give up [wait]")
    ] = True,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Work until nothing is left."""
    from ..errors import StoppedError
    from ..sweep.work import Job, work
    from .training import Signals

    job = Job(device, backend, threads, stack, trials if analyze else 0, retries, wait)
    ended: list[tuple[str, str]] = []

    def done(cell: str, state: str) -> None:
        ended.append((cell, state))
        say(f"{cell} {state}", quiet=quiet)

    with Signals() as signals:
        stopped = work(folder, job, stop=signals.reason, done=done)
    if stopped:
        raise StoppedError(
            f"Stopped by {stopped}; what was in hand is saved.",
            "Another worker goes on with it.",
            terminated=stopped == "SIGTERM",
        )
    if json:
        print_json({"schema": SCHEMA, "folder": str(folder), "cells": [{"cell": c, "state": s} for c, s in ended]})
        return
    say(f"Nothing is left to do in {folder}; this worker did {len(ended):,}.", quiet=quiet)
