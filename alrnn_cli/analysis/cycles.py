"""Cycles of every period up to a longest one under every constant input, as fixed points of the lifted map."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..dynamics import bits, parse_code
from ..records import Cycle, FixedPoint, Parameters
from ..records.words import Kind
from .affine import PiecewiseMap, step_map
from .candidates import candidates
from .clusters import EPS
from .elimination import best_base
from .fixed_points import Input
from .limits import Limits
from .modes import point_stability, rotation
from .singular import meets_region
from .solve import Constants, Solutions, certainly_inside, certainly_outside, constants, solve
from .spectra import Spectra, spectra
from .starts import STARTS, bases, random_regions
from .words import may_be_smallest, rotation_to_smallest, smallest, spell

#: Share of a period's time for finding words; the rest is for solving them, each a system of all its states.
_SEARCH = 0.7
#: An eigenvalue whose power is this near 1 may be a root of 1; the singular values of the lifted system decide.
_ROOT = 1e-6


@dataclass(frozen=True)
class Orbits:
    """cycles: by input, then by period; complete: whether they are all of up to `max_period`; reason: why."""

    cycles: tuple[Cycle, ...]
    complete: bool
    reason: str


def orbits(
    params: Parameters,
    inputs: Sequence[Input],
    points: Sequence[FixedPoint],
    visited: np.ndarray,
    sequence: np.ndarray,
    limits: Limits,
) -> Orbits:
    """All cycles of period 2 … max_period, within the time that `limits` gives, each once.

    The states of a k-cycle, written one after the other, are a fixed point of the map of k states at once (`PiecewiseMap.lifted`), with
    k P units that switch: the search for fixed points finds it, and its word is the pattern. Only words that are the smallest of
    their rotations are looked at. A word that repeats a shorter one w can belong to longer cycles only where an eigenvalue of w's
    map is a root of 1; such families are found from the cycles and fixed points of w.
    points: fixed points under these inputs; visited: (r, P) bool, by falling use; sequence: (n, T) int64, the visited subregion
    of every state, -1 where none counts. Returns: Orbits.
    """
    given, longest = step_map(params), limits.max_period
    if longest < 2:
        return Orbits((), True, "no period above 1 was asked for")
    seen = {region.tobytes() for region in visited}
    found: list[Cycle] = []
    cut: list[_Cut] = []
    until = time.monotonic() + limits.budget / 3
    tasks = [(period, one) for period in range(2, longest + 1) for one in inputs]
    for i, (period, one) in enumerate(tasks):
        now = time.monotonic()
        # Words double in number with every bit: what is left of the time goes to a later period rather than to an equal share.
        deadline = now + max(0.0, until - now) / max(1, min(len(inputs), len(tasks) - i))
        lifted = _Lifted(given, period, one, constants(params, one.value[None]), seen, longest)
        walks = partial(_walks, visited, sequence, period, given.P)
        words, open_ = lifted.words(best_base(given, bases(visited), period), walks, now + _SEARCH * (deadline - now))
        solved = list(lifted.cycles(words, deadline))
        found += [cycle for cycle in solved if cycle is not None]
        if open_ or len(solved) < len(words):
            cut.append(_Cut(period, open_, len(words) - len(solved)))
    found += _families(given, inputs, params, [*points, *found], seen, longest)
    found = _once(found, given.P)
    order = {one.name: i for i, one in enumerate(inputs)}
    found.sort(key=lambda c: (order[c.phase], c.period, c.word))
    return Orbits(tuple(found), *_verdict(found, cut, longest))


def _walks(visited: np.ndarray, sequence: np.ndarray, period: int, P: int) -> np.ndarray:
    """Words to start guessing from: the most frequent ones that the trials followed, and random ones. Returns: (w, period · P) bool."""
    windows = np.zeros((0, period), np.int64)
    if sequence.shape[1] >= period:
        windows = np.lib.stride_tricks.sliding_window_view(sequence, period, axis=1).reshape(-1, period)
        windows = windows[(windows >= 0).all(axis=1)]
    words, counts = np.unique(windows, axis=0, return_counts=True) if len(windows) else (windows, np.zeros(0, np.int64))
    words = words[np.argsort(-counts, kind="stable")[:STARTS]]
    return np.concatenate([visited[words].reshape(len(words), period * P), random_regions(STARTS, period * P)])


class _Lifted:
    """The map of `period` states at once under one input."""

    def __init__(
        self, given: PiecewiseMap, period: int, one: Input, c: Constants, seen: set[bytes], longest: int
    ) -> None:
        self.step, self.period, self.one, self.seen, self.longest = given, period, one, seen, longest
        self.map, self.at = given.lifted(period), given.places(period)
        self.single = c
        # The first unit whose error counts: the first that switches, at P = 0 any.
        self._first = self.map.M - self.map.P if self.map.P else 0
        self.c = Constants(given.repeated(c.c, period), given.repeated(c.error, period))

    def words(self, base: np.ndarray, walks: Callable[[], np.ndarray], deadline: float) -> tuple[np.ndarray, float]:
        """Words that may have a cycle, and the share of words not reached in time. base: (P,) bool; walks: makes (w, n) bool."""
        P = self.step.P
        if P == 0:
            return np.zeros((0, 0), bool), 0.0

        def allowed(prefixes: np.ndarray) -> np.ndarray:
            return may_be_smallest(prefixes, P) if prefixes.shape[1] % P == 0 else np.ones(len(prefixes), bool)

        found = candidates(self.step, self.single, base, walks, deadline, period=self.period, allowed=allowed)
        turned = [np.roll(w, -P * rotation_to_smallest(w.reshape(self.period, P))) for w in found.regions]
        words = np.array(turned, bool).reshape(len(turned), self.map.P)
        return np.unique(words[smallest(words, P)], axis=0), found.open

    def cycles(self, words: np.ndarray, deadline: float = math.inf) -> Iterator[Cycle | None]:
        """The cycle of each word, None where it is virtual, until time is up. words: (r, period · P) bool, each once."""
        for i, word in enumerate(words):
            if i and time.monotonic() > deadline:
                return
            J = self.map.jacobians(word[None])
            solved = solve(J, self.c)
            kind, dimension = self._kind(solved, word)
            yield None if kind is None else self._record(word, solved, kind, dimension)

    def _kind(self, solved: Solutions, word: np.ndarray) -> tuple[Kind | None, int]:
        """What the word has, None for no cycle, and the dimension of its family, 0 for a single one."""
        if 0 in solved.null:
            z, error = solved.z[0, 0], solved.error[0, 0]
            right, _ = solved.null[0]
            if solved.inconsistent[0, 0]:
                return None, 0
            meets = meets_region(z, right, word, float(error[self._first :].max(initial=0)), float(solved.rounding[0]))
            kinds: dict[bool | None, Kind | None] = {True: "continuum", None: "undetermined", False: None}
            return kinds[meets], len(right)
        if certainly_outside(solved, word[None])[0, 0]:
            return None, 0
        if certainly_inside(solved, word[None])[0, 0]:
            return "real", 0
        # On its planes it may be an orbit that closes earlier, which has a record of its own. Any number of words tell of it; they
        # matter only where a family of longer cycles surrounds it.
        points, error = solved.z[0, 0][self.at], float(solved.error[0, 0, self._first :].max())
        if _repeats(points, _apart(points, error)) and not self._surrounded(word):
            return None, 0
        return "undetermined", 0

    def _surrounded(self, word: np.ndarray) -> bool:
        """Whether an eigenvalue along the word is a root of 1, so that `_families` has to look at it."""
        whole = np.eye(self.step.M)
        for J in self.step.jacobians(word.reshape(self.period, self.step.P)):
            whole = J @ whole
        values = np.linalg.eigvals(whole)
        return any((np.abs(values**m - 1) < _ROOT).any() for m in range(2, self.longest // self.period + 1))

    def _record(self, word: np.ndarray, solved: Solutions, kind: Kind, dimension: int) -> Cycle:
        letters = word.reshape(self.period, self.step.P)
        points = solved.z[0, 0][self.at]
        first = self.map.M - self.map.P
        spectrum = turn(self.step, letters)
        visited = all(letter.tobytes() in self.seen for letter in letters)
        return Cycle(
            phase=self.one.name,
            input=tuple(self.one.value.tolist()),
            period=self.period,
            kind=kind,
            word=spell(letters),
            points=tuple(tuple(z.tolist()) for z in points),
            margin=float(np.abs(solved.z[0, 0, first:]).min()) if self.step.P else None,
            error_bound=float(solved.error[0, 0, self._first :].max()),
            residual=float(solved.residual[0, 0]),
            stability=point_stability(spectrum)[0],
            rotation=rotation(spectrum)[0],
            unstable_directions=int(spectrum.growing[0].sum()),
            eigenvalues=tuple((float(v.real), float(v.imag)) for v in spectrum.values[0]),
            visited=visited,
            dimension=dimension,
        )


def _families(
    given: PiecewiseMap,
    inputs: Sequence[Input],
    params: Parameters,
    found: Sequence[FixedPoint | Cycle],
    seen: set[bytes],
    longest: int,
) -> Iterator[Cycle]:
    """Cycles whose word repeats a shorter one m times: they surround its orbit where an eigenvalue λ has λ^m = 1, λ ≠ 1.

    The mean of such a cycle's points over its m turns follows w as well and, subregions being convex, lies where they lie: w has an
    orbit of its own, or a family of them where another eigenvalue is 1.
    """
    by_name = {one.name: one for one in inputs}
    for orbit in found:
        letters = _letters(orbit, given.P)
        values = np.array([complex(*value) for value in orbit.eigenvalues])
        if orbit.kind in ("virtual", "none") or (isinstance(orbit, FixedPoint) and orbit.meets_region is False):
            continue
        for m in range(2, longest // len(letters) + 1):
            turning = np.abs(values**m - 1) < _ROOT
            first = not any((np.abs(values[turning] ** d - 1) < _ROOT).all() for d in _divisors(m))
            if turning.any() and first:
                one = by_name[orbit.phase]
                lifted = _Lifted(given, m * len(letters), one, constants(params, one.value[None]), seen, longest)
                words = np.tile(letters.reshape(1, -1), (1, m))
                yield from (cycle for cycle in lifted.cycles(words) if cycle is not None and cycle.dimension)


def _letters(orbit: FixedPoint | Cycle, P: int) -> np.ndarray:
    """The word of an orbit. Returns: (k, P) bool."""
    if isinstance(orbit, FixedPoint):
        return parse_code(orbit.bitcode)[None]
    if P == 0:
        return np.zeros((orbit.period, 0), bool)
    word = orbit.word.split(".") if P > 1 else list(orbit.word)
    return np.array([parse_code(letter) for letter in word], bool).reshape(orbit.period, P)


def turn(given: PiecewiseMap, letters: np.ndarray) -> Spectra:
    """Eigenvalues of the product of the Jacobians along one turn, J_k … J_1. letters: (k, P) bool. Returns: Spectra of one matrix."""
    product, error = np.eye(given.M), 0.0
    for J in given.jacobians(letters):
        size = float(np.linalg.norm(J, 2))
        error = size * error + given.M * EPS * float(np.linalg.norm(J) * np.linalg.norm(product))
        product = J @ product
    return spectra(product[None], error)


def _once(found: Sequence[Cycle], P: int) -> list[Cycle]:
    """Every orbit once: one that passes through a switching plane satisfies several words, and may turn out to be a shorter one."""
    kept: list[Cycle] = []
    for cycle in sorted(found, key=lambda c: (c.period, not _reads_itself(c, P))):
        points = np.array(cycle.points)
        within = _apart(points, cycle.error_bound)
        if cycle.kind == "undetermined" and not cycle.dimension:
            if _repeats(points, within):
                continue
            same = next((i for i, other in enumerate(kept) if _same(other, cycle, points, within)), None)
            if same is not None:
                kept[same] = replace(kept[same], also=tuple(sorted({*kept[same].also, cycle.word})))
                continue
        kept.append(cycle)
    return kept


def _reads_itself(cycle: Cycle, P: int) -> bool:
    """Whether the word is what the signs of the points say, a unit at 0 counting as off."""
    return bool((bits(np.array(cycle.points), P) == _letters(cycle, P)).all())


def _divisors(period: int) -> list[int]:
    return [d for d in range(1, period) if period % d == 0]


def _apart(points: np.ndarray, error: float) -> float:
    """Distance from which two points with an error are different. points: (k, M)."""
    return 2 * error + 1e3 * EPS * float(np.abs(points).max(initial=0))


def _repeats(points: np.ndarray, within: float) -> bool:
    """Whether an orbit closes before its period. points: (k, M)."""
    return any(_near(points, np.roll(points, d, axis=0), within) for d in _divisors(len(points)))


def _near(a: np.ndarray, b: np.ndarray, within: float) -> bool:
    return bool(np.abs(a - b).max(initial=0) <= within)


def _same(other: Cycle, cycle: Cycle, points: np.ndarray, within: float) -> bool:
    if (other.phase, other.period, other.kind, other.dimension) != (
        cycle.phase,
        cycle.period,
        cycle.kind,
        cycle.dimension,
    ):
        return False
    there, within = np.array(other.points), within + 2 * other.error_bound
    return any(_near(there, np.roll(points, t, axis=0), within) for t in range(cycle.period))


@dataclass(frozen=True)
class _Cut:
    """Where time ran out. share: of the period's words that were not looked at; unsolved: found and not solved."""

    period: int
    share: float
    unsolved: int

    def __str__(self) -> str:
        left = [f"{100 * self.share:.3g} % of its words open"] if self.share else []
        left += [f"{self.unsolved:,} found but not solved"] if self.unsolved else []
        return f"the search was cut short at period {self.period} ({', '.join(left)})"


def _verdict(found: Sequence[Cycle], cut: Sequence[_Cut], longest: int) -> tuple[bool, str]:
    doubtful = sum(c.kind == "undetermined" for c in found)
    doubt = f"; {doubtful:,} pass through a switching plane to within their error" if doubtful else ""
    if cut:
        return False, f"{cut[0]}{doubt}"
    return not doubtful, f"all words of up to {longest} steps were examined{doubt}"
