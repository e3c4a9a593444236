"""A Slurm of one node, started for these tests from Debian's packages: munge, slurmctld, slurmd and slurm-client."""

import contextlib
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PROGRAMS = ("munged", "mungekey", "slurmctld", "slurmd", "sbatch", "srun", "scancel", "scontrol", "squeue")
#: CPUs that the node claims to have: workers of these tests share the real ones.
CPUS = 16
# Jobs of `low` give way to those of `high` and have a minute to save. A job that is put back begins again after cred_expire and some.
CONFIG = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=30
MinJobAge=3600
ReturnToService=2
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=low Nodes=ALL Default=YES PriorityTier=1 GraceTime=60
PartitionName=high Nodes=ALL PriorityTier=10 PreemptMode=OFF
"""


def until(happened, seconds=240.0, what=""):
    """Wait for something. Returns: what it gives in the end."""
    end = time.monotonic() + seconds
    while not (found := happened()):
        assert time.monotonic() < end, f"{what or happened} did not happen in {seconds:.0f} s"
        time.sleep(0.2)
    return found


@dataclass(frozen=True)
class Cluster:
    folder: Path
    environment: dict[str, str]

    def __call__(self, *words, **settings):
        """Run a command on it. Returns: its stdout."""
        done = subprocess.run(
            [str(w) for w in words], env=self.environment, capture_output=True, text=True, timeout=60, **settings
        )
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def job(self, job):
        """What Slurm knows of a job."""
        told = self("scontrol", "--oneliner", "show", "job", job)
        return dict(word.partition("=")[::2] for word in told.split())

    def state(self, job):
        return self.job(job)["JobState"]


@pytest.fixture(scope="session")
def cluster():
    if missing := [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]:
        pytest.skip(f"no Slurm here: {', '.join(missing)} not installed")
    if os.geteuid():
        pytest.skip("starting a Slurm needs root")
    # Not in pytest's folder: the names of sockets must be short, and munged wants folders that others can look into.
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))
    folder.chmod(0o755)
    host = platform.node().partition(".")[0]
    for name in ("state", "spool", "bin"):
        (folder / name).mkdir()
    alrnn = folder / "bin" / "alrnn"
    alrnn.write_text(f'#!/bin/sh\nexec {sys.executable} -c "from alrnn_cli.cli import main; main()" "$@"\n')
    alrnn.chmod(0o755)
    (folder / "slurm.conf").write_text(CONFIG.format(host=host, ports=_ports(2), folder=folder, cpus=CPUS))
    there = [p for p in (str(ROOT), os.environ.get("PYTHONPATH")) if p]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("SLURM_")},
        "SLURM_CONF": str(folder / "slurm.conf"), "PATH": f"{folder / 'bin'}:{PATH}", "PYTHONPATH": ":".join(there), "NO_COLOR": "1",
        "COLUMNS": "100", "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    made = Cluster(folder, environment)
    try:
        made("mungekey", "--create", f"--keyfile={folder}/munge.key")
        made(
            "munged", "--force", f"--key-file={folder}/munge.key", f"--socket={folder}/munge.socket", f"--pid-file={folder}/munged.pid",
            f"--log-file={folder}/munged.log", f"--seed-file={folder}/munge.seed",
        )  # fmt: skip
        made("slurmctld")
        made("slurmd")
        until(
            lambda: "idle" in made("sinfo", "--noheader", "--format=%T"), 60, f"an idle node ({folder}/slurmctld.log)"
        )
        yield made
        made("scancel", "--signal=KILL", "--full", "--user=root")
    finally:
        for name in ("slurmd", "slurmctld", "munged"):
            _end(folder / f"{name}.pid")
        shutil.rmtree(folder, ignore_errors=True)


#: slurmctld and its like lie where users seldom look.
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


def _ports(n):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(n)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]


def _end(file):
    """End the daemon that a file names, by force where it does not go."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
        pid = int(file.read_text())
        os.kill(pid, signal.SIGTERM)
        for _ in range(100):
            time.sleep(0.1)
            os.kill(pid, 0)
        os.kill(pid, signal.SIGKILL)
