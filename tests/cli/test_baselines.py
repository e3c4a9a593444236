"""Every model through the commands: train, analyze, plot, and one line where something has no meaning for it."""

import dataclasses
import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from alrnn_cli import catalogue, store
from alrnn_cli.cli import app
from alrnn_cli.errors import ExitCode

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
KINDS = {name: ["--model", name] for name in catalogue.names()} | {"tanh": ["--phi", "tanh", "--P", "2"]}
SMOOTH = {"gru": "a GRU", "lstm": "an LSTM", "tanh": "an almost-linear RNN with P = 2 units of tanh"}
TINY = ["train", "--task", "addition", "--task-opt", "T=6", "--task-opt", "train=40", "--task-opt", "validation=20",
        "--task-opt", "test=20", "--M", "4", "--batch", "20", "--epochs", "2", "--restarts", "0", "--threads", "1"]  # fmt: skip

QUICK = ("--max-period", "2")


@pytest.fixture
def alrnn(capsys, tmp_path, monkeypatch):
    """Run a command in this process. Returns: its exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*args):
        with pytest.raises(SystemExit) as stop:
            app.run(list(args))
        told = capsys.readouterr()
        return stop.value.code, told.out, told.err

    return run


@pytest.mark.parametrize("kind", KINDS)
def test_train_analyze_plot(alrnn, tmp_path, kind):
    code, out, err = alrnn(*TINY, *KINDS[kind])
    assert code == ExitCode.OK, err
    meta = store.load_checkpoint(tmp_path / "ckpt.safetensors").meta
    assert f"{meta.parameters:,} parameters" in out and (kind in ("alrnn",) or kind in out)
    assert ("Backend torch" in err) is (kind in ("gru", "lstm", "lru", "tanh"))
    again = json.loads(alrnn(*TINY, *KINDS[kind], "--json")[1])
    assert again["already_trained"] and again["parameters"] == meta.parameters
    jsonschema.validate(store.jsonable(meta), json.loads((SCHEMAS / "checkpoint.schema.json").read_text()))

    code, out, err = alrnn("analyze", "ckpt.safetensors", "--trials", "10", "--lyapunov", *QUICK)
    assert code == ExitCode.OK, err
    content = json.loads((tmp_path / "ckpt.analysis.json").read_text())
    jsonschema.validate(content, json.loads((SCHEMAS / "analysis.schema.json").read_text()))
    smooth = kind in SMOOTH
    assert content["model"]["piecewise_linear"] is not smooth
    assert content["lyapunov"]["n_steps"] > 0 and content["states"]["n_states"] == 60
    assert content["model"]["M"] == {"lstm": 8, "lru": 8}.get(kind, 4)
    assert ("Lyapunov exponents" in out) and ("Fixed points" in out) is not smooth
    assert alrnn("plot", "loss", "-o", "l.svg")[0] == ExitCode.OK
    if smooth:
        for figure in ("bitcodes", "eigenvalues", "phase"):
            code, out, err = alrnn("plot", figure, "-o", "f.svg")
            assert code == ExitCode.INPUT and "linear subregions" in err and "has none" in err
        assert "left out" in content["summary"][-1]
        for flag in (["--lesions"], ["--input-sweep", "mask=0:1:0.5"], ["--virtual"], ["--trajectories", "x.npz"]):
            code, out, err = alrnn("analyze", "ckpt.safetensors", *flag)
            assert (code, out) == (ExitCode.USAGE, "") and SMOOTH[kind] in err and len(err.splitlines()) == 2, err


def test_several_checkpoints_of_a_smooth_model_are_refused(alrnn, tmp_path):
    assert alrnn(*TINY, "--model", "gru", "--save-every", "2")[0] == ExitCode.OK
    code, _, err = alrnn("analyze", "ckpt-2.safetensors", "ckpt-4.safetensors")
    assert code == ExitCode.USAGE and "which a GRU does not have" in err


def test_several_checkpoints_of_an_rnn_are_followed(alrnn, tmp_path):
    assert alrnn(*TINY, "--model", "rnn", "--save-every", "2")[0] == ExitCode.OK
    code, _, err = alrnn("analyze", "ckpt-2.safetensors", "ckpt-4.safetensors", "--trials", "5", *QUICK)
    assert code == ExitCode.OK, err
    assert len(json.loads((tmp_path / "ckpt-4.analysis.json").read_text())["series"]) == 2


@pytest.mark.parametrize("model", ["rnn", "lru"])
def test_a_reduced_rnn_is_an_alrnn_and_an_lru_has_nothing_to_reduce(alrnn, tmp_path, model):
    assert alrnn(*TINY, "--model", model)[0] == ExitCode.OK
    asked = (
        "analyze",
        "ckpt.safetensors",
        "--trials",
        "20",
        "--linearise-until",
        "10",
        "--save-reduced",
        "small.safetensors",
        *QUICK,
    )
    code, _, err = alrnn(*asked)
    if model == "lru":
        assert code == ExitCode.INPUT and "no nonlinear unit" in err
        return
    assert code == ExitCode.OK, err
    small = store.load_checkpoint(tmp_path / "small.safetensors").meta
    assert small.config["model"]["model"] == "alrnn" and small.config["model"]["P"] == 0 and small.parameters is None
    assert "rnn, P = 4" in small.reason
    linearised = json.loads((tmp_path / "ckpt.analysis.json").read_text())["linearised"]
    assert alrnn("analyze", "small.safetensors", "--trials", "20", *QUICK)[0] == ExitCode.OK
    again = json.loads((tmp_path / "small.analysis.json").read_text())
    assert again["model"]["P"] == 0 and again["score"]["mse"] == pytest.approx(linearised["after"]["mse"])


def test_an_rnn_is_what_an_import_of_torchs_would_be(alrnn, tmp_path):
    """The exact analysis of `--model rnn` and of the same weights imported from torch agree to the last digit of float32."""
    assert alrnn(*TINY, "--model", "rnn")[0] == ExitCode.OK
    t = store.load_checkpoint(tmp_path / "ckpt.safetensors").tensors
    torchs = {
        "rnn.weight_ih_l0": t["C"],
        "rnn.weight_hh_l0": t["W"],
        "rnn.bias_ih_l0": t["h"],
        "rnn.bias_hh_l0": 0 * t["h"],
    }
    np.savez(tmp_path / "m.npz", **torchs, **{"fc.weight": t["D"], "fc.bias": t["b"]})
    options = [x for x in TINY if "=" in x]
    task = ["--task", "addition", *(y for x in options for y in ("--task-opt", x))]
    code, _, err = alrnn("import", "m.npz", "--from", "torch-rnn", *task, "-o", "imported.safetensors")
    assert code == ExitCode.OK, err
    found = []
    for name in ("ckpt", "imported"):
        assert alrnn("analyze", f"{name}.safetensors", "--trials", "20", *QUICK)[0] == ExitCode.OK
        found.append(json.loads((tmp_path / f"{name}.analysis.json").read_text()))
    for key in ("score", "regions", "fixed_points", "cycles", "transitions", "units"):
        assert found[0][key] == found[1][key], key


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["--model", "gru", "--P", "3"], ExitCode.USAGE, "--P has no meaning for --model gru"),
        (["--model", "gru", "--init", "paper"], ExitCode.USAGE, "--init has no meaning for --model gru"),
        (["--model", "rnn", "--tau", "0.1"], ExitCode.USAGE, "--tau has no meaning for --model rnn"),
        (["--model", "lstm", "--phi", "tanh"], ExitCode.USAGE, "it is for --model alrnn or rnn"),
        (["--r-min", "0.5"], ExitCode.USAGE, "it is for --model lru"),
        (["--model", "gruu"], ExitCode.USAGE, "'gru'"),
        (["--model", "gru", "--backend", "cpu"], ExitCode.DEVICE, "--model gru is computed by torch"),
        (["--phi", "gelu", "--backend", "cpu"], ExitCode.DEVICE, "computes the ReLU only, not gelu"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)  # fmt: skip
def test_one_line_where_something_has_no_meaning(alrnn, tmp_path, args, code, words):
    got, out, err = alrnn(*TINY, *args)
    assert (got, out) == (code, "") and words in err
    assert len(err.splitlines()) <= 2 and not list(tmp_path.iterdir())


def test_a_model_of_a_later_version(alrnn, tmp_path):
    assert alrnn(*TINY)[0] == ExitCode.OK
    there = store.load_checkpoint(tmp_path / "ckpt.safetensors")
    config = {**there.meta.config, "model": {**there.meta.config["model"], "model": "mamba"}}
    store.save_checkpoint(
        tmp_path / "x.safetensors", dataclasses.replace(there, meta=dataclasses.replace(there.meta, config=config))
    )
    code, _, err = alrnn("analyze", "x.safetensors")
    assert code == ExitCode.INPUT and "model 'mamba', unknown to this version" in err
