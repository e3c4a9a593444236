"""Tasks, one file each, found by file name without being imported."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError, closest

if TYPE_CHECKING:
    from .base import Task as Task


@cache
def names() -> list[str]:
    """Names of all tasks: the files in this folder that say which class is theirs, `TASK = …`."""
    files = Path(__file__).parent.glob("*.py")
    return sorted(p.stem.replace("_", "-") for p in files if "\nTASK = " in p.read_text(encoding="utf8"))


def get(name: str) -> type[Task]:
    """The task class called `name`. Errors: UsageError with the closest known name."""
    if name not in names():
        raise UsageError(f"Unknown task {name!r}.", closest(name, names()))
    module = import_module("." + name.replace("-", "_"), __name__)
    task: type[Task] = module.TASK
    return task
