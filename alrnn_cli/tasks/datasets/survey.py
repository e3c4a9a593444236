"""What is in the cache folder: complete, half-finished, missing, and for which tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .download import is_intact
from .files import RemoteFile, cache_dir
from .locks import hidden
from .unpack import unpacked


@dataclass(frozen=True)
class Item:
    """One thing in the cache folder, or a remote file that is not there.

    kind: "download", "unpacked", "derived" or "other" (put there by somebody else); state: "complete", "half-finished",
    "missing", "damaged" (of another size than published) or "not needed" (an archive whose unpacked files are there);
    bytes: on the disk; expected: of the whole, where that is known; tasks: that read it.
    """

    dataset: str
    kind: str
    name: str
    state: str
    bytes: int
    expected: int | None
    tasks: tuple[str, ...]
    path: Path


def survey(remote: Mapping[str, tuple[RemoteFile, ...]]) -> list[Item]:
    """Everything there, dataset by dataset. remote: the remote files of every task, by its name.

    Sizes are compared, hashes are not: `fetch` does that. Errors: OSError where the cache folder cannot be read.
    """
    root = cache_dir()
    known = {file.dataset for files in remote.values() for file in files}
    found = {p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")} if root.is_dir() else set()
    items: list[Item] = []
    for dataset in sorted(known | found):
        files = {f: None for fs in remote.values() for f in fs if f.dataset == dataset}  # in their order, each once
        tasks = tuple(t for t, fs in remote.items() if t == dataset or any(f.dataset == dataset for f in fs))
        items += (_download(root / dataset / f.name, f, tasks) for f in files)
        items += _others(root / dataset, {f.name for f in files}, tasks)
    return items


def _download(path: Path, file: RemoteFile, tasks: tuple[str, ...]) -> Item:
    part = hidden(path, "downloading") / "part"
    state, there = "missing", 0
    if path.is_file():
        there = path.stat().st_size
        state = "complete" if there == file.size or (file.content_md5 and is_intact(path, file)) else "damaged"
    elif part.is_file():
        state, there = "half-finished", part.stat().st_size
    elif unpacked(file.dataset, file.name, file.hash).is_dir():
        state = "not needed"
    return Item(file.dataset, "download", file.name, state, there, file.size, tasks, path)


def _others(folder: Path, downloads: set[str], tasks: tuple[str, ...]) -> Iterator[Item]:
    """What is in a dataset's folder besides its downloads."""
    kinds = ((folder / "unpacked", "unpacked"), (folder / "derived", "derived"), (folder, "other"))
    for place, kind in kinds:
        for path in sorted(place.iterdir()) if place.is_dir() else []:
            name, state = path.name, "complete"
            if name.startswith("."):
                # .NAME.unpacking, .NAME.safetensors.RANDOM; a half-finished download has been told of; locks and .DS_Store are nothing
                name, _, what = name[1:].rpartition(".")
                state = "half-finished"
                if not name or what == "lock" or (what == "downloading" and name in downloads):
                    continue
            elif kind == "other" and name in (*downloads, "unpacked", "derived"):
                continue
            yield Item(folder.name, kind, name, state, _size(path), None, tasks, path)


def _size(path: Path) -> int:
    if not path.is_dir():
        return path.lstat().st_size
    return sum(p.lstat().st_size for p in path.rglob("*") if not p.is_dir())
