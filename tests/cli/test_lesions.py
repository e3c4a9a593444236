"""`alrnn analyze --lesions --linearise-until --save-reduced` on a small trained adder."""

import json

import pytest

from alrnn_cli.cli import app
from alrnn_cli.errors import ExitCode
from alrnn_cli.store import load_checkpoint, save_checkpoint

from ..test_store import checkpoint

TINY = ("--task", "addition", "--task-opt", "T=6", "--task-opt", "train=400", "--task-opt", "validation=100",
        "--task-opt", "test=100", "--M", "8", "--P", "2", "--batch", "20", "--epochs", "60", "--restarts", "0", "-q")  # fmt: skip


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """Run the command line in this process, which has torch loaded. Returns: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*args):
        with pytest.raises(SystemExit) as stop:
            app.run([*args])
        return stop.value.code, *capsys.readouterr()

    return run


def test_a_small_adder_from_training_to_a_smaller_one(here, tmp_path):
    assert here("train", *TINY)[0] == 0
    code, shown, errors = here(
        "analyze", "ckpt.safetensors", "--lesions", "--linearise-until", "0.01", "--save-reduced", "small.safetensors"
    )
    assert code == 0, errors
    for words in (
        "Nonlinear units, mse with the bit fixed",
        "Slow modes removed",
        "Fewer nonlinear units",
        "random",
        "as it is",
    ):
        assert words in shown
    assert "and the reduced model to small.safetensors" in shown.replace("\n", " ")
    report = json.loads((tmp_path / "ckpt.analysis.json").read_text())
    assert report["score"]["mse"] < 0.02  # it has learned something that can be lost
    kinds = {x["kind"] for x in report["lesions"]}
    assert kinds >= {"linearise", "silence", "freeze"}
    worst = max(x["score"]["mse"] for x in report["lesions"] if x["kind"] == "silence")
    assert worst > report["chance"]["mse"] / 3
    found = report["linearised"]
    assert found["after"]["mse"] <= found["before"]["mse"] + 0.01
    small = json.loads(here("analyze", "small.safetensors", "--json")[1])
    assert small["score"]["mse"] == pytest.approx(found["after"]["mse"], rel=1e-10)
    assert (
        small["model"]["P"]
        == len(found["remaining"])
        == load_checkpoint(tmp_path / "small.safetensors").meta.config["model"]["P"]
    )
    assert small["lesions"] == [] and small["linearised"] is None


def test_usage(here, tmp_path):
    save_checkpoint(tmp_path / "imported.safetensors", checkpoint())
    for args, words in (
        (["--save-reduced", "x.safetensors"], "without --linearise-until"),
        (["--linearise-until", "0.1", "--save-reduced", "x.json"], "name of a checkpoint"),
        (["--lesions"], "has no task"),
        (["--linearise-until", "0.1"], "has no task"),
        (["--linearise-until", "x"], "--linearise-until"),
    ):
        code, shown, errors = here("analyze", "imported.safetensors", *args)
        assert (code, shown) == (ExitCode.USAGE, ""), errors
        assert words in errors
    assert [p.name for p in tmp_path.iterdir()] == ["imported.safetensors"]
