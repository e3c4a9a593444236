"""docs/tasks.md lists every task's options with their defaults, and its example does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from alrnn_cli import tasks

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "tasks.md").read_text(encoding="utf-8")


def section(name: str) -> str:
    found = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", TEXT, re.M | re.S)
    assert found, f"docs/tasks.md has no section {name!r}"
    return found[1]


@pytest.mark.parametrize("name", tasks.names())
def test_every_option_is_there_with_its_default(name: str) -> None:
    text = section(name)
    for option in tasks.get(name).options:
        default = str(option.default).lower() if isinstance(option.default, bool) else str(option.default)
        assert f"| `{option.name}` | {default} | {option.unit}" in text


def test_the_example_gives_the_description(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code = re.search(r"```python\n(.*?)```", section("custom"), re.S)
    assert code
    exec(compile(code[1], "docs/tasks.md", "exec"), {})
    task = tasks.get("custom")(data="trials.npz")
    assert task.describe_data() in section("custom")
    assert task.condition_names == ("first", "none", "second")
