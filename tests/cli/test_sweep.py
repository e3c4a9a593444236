"""`alrnn sweep` and `alrnn worker` as a user meets them."""

import os
from pathlib import Path

import pytest

import alrnn_cli

ROOT = Path(alrnn_cli.__file__).parent.parent


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--executor", "slrm"], "expected local, slurm or none"),
        (["--executor", "slurm"], "how many jobs"),
        (["--executor", "slurm", "--workers", "2", "--shard", "1/2"], "--shard divides"),
        (["--slurm", "time=10"], "--slurm is for --executor slurm"),
        (["--wait"], "--wait is for --executor slurm"),
    ],
)
def test_what_does_not_go_together_is_refused(alrnn, args, said):
    done = alrnn("sweep", "--task", "addition", *args)
    assert done.returncode == 2 and said in done.stderr


def test_without_submitit_it_is_said_what_to_install(alrnn, tmp_path):
    (tmp_path / "submitit.py").write_text("raise ImportError")
    done = alrnn(
        "sweep",
        "--task",
        "addition",
        "--executor",
        "slurm",
        "--workers",
        "2",
        env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        fresh=True,
    )
    assert done.returncode == 5 and "pip install 'alrnn[slurm]'" in done.stderr


def test_a_folder_for_workers_that_are_started_otherwise(alrnn, tmp_path):
    done = alrnn("sweep", "--task", "addition", "--seeds", "3", "--executor", "none", "--out", "sweep")
    assert (done.returncode, done.stdout) == (0, "sweep: 3 cells, 3 to do\n")
    assert len(list((tmp_path / "sweep" / "cells").iterdir())) == 3
