"""A model's outputs and score on a whole split, in large batches; and which subregions its states visit."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .. import dynamics
from ..model.alrnn import ALRNN
from ..records import Parameters, Trials
from ..tasks.base import Task
from . import streams
from .data import to_batch

_FLOATS_AT_ONCE = 16_000_000  # states and inputs of one evaluation batch; 64 MB
_REGIONS = 64  # eigenvalues are taken for the most used subregions only, to keep an evaluation short


def noise(model: ALRNN, rng: np.random.Generator, B: int, batch: int) -> Tensor | None:
    """z_0 ~ U(±1/√batch) of the published code where the model asks for it, else None. Returns: (1, B, M)."""
    if model.config.z0 != "noise":
        return None
    drawn = rng.uniform(-1, 1, (1, B, model.config.M)) / np.sqrt(batch)
    return torch.from_numpy(drawn).to(model.h.device, model.h.dtype)


def outputs(
    model: ALRNN, task: Task, trials: Trials, *, backend: str = "auto", batch: int = 128, eval_seed: int = 0
) -> np.ndarray:
    """Outputs of a one-member model on all trials: (n, N) if scored at the last step, else (n, T, N)."""
    T = trials.inputs.shape[1]
    size = max(1, _FLOATS_AT_ONCE // (T * (model.config.M + model.C.shape[-1])))
    rng = streams.rng(eval_seed, streams.EVAL_NOISE)
    parts = []
    with torch.no_grad():
        for start in range(0, len(trials), size):
            some = to_batch(trials.take(slice(start, start + size)), task.scored, model.h.device)
            s, lengths = model.encode(some.s, some.lengths)
            z0 = noise(model, rng, s.shape[1], batch)
            z = model.states(s, lengths, z0=z0, last=task.scored == "last", backend=backend)
            parts.append(model.read(z)[0].cpu().numpy())
    return np.concatenate(parts)


def parameters(model: ALRNN, member: int = 0) -> Parameters:
    """One member's recurrence and readout in float64."""

    def array(x: Tensor) -> np.ndarray:
        return x[member].detach().cpu().numpy().astype(np.float64)

    N, M = model.D.shape[1:]
    return Parameters(
        P=model.P[member],
        A=array(model.A * model.pwl),
        W=array(model.W),
        C=array(model.C),
        h=array(model.h),
        D=array(model.D),
        b=array(model.b) if model.b is not None else np.zeros(N),
        z0=array(model.z0) if model.z0 is not None else np.zeros(M),
        readout=model.config.readout,
    )


def regions(model: ALRNN, trials: Trials, *, backend: str = "auto") -> tuple[float, int]:
    """Largest |eigenvalue| over the visited subregions' Jacobians, and how many are visited, on some trials."""
    some = to_batch(trials, "last", model.h.device)
    with torch.no_grad():
        s, lengths = model.encode(some.s, some.lengths)
        z = model.states(s, lengths, backend=backend)[0].cpu().numpy()
    valid = np.ones(z.shape[:2], bool) if lengths is None else np.arange(z.shape[1]) < lengths[0].cpu().numpy()[:, None]
    params = parameters(model)
    found, counts, _ = dynamics.unique_regions(z[valid], params.P)
    if not np.isfinite(z[valid]).all():
        return float("nan"), len(found)
    used = found[np.argsort(-counts, kind="stable")[:_REGIONS]]
    jacobians = np.stack([dynamics.jacobian(params, r) for r in used])
    return float(np.abs(np.linalg.eigvals(jacobians)).max()), len(found)
