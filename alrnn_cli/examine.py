"""From a checkpoint on disk to its analysis: load, roll out, take apart."""

from __future__ import annotations

import datetime
import platform
from dataclasses import replace
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from . import __version__, maps, store
from .analysis import analyze as take_apart
from .analysis import analyze_smooth, refuse
from .config import AnalysisConfig
from .errors import UsageError
from .material import Request, material
from .records import AnalysisReport, ModelFacts

#: What a report repeats of how its checkpoint came about.
_TOLD = (
    "status",
    "reason",
    "step",
    "best_step",
    "metrics",
    "seeds",
    "backend",
    "device",
    "threads",
    "data_fingerprint",
    "imported",
)


def analyze(
    checkpoint: Path, request: Request | None = None, asked: AnalysisConfig | None = None, *, command: str | None = None
) -> AnalysisReport:
    """The report of a checkpoint, run on its task's test trials, freely where it has no task, or on states from a file.

    request: on what; asked: for what beyond what is always told; command: for the provenance.
    Errors: InputError where the checkpoint, its data or the states are missing or damaged; UsageError for options without a meaning
    there, causal tests without a task's score above all.
    """
    request, asked = request or Request(), asked or AnalysisConfig()
    loaded = store.load_checkpoint(checkpoint)
    if asked.causal and (loaded.meta.task is None or request.trajectories is not None):
        what = f"{checkpoint} has no task" if loaded.meta.task is None else "--trajectories brings no task's score"
        raise UsageError(
            f"{what}, and lesions are judged by a task's score.",
            "Leave out --lesions and --linearise-until, or analyze a checkpoint that has a task on its own trials.",
        )
    system = maps.of(loaded)
    if isinstance(system, maps.Map):
        refuse(asked, system.what)  # before any data are read
    given = material(loaded, request)
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    said: dict[str, Any] = {
        "source": {"file": checkpoint.name, "sha256": store.file_sha256(checkpoint)},
        "task": given.task,
        "score": given.score,
        "chance": given.chance,
        "history": loaded.meta.history,
        "settings": given.settings,
        "provenance": {
            "time": started,
            "command": command,
            "versions": {"alrnn": __version__, "python": platform.python_version()},
            "checkpoint_versions": loaded.meta.versions,
            "checkpoint": {name: getattr(loaded.meta, name) for name in _TOLD},
            "config": loaded.meta.config,
        },
        "warnings": given.warnings,
    }
    # Matrices of a hundred units are too small to share: eigenvalues of one took a third less time on one thread than on two, and
    # seventy times less where another program had the second core.
    with threadpool_limits(1, "blas"):
        if isinstance(system, maps.Map):
            report = analyze_smooth(system, given.trajectories, asked, **said)
        else:
            report = take_apart(system, given.trajectories, asked, scoring=given.scoring, **said)
    config = loaded.meta.config["model"]
    facts: ModelFacts = {
        **report.model,
        "name": config.get("model", "alrnn"),
        "phi": config.get("phi", "relu"),
        "piecewise_linear": not isinstance(system, maps.Map),
    }
    return replace(report, model=facts)
