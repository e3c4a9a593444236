"""Members' outputs on a whole split, in large batches; and which subregions their states visit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import numpy as np
import torch
from torch import Tensor

from .. import dynamics, maps
from ..model.network import Network
from ..records import Parameters, Trials
from . import streams
from .data import to_batch

_FLOATS_AT_ONCE = {"cpu": 16_000_000, "cuda": 256_000_000}  # states and inputs of one evaluation batch; 64 MB and 1 GB
_REGIONS = 64  # eigenvalues are taken for the most used subregions only, to keep an evaluation short


def noise(model: Network, rngs: Sequence[np.random.Generator], B: int, batch: int) -> Tensor | None:
    """z_0 ~ U(±1/√batch) of the published code where the model asks for it, else None. rngs: one a member. Returns: (E, B, S)."""
    if model.config.z0 != "noise":
        return None
    drawn = np.stack([rng.uniform(-1, 1, (B, model.S)) for rng in rngs]) / np.sqrt(batch)
    return torch.from_numpy(drawn).to(model.D)


def outputs(
    model: Network, scored: str, trials: Trials, *, backend: str = "auto", batch: int = 128, eval_seeds: Sequence[int]
) -> Iterator[np.ndarray]:
    """Each member's outputs on all trials: (n, N) if scored at the last step, else (n, T, N).

    How many trials go at once depends on one member's shape, not on how many members there are.
    """
    per_trial = trials.inputs.shape[1] * (model.S + model.K)
    size = max(1, _floats(model) // per_trial)
    for part, members in _parts(model, min(size, len(trials)) * per_trial):
        rngs = [streams.rng(eval_seeds[e], streams.EVAL_NOISE) for e in members]
        found = []
        with torch.no_grad():
            for start in range(0, len(trials), size):
                some = to_batch([trials.take(slice(start, start + size))] * len(members), scored, model.D.device)
                s, lengths = part.encode(some.s, some.lengths)
                z0 = noise(part, rngs, s.shape[1], batch)
                z = part.states(s, lengths, z0=z0, last=scored == "last", backend=backend)
                found.append(part.read(z).cpu().numpy())
        yield from np.concatenate(found, 1)


def regions(model: Network, trials: Trials, *, backend: str = "auto") -> Iterator[tuple[float, float]]:
    """Each member's largest |eigenvalue| over the visited subregions' Jacobians, and how many are visited, on some trials; NaN for a
    model that has no subregions."""
    n, T = trials.inputs.shape[:2]
    for part, members in _parts(model, n * T * (model.S + model.K)):
        systems = [parameters(part, e) for e in range(len(members))]
        piecewise = [params for params in systems if params is not None]
        if len(piecewise) < len(systems):  # members are of one kind
            yield from [(math.nan, math.nan)] * len(systems)
            continue
        some = to_batch([trials] * len(members), "last", model.D.device)
        with torch.no_grad():
            s, lengths = part.encode(some.s, some.lengths)
            z = part.states(s, lengths, backend=backend).cpu().numpy()
        valid = np.ones(z.shape[1:3], bool)
        if lengths is not None:
            valid = np.arange(z.shape[2]) < lengths[0].cpu().numpy()[:, None]
        for params, own in zip(piecewise, z, strict=True):
            yield _spectral_radius(params, own[valid])


def _spectral_radius(params: Parameters, z: np.ndarray) -> tuple[float, int]:
    found, counts, _ = dynamics.unique_regions(z, params.P)
    if not np.isfinite(z).all():
        return float("nan"), len(found)
    used = found[np.argsort(-counts, kind="stable")[:_REGIONS]]
    jacobians = np.stack([dynamics.jacobian(params, r) for r in used])
    return float(np.abs(np.linalg.eigvals(jacobians)).max()), len(found)


def parameters(model: Network, member: int = 0) -> Parameters | None:
    """The almost-linear RNN that one member is, in float64; None where it is none."""
    own = {name: p for name, p in model.arrays().items() if not name.startswith("encoder.")}
    tensors = {name: p[member].detach().cpu().numpy() for name, p in own.items()}
    found = maps.read(tensors, asdict(model.configs[member]))
    return found if isinstance(found, Parameters) else None


def _floats(model: Network) -> int:
    return _FLOATS_AT_ONCE[model.D.device.type]


def _parts(model: Network, floats: int) -> Iterator[tuple[Network, range]]:
    """The model's members in as few parts as memory allows. floats: that one member takes."""
    E = model.members
    size = max(1, _floats(model) // max(1, floats))
    for start in range(0, E, size):
        members = range(start, min(E, start + size))
        yield (model if len(members) == E else model.part(members)), members
