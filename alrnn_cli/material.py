"""What a model is analysed on: its task's test trials, a free run where it has no task, or states from a file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from . import maps, store
from .analysis import Scoring
from .errors import UsageError
from .foreign import deviation, doubt, load_trajectories, task_facts
from .freerun import free_run
from .records import Checkpoint, Parameters, Trajectories, Trials
from .tasks.base import Task


@dataclass(frozen=True)
class Material:
    """trajectories, and what a report says of them: task (None for a free run), score, chance; settings: how they were made;
    scoring: the task's, for analysis to ask of other outputs on the same trials (None without a task)."""

    trajectories: Trajectories
    task: dict[str, Any] | None
    score: dict[str, float]
    chance: dict[str, float]
    settings: dict[str, Any]
    warnings: tuple[str, ...]
    scoring: Scoring | None = None


@dataclass(frozen=True)
class Request:
    """What to analyse a model on. None: the default of where the states come from.

    data: the task's, if not where they were; trials [500 of a task, 64 of a free run, all of a file]; steps [1000], transient [0]
    and seed [0] of a free run; trajectories: a file of states in place of both.
    """

    data: str | None = None
    trials: int | None = None
    steps: int | None = None
    transient: int | None = None
    seed: int | None = None
    trajectories: Path | None = None

    def __post_init__(self) -> None:
        for name, least in (("trials", 1), ("steps", 1), ("transient", 0), ("seed", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise UsageError(f"--{name} {value}: expected at least {least}.", "Leave it out for the default.")

    def refuse(self, names: tuple[str, ...], why: str, hint: str) -> None:
        """Errors: UsageError where one of these is given."""
        for name in names:
            if getattr(self, name) is not None:
                raise UsageError(f"--{name}: {why}.", hint)


_FREE = ("steps", "transient", "seed")


def material(checkpoint: Checkpoint, request: Request) -> Material:
    """Run the model, or read what it did. Errors: InputError; UsageError for an option that has no meaning here."""
    if request.trajectories is not None:
        request.refuse(
            ("data", *_FREE), "of no use with --trajectories, which brings its own states", "Leave one of them out."
        )
        return _recorded(checkpoint, request.trajectories, request.trials)
    if checkpoint.meta.task is None:
        request.refuse(
            ("data",), "the model has no task", "Import it with --task NAME to analyze it on that task's trials."
        )
        return _free(checkpoint, request)
    request.refuse(_FREE, "for models without a task; this one is run on its task's trials", "Leave it out.")
    return _on_task(checkpoint, request)


def _on_task(checkpoint: Checkpoint, request: Request) -> Material:
    from .rollout import rollout  # needs torch

    rolled = rollout(checkpoint, data=request.data, trials=500 if request.trials is None else request.trials)
    task, trajectories = rolled.task, rolled.trajectories
    facts = {**task_facts(trajectories), "name": task.name, "options": task.opt, "metrics": task.metrics}
    facts["metric"] = next(iter(task.metrics))  # a file has its metrics in alphabetical order
    settings = {"trials": len(trajectories.z), "states": "test trials"}
    return Material(
        trajectories, facts, rolled.score, task.chance, settings, rolled.warnings, _scoring(task, rolled.trials)
    )


def _scoring(task: Task, trials: Trials) -> Scoring:
    """The task's score of the rolled-out trials."""

    def score(outputs: np.ndarray, index: np.ndarray | None) -> dict[str, float]:
        return task.score(outputs, trials if index is None else trials.take(index))

    return Scoring(score, task.metrics, last=task.scored == "last")


def _free(checkpoint: Checkpoint, request: Request) -> Material:
    given = {"trials": request.trials, **{name: getattr(request, name) for name in _FREE}}
    used = {"trials": 64, "steps": 1000, "transient": 0, "seed": 0} | {k: v for k, v in given.items() if v is not None}
    trajectories, told = _without_diverged(free_run(_almost_linear(checkpoint, "without a task"), **used))
    after = f" after {used['transient']:,} that were left out" if used["transient"] else ""
    runs = "1 trial" if used["trials"] == 1 else f"{used['trials']:,} trials"
    how = (
        f"The model has no task: it ran freely for {used['steps']:,} steps{after}, under zero input, in {runs} from its own initial "
        f"state and random ones (seed {used['seed']})."
    )
    return Material(trajectories, None, {}, {}, {**used, "states": "free run"}, (how, *told))


def _almost_linear(checkpoint: Checkpoint, asked: str) -> Parameters:
    """The almost-linear RNN that the model is. Errors: UsageError where it is none, with what was asked for."""
    system = maps.of(checkpoint)
    if isinstance(system, maps.Map):
        raise UsageError(
            f"{asked}: only a piecewise-linear model is analyzed so, and {system.what} is none.",
            "Analyze a checkpoint that has a task on its own trials.",
        )
    return system


def _without_diverged(trajectories: Trajectories) -> tuple[Trajectories, tuple[str, ...]]:
    """The trials whose states all stay finite, and a warning about the others; all of them where none does."""
    finite = np.isfinite(trajectories.z).all(axis=(1, 2))
    n, lost = len(finite), int((~finite).sum())
    if not lost:
        return trajectories, ()
    if lost == n:
        return trajectories, ("Every trial diverged.",)
    return take(trajectories, finite), (f"{lost:,} of {n:,} trials diverged and were left out, whole.",)


def _recorded(checkpoint: Checkpoint, path: Path, trials: int | None) -> Material:
    params = _almost_linear(checkpoint, "--trajectories")
    trajectories = load_trajectories(path, params)
    if trials is not None and trials < len(trajectories.z):
        trajectories = take(trajectories, slice(trials))
    settings = {
        "trials": len(trajectories.z),
        "states": "file",
        "trajectories": {"file": path.name, "sha256": store.file_sha256(path)},
    }
    told = doubt(deviation(params, trajectories), path.name)
    return Material(trajectories, task_facts(trajectories), {}, {}, settings, told)


_BY_TRIAL = ("s", "z0", "z", "outputs", "targets", "mask", "lengths", "conditions", "phases")


def take(trajectories: Trajectories, which: np.ndarray | slice) -> Trajectories:
    """Some of the trials. which: (n,) bool, or a slice."""
    cut: dict[str, Any] = {name: getattr(trajectories, name)[which] for name in _BY_TRIAL}
    return replace(trajectories, **cut)
