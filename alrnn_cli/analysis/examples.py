"""Example trajectories that a report carries, so that figures need neither the model nor the task."""

from __future__ import annotations

import numpy as np

from ..records import Trajectories


def example_arrays(trajectories: Trajectories, max_trials: int, max_bytes: int) -> tuple[dict[str, np.ndarray], str]:
    """The first trials, as many as fit `max_bytes`; a single trial that does not fit is cut after the steps that do.

    Returns: arrays by field name (float32 where float), and a warning or "".
    """
    n, T = trajectories.z.shape[:2]
    fields = ("s", "z0", "z", "outputs", "targets", "mask", "lengths", "conditions", "phases")
    arrays = {name: getattr(trajectories, name) for name in fields}
    per_trial = sum(_stored_bytes(a[:1]) for a in arrays.values())
    keep = min(n, max_trials, max(1, max_bytes // max(per_trial, 1)))
    arrays = {name: a[:keep] for name, a in arrays.items()}
    warning = ""
    if keep and per_trial > max_bytes:
        steps = max(1, T * max_bytes // per_trial)
        timed = ["s", "z", "outputs", "mask", "phases"] + (["targets"] if _per_step(trajectories) else [])
        arrays |= {name: arrays[name][:, :steps] for name in timed}
        arrays["lengths"] = np.minimum(arrays["lengths"], steps)
        warning = f"The example trajectory in the report ends after {steps:,} of {T:,} steps, to keep the file small."
    return {name: _stored(a) for name, a in arrays.items()}, warning


def _per_step(trajectories: Trajectories) -> bool:
    """Whether targets are given for every step: (n, T, N) floats or (n, T) integers."""
    targets = trajectories.targets
    return targets.ndim == 3 or (targets.ndim == 2 and np.issubdtype(targets.dtype, np.integer))


def _stored_bytes(a: np.ndarray) -> int:
    return a.size * (4 if np.issubdtype(a.dtype, np.floating) else a.itemsize)


def _stored(a: np.ndarray) -> np.ndarray:
    if np.issubdtype(a.dtype, np.floating):
        with np.errstate(over="ignore"):  # a diverged state becomes infinite
            a = a.astype(np.float32)
    return np.ascontiguousarray(a)
