"""`alrnn sweep --executor slurm`: submit the workers, say how to follow them, wait for them if asked to."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..errors import MachineError, StoppedError, UsageError, closest
from ..wording import plural
from .output import console, print_json, say

if TYPE_CHECKING:
    from ..sweep.folder import Sweep
    from ..sweep.submit import Submitted
    from .sweep import Watch

SCHEMA = "alrnn.sweep-jobs/1"
EXECUTORS = ("local", "slurm", "none")
#: Seconds between two looks at the folder and the queue.
_LOOK = 5.0


def check(given: dict[str, Any]) -> dict[str, str | bool]:
    """Options for sbatch. Errors: UsageError for what does not go together."""
    from ..sweep.submit import options

    if given["executor"] not in EXECUTORS:
        raise UsageError(
            f"--executor {given['executor']}: expected local, slurm or none.",
            closest(given["executor"], EXECUTORS, otherwise=""),
        )
    if given["executor"] != "slurm":
        if option := next((name for name in ("slurm", "wait") if given[name]), None):
            raise UsageError(f"--{option} is for --executor slurm.", "Add --executor slurm, or leave it out.")
        return {}
    if not given["workers"]:
        raise UsageError("--executor slurm: how many jobs?", "For example --workers 32")
    if given["shard"]:
        raise UsageError(
            "--shard divides a sweep where there is no queue to share.", "With --executor slurm leave it out."
        )
    return options(given["slurm"])


def start(sweep: Sweep, left: int, asked: dict[str, str | bool], given: dict[str, Any]) -> Submitted:
    """Submit as many workers as there is work for. left: cells to do. Errors: those of `submit`."""
    from ..sweep.submit import submit
    from .app import run

    workers = min(given["workers"], left)
    if given["device"] == "cpu" and any("gpu" in f"{name}={value}" for name, value in asked.items()):
        say("Note: --slurm asks for GPUs and --device is cpu; --device cuda trains on them.", quiet=given["quiet"])
    words = [
        "worker",
        str(sweep.path.absolute()),
        "--requeue",
        "--no-wait",
        "--stack",
        str(stack_of(left, workers, given)),
    ]
    words += [word for name in ("device", "backend", "threads", "retries") for word in (f"--{name}", str(given[name]))]
    words += ["--analyze", "--trials", str(given["trials"])] if given["analyze"] else []
    return submit(sweep.path, workers, asked, run, words)


def stack_of(cells: int, workers: int, given: dict[str, Any]) -> int:
    """Runs that train as one: as many as leave each worker two stacks, so that none waits long for the last."""
    return given["stack"] or max(1, min(16, -(-cells // (2 * workers))))


def show_folder(sweep: Sweep, cells: int, left: int, given: dict[str, Any]) -> None:
    """A folder without workers, and how to start them."""
    if given["json"]:
        print_json({"schema": SCHEMA, "folder": str(sweep.path), "job": None, "workers": 0, "left": left, "logs": None})
        return
    console().print(f"{sweep.path}: {plural(cells, 'cell')}, {left:,} to do", soft_wrap=True)
    say(f"  alrnn worker {sweep.path}", quiet=given["quiet"])


def show(sweep: Sweep, jobs: Submitted, left: int, given: dict[str, Any]) -> None:
    """What was submitted, and what to do next."""
    if given["json"]:
        print_json({"schema": SCHEMA, "folder": str(sweep.path), "job": jobs.job, "workers": jobs.workers, "left": left,
                    "logs": str(jobs.logs)})  # fmt: skip
        return
    console().print(_submitted(jobs, left), soft_wrap=True)
    follow = f"alrnn sweep status {sweep.path}"
    lines = [(follow, "how far it is"), (f"squeue --jobs={jobs.job}", "where its workers are"),
             (f"tail -f {sweep.path}/slurm/{jobs.job}_*_log.out", "what they say"),
             (f"scancel {jobs.job}", "stop them; what is in hand is saved"),
             (f"alrnn sweep table {sweep.path}", "what came out")]  # fmt: skip
    width = max(len(command) for command, _ in lines)
    for command, meaning in lines:
        say(f"  {command:<{width}}  {meaning}", quiet=given["quiet"])


def _submitted(jobs: Submitted, left: int) -> str:
    return f"Slurm job {jobs.job}: {plural(jobs.workers, 'worker')} for {plural(left, 'cell')}"


def wait(sweep: Sweep, jobs: Submitted, ids: list[str], watch: Watch, given: dict[str, Any]) -> None:
    """Until all cells have ended. Errors: StoppedError; MachineError where the workers are gone before."""
    from ..signals import Signals
    from ..sweep.submit import waiting

    say(f"{_submitted(jobs, len(ids) - len(watch.ended()))}. Waiting; Ctrl-C leaves them to it.", quiet=given["quiet"])
    with Signals() as signals:
        while True:
            there = waiting(jobs.job)
            # Looked at after the queue: the last worker enters its last cell before it leaves.
            if len(watch.ended()) == len(ids):
                return
            if not there and not sweep.survey(ids, given["retries"]).of("running"):
                left = len(ids) - len(watch.ended())
                raise MachineError(
                    f"The workers of Slurm job {jobs.job} are gone, and {plural(left, 'cell')} of {len(ids):,} are not done.",
                    f"Give the same command again to go on. Their last words: {jobs.logs}",
                )
            watch()
            until = time.monotonic() + _LOOK
            while time.monotonic() < until:
                if reason := signals.reason():
                    raise StoppedError(
                        f"Stopped waiting by {reason}; Slurm job {jobs.job} goes on.", f"Stop it: scancel {jobs.job}",
                        terminated=reason == "SIGTERM",
                    )  # fmt: skip
                time.sleep(0.2)
