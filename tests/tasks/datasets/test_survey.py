"""What is in the cache folder, in each of its states."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from alrnn_cli.errors import MachineError
from alrnn_cli.tasks.datasets import RemoteFile, cached, fetch, fetch_unpacked
from alrnn_cli.tasks.datasets.survey import Item, survey

from .conftest import BODY, NAME, Server, remote
from .test_unpack import tar


def by_name(*remotes: tuple[str, RemoteFile]) -> dict[str, Item]:
    files: dict[str, tuple[RemoteFile, ...]] = {"generated": ()}
    for task, file in remotes:
        files[task] = (*files.get(task, ()), file)
    items = survey(files)
    assert len({i.path for i in items}) == len(items)
    return {i.name: i for i in items}


def test_nothing_there(server: Server, cache: Path) -> None:
    (item,) = by_name(("one", remote(server, "ok")), ("two", remote(server, "ok"))).values()
    assert (item.state, item.bytes, item.expected, item.tasks) == ("missing", 0, len(BODY), ("one", "two"))
    assert not cache.exists()


def test_complete_damaged_and_half_finished(server: Server, cache: Path) -> None:
    file = remote(server, "ok")
    path = fetch(file, lambda line: None)
    assert by_name(("one", file))[NAME].state == "complete"
    path.write_bytes(BODY[:-1])
    assert by_name(("one", file))[NAME].state == "damaged"
    path.unlink()
    with pytest.raises(MachineError):
        fetch(remote(server, "cut"), lambda line: None)
    item = by_name(("one", file))[NAME]
    assert item.state == "half-finished"
    assert 0 < item.bytes < len(BODY)
    assert len(by_name(("one", file))) == 1


def test_another_packing_of_the_right_content_is_complete(server: Server, cache: Path) -> None:
    file = remote(server, "ok", content_md5=hashlib.md5(b"content").hexdigest())
    (cache / "set").mkdir(parents=True)
    (cache / "set" / NAME).write_bytes(b"content")
    assert by_name(("one", file))[NAME].state == "complete"


def test_archives_derived_arrays_and_what_others_left(server: Server, cache: Path) -> None:
    server.bodies["set.tar"] = tar(("a", b"12345"), ("b/c", b"67"))
    file = remote(server, "ok", name="set.tar", archive=True)
    folder = fetch_unpacked(file, lambda line: None)
    cached("set", "tokens", {}, lambda: {"x": np.zeros(100)}, lambda line: None)
    cached("mine", "tokens", {}, lambda: {"x": np.zeros(100)}, lambda line: None)
    (derived,) = (cache / "set" / "derived").glob("*.safetensors")
    (cache / "set" / "derived" / ".mfcc-01.safetensors.abc").write_bytes(b"123")
    (cache / "set" / "unpacked" / ".set-0123.unpacking").mkdir()
    (cache / "set" / "notes.txt").write_bytes(b"hello")
    (cache / "set" / ".DS_Store").write_bytes(b"")
    (cache / "stray").write_bytes(b"not in a dataset's folder")
    items = by_name(("one", file), ("mine", remote(server, "ok")))
    states = {n: (i.dataset, i.kind, i.state, i.tasks) for n, i in items.items() if i.dataset == "set"}
    assert states == {
        "set.tar": ("set", "download", "complete", ("one", "mine")),
        NAME: ("set", "download", "missing", ("one", "mine")),
        folder.name: ("set", "unpacked", "complete", ("one", "mine")),
        "set-0123": ("set", "unpacked", "half-finished", ("one", "mine")),
        derived.name: ("set", "derived", "complete", ("one", "mine")),
        "mfcc-01.safetensors": ("set", "derived", "half-finished", ("one", "mine")),
        "notes.txt": ("set", "other", "complete", ("one", "mine")),
    }
    assert items[folder.name].bytes == 7
    (cache / "set" / "set.tar").unlink()
    assert by_name(("one", file))["set.tar"].state == "not needed"
    mine = [i for i in survey({"mine": ()}) if i.dataset == "mine"]
    assert [(i.kind, i.state, i.tasks) for i in mine] == [("derived", "complete", ("mine",))]
