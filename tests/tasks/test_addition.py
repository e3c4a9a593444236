"""Addition: marks and answers recomputed from the inputs alone."""

from __future__ import annotations

import numpy as np
import pytest

from alrnn_cli.errors import UsageError
from alrnn_cli.tasks.addition import Addition

SMALL = {"train": 400, "validation": 50, "test": 60}


@pytest.mark.parametrize("T", [4, 5, 17, 100])
@pytest.mark.parametrize("operation", ["addition", "multiplication"])
def test_answer_follows_from_the_inputs(T: int, operation: str) -> None:
    trials = Addition({**SMALL, "T": T, "operation": operation}).split("train")
    value, mark = trials.inputs[..., 0].astype(np.float64), trials.inputs[..., 1]
    assert trials.inputs.shape == (400, T, 2)
    assert set(np.unique(mark)) == {0, 1}
    assert (mark.sum(axis=1) == 2).all()
    assert not mark[:, T // 2 :].any()
    first, second = (value[mark == 1].reshape(400, 2)).T
    expected = first + second if operation == "addition" else -np.log(first * second)
    np.testing.assert_allclose(trials.targets[:, 0], expected, rtol=1e-5)
    assert (trials.mask == (np.arange(T) == T - 1)).all()
    assert (trials.phases == mark).all()
    assert (trials.lengths == T).all()


def test_every_step_of_the_first_half_gets_marked_alike() -> None:
    task = Addition({"T": 8})
    marks = task.generate(20_000, 8, np.random.default_rng(0)).inputs[..., 1].mean(axis=0)
    np.testing.assert_allclose(marks[:4], 0.5, atol=0.02)


def test_splits_are_repeatable_and_differ() -> None:
    a, b = Addition(SMALL, seed=3, eval_seed=5), Addition(SMALL, seed=4, eval_seed=5)
    for which in ("train", "validation", "test"):
        np.testing.assert_array_equal(a.split(which).inputs, a.split(which).inputs)
    np.testing.assert_array_equal(a.split("test").inputs, b.split("test").inputs)
    assert not np.array_equal(a.split("train").inputs, b.split("train").inputs)
    seen = {x.tobytes() for which in ("train", "validation", "test") for x in a.split(which).inputs}
    assert len(seen) == sum(SMALL.values())


@pytest.mark.parametrize(("operation", "answer"), [("addition", 1.0), ("multiplication", 2.0)])
def test_chance_is_what_the_mean_answer_scores(operation: str, answer: float) -> None:
    task = Addition({"T": 10, "train": 40_000, "operation": operation})
    trials = task.split("train")
    score = task.score(np.full((len(trials), 1), answer), trials)
    assert score["mse"] == pytest.approx(task.chance["mse"], rel=0.05)


def test_fresh_trials_take_any_length_from_4() -> None:
    task = Addition({"T": 20})
    assert task.fresh(3, np.random.default_rng(0), 6).inputs.shape == (3, 6, 2)
    with pytest.raises(UsageError, match="T >= 4"):
        task.fresh(3, np.random.default_rng(0), 3)
