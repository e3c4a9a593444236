"""What scripts rely on: exit codes, streams, options, and that help is quick because it loads little."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import typer

from alrnn_cli.cli import app as cli
from alrnn_cli.errors import ExitCode
from alrnn_cli.store import save_checkpoint

from ..test_store import checkpoint

TINY = ("--task", "addition", "--task-opt", "T=6", "--task-opt", "train=40", "--task-opt", "validation=20",
        "--task-opt", "test=20", "--M", "4", "--P", "1", "--batch", "20", "--epochs", "2", "--restarts", "0")  # fmt: skip

#: what a run is made of
RUN = """--model --M --P --phi --r-min --r-max --init --recurrent-scale --period-min --input-scale --readout --readout-bias --z0 --encoder --epochs --batch --lr
    --lr-recurrent --schedule --warmup --clip --weight-decay --tau --M-reg --fresh --curriculum --restarts --restart-after --restart-above --select
    --eval-seed --eval-every --patience --target --max-steps --max-seconds"""
OPTIONS = {
    "train": f"""{RUN} --task --task-opt --data --cache --config --recipe --no-readout-bias --no-fresh --seed --device --backend --threads --tf32
        --out -o --overwrite --resume --save-every --require --watch --dry-run --json --quiet -q --debug""",
    "analyze": """--data --cache --trials --steps --transient --seed --trajectories --input --input-sweep --max-period --virtual --budget
        --lesions --linearise-until --save-reduced --compat --lyapunov --out -o --json --quiet -q --debug""",
    "plot": "--list --width --option --task --task-opt --task-data --cache --out -o --format --data --caption --show --json --debug",
    "sweep": f"""{RUN} --task --task-opt --data --cache --seeds --config --recipe --executor --slurm --wait --workers --stack --shard --device --backend --threads
        --retries --out -o --analyze --trials --dry-run --metric --where --sort --pivot --format --json --quiet -q --debug""",
    "profile": f"""{RUN} --task --task-opt --data --cache --recipe --tolerance --confidence --min-seeds --max-seeds --train-sizes --metric --workers --stack
        --device --backend --threads --retries --out -o --json --quiet -q --debug""",
    "worker": "--stack --device --backend --threads --retries --analyze --trials --wait --no-wait --requeue --json --quiet -q --debug",
    "report": "--baseline --out -o --json --quiet -q --debug",
    "tasks": "--json --debug",
    "demo": "--folder --debug",
    "import": "--from --P --readout --task --task-opt --data --cache --out -o --overwrite --json --quiet -q --debug",
    "data": "--cache --json --quiet -q --debug",
    "bench": "--part --case --repeats --device --threads --tf32 --plot --json --quiet -q --debug",
}


@pytest.mark.parametrize("command", [("train", *TINY), ("bench",)], ids=lambda c: c[0])
def test_tf32_is_refused_where_it_would_do_nothing(alrnn, command):
    done = alrnn(*command, "--tf32")
    assert done.returncode == ExitCode.USAGE
    assert "--tf32 is for GPUs" in done.stderr


def test_options_are_frozen():
    root = typer.main.get_command(cli.app)
    assert set(root.commands) == set(OPTIONS)
    for name, command in root.commands.items():
        found = {o for p in command.params if p.param_type_name == "option" for o in [*p.opts, *p.secondary_opts]}
        assert found == set(OPTIONS[name].split()), name


def test_every_option_is_explained_in_help(alrnn):
    root = typer.main.get_command(cli.app)
    for name, command in root.commands.items():
        page = alrnn(name, "--help").stdout
        assert f"alrnn {name}" in page
        for p in command.params:
            assert p.help, f"{name} {p.name}"
            for spelling in p.opts if p.param_type_name == "option" else []:
                assert spelling in page
        assert max(map(len, page.splitlines())) <= 116


@pytest.mark.parametrize(
    "args",
    [["--help"], ["train", "--help"], ["import", "--help"], ["import", "x.pt"], ["train", "--task", "nope"], ["train", "--taks", "x"], ["train", "--lr", "x"],
     ["train", "--task", "addition", "--P", "60"], ["train", "--task", "addition", "--task-opt", "T=x"], ["train"]],
    ids=" ".join,
)  # fmt: skip
def test_help_and_usage_errors_load_nothing_heavy(args):
    code = (
        "import sys\nfrom alrnn_cli.cli.app import run\n"
        f"try:\n    run({args!r})\nexcept SystemExit as stop:\n    code = stop.code\n"
        "print([m for m in ('torch', 'scipy', 'matplotlib', 'numba', 'numpy') if m in sys.modules], code, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    expected = 0 if "--help" in args else 2
    assert done.stderr.splitlines()[-1] == f"[] {expected}"


def test_exit_ok_and_streams(alrnn, tmp_path):
    done = alrnn("train", *TINY)
    assert done.returncode == ExitCode.OK, done.stderr
    assert "Wrote ckpt.safetensors" in done.stdout
    assert "Next: alrnn analyze ckpt.safetensors" in done.stderr
    again = alrnn("train", *TINY, "--json")
    assert again.returncode == ExitCode.OK
    assert json.loads(again.stdout)["already_trained"] is True


def test_json_is_one_object_with_a_schema(alrnn):
    trained = json.loads(alrnn("train", *TINY, "--json", "-q").stdout)
    assert trained["schema"] == "alrnn.train/1"
    assert np.isfinite(trained["metrics"]["test"]["mse"])
    analyzed = alrnn("analyze", "ckpt.safetensors", "--json", "--trials", "10")
    assert json.loads(analyzed.stdout)["schema"] == "alrnn.analysis/1", analyzed.stderr
    assert json.loads(alrnn("plot", "loss", "--json").stdout)["schema"] == "alrnn.plot/1"
    assert json.loads(alrnn("report", "--json").stdout)["schema"] == "alrnn.page/1"
    assert json.loads(alrnn("plot", "--list", "--json").stdout)["schema"] == "alrnn.figures/1"
    assert json.loads(alrnn("tasks", "--json").stdout)["schema"] == "alrnn.tasks/1"
    assert json.loads(alrnn("tasks", "addition", "--json").stdout)["schema"] == "alrnn.task/1"
    assert json.loads(alrnn("train", *TINY, "--dry-run", "--json").stdout)["schema"] == "alrnn.config/1"


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["train", "--task", "addtion"], 2, "addition"),
        (["train", "--task", "addition", "--P", "60"], 2, "--P 60 exceeds --M 50"),
        (["train", "--task", "addition", "--task-opt", "Q=1"], 2, "Unknown option 'Q'"),
        (["train", "--task", "custom"], 2, "--data FILE"),
        (["train", "--task", "custom", "--data", "none.npz"], 3, "none.npz"),
        (["train", "--task", "addition", "--device", "cuda:7"], 5, "cuda:7"),
        (["train", "--task", "addition", "--require", "mse<=x"], 2, "operator and a number"),
        (["train", *TINY, "--require", "accuracy>=1"], 2, "not a metric"),
        (["train", "--task", "addition", "--config", "none.toml"], 3, "none.toml"),
        (["analyze", "none.safetensors"], 3, "none.safetensors"),
        (["analyze", "none-1.safetensors", "none-2.safetensors"], 3, "none-1.safetensors"),
        (["analyze", "x.safetensors", "--compat", "alrnn"], 2, "--compat alrnn: expected alrnn-dsr"),
        (["plot", "bitcods"], 2, "bitcodes"),
        (["plot", "bitcodes"], 2, "no *.analysis.json"),
        (["plot", "bitcodes", "none.analysis.json"], 3, "none.analysis.json"),
        (["report"], 2, "no *.analysis.json"),
        (["report", "none.analysis.json"], 3, "none.analysis.json"),
        (["report", "-o", "report.pdf"], 2, "--out report.pdf: must end in .html"),
        (["tasks", "addtion"], 2, "addition"),
        (["bogus"], 2, "bogus"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else str(v),
)
def test_bad_input_gets_one_clear_line(alrnn, tmp_path, args, code, words):
    done = alrnn(*args)
    assert done.returncode == code
    assert done.stdout == ""
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 3
    as_json = alrnn(*args, "--json")
    assert as_json.stdout == ""
    line = json.loads(as_json.stderr.splitlines()[-1])
    assert (line["schema"], line["exit_code"]) == ("alrnn.error/1", code)
    assert not list(tmp_path.iterdir())


def test_exit_3_corrupt_checkpoint(alrnn, tmp_path):
    (tmp_path / "x.safetensors").write_bytes(b"nonsense")
    assert alrnn("analyze", "x.safetensors").returncode == ExitCode.INPUT


def test_exit_3_tensors_that_are_not_a_model(alrnn, tmp_path):
    save_checkpoint(tmp_path / "x.safetensors", checkpoint())
    done = alrnn("analyze", "x.safetensors")
    assert done.returncode == ExitCode.INPUT, done.stderr
    assert "no tensor 'C'" in done.stderr


def test_exit_4_other_configuration(alrnn, tmp_path):
    assert alrnn("train", *TINY).returncode == 0
    before = (tmp_path / "ckpt.safetensors").read_bytes()
    refused = alrnn("train", *TINY, "--lr", "0.5")
    assert refused.returncode == ExitCode.EXISTS
    assert "training.lr" in refused.stderr
    assert (tmp_path / "ckpt.safetensors").read_bytes() == before
    assert alrnn("train", *TINY, "--lr", "0.5", "--overwrite").returncode == 0


def test_exit_6_diverged(alrnn, tmp_path):
    done = alrnn("train", *TINY, "--lr", "1e9", "--schedule", "constant", "--epochs", "200", "--clip", "0")
    assert done.returncode == ExitCode.DIVERGED, done.stderr
    assert "NaN or infinite" in done.stderr
    assert (tmp_path / "ckpt.safetensors").exists()


def test_exit_7_requirement(alrnn):
    done = alrnn("train", *TINY, "--require", "mse<=1e-12")
    assert done.returncode == ExitCode.REQUIRE
    assert "mse <= 1e-12 (got" in done.stderr
    assert alrnn("train", *TINY, "--require", "mse<=1e12").returncode == 0


def test_exit_8_no_space(alrnn):
    code = (
        "import os, errno\n"
        "def full(*a): raise OSError(errno.ENOSPC, 'No space left on device')\n"
        "os.fsync = full\n"
        f"from alrnn_cli.cli.app import run\nrun({['train', *TINY]!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd="/tmp")
    assert done.returncode == ExitCode.MACHINE, done.stderr
    assert "No space" in done.stderr


def test_exit_1_bug_is_one_line_and_debug_shows_it(monkeypatch, capsys):
    from alrnn_cli.cli import tasks as command

    monkeypatch.setattr(command, "_list", lambda **_: 1 / 0)
    with pytest.raises(SystemExit) as stop:
        cli.run(["tasks"])
    assert stop.value.code == ExitCode.BUG
    assert "ZeroDivisionError" in capsys.readouterr().err
    with pytest.raises(ZeroDivisionError):
        cli.run(["tasks", "--debug"])


@pytest.mark.parametrize(("which", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_save_and_resume_gives_the_same_bytes(alrnn, tmp_path, which, code):
    long = [*TINY, "--epochs", "400"]
    command = [sys.executable, "-c", "from alrnn_cli.cli import main; main()", "train", *long, "--out", "x.safetensors"]
    process = subprocess.Popen(
        [*command, "--save-every", "20"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "x-20.safetensors").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(which)
    sent = time.monotonic()
    _, errors = process.communicate(timeout=30)
    assert process.returncode == code, errors
    assert time.monotonic() - sent < 5
    assert "--resume" in errors
    assert alrnn("train", *long, "--out", "x.safetensors").returncode == ExitCode.EXISTS
    assert alrnn("train", *long, "--out", "x.safetensors", "--resume").returncode == 0
    assert alrnn("train", *long, "--out", "y.safetensors", "--resume").returncode == 0
    assert (tmp_path / "x.safetensors").read_bytes() == (tmp_path / "y.safetensors").read_bytes()


def test_config_file_gives_way_to_flags_and_reads_itself_back(alrnn, tmp_path):
    shown = alrnn("train", *TINY, "--lr", "0.25", "--dry-run")
    (tmp_path / "c.toml").write_text(shown.stdout)
    again = alrnn("train", "--config", "c.toml", "--dry-run")
    assert again.stdout == shown.stdout, again.stderr
    changed = alrnn("train", "--config", "c.toml", "--lr", "0.5", "--dry-run")
    assert "lr = 0.5" in changed.stdout
    (tmp_path / "c.toml").write_text("task = 'addition'\n[training]\nlearning_rate = 1.0\n")
    refused = alrnn("train", "--config", "c.toml", "--dry-run")
    assert refused.returncode == 2
    assert "training.learning_rate" in refused.stderr


def test_checkpoint_as_config(alrnn):
    assert alrnn("train", *TINY).returncode == 0
    again = alrnn("train", "--config", "ckpt.safetensors", "--dry-run", "--json")
    assert json.loads(again.stdout)["training"]["batch"] == 20


def test_paper_recipe_is_the_published_table(alrnn):
    c = json.loads(alrnn("train", "--task", "addition", "--recipe", "paper", "--dry-run", "--json").stdout)
    m, t = c["model"], c["training"]
    assert (m["M"], m["init"], m["readout_bias"], m["z0"]) == (50, "paper", False, "noise")
    assert (t["tau"], t["batch"], t["epochs"], t["clip"], t["schedule"], t["lr"]) == (
        0.1,
        128,
        2000,
        0,
        "constant",
        1e-3,
    )
    assert (c["task_options"]["train"], c["task_options"]["test"], t["M_reg"], t["fresh"]) == (10_000, 1_000, 25, False)


def test_several_analyses_ask_which(alrnn, tmp_path):
    for name in ("a", "b"):
        assert alrnn("train", *TINY, "-o", f"{name}.safetensors").returncode == 0
        assert alrnn("analyze", f"{name}.safetensors", "--trials", "5").returncode == 0
    done = alrnn("plot", "bitcodes")
    assert done.returncode == 2
    assert "a.analysis.json, b.analysis.json" in done.stderr
    assert alrnn("plot", "loss", "a.analysis.json", "b.analysis.json", "-o", "l.svg").returncode == 0
    assert alrnn("plot", "loss", "a.analysis.json", "-o", "l.bmp").returncode == 2
