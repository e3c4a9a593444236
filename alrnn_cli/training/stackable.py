"""Which runs can train as one group."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from ..config import RunConfig
from ..errors import UsageError
from ..tasks.base import Task


def shape(config: RunConfig, task: Task) -> dict[str, Any]:
    """What the members of one group have in common, under the names a user knows; everything else may differ."""
    model = config.model
    return {
        "--model": model.model,
        "--M": model.M,
        "--phi": model.phi,
        "K": task.K,
        "N": task.N,
        "T": task.T,
        "--batch": config.training.batch,
        "--encoder": model.encoder,
        "--readout": model.readout,
        "--readout-bias": model.readout_bias,
        "--z0": model.z0,
        "the vocabulary": _vocabulary(task),
        "--fresh": config.training.fresh,
        "the loss": task.loss,
        "what is scored": task.scored,
        # Then epochs have the same number of steps, and their last batches the same number of trials.
        "the number of training trials": task.size("train"),
    }


def _vocabulary(task: Task) -> str:
    """In words: how many tokens, and the vectors where they are given, since a group has them once."""
    tokens = task.tokens()
    if tokens is None:
        return "none"
    kind = "learned" if tokens.vectors is None else hashlib.sha256(tokens.vectors.tobytes()).hexdigest()[:12]
    return f"{tokens.count:,} tokens with {tokens.width} numbers each ({kind})"


def check(configs: Sequence[RunConfig], tasks: Sequence[Task]) -> None:
    """Errors: UsageError that names the first thing in which the runs differ and may not."""
    shapes = [shape(config, task) for config, task in zip(configs, tasks, strict=True)]
    for other in shapes[1:]:
        for name, value in shapes[0].items():
            if other[name] != value:
                raise UsageError(
                    f"These runs cannot train as one group: {name} is {value} for one and {other[name]} for another.",
                    "Train them one after another, or as one group for each.",
                )


def partition(configs: Sequence[RunConfig], tasks: Sequence[Task]) -> list[list[int]]:
    """The runs in as few groups as their shapes allow, each in the order given. Returns: indices of the runs."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    for i, (config, task) in enumerate(zip(configs, tasks, strict=True)):
        groups.setdefault(tuple(shape(config, task).values()), []).append(i)
    return list(groups.values())
