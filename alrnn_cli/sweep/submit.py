"""Workers as an array of Slurm jobs, submitted by submitit, which is an option: pip install 'alrnn[slurm]'."""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DeviceError, MachineError, UsageError

#: Minutes that a job asks for where nothing is said. It goes back to the queue where that is not enough.
_TIME = "60"
#: Seconds before its time limit that a worker is told to save, where nothing is said.
_WARNING = 90
#: Options of sbatch that are not for the user to set, and why.
_OURS = {
    "array": "--workers says how many",
    "output": "logs lie in FOLDER/slurm",
    "error": "logs lie in FOLDER/slurm",
    "open-mode": "logs are appended to",
    "wrap": "the job is a worker",
    "ntasks": "a worker is one task",
    "ntasks-per-node": "a worker is one task",
    "nodes": "a worker is one task on one node",
    "no-requeue": "a preempted worker goes back to the queue",
}


def options(texts: Sequence[str]) -> dict[str, str | bool]:
    """["partition=gpu,time=02:00:00", "exclude=n1,n2", "exclusive=true"]: sbatch's long options, and their values; true for none.

    A part without "=" belongs to the value before it. Errors: UsageError.
    """
    found: dict[str, str] = {}
    for text in texts:
        last = ""
        for part in text.split(","):
            name, equals, value = part.partition("=")
            name = name.strip().removeprefix("--").replace("_", "-")
            if not equals and last:
                found[last] += f",{part}"
                continue
            if not equals or not name or not value:
                raise UsageError(
                    f"--slurm {text}: expected NAME=VALUE,…, named as by sbatch.",
                    "For example --slurm partition=gpu,time=02:00:00,gpus=1; NAME=true for one without a value",
                )
            if name in _OURS:
                raise UsageError(f"--slurm {name}: not to be set, {_OURS[name]}.", "Leave it out.")
            if name in found:
                raise UsageError(f"--slurm {name} is given twice.", "Give it once.")
            found[name], last = value.strip(), name
    return {name: True if value == "true" else value for name, value in found.items()}


@dataclass(frozen=True)
class Submitted:
    """Jobs in Slurm's queue. job: their number, of the array where there are several; logs: the folder of what they say."""

    job: str
    workers: int
    logs: Path


def submit(
    folder: Path, workers: int, asked: dict[str, str | bool], main: Callable[[list[str]], Any], words: list[str]
) -> Submitted:
    """An array of jobs that each call main(words). folder: of the sweep, on a file system that the jobs see.

    asked: as of `options`. Errors: DeviceError where submitit or Slurm is missing, UsageError for what sbatch refuses,
    MachineError where Slurm does not answer.
    """
    try:
        import submitit
    except ImportError:
        raise DeviceError("--executor slurm needs submitit.", "pip install 'alrnn[slurm]'") from None
    for program in ("sbatch", "srun"):
        if shutil.which(program) is None:
            raise DeviceError(f"There is no {program} here.", "Run this on a machine of the cluster that submits jobs.")
    logs = folder.absolute() / "slurm"
    executor = submitit.SlurmExecutor(folder=logs)
    # submitit's spelling, so that what the user says goes before what submitit says.
    spelt = {name.replace("-", "_"): value for name, value in asked.items()}
    # srun no longer takes this from sbatch, and would leave a worker one CPU.
    steps = [f"--cpus-per-task={asked['cpus-per-task']}"] if "cpus-per-task" in asked else []
    executor.update_parameters(
        job_name=f"alrnn-{folder.absolute().name}", signal_delay_s=_WARNING, array_parallelism=workers, srun_args=steps,
        stderr_to_stdout=True, wckey=None, additional_parameters={"time": _TIME, "requeue": True, **spelt},
    )  # fmt: skip
    there, said = set(logs.glob("*")), io.StringIO()
    try:
        with contextlib.redirect_stderr(said):  # what sbatch says is ours to tell
            jobs = executor.map_array(main, [words] * workers)
    except submitit.core.utils.FailedJobError as error:
        for path in set(logs.glob("*")) - there:
            path.unlink()
        raise _refused(said.getvalue() or str(error)) from None
    return Submitted(jobs[0].job_id.partition("_")[0], workers, logs)


def _refused(said: str) -> UsageError | MachineError:
    """The first thing that sbatch complains of."""
    line = next((line for line in said.splitlines() if line.startswith("sbatch: ")), said.strip().partition("\n")[0])
    why = line.removeprefix("sbatch: ").removeprefix("error: ").rstrip(".")
    if "contact" in why or "connect" in why:
        return MachineError(f"Slurm does not answer: {why}.", "See sinfo, and try again.")
    return UsageError(f"sbatch refuses the jobs: {why}.", "Look at --slurm.")


def waiting(job: str) -> bool:
    """Whether any job of this number is still in the queue. Errors: MachineError where Slurm does not answer."""
    told = subprocess.run(
        ["squeue", "--noheader", "--format=%T", f"--jobs={job}"], capture_output=True, text=True, check=False
    )
    if told.returncode and "Invalid job id" not in told.stderr:
        raise MachineError(f"Slurm does not answer: {told.stderr.strip()}.", "The jobs go on; see squeue.")
    return bool(told.stdout.strip())
