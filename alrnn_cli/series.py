"""From several checkpoints of one training run to one analysis: in the order of their steps, each on the same trials."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import store
from .config import AnalysisConfig
from .errors import InputError, UsageError
from .records import AnalysisReport, Checkpoint

if TYPE_CHECKING:
    from .material import Request

OnCheckpoint = Callable[[int, int, Path], None]

_ONE_RUN = "Give checkpoints of one run, as `alrnn train --save-every N` writes them."
#: Files of ours beside a checkpoint that a pattern like ckpt-*.safetensors finds as well.
_BESIDE = (".analysis.safetensors", ".resume.safetensors")


@dataclass(frozen=True)
class Listed:
    """A checkpoint of a series. step: of the parameters it holds; facts: what all of a series must share; seed: of its training;
    content: of its tensors; history: of training up to it. One that stands alone is not opened: all but its path is empty."""

    path: Path
    step: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    seed: Any = None
    content: str = ""
    history: Mapping[str, Sequence[float | None]] = field(default_factory=dict)


def in_order(paths: Sequence[Path]) -> list[Listed]:
    """The checkpoints among some files by their steps, each once; analyses and resume files beside them are left out.

    The step is that of the parameters: for a best state that was kept, the step it was found at.
    Errors: InputError for a file that is not a checkpoint, with its name; UsageError for none at all, and for checkpoints that cannot be
    compared: of another task or its options, other trials, or a model of another shape. A single one is not opened.
    """
    if len(paths) == 1:
        return [Listed(Path(paths[0]))]
    chosen = list(dict.fromkeys(p for p in map(Path, paths) if not p.name.endswith(_BESIDE)))
    if not chosen:
        named = f"{paths[0]} is no checkpoint but a file beside one" if paths else "No checkpoint is given"
        raise UsageError(f"{named}.", "For example: alrnn analyze ckpt.safetensors")
    found: dict[int, Listed] = {}
    for one in sorted((_listed(path) for path in chosen), key=lambda one: (one.step, one.path.name)):
        _check(next(iter(found.values()), one), one)
        there = found.setdefault(one.step, one)
        if there.content != one.content:
            raise UsageError(f"{there.path} and {one.path} both hold step {one.step:,}, but differ.", _ONE_RUN)
    return list(found.values())


def analyze(
    listed: Sequence[Listed],
    request: Request | None = None,
    asked: AnalysisConfig | None = None,
    *,
    command: str | None = None,
    on_checkpoint: OnCheckpoint = lambda done, total, path: None,
) -> AnalysisReport:
    """The report of one checkpoint, or of the last of several with `series`, `bifurcations` and `loss_jumps` of all of them.

    listed: as from `in_order`; request, asked, command: as of `examine.analyze`; of all but the last checkpoint only fixed points are
    sought; on_checkpoint: told before each of several. Of one report after the other only what the series needs is kept.
    Errors: as those of `examine.analyze`, with the checkpoint's name.
    """
    from .examine import analyze as analyze_one
    from .material import Request  # loads scipy

    if len(listed) == 1:
        return analyze_one(listed[0].path, request, asked, command=command)
    request, asked = request or Request(), asked or AnalysisConfig()
    if request.trajectories is not None:
        raise UsageError(
            "--trajectories: the states of one model, and several checkpoints are given.", "Give the one they are of."
        )
    from .analysis.series import SeriesBuilder, with_series

    builder = SeriesBuilder(max((one.history for one in listed), key=_reach))
    for i, one in enumerate(listed):
        on_checkpoint(i, len(listed), one.path)
        last = one is listed[-1]
        try:
            report = analyze_one(one.path, request, asked if last else asked.fixed_points_only(), command=command)
        except InputError as error:
            if str(one.path) in error.message:
                raise
            raise InputError(f"{one.path}: {error.message}", error.hint) from error
        builder.add(report, one.step)
    seeds = list(dict.fromkeys(str(one.seed) for one in listed))
    if len(seeds) > 1:
        told = f"The checkpoints are of different runs (seeds {', '.join(seeds)}): what changes between them is no bifurcation."
        report = replace(report, warnings=(*report.warnings, told))
    return with_series(report, builder.finish())


def _listed(path: Path) -> Listed:
    from . import maps  # not needed for one that stands alone

    loaded = store.load_checkpoint(path)
    meta, system = loaded.meta, maps.of(loaded)
    if isinstance(system, maps.Map):
        raise UsageError(
            f"{path}: several checkpoints are compared by their fixed points, which {system.what} does not have exactly.",
            "Analyze one checkpoint.",
        )
    training = meta.config.get("training") or {}
    return Listed(path, meta.best_step, _facts(loaded), training.get("seed"), _content(loaded), meta.history)


def _facts(checkpoint: Checkpoint) -> dict[str, Any]:
    """What must be the same for all: the task and its trials, and the shape of the model."""
    meta, tensors = checkpoint.meta, checkpoint.tensors
    model, task = meta.config["model"], meta.task or {}
    shapes = {name: tensors[name].shape for name in ("W", "C", "D") if name in tensors}
    return {
        "the task": task.get("name"),
        "the task's options": task.get("options"),
        "the data": meta.data_fingerprint,
        "--eval-seed": (meta.config.get("training") or {}).get("eval_seed"),
        "M": shapes["W"][0] if "W" in shapes else None,
        "--model": model.get("model", "alrnn"),
        "P": model.get("P"),
        "K": shapes["C"][1] if "C" in shapes else None,
        "N": shapes["D"][0] if "D" in shapes else None,
        "the readout": model.get("readout"),
        "the encoder": model.get("encoder", "none"),
    }


def _content(checkpoint: Checkpoint) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(checkpoint.tensors.items()):
        digest.update(f"{name} {tensor.shape} ".encode())
        digest.update(np.ascontiguousarray(tensor).tobytes())
    return digest.hexdigest()


def _check(first: Listed, one: Listed) -> None:
    for name, value in one.facts.items():
        if first.facts[name] != value:
            got = "differs" if isinstance(value, dict) or name == "the data" else f"is {first.facts[name]} and {value}"
            raise UsageError(f"{first.path} and {one.path} cannot be compared: {name} {got}.", _ONE_RUN)


def _reach(history: Mapping[str, Sequence[float | None]]) -> float:
    """How far a history goes, in steps."""
    return max((step for step in history.get("step", []) if step is not None), default=-1)
