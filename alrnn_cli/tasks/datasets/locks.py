"""Writing in the cache folder: one process at a time for each thing, and errors that say what to do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import MachineError
from .files import Notify

_PATIENCE = 2.0  # seconds of waiting for another process before a word about it


@contextmanager
def alone(path: Path, say: Notify) -> Iterator[None]:
    """Hold the lock of `path`, a file `.NAME.lock` beside it that stays; where another process holds it, wait.

    The operating system lets go of it when its holder ends, however that ends: there are no stale locks to clear.
    Errors: MachineError where the folder or the lock cannot be made.
    """
    from filelock import FileLock, Timeout

    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(hidden(path, "lock"))
        try:
            lock.acquire(timeout=_PATIENCE)
        except Timeout:
            say(f"Waiting for another process that is writing {path}.")
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Every error of the file system within becomes a MachineError (exit code 8) that says what to do."""
    try:
        yield
    except OSError as error:
        raise MachineError(
            f"{path}: cannot be written ({error.strerror or error}).",
            "Free some space, choose a cache folder you can write to (--cache FOLDER or ALRNN_CACHE), or use --data.",
        ) from error


def hidden(path: Path, what: str) -> Path:
    """The name beside `path` of something about it: a/b -> a/.b.lock."""
    return path.with_name(f".{path.name}.{what}")


def remove(path: Path) -> None:
    """Remove a file or folder where it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def settle(made: Path, path: Path) -> None:
    """Give `made`, whose content is on the disk already, the name `path`; the name itself is on the disk afterwards."""
    os.replace(made, path)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
