"""The Slurm job that a worker runs in: its name, its share of the machine, and how it goes back to the queue."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import UsageError
from . import leases

#: What `sbatch --signal` sends some time before the end; SIGTERM comes with preemption and with scancel.
WARNINGS = tuple(getattr(signal, name) for name in ("SIGUSR1", "SIGUSR2") if hasattr(signal, name))
#: Seconds for an answer of Slurm's controller.
_ANSWER = 30.0


@dataclass(frozen=True)
class Allocation:
    """job: the name that scontrol takes, 12 or 12_3 in an array; restarts: how often it went back to the queue before; tasks: processes
    that run in this step beside each other; cpus: for each of them."""

    job: str
    restarts: int
    tasks: int
    cpus: int

    @property
    def worker(self) -> str:
        """A name that no other worker has, and by which the job knows its own earlier ones."""
        return f"slurm-{self.job}-{self.restarts}-{leases.worker_name()}"

    def was(self, worker: str) -> bool:
        """Whether a worker was of this very job before it went back to the queue, and so is gone."""
        return any(worker.startswith(f"slurm-{self.job}-{n}-") for n in range(self.restarts))

    def requeue(self, got: str) -> str:
        """Put the job back into the queue if that is what the signal means, after all is saved: Slurm ends this process then.

        SIGUSR1 and SIGUSR2 announce the time limit, or preemption where the cluster says so; SIGTERM comes with preemption, but as well
        with scancel, which must be the end. Slurm still calls the job running in the first case alone. Returns: what was done, in words.
        """
        facts, why = self._facts()
        if why:
            return f"Job {self.job} stays ended: {why}."
        if facts.get("JobState") != "RUNNING":
            # Cancelled, over its time, or put back by Slurm itself, which then needs no help.
            return f"Job {self.job} was already ending."
        preempted = facts.get("PreemptTime", "None") != "None"
        if got not in {which.name for which in WARNINGS} and not preempted:
            return f"Job {self.job} stays ended: it is not preempted."
        _, why = _scontrol("requeue", self.job)
        return f"Job {self.job} cannot go back to the queue: {why}." if why else f"Job {self.job} is back in the queue."

    def _facts(self) -> tuple[dict[str, str], str]:
        told, why = _scontrol("--oneliner", "show", "job", self.job)
        return {name: value for name, _, value in (word.partition("=") for word in told.split())}, why


def allocation(environment: Mapping[str, str] = os.environ) -> Allocation | None:
    """The job that this process runs in, None outside of Slurm."""
    own = environment.get("SLURM_JOB_ID")
    if own is None:
        return None
    # The last task of an array has the array's number, which names all of them.
    array, task = environment.get("SLURM_ARRAY_JOB_ID"), environment.get("SLURM_ARRAY_TASK_ID")
    cpus = environment.get("SLURM_CPUS_PER_TASK") or environment.get("SLURM_CPUS_ON_NODE") or "1"
    return Allocation(
        job=f"{array}_{task}" if array and task else own,
        restarts=int(environment.get("SLURM_RESTART_COUNT", "0")),
        tasks=int(environment.get("SLURM_STEP_NUM_TASKS") or environment.get("SLURM_NTASKS") or "1"),
        cpus=int(cpus),
    )


def to_requeue() -> Allocation:
    """This process's job, of which it is the only task. Errors: UsageError."""
    job = allocation()
    if job is None:
        raise UsageError("--requeue is for workers in a Slurm job.", "Leave it out, or start it with sbatch.")
    if job.tasks > 1:
        raise UsageError(
            f"--requeue: job {job.job} has {job.tasks} tasks, and the first to requeue it would end the others unsaved.",
            "Use an array of jobs with one task each.",
        )
    return job


def _scontrol(*words: str) -> tuple[str, str]:
    """What scontrol says, and why it failed, "" where it did not."""
    try:
        done = subprocess.run(["scontrol", *words], capture_output=True, text=True, timeout=_ANSWER, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", f"scontrol: {error}"
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return "", lines[-1] if lines else f"scontrol exits with {done.returncode}"
    return done.stdout, ""
