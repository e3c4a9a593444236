"""Context: the answer recomputed from the inputs alone, and what each option shows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from alrnn_cli.errors import UsageError
from alrnn_cli.tasks.context import Context

SMALL = {"train": 400, "validation": 50, "test": 60}
# At which of first, middle and last steps the context is visible.
VISIBLE = {"both": "first last", "first": "first", "last": "last", "always": "first middle last"}


@pytest.mark.parametrize("cue", list(VISIBLE))
@pytest.mark.parametrize(("T", "noise"), [(3, 0.01), (4, 2.0), (100, 0.2)])
def test_answer_and_phases_follow_from_the_inputs(T: int, noise: float, cue: str) -> None:
    task = Context({**SMALL, "T": T, "noise": noise, "cue": cue})
    trials = task.split("train")
    x = trials.inputs
    assert x.shape == (400, T, 4)
    np.testing.assert_array_equal(x[0, :, 3], np.arange(T) == T - 1)
    assert not x[:, [0, -1], 2].any()
    assert (trials.mask == (np.arange(T) == T - 1)).all()
    assert (trials.lengths == T).all()
    for i in range(400):
        flags = x[i, :, :2]
        shown = flags[flags.any(axis=1)]
        assert (shown == shown[0]).all()
        assert shown[0].sum() == 1
        context = int(np.argmax(shown[0]))
        stages = {"first": flags[:1], "middle": flags[1:-1], "last": flags[-1:]}
        for stage, seen in stages.items():
            assert seen.any(axis=1).all() if stage in VISIBLE[cue] else not seen.any()
        total = math.fsum(x[i, :, 2].tolist())
        answer = int((total < 0) != (context == 1))
        assert trials.targets[i] == answer
        assert task.condition_names[trials.conditions[i]] == f"{'AB'[context]}, {('positive', 'negative')[answer]}"
        for t in (0, 1, T - 1):
            held = np.array(task.phases[trials.phases[i, t]].input)
            np.testing.assert_array_equal(held[[0, 1, 3]], x[i, t, [0, 1, 3]])
            assert held[2] == 0


@pytest.mark.parametrize(
    ("cue", "names"),
    [
        ("both", ["start A", "start B", "evidence", "recall A", "recall B"]),
        ("first", ["start A", "start B", "evidence", "recall"]),
        ("last", ["start", "evidence", "recall A", "recall B"]),
        ("always", ["start A", "start B", "evidence A", "evidence B", "recall A", "recall B"]),
    ],
)
def test_a_phase_for_each_constant_input(cue: str, names: list[str]) -> None:
    task = Context({**SMALL, "cue": cue})
    assert [phase.name for phase in task.phases] == names
    assert set(np.unique(task.split("train").phases)) == set(range(len(names)))


def test_evidence_is_a_fair_coin_with_the_noise_that_was_asked_for() -> None:
    evidence = Context({"train": 4000, "T": 50, "noise": 0.2}).split("train").inputs[:, 1:-1, 2]
    sign = np.sign(evidence)
    assert abs(sign.mean()) < 0.01
    assert (evidence - sign).std() == pytest.approx(0.2, rel=0.02)


def test_all_conditions_are_as_likely_and_a_constant_answer_is_at_chance() -> None:
    task = Context({"train": 20_000, "T": 9})
    trials = task.split("train")
    np.testing.assert_allclose(np.bincount(trials.conditions) / 20_000, 0.25, atol=0.02)
    score = task.score(np.zeros((20_000, 2)), trials)
    assert score["accuracy"] == pytest.approx(task.chance["accuracy"], abs=0.02)
    assert score["cross_entropy"] == pytest.approx(task.chance["cross_entropy"])


def test_training_trials_follow_the_seed_and_others_the_evaluation_seed() -> None:
    a, b = Context(SMALL, seed=3, eval_seed=5), Context(SMALL, seed=4, eval_seed=5)
    for which in ("train", "validation", "test"):
        np.testing.assert_array_equal(a.split(which).inputs, a.split(which).inputs)
    np.testing.assert_array_equal(a.split("test").inputs, b.split("test").inputs)
    assert not np.array_equal(a.split("train").inputs, b.split("train").inputs)
    assert not np.array_equal(a.split("test").inputs[:50], a.split("validation").inputs)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="above 0"):
        Context({"noise": 0})
    with pytest.raises(UsageError, match="T >= 3"):
        Context(SMALL).fresh(3, np.random.default_rng(0), 2)
