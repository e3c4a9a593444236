"""How states move between linear subregions: residences, the observed transition graph, and which units really switch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import eigs, spsolve

from ..dynamics import code
from ..records import Transitions, UnitSwitching

#: Largest component whose spectral radius is taken from all its eigenvalues.
_DENSE = 500


@dataclass(frozen=True)
class Residences:
    """Stays in each of r subregions. first: (r,) int64, earliest step of any trial, from 1; number: (r,) int64, stays begun;
    mean: (r,) float64 steps, longest: (r,) int64 steps. A stay that the trial's end cuts short counts as long as it was seen."""

    first: np.ndarray
    number: np.ndarray
    mean: np.ndarray
    longest: np.ndarray


def residences(sequence: np.ndarray, r: int) -> Residences:
    """Stays: maximal runs of equal numbers within a trial. sequence: (n, T) int64, subregions 0 … r-1 or -1 where no state counts.

    Each of the r occurs at least once. Returns: Residences.
    """
    n, T = sequence.shape
    begins = np.ones((n, T), bool)
    begins[:, 1:] = sequence[:, 1:] != sequence[:, :-1]
    at = np.flatnonzero(begins)
    length = np.diff(np.append(at, n * T))
    region = sequence.ravel()[at]
    kept = region >= 0
    at, length, region = at[kept], length[kept], region[kept]
    first, longest = np.full(r, T, np.int64), np.zeros(r, np.int64)
    np.minimum.at(first, region, at % max(T, 1))
    np.maximum.at(longest, region, length)
    number = np.bincount(region, minlength=r)
    return Residences(first + 1, number, np.bincount(region, length, minlength=r) / np.maximum(number, 1), longest)


def edges(sequence: np.ndarray) -> np.ndarray:
    """Successive subregions within a trial, staying included. sequence: as in `residences`.

    Returns: (number of different pairs, 3) int64 rows (from, to, count), by from, then to.
    """
    now, then = sequence[:, :-1], sequence[:, 1:]
    both = (now >= 0) & (then >= 0)
    base = int(sequence.max(initial=0)) + 1
    pairs, counts = np.unique(now[both] * base + then[both], return_counts=True)
    return np.stack([pairs // base, pairs % base, counts], axis=1).astype(np.int64)


def transitions(found: np.ndarray, regions: np.ndarray) -> tuple[Transitions, np.ndarray | None]:
    """The observed graph of subregions as a Markov chain and as a topological one.

    P(j|i) = n_ij / Σ_j n_ij; H(next|now) = -Σ n_ij ln P(j|i) / Σ n_ij; entropy rate -Σ π_i P(j|i) ln P(j|i) with π = π P;
    topological entropy ln ρ(B), B_ij = 1 where n_ij > 0. found: as from `edges`; regions: (r, P) bool.
    Returns: Transitions, and π (r,), or None where the chain has not exactly one stationary distribution.
    """
    r = len(regions)
    start, end, count = found.T
    departures = np.bincount(start, count, minlength=r)
    share = count / departures[start]
    surprise = -np.log(share)
    graph = sparse.csr_array((np.ones(len(found)), (start, end)), shape=(r, r))
    k, component = connected_components(graph, directed=True, connection="strong") if r else (0, np.zeros(0, np.int64))
    leaves = np.zeros(k, bool)
    leaves[component[start[component[start] != component[end]]]] = True
    followed = np.zeros(k, bool)
    followed[component[start]] = True
    recurrent = np.flatnonzero(~leaves & followed)
    classes = [np.flatnonzero(component == c).tolist() for c in recurrent]
    unfollowed = int((~followed).sum())
    pi = None
    if len(recurrent) == 1 and not unfollowed:
        members = component == recurrent[0]
        pi = np.zeros(r)
        pi[members] = _stationary(sparse.csr_array((share, (start, end)), shape=(r, r))[members][:, members])
    inner = component[start] == component[end]
    cyclic = np.unique(component[start[inner]])
    radius = max((_radius(graph[component == c][:, component == c]) for c in cyclic), default=0.0)
    total = int(count.sum())
    record = Transitions(
        n_steps=total,
        n_stays=int(count[start == end].sum()),
        n_pairs=len(found),
        n_components=k,
        recurrent=tuple(tuple(code(regions[i]) for i in members) for members in sorted(classes)),
        unfollowed=unfollowed,
        conditional_entropy=abs(float(count @ surprise) / total) if total else None,
        entropy_rate=None if pi is None else abs(float((pi[start] * share) @ surprise)),
        # ln of a radius within rounding of 1 is the zero of a single cycle.
        topological_entropy=None if not radius else max(0.0, float(np.log(radius))),
    )
    return record, pi


def _stationary(P: sparse.csr_array) -> np.ndarray:
    """π with π P = π, Σ π = 1, of an irreducible chain. P: (c, c). Returns: (c,)."""
    c = P.shape[0]
    balance = (P.T - sparse.eye_array(c)).tolil()
    # The balances add up to zero: one of them says nothing, and makes room for the sum.
    balance[c - 1] = np.ones(c)
    target = np.zeros(c)
    target[-1] = 1
    return np.maximum(np.atleast_1d(spsolve(balance.tocsc(), target)), 0)


def _radius(B: sparse.csr_array) -> float:
    """Spectral radius of an irreducible matrix of zeros and ones: its Perron root. B: (c, c)."""
    c = B.shape[0]
    if c <= _DENSE:
        return float(np.abs(np.linalg.eigvals(B.toarray())).max())
    # A fixed start makes the result the same every time; the root is real and has the largest real part.
    return float(eigs(B, k=1, which="LR", v0=np.ones(c), return_eigenvectors=False)[0].real)


def switching(found: np.ndarray, regions: np.ndarray, counts: np.ndarray, M: int) -> tuple[UnitSwitching, ...]:
    """What each PWL unit does. found: as from `edges`; regions: (r, P) bool; counts: (r,) states seen. Returns: one record a unit."""
    P, total, steps = regions.shape[1], int(counts.sum()), int(found[:, 2].sum())
    if not total:
        return ()
    on = counts @ regions / total
    flips = found[:, 2] @ (regions[found[:, 0]] != regions[found[:, 1]])
    return tuple(
        UnitSwitching(
            unit=M - P + i,
            on=float(on[i]),
            flips_per_step=float(flips[i] / steps) if steps else None,
            role="always on" if on[i] == 1 else "always off" if on[i] == 0 else "switching",
        )
        for i in range(P)
    )
