"""How long a sweep will take, from a few steps of each shape."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .plan import Cell
from .work import alike, task_of

_STEPS = 30
#: Shapes that are tried; further ones count like the slowest of these.
_SHAPES = 4


def estimate(cells: Sequence[Cell], workers: int) -> float:
    """Seconds that these cells take with so many workers, each cell by itself, evaluations and compilation left out.

    A stack is faster, restarts are slower. Errors: those of reading the task's data.
    """
    shapes: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in cells:
        shapes.setdefault(alike(cell.config), []).append(cell)
    by_cost = sorted(shapes.values(), key=lambda own: -own[0].config.model.M)
    total, slowest = 0.0, 0.0
    for i, own in enumerate(by_cost):
        if i < _SHAPES:
            slowest = max(slowest, a_step := _seconds_a_step(own[0]))
        else:
            a_step = slowest
        total += sum(_steps(cell) for cell in own) * a_step
    return total / workers


def _steps(cell: Cell) -> float:
    t = cell.config.training
    steps = t.epochs * task_of(cell.config, {}).size("train") / t.batch
    return min(steps, t.max_steps) if t.max_steps else steps


def _seconds_a_step(cell: Cell) -> float:
    """Between the first few steps and the last of a short run, which leaves compilation and evaluations out."""
    from ..training.run import train

    task = task_of(cell.config, {})
    short = replace(cell.config.training, max_steps=_STEPS, max_seconds=0.0, restarts=0, eval_every=1e9)
    times: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        train(
            replace(cell.config, training=short), task, Path(folder) / "probe.safetensors", threads=1,
            on_step=lambda progress: times.append(time.perf_counter()),
        )  # fmt: skip
    skipped = min(5, len(times) - 1)
    return (times[-1] - times[skipped]) / max(1, len(times) - 1 - skipped) if len(times) > 1 else 0.0
