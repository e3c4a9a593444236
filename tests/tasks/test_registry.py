"""Tasks are found by name, and their options parsed, before any data is touched."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest

from alrnn_cli import tasks
from alrnn_cli.errors import UsageError
from alrnn_cli.tasks.base import Option
from alrnn_cli.tasks.scores import accuracy, cross_entropy, mse


def test_names_are_the_task_files() -> None:
    assert {"addition", "custom", "multitask", "smnist"} <= set(tasks.names())
    assert not {"base", "cognitive", "datasets", "generated", "recall", "npz", "scores"} & set(tasks.names())


def test_unknown_task_names_the_closest() -> None:
    with pytest.raises(UsageError) as caught:
        tasks.get("adition")
    assert "'addition'" in caught.value.hint


def test_tasks_import_without_torch() -> None:
    code = (
        "import sys; from alrnn_cli import tasks; [tasks.get(n) for n in tasks.names()]; "
        "assert not {'torch', 'scipy', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("name", tasks.names())
def test_a_task_says_what_it_must(name: str) -> None:
    task = tasks.get(name)
    assert task.name == name
    assert task.summary
    assert task.description
    assert task.citation
    for option in task.options:
        assert option.help
        assert option.parse(option.default, name) == option.default
        assert option.parse(str(option.default), name) == option.default


@pytest.mark.parametrize("name", [n for n in tasks.names() if tasks.get(n).remote])
def test_remote_files_are_described_in_full(name: str) -> None:
    files = tasks.get(name).remote
    assert tasks.get(name).needs_data
    assert len({f.dataset for f in files}) == 1
    assert len({f.name for f in files}) == len(files)
    for f in files:
        assert re.fullmatch("[a-z0-9_-]+", f.dataset)
        assert re.fullmatch(r"[A-Za-z0-9][\w.-]*", f.name)
        assert re.fullmatch("(sha256:[0-9a-f]{64}|md5:[0-9a-f]{32})", f.hash)
        assert re.fullmatch("([0-9a-f]{32})?", f.content_md5)
        assert f.size > 0
        assert f.urls and all(re.match("https?://", url) for url in f.urls)


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        (Option("a", 1, ""), "12", 12),
        (Option("a", 1, ""), 12.0, 12),
        (Option("a", 0.5, ""), "2", 2.0),
        (Option("a", False, ""), "Yes", True),
        (Option("a", False, ""), "0", False),
        (Option("a", True, ""), False, False),
        (Option("a", "x", "", choices=("x", "y")), "y", "y"),
        (Option("a", 0.5, "", above=0, maximum=1), "1", 1.0),
        (Option("a", 3, "", minimum=3), "3", 3),
    ],
)
def test_options_parse(option: Option, text: object, value: object) -> None:
    got = option.parse(text, "t")
    assert got == value
    assert type(got) is type(option.default)


@pytest.mark.parametrize(
    ("option", "text", "word"),
    [
        (Option("a", 1, ""), "1.5", "a whole number"),
        (Option("a", 1, ""), 1.5, "a whole number"),
        (Option("a", 1, ""), float("inf"), "a whole number"),
        (Option("a", 1, ""), True, "a whole number"),
        (Option("a", 1, ""), None, "a whole number"),
        (Option("a", 1.0, ""), "nan", "a number"),
        (Option("a", 1.0, ""), [1.0], "a number"),
        (Option("a", False, ""), "maybe", "true or false"),
        (Option("a", "x", "", choices=("x", "y")), "z", "one of x, y"),
        (Option("a", 1, "", minimum=0), "-1", "at least 0"),
        (Option("a", 1, "", maximum=2), "3", "at most 2"),
        (Option("a", 1.0, "", above=0), "0", "above 0"),
    ],
)
def test_bad_options_say_what_they_take(option: Option, text: object, word: str) -> None:
    with pytest.raises(UsageError) as caught:
        option.parse(text, "t")
    assert word in caught.value.message
    assert "--task-opt a=" in caught.value.message


def test_unknown_option_names_the_closest() -> None:
    with pytest.raises(UsageError) as caught:
        tasks.get("smnist").resolve_options({"permute": True})
    assert "'permuted'" in caught.value.hint


def test_custom_without_data_says_what_to_give() -> None:
    with pytest.raises(UsageError) as caught:
        tasks.get("custom")()
    assert "--data FILE" in caught.value.hint


def test_scores_against_hand_computed_values() -> None:
    assert mse(np.array([[1.0], [3.0]]), np.array([[0.0], [1.0]])) == 2.5
    logits, labels = np.array([[0.0, np.log(3.0)], [1000.0, 1000.0]]), np.array([1, 1])
    assert accuracy(logits, labels) == 0.5  # a tie goes to the first class
    assert cross_entropy(logits, labels) == pytest.approx((np.log(4 / 3) + np.log(2)) / 2)
