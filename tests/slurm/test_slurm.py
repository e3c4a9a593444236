"""On a real Slurm: what is preempted goes on to the same bytes, what is cancelled stays cancelled."""

import json
import subprocess
import time

import pytest

from alrnn_cli.cli.train import to_toml
from alrnn_cli.sweep.folder import Sweep
from alrnn_cli.sweep.plan import cells, plan
from alrnn_cli.sweep.work import Job, work

from .conftest import CPUS, ROOT, until

pytestmark = pytest.mark.slurm

SMALL = {
    "M": "4",
    "batch": "32",
    "restarts": "0",
    "task.T": "16",
    "task.train": "640",
    "task.validation": "20",
    "task.test": "20",
}
ALONE = Job(backend="reference", threads=1)


def made(folder, epochs, **grid):
    asked = plan("addition", {**SMALL, "epochs": str(epochs), **{k: v for k, v in grid.items() if k != "seeds"}},
                 seeds_given=grid.get("seeds"))  # fmt: skip
    found = cells(asked)
    return Sweep.create(folder, asked, found, to_toml), [c.id for c in found]


@pytest.fixture(scope="session")
def a_second(tmp_path_factory):
    """Epochs of such a cell that take a second on this machine, alone."""
    sweep, _ = made(tmp_path_factory.mktemp("speed") / "sweep", 4)
    work(sweep.path, ALONE)  # warm
    sweep, (cell,) = made(tmp_path_factory.mktemp("speed") / "sweep", 40)
    work(sweep.path, ALONE)
    return max(1, round(40 / sweep.place(cell).status()["seconds"]))


def training(sweep, ids):
    """Whether all cells are being trained."""
    return all(sweep.place(c).log.exists() and "Backend" in sweep.place(c).log.read_text() for c in ids)


def ends(sweep, cell):
    found = sorted(sweep.place(cell).path.glob("end-*"), key=lambda p: int(p.name[4:]))
    return [tuple(json.loads(p.read_text())[k] for k in ("state", "reason")) for p in found]


def test_ten_preempted_cells_end_with_the_bytes_that_they_have_undisturbed(cluster, tmp_path, a_second):
    pytest.importorskip("submitit", reason="submitit is not installed: pip install 'alrnn[slurm]'")
    epochs = 4 * a_second
    words = [w for name, value in SMALL.items() for w in (
        ("--task-opt", f"{name[5:]}={value}") if name.startswith("task.") else (f"--{name}", value))]  # fmt: skip
    waiting = subprocess.Popen(
        ["alrnn", "sweep", "--task", "addition", *words, "--epochs", str(epochs), "--P", "0:4:1", "--seeds", "2", "--out", "sweep",
         "--executor", "slurm", "--slurm", "partition=low,time=30", "--slurm", "cpus-per-task=1", "--workers", "10", "--stack", "1",
         "--backend", "reference", "--wait", "--json"],
        cwd=tmp_path, env=cluster.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    whole, ids = made(tmp_path / "whole", epochs, P="0:4:1", seeds="2")
    until((tmp_path / "sweep" / "cells").exists, 60)
    sweep = Sweep.open(tmp_path / "sweep")
    until(lambda: len(sweep.places()) == 10 and training(sweep, ids), what="ten cells in training")
    time.sleep(2)
    (array,) = {path.name.partition("_")[0] for path in (sweep.path / "slurm").glob("*_submission.sh")}
    high = cluster("sbatch", "--parsable", "--partition=high", f"--cpus-per-task={CPUS}", "--output=/dev/null", "--wrap=true",
                   cwd=tmp_path).strip()  # fmt: skip
    until(lambda: cluster.state(high) == "COMPLETED", what="the job that goes before them")
    out, err = waiting.communicate(timeout=300)
    assert waiting.returncode == 0, err
    table = json.loads(out)
    assert table["schema"] == "alrnn.sweep-table/1" and {c["state"] for c in table["cells"]} == {"finished"}
    assert [cluster.job(f"{array}_{i}")["Restarts"] for i in range(10)] == ["1"] * 10
    work(whole.path, ALONE)
    for cell in ids:
        assert ends(sweep, cell) == [("released", "SIGTERM"), ("done", "finished")]
        (going_on,) = [line for line in sweep.place(cell).log.read_text().splitlines() if "Going on from step" in line]
        assert 0 < int(going_on.rstrip(".").split()[-1]) < epochs * 20
        assert sweep.place(cell).checkpoint.read_bytes() == whole.place(cell).checkpoint.read_bytes()


def test_five_cancelled_jobs_stay_cancelled_and_others_go_on(cluster, tmp_path, a_second):
    """The script of docs/cluster.md: five of seven are cancelled, two are warned of their time limit."""
    sweep, ids = made(tmp_path / "sweep", 4 * a_second, P="1", seeds="7")
    whole, _ = made(tmp_path / "whole", 4 * a_second, P="1", seeds="7")
    page = (ROOT / "docs" / "cluster.md").read_text(encoding="utf8")
    text = page.partition("<!-- worker.sh -->\n```bash\n")[2].partition("```")[0]
    for there, here in (("#SBATCH --array=1-32", "#SBATCH --array=1-7"), (". ~/venvs/alrnn/bin/activate\n", ""),
                        ("--stack 4", "--stack 1 --backend reference")):  # fmt: skip
        assert there in text
        text = text.replace(there, here)
    (tmp_path / "worker.sh").write_text(text)
    array = cluster("sbatch", "--parsable", "worker.sh", sweep.path, cwd=tmp_path).strip()
    until(lambda: training(sweep, ids), what="seven cells in training")
    cluster("scancel", f"{array}_[1-5]")
    cluster("scancel", "--signal=USR1", f"{array}_[6-7]")
    cancelled, warned = ([f"{array}_{i}" for i in numbers] for numbers in (range(1, 6), (6, 7)))
    until(lambda: all(cluster.state(job) == "COMPLETED" for job in warned), what="the two that were put back")
    assert [(cluster.state(job), cluster.job(job)["Restarts"]) for job in cancelled] == [("CANCELLED", "0")] * 5
    assert [cluster.job(job)["Restarts"] for job in warned] == ["1", "1"]
    work(whole.path, ALONE)
    assert sorted(ends(sweep, c)[0] for c in ids) == [("released", "SIGTERM")] * 5 + [("released", "SIGUSR1")] * 2
    # The two took over what the five had left.
    for cell in ids:
        assert sweep.place(cell).checkpoint.read_bytes() == whole.place(cell).checkpoint.read_bytes()


@pytest.mark.parametrize(
    ("asked", "said"),
    [("partition=nope", "invalid partition specified: nope"), ("bogus=1", "unrecognized option '--bogus=1'")],
)
def test_what_sbatch_refuses_is_told(cluster, tmp_path, asked, said):
    pytest.importorskip("submitit", reason="submitit is not installed: pip install 'alrnn[slurm]'")
    done = subprocess.run(
        ["alrnn", "sweep", "--task", "addition", "--executor", "slurm", "--workers", "2", "--slurm", asked, "--seeds", "2"],
        cwd=tmp_path, env=cluster.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"alrnn: sbatch refuses the jobs: {said}.\n       Look at --slurm.\n"
    assert not list((tmp_path / "sweep-addition" / "slurm").iterdir())
