"""What a subregion tells of its trial's condition or class: usage by condition, and their mutual information against chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from ..records import Information, Region, Trajectories, Usage
from ..wording import number, percent, plural
from .usage import usage
from .visits import Visits

#: Shuffles of the trials' conditions that say what chance gives.
SHUFFLES = 200


@dataclass(frozen=True)
class Conditions:
    """usage: by condition; information: of "all" states and of each trial's "last"; counts: (visited subregions, conditions) int64;
    arrays: the report's. All empty where the task names fewer than two conditions."""

    usage: dict[str, Usage]
    information: dict[str, Information]
    counts: np.ndarray
    arrays: dict[str, np.ndarray]


def conditions(visits: Visits, trajectories: Trajectories, P: int, most: int) -> Conditions:
    """Count the states by the condition of their trial. most: subregions, by falling use, that the counts by phase are kept of.

    Returns: Conditions.
    """
    names, n_phases = trajectories.condition_names, len(trajectories.phase_names)
    r, n_conditions = len(visits.regions), len(names)
    if n_conditions < 2:
        return Conditions({}, {}, np.zeros((r, 0), np.int64), {})
    of = trajectories.conditions.astype(np.int64)
    named = (of >= 0) & (of < n_conditions)
    counted = (visits.sequence >= 0) & named[:, None]
    region = visits.sequence[counted]
    condition = np.broadcast_to(of[:, None], counted.shape)[counted]
    total = np.bincount(region * n_conditions + condition, minlength=r * n_conditions).reshape(r, n_conditions)
    phase = trajectories.phases[counted].astype(np.int64)
    phase[(phase < 0) | (phase >= n_phases)] = n_phases
    kept = region < most
    cell = (region[kept] * (n_phases + 1) + phase[kept]) * n_conditions + condition[kept]
    shape = (min(r, most), n_phases + 1, n_conditions)
    by_phase = np.bincount(cell, minlength=int(np.prod(shape))).reshape(shape).astype(np.int64)
    used = {name: usage(total[:, j], P) for j, name in enumerate(names)}
    last = _last(visits.sequence, trajectories.lengths)
    told = {"all": information(visits.sequence[named], of[named], r), "last": information(last[named], of[named], r)}
    return Conditions(
        used,
        {where: found for where, found in told.items() if found is not None},
        total.astype(np.int64),
        {"usage.by_phase_and_condition": by_phase},
    )


def _last(sequence: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Each trial's subregion at its own last step, -1 where that does not count. Returns: (n, 1)."""
    n, T = sequence.shape
    if not T:
        return np.full((n, 1), -1, np.int64)
    step = np.clip(lengths, 1, T) - 1
    return np.where(lengths > 0, sequence[np.arange(n), step], -1)[:, None]


def information(sequence: np.ndarray, of: np.ndarray, r: int, shuffles: int = SHUFFLES) -> Information | None:
    """Mutual information of condition and subregion, and how much of it there would be by chance.

    I = Σ p_jc ln(p_jc / (p_j p_c)) over states, of subregion j and condition c, in nats. Counted from a sample I is too large: even
    where nothing is told, about (r - 1)(c - 1) / (2 S) for S independent states, and the states of a trial are not independent.
    Chance is therefore the mean over shuffles of the conditions among trials, which keeps each trial's states together.
    sequence: (n, T) int64, subregions 0 … r-1 or -1; of: (n,) int64, each trial's condition. Returns: Information, or None where
    fewer than two conditions have a state.
    Source: G. Miller (1955), Note on the bias of information estimates, for the bias; a permutation test for the p-value.
    """
    counted = sequence >= 0
    trials = counted.any(axis=1)
    sequence, counted, of = sequence[trials], counted[trials], of[trials]
    kinds, of = np.unique(of, return_inverse=True)
    S = int(counted.sum())
    if len(kinds) < 2:
        return None
    n = len(sequence)
    rows = np.broadcast_to(np.arange(n)[:, None], counted.shape)[counted]
    per_trial = sparse.csr_array((np.ones(S), (rows, sequence[counted])), shape=(n, r))  # repeated cells add up
    own = np.asarray(per_trial.sum(axis=1)).ravel()
    by_region = _sum_n_ln_n(np.asarray(per_trial.sum(axis=0)).ravel())

    def told(condition: np.ndarray) -> tuple[float, float]:
        member = sparse.csr_array((np.ones(n), (condition, np.arange(n))), shape=(len(kinds), n))
        by_condition = _sum_n_ln_n(np.bincount(condition, own, minlength=len(kinds)))
        shared = _sum_n_ln_n((member @ per_trial).data)
        return max(0.0, np.log(S) + (shared - by_condition - by_region) / S), np.log(S) - by_condition / S

    found, entropy = told(of)
    rng = np.random.default_rng(0)
    chance = np.array([told(rng.permutation(of))[0] for _ in range(shuffles)])
    # Sums of the same numbers in another order differ by rounding; equal ones must count as equal.
    as_much = int((chance >= found - 1e-12).sum())
    return Information(
        n_states=S,
        n_trials=n,
        entropy=float(entropy),
        information=float(found),
        share=min(1.0, float(found / entropy)),
        chance=float(chance.mean()),
        p_value=(as_much + 1) / (shuffles + 1),
    )


def _sum_n_ln_n(n: np.ndarray) -> float:
    n = n[n > 0]
    return float(n @ np.log(n))


def shared_by_condition(
    regions: Sequence[Region], rows: np.ndarray, found: Conditions, names: Sequence[str]
) -> tuple[Region, ...]:
    """The records with `frequency_by_condition`, the share of each condition's states. rows: (len(regions),) int64, each one's number
    among the visited subregions, -1 where it is none of them. Returns: tuple of Region."""
    if not found.usage:
        return tuple(regions)
    totals = found.counts.sum(axis=0)
    own = (
        np.where(rows[:, None] >= 0, found.counts[rows], 0) if len(found.counts) else np.zeros((len(rows), len(names)))
    )
    return tuple(
        replace(
            region,
            frequency_by_condition={
                name: float(n / total) if total else None for name, n, total in zip(names, counts, totals, strict=True)
            },
        )
        for region, counts in zip(regions, own, strict=True)
    )


def sentences(found: Conditions) -> list[str]:
    """How much the subregions tell of the condition, where there is more than one. Returns: no sentence or one."""
    parts = []
    for where, subject in (("last", "the subregion of its last state"), ("all", "that of any of its states")):
        told = found.information.get(where)
        if told is None:
            continue
        chance = f"{number(told.information)} of {number(told.entropy)} nats"
        if told.p_value > 0.05:
            chance += f", no more than the {number(told.chance)} that chance gives"
        else:
            chance += f"; by chance {number(told.chance)}"
        parts.append(f"{subject} tells {percent(told.share)} ({chance})")
    if not parts:
        return []
    seen = sum(1 for used in found.usage.values() if used.n_states)
    return [f"Of which of {plural(seen, 'condition')} a trial has, {', and '.join(parts)}."]
