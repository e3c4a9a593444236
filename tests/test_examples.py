"""The examples run, at a reduced size."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from alrnn_cli.sweep import plan

EXAMPLES = Path(__file__).parent.parent / "examples"
SMALL = "--task-opt T=6 --task-opt train=40 --task-opt validation=20 --task-opt test=20 --M 4 --batch 20 --epochs 2"


@pytest.fixture
def run(tmp_path):
    """Run an example in an empty folder, with `alrnn` and `python3` those of these tests."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    program = bin_ / "alrnn"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "from alrnn_cli.cli import main; main()" "$@"\n')
    program.chmod(0o755)
    (bin_ / "python3").symlink_to(sys.executable)
    work = tmp_path / "work"
    work.mkdir()

    def go(command, **env):
        path = f"{bin_}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            command, cwd=work, env={**os.environ, "PATH": path, **env}, capture_output=True, text=True, timeout=120
        )

    go.folder = work
    return go


bash = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


@bash
def test_sweep_and_reports(run):
    done = run(["bash", str(EXAMPLES / "sweep_P.sh")], P="0 1", EXTRA=SMALL)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["P", "0", "1"]
    done = run(["bash", str(EXAMPLES / "many_reports.sh")], TRIALS="10")
    assert done.returncode == 0, done.stderr
    assert (run.folder / "loss.pdf").read_bytes().startswith(b"%PDF")
    assert len(done.stdout.strip().splitlines()) >= 2


@bash
@pytest.mark.slow
def test_seeds(run):
    good = run(["bash", str(EXAMPLES / "seeds.sh")], SEEDS="0 1", EXTRA=SMALL + " --P 1", REQUIRE="mse<=1e9")
    assert good.returncode == 0, good.stderr
    bad = run(["bash", str(EXAMPLES / "seeds.sh")], SEEDS="0 1", EXTRA=SMALL + " --P 1", REQUIRE="mse<=1e-9")
    assert bad.returncode == 1
    assert "2 failed" in bad.stdout


def test_python_example(run):
    done = run([sys.executable, str(EXAMPLES / "gate.py"), "2"])
    assert done.returncode == 0, done.stderr
    assert "subregion 0" in done.stdout
    assert (run.folder / "gate.png").exists()


@pytest.mark.parametrize("file", sorted((EXAMPLES / "studies").glob("*.toml")), ids=lambda p: p.stem)
def test_a_study_is_a_grid(file):
    """Every option in it is one of the task's or of training, and the grid has more than one value."""
    cells = plan.cells(plan.plan(None, {}, file=file))
    assert len({cell.id for cell in cells}) == len(cells) > 4
    assert f"alrnn sweep --config examples/studies/{file.name}" in file.read_text(encoding="utf8")
