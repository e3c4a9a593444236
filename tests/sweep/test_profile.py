"""The adaptive sweep: where it looks, when it stops, what it must not miss."""

import pytest

from alrnn_cli.sweep.profile import Search, first_levels, profile
from alrnn_cli.sweep.table import Row


class Task:
    """A task whose score at (P, seed) is known; counts what was run."""

    def __init__(self, score):
        self.score, self.ran = score, set()

    def __call__(self, pairs):
        self.ran |= set(pairs)
        return [
            Row(f"{P}-{s}", {"P": P, "seed": s}, "finished", "", {"acc": self.score(P, s)}, 1.0, {}, {})
            for P, s in pairs
        ]

    def profile(self, M=50, **changes):
        return profile(first_levels(M), M, "acc", "max", 0.5, Search(**changes), self)


@pytest.mark.parametrize("needed", [0, 1, 2, 3, 4, 7, 13, 33, 50])
def test_the_smallest_is_found_between_the_first_levels(needed):
    task = Task(lambda P, seed: 1.0 if needed <= P else 0.6)
    found = task.profile()
    assert found.minimal_P == needed and found.probability == 1
    assert needed == 0 or (needed - 1, 0) in task.ran  # the one below was tried, and is not enough
    assert {s for _, s in task.ran} == {0, 1, 2}


def test_seeds_are_added_only_where_there_is_doubt():
    # At P = 1 one seed in four fails, which the tolerance does not forgive.
    task = Task(lambda P, seed: 0.5 if P == 0 or (P == 1 and seed % 4 == 1) else 0.7 if P == 50 else 1.0)
    found = task.profile()
    assert found.minimal_P == 2 and found.probability >= 0.95
    n = {P: len({s for p, s in task.ran if p == P}) for P in (0, 1, 2, 5, 50)}
    assert n[0] == n[5] == n[50] == 3 and n[1] > 3


def test_it_stops_at_the_most_seeds_with_what_it_knows():
    task = Task(lambda P, seed: 1.0 if P >= 2 or (P == 1 and seed % 2) else 0.95 if P == 1 else 0.5)
    found = task.profile(most_seeds=5, tolerance=0.05)
    assert found.probability < 0.95 and max(s for _, s in task.ran) == 4


def test_levels_fit_the_model():
    assert (
        first_levels(1) == [0, 1] and first_levels(5) == [0, 1, 2, 5] and first_levels(50) == [0, 1, 2, 5, 10, 20, 50]
    )
