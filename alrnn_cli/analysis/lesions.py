"""Causal tests: which nonlinearity and which slow mode the task's score depends on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..dynamics import code, jacobian
from ..records import Lesion, Parameters, Trajectories, UnitSwitching
from ..records.words import Effect
from ..wording import plural
from .replay import Replayed, Variant, replay
from .scoring import GROUPS, STANDARD_ERRORS, Scoring, standard_error
from .subspaces import Subspace, name, slow_subspaces

#: Subregions whose slow modes are removed, the most used ones.
LESIONED_REGIONS = 4
#: Random directions for each rank that the removed modes have.
RANDOM_DIRECTIONS = 20
#: Seed of the random directions.
RANDOM_SEED = 0
#: How the tests were made, for the report's settings.
LESION_SETTINGS = {
    "lesion_regions": LESIONED_REGIONS,
    "lesion_random_directions": RANDOM_DIRECTIONS,
    "lesion_random_seed": RANDOM_SEED,
    "lesion_groups": GROUPS,
    "lesion_standard_errors": STANDARD_ERRORS,
}
#: Outputs that differ by less, relative to the largest one, are the same up to rounding.
_ROUNDING = 1e-9
#: Beyond this, relative to the largest output, a replay has left the rollout.
_DEPARTED = 1e-6


def lesion_tests(
    params: Parameters,
    trajectories: Trajectories,
    scoring: Scoring,
    regions: np.ndarray,
    units: Sequence[UnitSwitching],
    told: list[str],
) -> tuple[Lesion, ...]:
    """Every PWL unit linearised, silenced and frozen; every slow mode of the most used subregions removed; random directions removed.

    A unit's bit fixed at 1 makes it linear, at 0 silent; frozen at its majority it is one of the two. A mode is removed after every
    step, whatever subregion the state is in. Random directions are uniform on the sphere, planes likewise. Everything is
    scored on the same trials and initial states. regions: (r, P) bool, by falling use; units: one record for each PWL unit;
    told: warnings are appended. Returns: tuple of Lesion.
    """
    (intact,) = replay(params, trajectories, [Variant()], last=scoring.last)
    _check(intact, trajectories, scoring, told)
    judge = _Judge(scoring, intact.outputs)
    found = [judge(after, **what) for what, after in _on_units(params, trajectories, scoring, intact, units)]
    subspaces = _subspaces(params, regions[:LESIONED_REGIONS], told)
    removed = [Variant(left=own.left, right=own.right) for _, own in subspaces]
    replays = replay(params, trajectories, removed, last=scoring.last)
    for (what, own), after in zip(subspaces, replays, strict=True):
        values = tuple((float(v.real), float(v.imag)) for v in own.eigenvalues)
        found.append(judge(after, kind="remove mode", eigenvalues=values, rank=len(values), **what))
    for rank in sorted({len(own.eigenvalues) for _, own in subspaces}):
        drawn = random_subspaces(params.M, rank)
        shape = {1: "direction", 2: "plane"}.get(rank, f"{rank}-dimensional subspace")
        for number, after in enumerate(replay(params, trajectories, drawn, last=scoring.last), start=1):
            found.append(judge(after, target=f"random {shape} {number}", kind="random direction", rank=rank))
    return tuple(found)


class _Judge:
    """Compares lesioned outputs with those of the model as it is."""

    def __init__(self, scoring: Scoring, outputs: np.ndarray) -> None:
        self.scoring, self.outputs = scoring, outputs
        self.score, self.groups = scoring(outputs), scoring.by_group(outputs)
        self.size = np.abs(outputs).max(initial=0.0)

    def __call__(self, after: Replayed, **what: Any) -> Lesion:
        score = self.scoring(after.outputs)
        metric = self.scoring.metric
        error = standard_error(self.groups, self.scoring.by_group(after.outputs))
        finite = np.isfinite(after.outputs).reshape(len(after.outputs), -1).all(axis=1)
        return Lesion(
            score=score,
            change=score[metric] - self.score[metric],
            standard_error=error,
            effect=self._effect(after.outputs, score, error),
            diverged=int((~finite).sum()),
            **what,
        )

    def _effect(self, outputs: np.ndarray, score: dict[str, float], error: float | None) -> Effect:
        with np.errstate(invalid="ignore"):
            if np.abs(outputs - self.outputs).max(initial=0.0) <= _ROUNDING * self.size:
                return "none"
        worse = self.scoring.loss(self.score, score)
        if not np.isfinite(score[self.scoring.metric]):
            return "worse"
        if error is None or abs(worse) <= STANDARD_ERRORS * error:
            return "unclear"
        return "worse" if worse > 0 else "better"


def _on_units(
    params: Parameters, trajectories: Trajectories, scoring: Scoring, intact: Replayed, units: Sequence[UnitSwitching]
) -> Iterator[tuple[dict[str, Any], Replayed]]:
    """What is done to each PWL unit, and what comes of it."""
    first = params.M - params.P
    # A bit fixed where it is anyway changes nothing, and needs no replay. (At 0 both maps agree.)
    acts = [
        (u.unit, bit) for u in units for bit in (True, False)
        if not (intact.low[u.unit - first] >= 0 if bit else intact.high[u.unit - first] <= 0)
    ]  # fmt: skip
    changed = replay(params, trajectories, [Variant({unit: bit}) for unit, bit in acts], last=scoring.last)
    for u in units:
        after = {bit: next(changed) if (u.unit, bit) in acts else intact for bit in (True, False)}
        named = {"target": f"unit {u.unit}", "unit": u.unit}
        majority = u.on > 0.5
        for kind, bit in (("linearise", True), ("silence", False), ("freeze", majority)):
            yield {**named, "kind": kind, "bit": bit}, after[bit]


def _subspaces(params: Parameters, regions: np.ndarray, told: list[str]) -> list[tuple[dict[str, Any], Subspace]]:
    """The slow modes to remove, with what their records call them."""
    found: list[tuple[dict[str, Any], Subspace]] = []
    left_out = 0
    for rank, region in enumerate(regions, start=1):
        subspaces, ill = slow_subspaces(jacobian(params, region))
        bitcode = code(region)
        found += [({"target": name(own, bitcode, rank), "bitcode": bitcode}, own) for own in subspaces]
        left_out += ill
    if left_out:
        told.append(f"{plural(left_out, 'slow mode')} could not be removed: too ill-conditioned for float64.")
    return found


def random_subspaces(M: int, rank: int) -> list[Variant]:
    """Orthogonal projections that take out uniformly random subspaces, the same at every call. Returns: RANDOM_DIRECTIONS of them."""
    rng = np.random.default_rng([RANDOM_SEED, rank])
    drawn = [np.linalg.qr(rng.normal(size=(M, rank)))[0].T for _ in range(RANDOM_DIRECTIONS)]
    return [Variant(left=rows, right=rows) for rows in drawn]


def _check(intact: Replayed, trajectories: Trajectories, scoring: Scoring, told: list[str]) -> None:
    """Say so where the replay of the model as it is departs from the rollout: rounding grew, and scores are another run's."""
    n = len(trajectories.z)
    if scoring.last:
        there, here = trajectories.outputs[np.arange(n), trajectories.lengths - 1], intact.outputs
    else:
        there, here = trajectories.outputs[trajectories.valid], intact.outputs[trajectories.valid]
    with np.errstate(invalid="ignore"):
        apart = np.abs(here - there).max(initial=0.0) / max(np.abs(there).max(initial=0.0), np.finfo(float).tiny)
    if not apart <= _DEPARTED:
        told.append(
            f"Replayed for the lesions, outputs differ from the rollout by {apart:.1e} of their size: these dynamics amplify rounding."
        )
