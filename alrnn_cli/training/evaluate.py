"""Members' outputs on a whole split, in large batches; and which subregions their states visit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from .. import dynamics
from ..model.alrnn import ALRNN
from ..records import Parameters, Trials
from . import streams
from .data import to_batch

_FLOATS_AT_ONCE = {"cpu": 16_000_000, "cuda": 256_000_000}  # states and inputs of one evaluation batch; 64 MB and 1 GB
_REGIONS = 64  # eigenvalues are taken for the most used subregions only, to keep an evaluation short


def noise(model: ALRNN, rngs: Sequence[np.random.Generator], B: int, batch: int) -> Tensor | None:
    """z_0 ~ U(±1/√batch) of the published code where the model asks for it, else None. rngs: one a member. Returns: (E, B, M)."""
    if model.config.z0 != "noise":
        return None
    drawn = np.stack([rng.uniform(-1, 1, (B, model.config.M)) for rng in rngs]) / np.sqrt(batch)
    return torch.from_numpy(drawn).to(model.h.device, model.h.dtype)


def outputs(
    model: ALRNN, scored: str, trials: Trials, *, backend: str = "auto", batch: int = 128, eval_seeds: Sequence[int]
) -> Iterator[np.ndarray]:
    """Each member's outputs on all trials: (n, N) if scored at the last step, else (n, T, N).

    How many trials go at once depends on one member's shape, not on how many members there are.
    """
    per_trial = trials.inputs.shape[1] * (model.config.M + model.C.shape[-1])
    size = max(1, _floats(model) // per_trial)
    for part, members in _parts(model, min(size, len(trials)) * per_trial):
        rngs = [streams.rng(eval_seeds[e], streams.EVAL_NOISE) for e in members]
        found = []
        with torch.no_grad():
            for start in range(0, len(trials), size):
                some = to_batch([trials.take(slice(start, start + size))] * len(members), scored, model.h.device)
                s, lengths = part.encode(some.s, some.lengths)
                z0 = noise(part, rngs, s.shape[1], batch)
                z = part.states(s, lengths, z0=z0, last=scored == "last", backend=backend)
                found.append(part.read(z).cpu().numpy())
        yield from np.concatenate(found, 1)


def regions(model: ALRNN, trials: Trials, *, backend: str = "auto") -> Iterator[tuple[float, int]]:
    """Each member's largest |eigenvalue| over the visited subregions' Jacobians, and how many are visited, on some trials."""
    n, T = trials.inputs.shape[:2]
    for part, members in _parts(model, n * T * (model.config.M + model.C.shape[-1])):
        some = to_batch([trials] * len(members), "last", model.h.device)
        with torch.no_grad():
            s, lengths = part.encode(some.s, some.lengths)
            z = part.states(s, lengths, backend=backend).cpu().numpy()
        valid = np.ones(z.shape[1:3], bool)
        if lengths is not None:
            valid = np.arange(z.shape[2]) < lengths[0].cpu().numpy()[:, None]
        for e in range(len(members)):
            yield _spectral_radius(parameters(part, e), z[e][valid])


def _spectral_radius(params: Parameters, z: np.ndarray) -> tuple[float, int]:
    found, counts, _ = dynamics.unique_regions(z, params.P)
    if not np.isfinite(z).all():
        return float("nan"), len(found)
    used = found[np.argsort(-counts, kind="stable")[:_REGIONS]]
    jacobians = np.stack([dynamics.jacobian(params, r) for r in used])
    return float(np.abs(np.linalg.eigvals(jacobians)).max()), len(found)


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


def _floats(model: ALRNN) -> int:
    return _FLOATS_AT_ONCE[model.h.device.type]


def _parts(model: ALRNN, floats: int) -> Iterator[tuple[ALRNN, range]]:
    """The model's members in as few parts as memory allows. floats: that one member takes."""
    E = model.members
    size = max(1, _floats(model) // max(1, floats))
    for start in range(0, E, size):
        members = range(start, min(E, start + size))
        yield (model if len(members) == E else model.part(members)), members
