"""The data of tasks, as `alrnn data` has them: fetch them, say what is there, say where."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from . import tasks
from .errors import MachineError, UsageError

if TYPE_CHECKING:
    from .tasks.datasets import Notify, RemoteFile
    from .tasks.datasets.download import Progress
    from .tasks.datasets.survey import Item


def fetch(task: str, *, say: Notify | None = None, progress: Progress | None = None) -> Path:
    """Download what `task` needs and unpack its archives, where that has not been done.

    say: told in one sentence each what is done (None: nobody); progress: called with (bytes so far, bytes in all) of each file.
    Returns: the folder. Errors: UsageError for a task that downloads nothing, MachineError where no mirror delivers.
    """
    from .tasks.datasets import fetch as one
    from .tasks.datasets import fetch_unpacked

    files = remote(task)
    for file in files:
        (fetch_unpacked if file.archive else one)(file, say or (lambda sentence: None), progress)
    return path(task)


def path(task: str) -> Path:
    """The folder in the cache with the data of `task`, whether or not it is there.

    Errors: UsageError for a task that downloads nothing.
    """
    from .tasks.datasets import cache_dir

    return cache_dir() / remote(task)[0].dataset


def status() -> list[Item]:
    """Everything in the cache folder, and what tasks could have there. Errors: MachineError where it cannot be read."""
    from .tasks.datasets.survey import survey

    try:
        return survey({name: tasks.get(name).remote for name in tasks.names()})
    except OSError as error:
        raise MachineError(
            f"{error.filename}: cannot be read ({error.strerror}).", "Choose another cache folder: --cache FOLDER."
        ) from error


def fetchable() -> list[str]:
    """The tasks that have something to download."""
    return [name for name in tasks.names() if tasks.get(name).remote]


def remote(task: str) -> tuple[RemoteFile, ...]:
    """The files that `task` downloads, at least one. Errors: UsageError."""
    found = tasks.get(task).remote
    if not found:
        raise UsageError(f"Task {task!r} downloads nothing.", f"Those that do: {', '.join(fetchable())}.")
    return found
