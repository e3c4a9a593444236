"""What a worker knows of its Slurm job, and what is asked of sbatch. tests/slurm has the rest, on a real one."""

import os
import sys

import pytest

from alrnn_cli.errors import UsageError
from alrnn_cli.sweep.slurm import Allocation, allocation, to_requeue
from alrnn_cli.sweep.submit import options

JOB = Allocation("12_3", 2, 1, 4)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"SLURM_JOB_ID": "7", "SLURM_CPUS_ON_NODE": "8"}, Allocation("7", 0, 1, 8)),
        ({"SLURM_JOB_ID": "9", "SLURM_ARRAY_JOB_ID": "9", "SLURM_ARRAY_TASK_ID": "3", "SLURM_RESTART_COUNT": "2",
          "SLURM_CPUS_ON_NODE": "8", "SLURM_CPUS_PER_TASK": "2", "SLURM_NTASKS": "4"}, Allocation("9_3", 2, 4, 2)),
        ({"SLURM_JOB_ID": "9", "SLURM_NTASKS": "4", "SLURM_STEP_NUM_TASKS": "1"}, Allocation("9", 0, 1, 1)),
    ],
)  # fmt: skip
def test_a_worker_knows_its_job(environment, expected):
    assert allocation(environment) == expected


def test_a_job_knows_its_earlier_selves():
    earlier, other = Allocation("12_3", 1, 1, 4).worker, Allocation("12_33", 1, 1, 4).worker
    assert JOB.was(earlier) and not JOB.was(JOB.worker) and not JOB.was(other) and not JOB.was("host-1-2")


@pytest.fixture
def scontrol(tmp_path, monkeypatch):
    """A scontrol that knows a job's facts and writes down what it is asked."""

    def make(facts="", fail=""):
        program = tmp_path / "scontrol"
        program.write_text(
            f"#!{sys.executable}\nimport sys\nopen({str(tmp_path / 'asked')!r}, 'a').write(' '.join(sys.argv[1:]) + '\\n')\n"
            f"fail = {fail!r}\nif fail and fail in sys.argv: sys.exit('slurm_load_jobs error: no answer')\nprint({facts!r})\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    make.asked = lambda: (tmp_path / "asked").read_text().splitlines()
    return make


@pytest.mark.parametrize(
    ("got", "facts", "goes_back"),
    [
        ("SIGTERM", "JobId=12 JobState=RUNNING PreemptTime=2026-01-01T00:00:00", True),
        ("SIGTERM", "JobId=12 JobState=RUNNING PreemptTime=None", False),  # somebody's kill
        ("SIGTERM", "JobId=12 JobState=COMPLETING PreemptTime=None", False),  # scancel
        ("SIGTERM", "JobId=12 JobState=CANCELLED PreemptTime=None", False),
        ("SIGUSR1", "JobId=12 JobState=RUNNING PreemptTime=None", True),
        ("SIGUSR2", "JobId=12 JobState=RUNNING PreemptTime=None", True),
        ("SIGUSR1", "JobId=12 JobState=COMPLETING PreemptTime=None", False),  # cancelled while it saved
        ("SIGINT", "JobId=12 JobState=RUNNING PreemptTime=None", False),
    ],
)
def test_only_jobs_that_slurm_takes_away_go_back(scontrol, got, facts, goes_back):
    scontrol(facts)
    told = JOB.requeue(got)
    assert ("requeue 12_3" in scontrol.asked()) is goes_back
    assert told.startswith("Job 12_3 is back in the queue" if goes_back else "Job 12_3 ")


@pytest.mark.parametrize("fail", ["show", "requeue"])
def test_a_slurm_that_does_not_answer_is_told(scontrol, fail):
    scontrol("JobState=RUNNING", fail)
    assert "no answer" in JOB.requeue("SIGUSR1")


def test_requeue_is_for_a_job_with_one_task(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    with pytest.raises(UsageError, match="for workers in a Slurm job"):
        to_requeue()
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "4")
    with pytest.raises(UsageError, match="job 7 has 4 tasks"):
        to_requeue()


def test_options_of_sbatch():
    assert options(["partition=gpu,time=1-02:00:00,gpus=1", "exclude=n1,n2", "exclusive=true", "cpus_per_task=2"]) == {
        "partition": "gpu", "time": "1-02:00:00", "gpus": "1", "exclude": "n1,n2", "exclusive": True, "cpus-per-task": "2",
    }  # fmt: skip
    for bad, said in (("gpu", "expected NAME=VALUE"), ("time=", "expected NAME=VALUE"), ("array=1-3", "--workers says how many"),
                      ("time=1,time=2", "given twice")):  # fmt: skip
        with pytest.raises(UsageError, match=said):
            options([bad])


def test_what_an_earlier_self_held_is_free_at_once(sweep, job):
    made, ids = sweep()
    mine, theirs = ids[0], ids[1]
    for cell, restarts in ((mine, 1), (theirs, 0)):
        next(made.claim([cell], 1, Allocation("12_3" if cell == mine else "4", restarts, 1, 1).worker))
    assert made.free(lambda owner: JOB.was(owner["worker"]), "released", "its job went back to the queue") == 1
    survey = made.survey()
    assert survey.states[mine] == "open" and survey.states[theirs] == "running"
    # Slurm took it away: that is not the cell's fault.
    assert survey.tries[mine].abandoned == 0
