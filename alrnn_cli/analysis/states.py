"""How states spread: along principal components, between conditions and between phases."""

from __future__ import annotations

import numpy as np

from ..records import Explained, StateSpread, Trajectories
from ..wording import number, percent, plural
from .pca import PrincipalComponents

#: Shuffles of the trials' conditions that say what chance explains.
SHUFFLES = 200


def state_spread(
    trajectories: Trajectories, states: np.ndarray, phases: np.ndarray, pca: PrincipalComponents
) -> StateSpread:
    """states: (S, M), the finite ones; phases: (S,) of each, -1 for none; pca: theirs. Returns: StateSpread."""
    variance = pca.variance
    total = float(variance.sum())
    spreads = total > 0 and np.isfinite(total)
    named = phases >= 0
    several = spreads and len(np.unique(phases[named])) > 1
    return StateSpread(
        n_states=len(states),
        variance=total,
        dimension=float(total / (variance @ (variance / total))) if spreads else None,
        pc_shares=tuple((variance[: len(pca.components)] / total).tolist()) if spreads else None,
        by_condition=_by_condition(trajectories),
        by_phase=_explained(states[named], _members(phases[named])) if several else None,
    )


def _by_condition(trajectories: Trajectories) -> Explained | None:
    """What the condition explains of a trial's last state."""
    trials = np.flatnonzero(trajectories.lengths > 0)
    last = trajectories.z[trials, trajectories.lengths[trials] - 1]
    finite = np.isfinite(last).all(axis=-1)
    last, of = last[finite], trajectories.conditions[trials][finite]
    members = _members(of)
    n, kinds = len(last), len(members)
    if kinds < 2 or n <= kinds or not np.ptp(last, axis=0).any():
        return None
    found = _explained(last, members)
    rng = np.random.default_rng(0)
    chance = np.array([_explained(last, members[:, rng.permutation(n)]) for _ in range(SHUFFLES)])
    # Sums of the same numbers in another order differ by rounding; equal ones must count as equal.
    as_much = int((chance >= found - 1e-12).sum())
    return Explained(n, kinds, found, (kinds - 1) / (n - 1), (as_much + 1) / (SHUFFLES + 1))


def _members(of: np.ndarray) -> np.ndarray:
    """Who belongs to which group. of: (n,). Returns: (groups, n) of 0 and 1, the groups in their order."""
    return (np.unique(of)[:, None] == of).astype(np.float64)


def _explained(x: np.ndarray, members: np.ndarray) -> float:
    """Share of the variance of x (n, M) that is between groups."""
    scale = float(np.abs(x).max()) or 1.0  # diverged states are squared below
    x = x / scale
    x -= x.mean(axis=0)
    sums, sizes = members @ x, members.sum(axis=1, keepdims=True)
    return float((sums * sums / sizes).sum() / (x * x).sum())


def sentences(spread: StateSpread, M: int, trials: int) -> list[str]:
    """The cloud in words: how many dimensions, and what conditions and phases explain."""
    told = [f"There are {plural(spread.n_states, 'state')} of {plural(trials, 'trial')}; they do not spread."]
    if spread.dimension is not None and spread.pc_shares is not None:
        first = spread.pc_shares[0]
        three = f", the first three {percent(sum(spread.pc_shares[:3]))}" if M > 3 else ""
        told = [
            f"The {plural(spread.n_states, 'state')} of {plural(trials, 'trial')} fill {number(spread.dimension)} of {M} dimensions "
            f"(participation ratio): the first principal component has {percent(first)} of their variance{three}."
        ]
    if spread.by_condition is not None:
        by = spread.by_condition
        against = f"by chance {percent(by.chance)}"
        if by.p_value > 0.05:
            against = f"no more than chance, {percent(by.chance)}"
        told.append(
            f"Which of {plural(by.n_conditions, 'condition')} a trial has explains {percent(by.share)} of the variance of its last state "
            f"({against}, p = {number(by.p_value)})."
        )
    if spread.by_phase is not None:
        told.append(f"The phase of the input explains {percent(spread.by_phase)} of the variance of all states.")
    return told
