"""Copy and variable-copy: what is asked, and when, recomputed trial by trial from the inputs alone."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from alrnn_cli.errors import UsageError
from alrnn_cli.records import Trials
from alrnn_cli.tasks.copy import Copy
from alrnn_cli.tasks.recall import Recall, time_code
from alrnn_cli.tasks.variable_copy import VariableCopy

SMALL = {"train": 300, "validation": 40, "test": 50}
TASKS = [
    Copy(SMALL),
    Copy({**SMALL, "length": 1, "delay": 0, "symbols": 2}),
    Copy({**SMALL, "length": 3, "delay": 7, "symbols": 6, "time_encoding": True}),
    VariableCopy(SMALL),
    VariableCopy({**SMALL, "static": 0, "variable": 1, "length": 2}),
    VariableCopy({**SMALL, "static": 3, "variable": 9, "length": 4, "symbols": 3}),
]
SYMBOLS, CUE, DELAY, RECALL, NONE = 0, 1, 2, 3, -1


def script(task: Recall, inputs: np.ndarray) -> tuple[list[int], list[int], int]:
    """What one trial shows, when it asks, and when its cue comes, read off its inputs (T, K)."""
    flags = inputs[:, : 1 + task.opt["symbols"]]
    assert set(np.unique(flags)) <= {0, 1}
    assert flags.sum(axis=1).max() == 1
    shown = [int(np.argmax(x)) - 1 for x in flags if x[1:].any()]
    assert flags[: len(shown), 1:].any(axis=1).all()  # they come first, without a gap
    on = np.flatnonzero(flags[:, 0])
    return shown, [int(t) for t in on[1:]], int(on[0])


@pytest.mark.parametrize("task", TASKS)
def test_every_trial_asks_for_what_it_showed(task: Recall) -> None:
    trials = task.split("train")
    L, S = task.opt["length"], task.opt["symbols"]
    assert trials.inputs.shape == (300, task.T, task.K)
    assert len(task.input_names) == task.K
    for i in range(len(trials)):
        shown, asked, cue = script(task, trials.inputs[i])
        end = int(trials.lengths[i])
        assert len(shown) == len(asked) == L
        assert max(shown) < S
        assert asked == list(range(end - L, end))
        assert np.flatnonzero(trials.mask[i]).tolist() == asked
        assert trials.targets[i, asked].tolist() == shown
        assert trials.conditions[i] == shown[0]
        expected = [SYMBOLS] * L + [DELAY] * (end - 2 * L) + [RECALL] * L + [NONE] * (task.T - end)
        expected[cue] = CUE
        assert trials.phases[i].tolist() == expected
        assert not trials.inputs[i, end:].any()
        if task.opt.get("time_encoding"):
            np.testing.assert_array_equal(trials.inputs[i, :end, -16:], time_code(end))
        if isinstance(task, Copy):
            assert (cue, end) == (L, task.T)
        else:
            assert asked[0] == cue + 1


def test_the_cue_of_variable_copy_falls_evenly_within_its_period() -> None:
    task = VariableCopy({"train": 20_000, "static": 6, "variable": 4, "length": 2})
    counts = np.bincount(task.split("train").lengths, minlength=task.T + 1)
    assert task.T == 14
    assert not counts[:11].any()
    np.testing.assert_allclose(counts[11:] / 20_000, 0.25, atol=0.02)


@pytest.mark.parametrize("task", TASKS)
def test_answers_score_as_they_should(task: Recall) -> None:
    trials = task.split("test")
    S = task.opt["symbols"]
    right = 50.0 * np.eye(S)[trials.targets]
    assert task.score(right, trials) == pytest.approx(
        {"symbol_accuracy": 1, "sequence_accuracy": 1, "cross_entropy": 0}
    )
    # One wrong symbol in one trial, and a wrong one wherever nothing is asked.
    spoilt = right.copy()
    t = int(np.argmax(trials.mask[3]))
    spoilt[3, t] = np.roll(spoilt[3, t], 1)
    spoilt[~trials.mask] = np.roll(right[~trials.mask], 1, axis=-1)
    score = task.score(spoilt, trials)
    assert score["sequence_accuracy"] == pytest.approx(1 - 1 / 50)
    assert score["symbol_accuracy"] == pytest.approx(1 - 1 / (50 * task.opt["length"]))
    # The same answer whatever is shown: chance, in expectation over all sequences.
    guess = task.score(np.zeros_like(right), trials)
    assert guess["cross_entropy"] == pytest.approx(task.chance["cross_entropy"]) == math.log(S)


def test_chance_is_what_a_constant_answer_gives_over_all_sequences() -> None:
    task = Copy({"symbols": 3, "length": 3, "delay": 2})
    every = np.array(list(product(range(3), repeat=3)))
    n = len(every)
    mask = np.zeros((n, task.T), bool)
    mask[:, -3:] = True
    targets = np.zeros((n, task.T), np.int64)
    targets[mask] = every.ravel()
    zeros = np.zeros(n, np.int64)
    trials = Trials(np.zeros((n, task.T, task.K)), targets, mask, zeros + task.T, zeros, targets)
    outputs = np.zeros((n, task.T, 3))
    assert task.score(outputs, trials) == pytest.approx(task.chance)


def test_phases_name_the_inputs_that_are_shown() -> None:
    for task in (Copy(SMALL), VariableCopy(SMALL)):
        trials = task.split("train")
        for j, phase in enumerate(task.phases):
            shown = trials.inputs[trials.phases == j]
            np.testing.assert_allclose(phase.input, shown.mean(axis=0), atol=0.05)
            if phase.name != "symbols":
                assert (shown == phase.input).all()
    # With a running clock no input is constant: the mean over the phase stands for it.
    assert all(phase.input is None for phase in Copy({"time_encoding": True}).phases)


def test_the_time_code_is_the_published_one() -> None:
    code = time_code(200)
    assert code.shape == (200, 16)
    for t in (0, 1, 57, 199):
        for i in range(8):
            w = 10_000 ** (-2 * i / 16)
            assert code[t, i] == pytest.approx(math.sin(t * w), abs=1e-6)
            assert code[t, 8 + i] == pytest.approx(math.cos(t * w), abs=1e-6)


@pytest.mark.parametrize("task", TASKS)
def test_fresh_trials_of_a_curriculum_are_whole(task: Recall) -> None:
    shortest, full = task.lengths_for_curriculum()
    assert full == task.T
    L = task.opt["length"]
    for T in {shortest, (shortest + full) // 2, full}:
        trials = task.fresh(50, np.random.default_rng(0), T)
        assert trials.inputs.shape[1] == T
        assert trials.lengths.max() <= T
        assert (trials.mask.sum(axis=1) == L).all()
    with pytest.raises(UsageError, match=f"needs T >= {shortest}"):
        task.fresh(3, np.random.default_rng(0), shortest - 1)


@pytest.mark.parametrize("task", [Copy, VariableCopy])
def test_training_trials_follow_the_seed_and_others_the_evaluation_seed(task: type[Recall]) -> None:
    a, b = task(SMALL, seed=3, eval_seed=5), task(SMALL, seed=4, eval_seed=5)
    for which in ("train", "validation", "test"):
        np.testing.assert_array_equal(a.split(which).inputs, a.split(which).inputs)
    np.testing.assert_array_equal(a.split("test").inputs, b.split("test").inputs)
    assert not np.array_equal(a.split("train").inputs, b.split("train").inputs)
    assert not np.array_equal(a.split("test").inputs[:40], a.split("validation").inputs)
