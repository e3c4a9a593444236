"""`alrnn sweep` and `alrnn worker` as a user meets them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import alrnn_cli
from alrnn_cli.sweep.folder import Sweep

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


TINY = ("--task", "addition", "--task-opt", "T=6", "--task-opt", "train=16", "--task-opt", "validation=8", "--task-opt", "test=8",
        "--M", "3", "--epochs", "1", "--batch", "8", "--restarts", "0", "--out", "sweep")  # fmt: skip
HERE = ("--workers", "1", "--backend", "reference", "--threads", "1")


def test_a_sweep_from_its_cells_to_its_table(alrnn, tmp_path):
    done = alrnn("sweep", *TINY, *HERE, "--P", "0,1", "--seeds", "2")
    assert done.returncode == 0, done.stderr
    assert "4 cells, 4 to do, 1 worker" in done.stderr and "mse on the test trials" in done.stdout
    assert alrnn("sweep", "status", "sweep").stdout == "4 cells: 4 finished\n"
    lines = alrnn("sweep", "table", "sweep", "--format", "csv").stdout.splitlines()
    assert lines[0].startswith("P,metric,n,failed") and [line.split(",")[:4] for line in lines[1:]] == [
        ["0", "mse", "2", "0"], ["1", "mse", "2", "0"],
    ]  # fmt: skip
    told = alrnn("worker", "sweep")
    assert told.returncode == 0 and "Nothing is left to do in sweep; this worker did 0." in told.stderr


def test_all_cells_failed(alrnn):
    done = alrnn("sweep", *TINY, *HERE, "--seeds", "2", "--lr", "1e30", "--epochs", "30", "--fresh", "false")
    assert done.returncode == 9 and "2 of 2 cells failed" in done.stderr and "diverged" in done.stderr
    again = alrnn("sweep", *TINY, *HERE, "--seeds", "2", "--lr", "1e30", "--epochs", "30", "--fresh", "false")
    assert again.returncode == 9 and "to do" not in again.stderr


def nothing_to_do(folder):
    """Give a sweep's command again. Returns: seconds of processor time, heavy modules that were loaded."""
    code = (
        "import sys\nfrom alrnn_cli.cli.app import run\n"
        "try:\n    run(['sweep', '--config', 'sweep/sweep.toml', '--out', 'sweep'])\nexcept SystemExit as stop:\n    assert stop.code == 0\n"
        "import time\nprint(time.process_time(), *(m for m in ('torch', 'scipy', 'numba', 'matplotlib') if m in sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=100, check=True
    )
    seconds, *loaded = done.stderr.splitlines()[-1].split()
    return float(seconds), loaded


def test_nothing_to_do_loads_nothing_heavy(alrnn, tmp_path):
    assert alrnn("sweep", *TINY, *HERE, "--seeds", "2").returncode == 0
    assert nothing_to_do(tmp_path)[1] == []


@pytest.mark.slow
def test_nothing_to_do_is_quick_for_a_thousand_cells(alrnn, tmp_path):
    assert alrnn("sweep", *TINY, "--P", "0,1", "--seeds", "500", "--executor", "none").returncode == 0
    assert alrnn("sweep", *TINY, *HERE, "--P", "0", "--seeds", "1").returncode == 0
    places = Sweep.open(tmp_path / "sweep").places()
    (done,) = [place for place in places if place.status()]
    content = done.status()
    for place in places:
        place.conclude(content)
    alrnn("sweep", *TINY, "--P", "0,1", "--seeds", "500", "--executor", "none")  # sweep.toml of all
    assert nothing_to_do(tmp_path)[0] < 2
