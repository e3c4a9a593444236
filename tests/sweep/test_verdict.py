"""The verdict over P: known answers, its certainty, failures, and the words."""

import numpy as np
import pytest

from alrnn_cli.sweep.table import Row
from alrnn_cli.sweep.verdict import judge, paragraph, skills


def rows(*scores, metric="accuracy"):
    """Ended runs: a number is a score, None a run that failed."""
    return [
        Row(
            str(i),
            {"seed": i},
            "failed" if s is None else "finished",
            "",
            {} if s is None else {metric: s},
            1.0,
            {},
            {},
        )
        for i, s in enumerate(scores)
    ]


def accuracy(by_P, tolerance=0.05, M=10, chance=0.5):
    return judge(by_P, "accuracy", "max", chance, M, tolerance)


def test_skill_is_the_way_from_chance_to_perfect():
    np.testing.assert_allclose(
        skills(rows(0.5, 1, 0.75, None, float("nan")), "accuracy", "max", 0.5), [0, 1, 0.5, 0, 0]
    )
    np.testing.assert_allclose(skills(rows(0.16, 0.0, 0.32, metric="mse"), "mse", "min", 0.16), [0, 1, -1])


def test_the_smallest_that_is_enough():
    found = accuracy({0: rows(0.5, 0.51), 1: rows(0.97, 0.98), 2: rows(0.99, 0.985), 10: rows(0.8, 0.82)})
    assert (found.minimal_P, found.best_P, found.linear_enough, found.probability) == (1, 2, False, 1.0)
    assert found.full_worse == pytest.approx(2 * (0.975 - 0.81)) and found.full_low > 0
    text = paragraph(found)
    assert "smallest P that is enough is 1" in text and "The linear model (P = 0) is not" in text
    assert "fully nonlinear model (P = 10) is worse, by 0.33" in text and "100 % agree" in text


def test_the_tolerance_decides():
    by_P = {0: rows(0.9, 0.9), 1: rows(0.95, 0.95), 2: rows(1.0, 1.0)}
    assert [accuracy(by_P, t).minimal_P for t in (0.01, 0.11, 0.21)] == [2, 1, 0]
    assert "The linear model (P = 0) is enough" in paragraph(accuracy(by_P, 0.21))


def test_seeds_that_disagree_leave_doubt():
    found = accuracy({1: rows(1.0, 1.0, 0.5, 1.0), 2: rows(1.0, 1.0, 1.0, 1.0)})
    # P = 1 is enough only where no resample holds the bad seed: (3/4)^4.
    assert found.minimal_P == 2 and found.candidates["1"] == pytest.approx(0.75**4, abs=0.02)
    assert found.probability == pytest.approx(1 - 0.75**4, abs=0.02)
    assert "P = 1 in 3" in paragraph(found)


def test_failed_runs_count_as_chance():
    found = accuracy({0: rows(0.5, 0.5), 1: rows(1.0, None, 1.0, 1.0), 2: rows(1.0, 1.0, 1.0, 1.0)})
    assert found.minimal_P == 2 and [level.failed for level in found.levels] == [0, 1, 0]
    assert found.levels[1].skill == 0.75 and found.levels[1].score == 1.0
    assert "1 run failed and counts as chance" in paragraph(found)


def test_one_seed_has_no_interval():
    found = accuracy({0: rows(0.6), 10: rows(0.9)})
    assert found.levels[0].low is None and found.minimal_P == 10 and found.full_worse is None
