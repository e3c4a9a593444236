"""From what a user asks for to the configuration of one run: task, its options, recipe, file, flags."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import config as configuration
from . import tasks
from .config import RunConfig
from .errors import UsageError


def request(
    task: str,
    options: Mapping[str, Any],
    settings: Mapping[str, Any],
    *,
    file: Mapping[str, Any] | None = None,
    data: str | Path | None = None,
    recipe: str = "default",
) -> tuple[type[tasks.Task], RunConfig]:
    """The task's class and the resolved run. Precedence: settings, then `file`, then the task's recipe, then built-in.

    settings, file: flat names of the configuration; recipe: "default" or "paper". Nothing is read of the data.
    Errors: UsageError that names what cannot be.
    """
    task_class = tasks.get(task)
    if task_class.needs_data and data is None and not task_class.remote:
        raise UsageError(f"Task {task!r} reads your own data.", f"Give it: --task {task} --data FILE")
    recipes = {"default": task_class.recipe, "paper": task_class.paper_recipe}
    if recipe not in recipes:
        raise UsageError(f"--recipe {recipe}: expected default or paper.")
    if recipe == "paper" and not task_class.paper_recipe:
        raise UsageError(f"--recipe paper: no recipe was published for task {task!r}.", "Leave it out.")
    base = {"encoder": task_class.encoder, **recipes[recipe]}
    resolved = task_class.resolve_options(dict(options))
    layers = [base, file or {}, settings]
    return task_class, configuration.resolve(task, resolved, layers, os.fspath(data) if data else None)
