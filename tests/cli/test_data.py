"""`alrnn data`, and its Python twin, against a loopback server."""

# ruff: noqa: F811 (fixtures are imported, then asked for by name)
from __future__ import annotations

import json
from pathlib import Path

import pytest

import alrnn_cli as api
from alrnn_cli import tasks
from alrnn_cli.cli import app
from alrnn_cli.errors import ExitCode, UsageError
from alrnn_cli.tasks import smnist

from ..tasks import idx
from ..tasks.datasets.conftest import Server, cache, server  # noqa: F401


@pytest.fixture
def mnist(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """smnist's four files, tiny, on the server."""
    files, server.bodies = idx.remote(idx.arrays(), f"{server.url}/ok")
    monkeypatch.setattr(smnist, "FILES", files)
    monkeypatch.setattr(smnist.SequentialMNIST, "remote", tuple(files.values()))
    return server


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        app.run(["data", *words])
    captured = capsys.readouterr()
    assert isinstance(stop.value.code, int)
    return stop.value.code, captured.out, captured.err


def states(capsys: pytest.CaptureFixture[str]) -> list[str]:
    code, out, err = run(capsys, "status", "--json")
    assert (code, err) == (0, "")
    content = json.loads(out)
    assert content["schema"] == "alrnn.data/1"
    return [i["state"] for i in content["items"] if i["dataset"] == "mnist" and i["kind"] == "download"]


def test_fetch_status_path(mnist: Server, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert states(capsys) == ["missing"] * 4
    code, out, err = run(capsys, "fetch", "smnist")
    assert (code, out) == (0, f"{cache / 'mnist'}\n")
    assert err.count("Downloading") == len(mnist.asked) == 4
    assert states(capsys) == ["complete"] * 4
    code, out, err = run(capsys, "fetch", "smnist", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["folders"] == {"smnist": str(cache / "mnist")}
    assert len(mnist.asked) == 4
    assert run(capsys, "path", "smnist") == (0, f"{cache / 'mnist'}\n", "")
    assert len(tasks.get("smnist")(data=str(cache / "mnist")).split("train")) == 36
    (cache / "mnist" / idx.NAMES["train labels"]).with_suffix(".gz").write_bytes(b"")
    code, out, err = run(capsys, "status")
    assert code == 0
    assert "damaged" in out and "smnist" in out
    assert "never read" in err


def test_a_fetch_that_fails_exits_8(mnist: Server, capsys: pytest.CaptureFixture[str]) -> None:
    mnist.bodies = dict.fromkeys(mnist.bodies, b"nothing")
    code, out, err = run(capsys, "fetch", "smnist", "-q")
    assert (code, out) == (ExitCode.MACHINE, "")
    assert "Could not download train-images-idx3-ubyte.gz" in err
    assert len(err.splitlines()) == 2


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["fetsch", "smnist"], "Did you mean 'fetch'?"),
        (["fetch"], "expected at least one task"),
        (["path"], "expected one task"),
        (["path", "smnist", "smnist"], "expected one task"),
        (["status", "smnist"], "status takes no task"),
        (["fetch", "smnits"], "'smnist'"),
        (["fetch", "smnist", "addition"], "Task 'addition' downloads nothing"),
    ],
)
def test_bad_input_is_a_usage_error_before_anything_is_fetched(
    mnist: Server, capsys: pytest.CaptureFixture[str], words: list[str], expected: str
) -> None:
    code, out, err = run(capsys, *words)
    assert (code, out) == (ExitCode.USAGE, "")
    assert expected in err
    assert mnist.asked == []


def test_cache_option_is_the_environment_s(alrnn, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    done = alrnn("data", "path", "smnist", "--cache", "here")
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'here' / 'mnist'}\n")
    done = alrnn("data", "path", "smnist", env={"ALRNN_CACHE": str(tmp_path / "there")})
    assert done.stdout == f"{tmp_path / 'there' / 'mnist'}\n"
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize("command", ["train", "analyze", "import"])
def test_other_commands_take_their_data_from_the_cache_option(command: str, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("ALRNN_CACHE", "elsewhere")
    arguments = {
        "train": ["--task", "nope"],
        "analyze": ["none.safetensors"],
        "import": ["none", "--from", "torch-rnn"],
    }
    with pytest.raises(SystemExit):
        app.run([command, *arguments[command], "--cache", str(tmp_path)])
    from alrnn_cli.tasks.datasets import cache_dir

    assert cache_dir() == tmp_path


def test_from_python(mnist: Server, cache: Path) -> None:
    said: list[str] = []
    assert api.data.path("smnist") == cache / "mnist"
    assert not cache.exists()
    assert api.data.fetch("smnist", say=said.append) == cache / "mnist"
    assert len(said) == 4
    assert {i.state for i in api.data.status() if i.dataset == "mnist"} == {"complete"}
    with pytest.raises(UsageError, match="downloads nothing"):
        api.data.fetch("addition")


@pytest.mark.parametrize("width", [80, 120])
def test_status_fits_the_terminal(
    mnist: Server,
    cache: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    width: int,
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    run(capsys, "fetch", "smnist", "-q")
    _, out, _ = run(capsys, "status")
    table = out.splitlines()[2:]
    assert max(map(len, table)) <= width
    assert sum("complete" in line for line in table) == 4
