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
that is stopped (SIGTERM, SIGUSR1, SIGUSR2, Ctrl-C) saves its cells for the next one; what a killed one held is free
in a minute. With --requeue a Slurm job that is preempted or runs out of time goes back to the queue; one that is
cancelled does not.
"""

SCHEMA = "alrnn.worker/1"


def command(
    folder: Annotated[Path, typer.Argument(help="the sweep's folder", metavar="FOLDER")],
    stack: Annotated[int, typer.Option("--stack", help="most runs that train as one [8]", min=1, metavar="INT")] = 8,
    device: Annotated[str, typer.Option("--device", help="cpu or cuda [cpu]", metavar="NAME")] = "cpu",
    backend: Annotated[
        str, typer.Option("--backend", help="kernel, as of `alrnn train` [auto]", metavar="NAME")
    ] = "auto",
    threads: Annotated[int, typer.Option("--threads", help="CPU threads (0: the Slurm job's CPUs, else torch's choice) [0]", min=0,
                                         metavar="INT")] = 0,
    retries: Annotated[int, typer.Option("--retries", help="further attempts at a run that fails [0]", min=0, metavar="INT")] = 0,
    analyze: Annotated[bool, typer.Option("--analyze", help="analyze every run as well")] = False,
    trials: Annotated[int, typer.Option("--trials", help="with --analyze: test trials [200]", min=1, metavar="INT")] = 200,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="stay while others still work, in case they give up [wait]")
    ] = True,
    requeue: Annotated[
        bool, typer.Option("--requeue", help="in a Slurm job: back to the queue when it is preempted or short of time")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Work until nothing is left."""
    from ..errors import StoppedError
    from ..signals import Signals
    from ..sweep import slurm
    from ..sweep.folder import Sweep
    from ..sweep.table import last_words
    from ..sweep.work import Job, work

    slurm_job = slurm.to_requeue() if requeue else slurm.allocation()
    job = Job(
        device, backend, threads or (slurm_job.cpus if slurm_job else 0), stack, trials if analyze else 0, retries, wait
    )
    ended: list[tuple[str, str]] = []

    def done(cell: str, state: str) -> None:
        ended.append((cell, state))
        why = f": {last_words(Sweep.open(folder), cell)}" if state == "failed" else ""
        say(f"{cell} {state}{why}", quiet=quiet)

    with Signals(*slurm.WARNINGS) as signals:
        if slurm_job and slurm_job.restarts:
            Sweep.open(folder).free(
                lambda owner: slurm_job.was(owner["worker"]), "released", "its job went back to the queue"
            )
        stopped = work(folder, job, stop=signals.reason, done=done, name=slurm_job.worker if slurm_job else None)
        # Still deaf to signals: the next may come at any moment.
        told = slurm_job.requeue(stopped) if stopped and slurm_job and requeue else "Another worker goes on with it."
    if stopped:
        raise StoppedError(f"Stopped by {stopped}; what was in hand is saved.", told, terminated=stopped != "SIGINT")
    if json:
        print_json({"schema": SCHEMA, "folder": str(folder), "cells": [{"cell": c, "state": s} for c, s in ended]})
        return
    bad = sum(state != "finished" for _, state in ended)
    say(
        f"Nothing is left to do in {folder}; this worker did {len(ended):,}{f', {bad:,} without success' if bad else ''}.",
        quiet=quiet,
    )
