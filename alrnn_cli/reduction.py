"""The smaller model that the search for units that can be linear has found, as a checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from . import maps, store
from .analysis import reduced
from .errors import InputError, OutputExistsError, UsageError
from .records import AnalysisReport, Checkpoint, Linearised, Parameters


def check(target: str | Path | None, linearise_until: float | None) -> Path | None:
    """Where a reduced checkpoint is to go, before anything is computed. Returns: the path, None where none is asked for.

    Errors: UsageError without a search to take it from, or for a name that is not one of a checkpoint; OutputExistsError where
    there is anything but an earlier reduced checkpoint.
    """
    if target is None:
        return None
    path = Path(target)
    if linearise_until is None:
        raise UsageError(
            f"--save-reduced {path}: there is nothing to save without --linearise-until.",
            "Say by how much the score may drop, for example --linearise-until 0.01",
        )
    if path.suffix != ".safetensors" or path.name.endswith((".analysis.safetensors", ".resume.safetensors")):
        raise UsageError(
            f"--save-reduced {path}: must be the name of a checkpoint.", f"For example {path.stem}.safetensors"
        )
    if path.exists():
        try:
            status = store.load_checkpoint(path).meta.status
        except InputError:
            status = "not readable"
        if status != "reduced":
            raise OutputExistsError(f"{path} is there and is no reduced checkpoint.", "Choose another --save-reduced.")
    return path


def save_reduction(target: Path, checkpoint: Path, report: AnalysisReport) -> None:
    """Write the model that the report's search has found. checkpoint: the one it is a report of. Errors: InputError."""
    if report.linearised is None:
        raise InputError(
            f"{checkpoint}: no states to search with, so there is no reduced model.", "Give it some trials."
        )
    original = store.load_checkpoint(checkpoint)
    if "W" not in original.tensors:
        kind = original.meta.config["model"]["model"]
        raise InputError(
            f"{checkpoint}: a model of kind {kind} has no nonlinear unit to make linear.", "Leave out --save-reduced."
        )
    made = reduced_checkpoint(original, report.linearised, checkpoint.name, report.settings["trials"])
    store.save_checkpoint(target, made)


def reduced_checkpoint(original: Checkpoint, found: Linearised, source: str, trials: int) -> Checkpoint:
    """The checkpoint of the AL-RNN whose PWL units are those that `found` left, doing exactly what the search scored.

    Tensors stay float32 but where folding A into W needs more digits: then W is float64. Encoder, history and seeds are the
    original's, P is the new one, and `reason` says what was done to which unit. A z_0 that is drawn as noise falls on the units in their
    new order, so that such a model scores like another draw. source: the original's name; trials: of the score.
    Returns: Checkpoint.
    """
    fixed = {step.unit: step.bit for step in found.units}
    system = maps.of(original)
    assert isinstance(system, Parameters)  # of others nothing was linearised
    params, order = reduced(system, fixed)
    tensors = dict(original.tensors)
    for name in ("A", "W", "C", "h", "D", "z0"):
        if name in tensors or name == "A":  # an RNN has no A until it is an AL-RNN
            tensors[name] = _narrow(getattr(params, name))
    config = original.meta.config
    model = {**config["model"], "model": "alrnn", "P": params.P, "readout": params.readout}
    meta = replace(
        original.meta,
        config={**config, "model": model},
        parameters=None,
        metrics={"test": dict(found.after)},
        status="reduced",
        reason=_reason(original, found, source, trials, order),
    )
    return Checkpoint(tensors, meta)


def _narrow(x: np.ndarray) -> np.ndarray:
    """float32 where that is exact."""
    short = x.astype(np.float32)
    return short if np.array_equal(short, x) else x


def _size(model: dict[str, Any]) -> str:
    return f"P = {model['P']}" if "P" in model else f"{model['model']}, P = {model['M']}"


def _reason(original: Checkpoint, found: Linearised, source: str, trials: int, order: list[int]) -> str:
    """What was done to the original model, and what of its metadata is still the original's."""
    config = original.meta.config
    made = {
        word: [str(step.unit) for step in found.units if step.bit is bit]
        for word, bit in (("linear", True), ("silent", False))
    }
    parts = [f"units {', '.join(units)} made {word}" for word, units in made.items() if units]
    moved = (
        "" if order == sorted(order) else f"; units are those of the original in the order {', '.join(map(str, order))}"
    )
    return (
        f"reduced from {source} ({_size(config['model'])}): {' and '.join(parts) or 'nothing changed'}{moved}; "
        f"scored on {trials} test trials; training settings and history are the original's, tau and M_reg in its order of units"
    )
