"""The README's first command, and its three commands in one folder, at a reduced size."""

import re
from pathlib import Path

README = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf8")


def test_demo(alrnn, tmp_path, monkeypatch):
    done = alrnn("demo", timeout=300)
    assert done.returncode == 0, done.stderr
    for command in ("$ alrnn train --task addition", "$ alrnn analyze", "$ alrnn plot phase"):
        assert command in done.stdout
    assert re.search(r"Found: test mse \d", done.stdout)
    assert "is a gate" in done.stdout
    assert (tmp_path / "alrnn-demo" / "phase.png").stat().st_size > 10_000


def test_readme_commands_chain_in_one_folder(alrnn, tmp_path):
    block = README.split("## Three commands")[1].split("The first prints")[0]
    commands = [line.strip().split()[1:] for line in block.splitlines() if line.strip().startswith("alrnn ")]
    assert [c[0] for c in commands] == ["train", "analyze", "plot"]
    commands[0] += [
        "--task-opt",
        "T=6",
        "--task-opt",
        "train=40",
        "--task-opt",
        "validation=20",
        "--task-opt",
        "test=20",
        "--M",
        "4",
        "--batch",
        "20",
    ]
    commands[0] += ["--epochs", "2"]
    for command in commands:
        done = alrnn(*command)
        assert done.returncode == 0, done.stderr
    assert {p.name for p in tmp_path.iterdir()} == {
        "ckpt.safetensors", "ckpt.analysis.json", "ckpt.analysis.safetensors", "bitcodes.pdf"
    }  # fmt: skip
