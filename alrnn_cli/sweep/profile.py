"""An adaptive sweep over P: more values where the answer lies between two, more seeds while it is in doubt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .table import Row
from .verdict import Verdict, judge

#: Runs of the cells at these P with these seeds that have ended.
Run = Callable[[Sequence[tuple[int, int]]], list[Row]]


@dataclass(frozen=True)
class Search:
    """tolerance: in skill; confidence: share of resamples that must agree; seeds: at first, and at most."""

    tolerance: float = 0.05
    confidence: float = 0.95
    first_seeds: int = 3
    most_seeds: int = 10


def first_levels(M: int) -> list[int]:
    """P to begin with: the linear control, a few, and all M."""
    return sorted({0, M, *(P for P in (1, 2, 5, 10, 20) if P < M)})


def profile(
    levels: Sequence[int],
    M: int,
    metric: str,
    direction: str,
    chance: float,
    search: Search,
    run: Run,
    tell: Callable[[Verdict], None] = lambda verdict: None,
) -> Verdict:
    """Run until the smallest P that is enough is known, next to one that is not, and sure enough.

    levels: P to begin with; run: trains (P, seed) pairs and returns the rows of all of them; tell: told of each verdict on the way.
    Where seeds are added: at the present answer, those that compete with it, and the best, which they are compared with.
    """
    seeds = dict.fromkeys(sorted(set(levels)), search.first_seeds)
    while True:
        pairs = [(P, seed) for P, n in seeds.items() for seed in range(n)]
        rows = run(pairs)
        by_P = {P: [r for r, (own, _) in zip(rows, pairs, strict=True) if own == P] for P in seeds}
        found = judge(by_P, metric, direction, chance, M, search.tolerance)
        tell(found)
        below = max((P for P in seeds if found.minimal_P > P), default=found.minimal_P - 1)
        if found.minimal_P - below > 1:
            seeds[(found.minimal_P + below) // 2] = search.first_seeds
            seeds = dict(sorted(seeds.items()))
            continue
        doubtful = {found.minimal_P, found.best_P, *map(int, found.candidates)}
        more = {P for P in doubtful if seeds[P] < search.most_seeds}
        if found.probability >= search.confidence or not more:
            return found
        seeds |= {P: min(search.most_seeds, seeds[P] + 2) for P in more}
