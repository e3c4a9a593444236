"""Few ReLUs against all, by the number of training trials."""

import pytest

from alrnn_cli.sweep import samples
from alrnn_cli.sweep.table import Row


def rows(pairs, score):
    return [Row(f"{P}-{s}", {"P": P, "seed": s}, "finished", "", {"acc": score(P, s)}, 1.0, {}, {}) for P, s in pairs]


def run_of(score, ran):
    def run(train, pairs):
        ran[train] = max(s for _, s in pairs) + 1
        return rows(pairs, lambda P, s: score(train, P, s))

    return run


def test_each_size_is_told_and_seeds_are_added_in_doubt():
    def score(train, P, seed):
        if P == 0:
            return 0.5
        wobble = 0.01 * (-1) ** seed
        return {100: {2: 0.9, 10: 0.6}, 300: {2: 0.8, 10: 0.8 + wobble}, 1000: {2: 0.9, 10: 0.99}}[train][P]

    ran = {}
    found = samples.compare_all([100, 300, 1000], 2, 10, "acc", "max", 0.5, 3, 7, run_of(score, ran))
    assert [size.told for size in found] == ["sparse", "", "full"]
    assert ran == {100: 3, 300: 7, 1000: 3}
    assert found[0].difference == pytest.approx(0.6) and found[2].difference == pytest.approx(-0.18)
    words = samples.paragraph(found)
    assert "P = 2 is better than P = 10 with 100 (by 0.6," in words
    assert "is worse than P = 10 with 1,000 (by 0.18, 95 % interval 0.18 to 0.18)" in words
    assert "not told apart from P = 10 with 300 (difference" in words


def test_one_seed_tells_nothing():
    (size,) = samples.compare_all([50], 1, 4, "acc", "max", 0.5, 1, 1, run_of(lambda n, P, s: 0.5 + 0.1 * P, {}))
    assert size.low is None and not size.told
    assert "interval" not in samples.paragraph([size])
