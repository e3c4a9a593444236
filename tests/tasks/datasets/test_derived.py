"""Derived arrays: built once for each key, intact or built again."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from alrnn_cli.errors import InputError
from alrnn_cli.tasks.datasets import cached

from .conftest import at_once

ARRAYS = {
    "tokens": np.arange(12, dtype=np.int32).reshape(3, 4).T,  # not C-contiguous
    "lengths": np.array([1, 2, 3], np.int64),
    "mean": np.float32(0.5) * np.ones((), np.float32),
    "mask": np.array([True, False]),
    "none": np.zeros((0, 5)),
    "text": np.frombuffer("wörter".encode(), np.uint8),
}


class Source:
    """Something to build, that counts how often it is."""

    def __init__(self) -> None:
        self.built = 0
        self.said: list[str] = []

    def build(self) -> Mapping[str, np.ndarray]:
        self.built += 1
        return ARRAYS

    def get(self, key: Mapping[str, object] | None = None, name: str = "tokens") -> dict[str, np.ndarray]:
        return cached("set", name, key or {"source": "abc", "vocabulary": 20_000}, self.build, self.said.append)


def check(found: Mapping[str, np.ndarray]) -> None:
    assert set(found) == set(ARRAYS)
    for name, value in ARRAYS.items():
        assert found[name].dtype == value.dtype
        np.testing.assert_array_equal(found[name], value)


def only(cache: Path) -> Path:
    (path,) = (cache / "set" / "derived").glob("*.safetensors")
    return path


def test_built_once_for_each_key(cache: Path) -> None:
    source = Source()
    for _ in range(3):
        check(source.get())
    assert source.built == len(source.said) == 1
    assert str(cache / "set" / "derived") in source.said[0]
    check(source.get({"vocabulary": 20_000, "source": "abc"}))
    assert source.built == 1
    for n, key in enumerate([{"source": "abc", "vocabulary": 10_000}, {"source": "abd", "vocabulary": 20_000}]):
        source.get(key)
        assert source.built == 2 + n
    source.get(name="mfcc")
    assert source.built == 4


@pytest.mark.parametrize("where", ["start", "middle", "end", "cut", "empty", "text", "another file"])
def test_a_damaged_copy_is_built_again_with_a_sentence(cache: Path, where: str) -> None:
    source = Source()
    source.get()
    path = only(cache)
    content = bytearray(path.read_bytes())
    if where == "another file":
        source.get({"source": "other"}, name="tokens")
        (other,) = set((cache / "set" / "derived").glob("*.safetensors")) - {path}
        path.write_bytes(other.read_bytes())
        source.built -= 1
    elif where in ("cut", "empty", "text"):
        path.write_bytes({"cut": bytes(content[:-5]), "empty": b"", "text": b"hello world, this is no array"}[where])
    else:
        at = {"start": 3, "middle": content.index(b"sha256") + 60, "end": len(content) - 3}[where]
        content[at] ^= 0xFF
        path.write_bytes(content)
    source.said.clear()
    check(source.get())
    assert source.built == 2
    if where != "another file":  # that one is intact, but of something else
        assert str(path) in source.said[0] and "built again" in source.said[0]
    check(source.get())
    assert source.built == 2


def test_what_a_killed_writer_left_does_not_count_and_is_cleared(cache: Path) -> None:
    source = Source()
    source.get()
    path = only(cache)
    left = path.with_name(f".{path.name}.abc123")
    path.rename(left)
    check(source.get())
    assert source.built == 2
    assert not left.exists()


def test_an_error_while_building_keeps_nothing_and_is_passed_on(cache: Path) -> None:
    def fails() -> Mapping[str, np.ndarray]:
        raise OSError(errno.ENOENT, "no such review")

    with pytest.raises(OSError, match="no such review"):
        cached("set", "tokens", {}, fails, lambda line: None)
    assert not list((cache / "set" / "derived").glob("*.safetensors"))
    check(cached("set", "tokens", {}, lambda: ARRAYS, lambda line: None))


def test_a_cache_that_cannot_be_written_costs_only_time(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source()
    cache.write_bytes(b"")
    check(source.get())
    check(source.get())
    assert source.built == 2
    assert "will have to be built again" in source.said[-1]
    cache.unlink()

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    check(source.get())
    assert "No space left" in source.said[-1]
    assert not [p for p in (cache / "set" / "derived").iterdir() if not p.name.endswith(".lock")]


def test_a_key_must_be_json(cache: Path) -> None:
    with pytest.raises((TypeError, ValueError)):
        Source().get({"path": Path("x")})
    with pytest.raises(ValueError):
        Source().get({"x": float("nan")})


def test_an_error_of_the_user_s_stays_one(cache: Path) -> None:
    def fails() -> Mapping[str, np.ndarray]:
        raise InputError("bad review")

    with pytest.raises(InputError, match="bad review"):
        cached("set", "tokens", {}, fails, lambda line: None)


BUILD = """
import time
import numpy as np
from alrnn_cli import store
from alrnn_cli.tasks.datasets import cached

def build():
    time.sleep(0.2)
    return {"x": np.arange(1000)}

def work():
    said = []
    found = cached("set", "x", {}, build, said.append)
    return f"{found['x'].sum()} {sum('Building' in line for line in said)}"
"""


def test_twenty_processes_at_once_build_once(cache: Path) -> None:
    assert at_once(BUILD) == ["499500 0"] * 19 + ["499500 1"]
