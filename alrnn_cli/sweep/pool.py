"""Workers on this machine: processes that import torch once and stay, each on its own share of the cores."""

from __future__ import annotations

import multiprocessing
import os
import platform
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing.process import BaseProcess
from multiprocessing.queues import SimpleQueue
from pathlib import Path

from ..errors import AlrnnError, MachineError
from .folder import Sweep
from .slurm import WARNINGS
from .work import Job, work

#: Seconds between two looks at the workers.
_LOOK = 0.5
#: Successive workers that may die before they hold a cell: by themselves, and killed.
_DIED, _KILLED = 3, 50
#: Seconds that a worker has to save its cells once it is told to stop.
_PATIENCE = 60.0


def cores() -> list[int]:
    """The cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def run(
    folder: Path,
    job: Job,
    workers: int,
    cells: Sequence[str],
    *,
    stop: Callable[[], str] = lambda: "",
    watch: Callable[[], None] = lambda: None,
) -> str:
    """Work on a sweep with several processes, or in this one where one is enough.

    A worker that dies (killed, out of memory) is replaced, and what it held is free at once. watch: called every half second.
    Returns: why it stopped, "" where all is done. Errors: as of `work`; MachineError where workers die before they begin.
    """
    if workers == 1:
        return work(folder, job, cells=cells, stop=stop, done=lambda cell, state: watch())
    context = multiprocessing.get_context("spawn")
    there, errors = cores(), context.SimpleQueue()
    threads = job.threads or max(1, len(there) // workers)
    own = replace(job, threads=threads)
    sweep, idle_deaths = Sweep.open(folder), 0

    def begin(i: int) -> BaseProcess:
        pinned = there[i * threads % len(there) : i * threads % len(there) + threads]
        process = context.Process(target=_serve, args=(folder, own, cells, pinned, os.getpid(), errors), daemon=True)
        process.start()
        return process

    living = {i: begin(i) for i in range(workers)}
    reason = ""
    try:
        while living:
            time.sleep(_LOOK)
            watch()
            reason = reason or stop()
            if reason:
                break
            for i, process in list(living.items()):
                if process.is_alive():
                    continue
                process.join()
                del living[i]
                if not errors.empty():
                    raise errors.get()
                if process.exitcode:
                    # A cell that kills its workers is given up in time. A worker that dies without one will again, unless somebody
                    # kills them from outside.
                    idle_deaths = 0 if release(sweep, process.pid) else idle_deaths + 1
                    if idle_deaths > (_KILLED if process.exitcode == -signal.SIGKILL else _DIED):
                        raise MachineError(
                            f"Workers die before they begin (exit status {process.exitcode}).",
                            "Try --workers 1, which shows the error.",
                        )
                    living[i] = begin(i)
    finally:
        _end(sweep, list(living.values()))
    return reason


def _end(sweep: Sweep, processes: list[BaseProcess]) -> None:
    for process in processes:
        if process.is_alive():
            process.terminate()
    until = time.monotonic() + _PATIENCE
    for process in processes:
        process.join(max(0.1, until - time.monotonic()))
        if process.is_alive():
            process.kill()
            process.join()
        if process.exitcode:
            release(sweep, process.pid)


def release(sweep: Sweep, pid: int | None) -> int:
    """Free what a dead worker of this machine held. Returns: how many cells."""
    return sweep.free(
        lambda owner: owner["pid"] == pid and owner["host"] == platform.node(), "abandoned", "its worker died"
    )


def _serve(
    folder: Path, job: Job, cells: Sequence[str], pinned: Sequence[int], parent: int, errors: SimpleQueue[Exception]
) -> None:
    """A worker process. SIGTERM stops it after the step in hand, with everything saved; so does its parent's death.

    So do Slurm's warnings, which all processes of a job get. errors: for what ends it, to be told by the parent.
    """
    got: list[str] = []
    for which in (signal.SIGTERM, *WARNINGS):
        signal.signal(which, lambda number, frame: got.append(signal.Signals(number).name))
    # Ctrl-C goes to all processes of a terminal; the parent hears it, and tells us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, pinned)

    def stop() -> str:
        return got[0] if got else "the sweep's process is gone" if os.getppid() != parent else ""

    try:
        work(folder, job, cells=cells, stop=stop)
    except AlrnnError as error:
        errors.put(error)
