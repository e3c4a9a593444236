"""Multitask: an observer that reads the inputs alone, step by step, finds every answer; padding changes no bit."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from alrnn_cli.config import ModelConfig, resolve
from alrnn_cli.errors import UsageError
from alrnn_cli.model.alrnn import ALRNN
from alrnn_cli.tasks import cognitive
from alrnn_cli.tasks.multitask import Multitask
from alrnn_cli.training import evaluate, streams
from alrnn_cli.training.data import to_batch
from alrnn_cli.training.stack import Stack

SMALL = {"train": 1100, "validation": 110, "test": 220}
ONE_OF_EACH = len(cognitive.NAMES)


def channels(x):
    return dict(zip(Multitask.input_names, x, strict=True))


def seen_angle(step):
    """(modality, angle) of the one stimulus of a step, None where nothing is shown."""
    found = [(m, math.atan2(step[f"sin{m}"], step[f"cos{m}"])) for m in (1, 2) if step[f"cos{m}"] or step[f"sin{m}"]]
    assert len(found) <= 1
    return found[0] if found else None


def observer(inputs):
    """The right answer from one trial's inputs (T, K): fixation, cos, sin. What it reads in each task is what docs/tasks.md says."""
    steps = [channels(x) for x in inputs if x.any()]
    cues = {name for step in steps for name in cognitive.NAMES if step[name]}
    assert len(cues) == 1
    (task,) = cues
    before = [s for s in steps if s["fixation"]] if not task.startswith("React") else []
    after = steps[len(before) :]
    sample = next((seen for s in before if (seen := seen_angle(s))), None)
    test = next((seen for s in after if (seen := seen_angle(s))), None)
    anti = math.pi if task.endswith("Anti") else 0
    hold = False
    if task.startswith("Context"):
        assert sample is test is None
        evidence = sum(float(s["evidence" + task[-1]]) for s in before)
        angle = 0 if evidence > 0 else math.pi
    else:
        assert not any(s["evidence1"] or s["evidence2"] for s in steps)
        if task.startswith("Delay"):
            angle = sample[1] + anti
        elif task.startswith("React"):
            angle = test[1] + anti
        elif task.startswith("Category"):
            angle = (math.pi / 2 if math.sin(sample[1]) > 0 else -math.pi / 2) + anti
        elif task in ("DMS", "DNMS"):
            assert sample[0] == test[0]
            same = math.cos(sample[1] - test[1]) > 0.999
            hold = same != (task == "DMS")
            angle = test[1]
        else:
            hold = sample[0] == 2
            angle = sample[1]
    return (1, 0, 0) if hold else (0, math.cos(angle), math.sin(angle))


@pytest.mark.parametrize("periods", ["short", "long"])
def test_answers_follow_from_the_inputs(periods):
    trials = Multitask({**SMALL, "periods": periods}).split("train")
    assert trials.inputs.shape == (1100, {"short": 50, "long": 130}[periods], 18)
    expected = np.array([observer(x) for x in trials.inputs])
    np.testing.assert_allclose(trials.targets, expected, atol=2e-6)
    assert 0.08 < trials.targets[:, 0].mean() < 0.19  # half of three tasks in eleven hold: 0.136


@pytest.mark.parametrize("periods", ["short", "long"])
def test_periods_follow_each_other_with_every_length_in_range(periods):
    trials = Multitask({**SMALL, "train": 6000, "periods": periods}).split("train")
    ranges = cognitive.DURATIONS[periods]
    lengths = np.array([[(row == k).sum() for k in range(4)] for row in trials.phases])
    reacts = np.isin(trials.conditions, [2, 3])
    for k, (shortest, longest) in enumerate(ranges):
        if k in (1, 2):
            continue
        assert set(lengths[:, k]) == set(range(shortest, longest + 1))
    for k in (1, 2):
        assert set(lengths[~reacts, k]) == set(range(ranges[k][0], ranges[k][1] + 1))
    assert not lengths[reacts, 1].any()
    assert lengths[reacts, 2].min() >= ranges[1][0] + ranges[2][0]
    assert lengths[reacts, 2].max() <= ranges[1][1] + ranges[2][1]
    np.testing.assert_array_equal(lengths.sum(1), trials.lengths)
    inside = np.arange(trials.inputs.shape[1]) < trials.lengths[:, None]
    assert (trials.phases[~inside] == -1).all()
    assert not trials.inputs[~inside].any()
    for row, n in zip(trials.phases[:200], trials.lengths, strict=False):
        assert (np.diff(row[:n]) >= 0).all()
    # Fixation goes off with the response, except where the stimulus itself is the cue.
    on = trials.inputs[..., 0] == 1
    np.testing.assert_array_equal(on[~reacts], (trials.phases >= 0)[~reacts] & (trials.phases < 3)[~reacts])
    np.testing.assert_array_equal(on[reacts], inside[reacts])
    angles = np.abs(trials.inputs[..., 1:5]).sum(-1) > 0
    assert not angles[np.isin(trials.phases, [-1, 0, 2])].any()
    assert angles[reacts][trials.phases[reacts] == 3].all()
    assert (trials.mask.sum(1) == 1).all()
    assert trials.mask[np.arange(len(trials)), trials.lengths - 1].all()


def test_stimuli_keep_clear_of_borders_and_of_each_other():
    trials = Multitask({**SMALL, "train": 11_000}).split("train")
    names = np.array(cognitive.NAMES)[trials.conditions]
    angle = np.arctan2(trials.inputs[..., 2] + trials.inputs[..., 4], trials.inputs[..., 1] + trials.inputs[..., 3])
    row = np.arange(len(trials))
    sample = angle[row, (trials.phases == 1).argmax(1)]
    test = angle[row, (trials.phases == 3).argmax(1)]
    category = np.isin(names, ["CategoryPro", "CategoryAnti"])
    border = np.degrees(np.arcsin(np.abs(np.sin(sample[category]))))
    assert 10 - 1e-3 <= border.min() < 12
    apart = np.degrees(np.arccos(np.clip(np.cos(sample - test), -1, 1)))[np.isin(names, ["DMS", "DNMS"])]
    matching = apart < 0.1
    assert 0.45 < matching.mean() < 0.55
    assert 90 - 1e-3 <= apart[~matching].min() < 93
    delayed = np.sort(sample[names == "DelayPro"])
    assert np.abs(delayed - np.linspace(-np.pi, np.pi, len(delayed))).max() < 0.3  # uniform on the circle
    second = (np.abs(trials.inputs[..., 3:5]).sum(-1) > 0).any(1)
    shown = (np.abs(trials.inputs[..., 1:5]).sum(-1) > 0).any(1)
    assert 0.47 < second[shown].mean() < 0.53


def test_evidence_has_the_noise_that_was_asked_for():
    trials = Multitask({"tasks": "ContextInt1", "noise": 0.0, "train": 300}).split("train")
    evidence = trials.inputs[..., 5:7]
    assert not evidence[trials.phases != 1].any()
    assert {round(float(x), 3) for x in np.unique(evidence)} == {-0.4, -0.2, -0.1, 0.0, 0.1, 0.2, 0.4}
    noisy = Multitask({"tasks": "ContextInt1", "noise": 0.5, "train": 3000}).split("train")
    at = noisy.inputs[noisy.phases == 1][:, 5:7]
    steps = np.diff(at, axis=0)[(np.diff(np.repeat(np.arange(3000), (noisy.phases == 1).sum(1))) == 0)]
    assert steps.std() == pytest.approx(0.5 * math.sqrt(2), rel=0.02)


def test_splits_are_repeatable_and_differ():
    a, b = Multitask(SMALL, seed=3, eval_seed=5), Multitask(SMALL, seed=4, eval_seed=5)
    for which in ("train", "validation", "test"):
        np.testing.assert_array_equal(a.split(which).inputs, a.split(which).inputs)
        assert a.size(which) == len(a.split(which)) == SMALL[which]
    np.testing.assert_array_equal(a.split("test").inputs, b.split("test").inputs)
    assert not np.array_equal(a.split("train").inputs, b.split("train").inputs)
    # Equal seeds and sizes: the streams still differ, from each other and from fresh trials.
    same = Multitask(dict.fromkeys(SMALL, 220), seed=5, eval_seed=5)
    made = [*map(same.split, SMALL), same.fresh(220, streams.rng(5, streams.FRESH, 0))]
    assert len({x.tobytes() for trials in made for x in trials.inputs}) == 4 * 220


def test_every_block_has_each_task_once():
    trials = Multitask(SMALL).split("test")
    for start in range(0, 220, ONE_OF_EACH):
        assert sorted(trials.conditions[start : start + ONE_OF_EACH]) == list(range(ONE_OF_EACH))
    few = [Multitask().fresh(1, np.random.default_rng(i)).conditions[0] for i in range(300)]
    assert np.bincount(few, minlength=ONE_OF_EACH).min() > 10  # the remainder of a batch favours no task


@pytest.mark.parametrize("backend", ["reference", "torch", "cpu"])
def test_padding_changes_no_bit(backend):
    task = Multitask({**SMALL, "test": 60})
    trials = task.split("test")

    def padded(x, value):
        return np.concatenate([x, np.full((len(x), 37, *x.shape[2:]), value, x.dtype)], 1)

    longer = dataclasses.replace(
        trials,
        inputs=padded(trials.inputs, 1e3),  # anything may lie in the padding
        mask=padded(trials.mask, False),
        phases=padded(trials.phases, -1),
    )
    inside = np.arange(trials.inputs.shape[1]) < trials.lengths[:, None]
    garbage = dataclasses.replace(trials, inputs=np.where(inside[..., None], trials.inputs, np.float32(-1e3)))
    config = resolve("multitask", {}, [{"M": 12, "P": 5, "init": "orthogonal"}])
    model = ALRNN(ModelConfig(M=12, P=5, init="orthogonal"), task.K, task.N)
    model.initialise(0, [1])
    outputs, stepped = [], []
    for some in (trials, longer, garbage):
        (y,) = evaluate.outputs(model, "last", some, backend=backend, eval_seeds=[0])
        outputs.append(y)
        stack = Stack([config], task, torch.device("cpu"), backend)
        stack.begin(0, [1])
        stack.step(to_batch([some], "last", torch.device("cpu")), None, [1e-2])
        stepped.append(stack.values.numpy().copy())
    for y, values, some in zip(outputs[1:], stepped[1:], (longer, garbage), strict=True):
        np.testing.assert_array_equal(y, outputs[0])
        np.testing.assert_array_equal(values, stepped[0])
        assert task.score(y, some) == task.score(outputs[0], trials)


def test_scores_count_right_answers_by_task():
    task = Multitask({"tasks": "DelayPro+GoNoGo", "test": 400})
    trials = task.split("test")
    hold = trials.targets[:, 0] == 1
    go = trials.conditions == 1

    def turned(degrees, fixation=0.0, size=1.0):
        angle = np.arctan2(trials.targets[:, 2], trials.targets[:, 1]) + math.radians(degrees)
        y = size * np.stack([np.zeros(400), np.cos(angle), np.sin(angle)], 1)
        y[:, 0] = np.where(hold, 1 - fixation, fixation)
        return task.score(y, trials)

    perfect = task.score(trials.targets, trials)
    assert perfect == {"accuracy": 1, "mse": 0, "accuracy.DelayPro": 1, "accuracy.GoNoGo": 1}
    for degrees, fixation, size in ((29.9, 0, 1), (-29.9, 0.49, 0.01)):
        assert turned(degrees, fixation, size)["accuracy"] == 1
    wrong = turned(30.1)
    assert wrong["accuracy.DelayPro"] == 0
    assert wrong["accuracy.GoNoGo"] == pytest.approx(hold[go].mean())  # a held trial has no direction
    assert wrong["accuracy"] == pytest.approx(hold.mean())
    assert turned(0, 0.51)["accuracy"] == 0  # held where it was to answer, answered where it was to hold
    silent = task.score(np.zeros((400, 3)), trials)
    assert silent["accuracy"] == 0
    assert silent["mse"] == pytest.approx(1 / 3)
    part = trials.take(np.flatnonzero(~go))
    assert math.isnan(task.score(part.targets, part)["accuracy.GoNoGo"])


@pytest.mark.parametrize("name", cognitive.NAMES)
def test_chance_is_the_best_constant_answer(name):
    task = Multitask({"tasks": name, "train": 20_000})
    trials = task.split("train")

    def constant(*y):
        return task.score(np.tile(np.array(y, np.float64), (len(trials), 1)), trials)

    angles = np.radians(np.arange(0, 360, 15))
    answers = [constant(0, np.cos(a), np.sin(a)) for a in angles] + [constant(1, 0, 0)]
    best = max(x["accuracy"] for x in answers)
    assert best == pytest.approx(task.chance["accuracy"], abs=0.012)
    assert task.chance[f"accuracy.{name}"] == task.chance["accuracy"]
    assert constant(*trials.targets.mean(0))["mse"] == pytest.approx(task.chance["mse"], abs=0.005)
    rng = np.random.default_rng(0)
    random = np.concatenate([rng.integers(0, 2, (len(trials), 1)), rng.normal(size=(len(trials), 2))], 1)
    assert task.score(random, trials)["accuracy"] < task.chance["accuracy"]


def test_chance_of_all_is_the_mean():
    rule = cognitive.Rule(cognitive.RULES["DMS"].draw, hold=0.2, directions=2)
    assert rule.chance == pytest.approx(0.4)
    task = Multitask()
    assert task.chance["accuracy"] == pytest.approx((4 / 6 + 7 / 2) / 11)
    assert list(task.chance) == list(task.metrics)
    assert next(iter(task.metrics)) == "accuracy"


def test_trials_have_the_length_that_the_periods_give():
    task = Multitask({"periods": "long"})
    assert task.T == 130
    assert task.lengths_for_curriculum() is None
    with pytest.raises(UsageError, match="up to 130 steps, got T = 50"):
        task.fresh(3, np.random.default_rng(0), 50)


def test_a_subset_keeps_the_channels():
    task = Multitask({"tasks": "GoNoGo+DelayPro", "train": 50})
    assert task.opt["tasks"] == "DelayPro+GoNoGo"  # one choice, one spelling
    assert task.condition_names == ("DelayPro", "GoNoGo")
    trials = task.split("train")
    assert trials.inputs.shape[-1] == task.K == len(task.input_names) == 18
    assert {Multitask.input_names[k] for k in np.flatnonzero(trials.inputs[:, 0].any(0))} == {
        "fixation",
        "DelayPro",
        "GoNoGo",
    }
    assert Multitask({"tasks": "+".join(cognitive.NAMES)}).opt["tasks"] == "all"


@pytest.mark.parametrize(
    ("text", "word"),
    [("DelayPr", "'DelayPr'"), ("DMS+", "''"), ("DMS+DMS", "named twice"), ("", "''"), ("all+DMS", "'all'")],
)
def test_bad_subsets_say_what_is_wrong(text, word):
    with pytest.raises(UsageError) as caught:
        Multitask.resolve_options({"tasks": text})
    assert word in caught.value.message
    assert caught.value.hint
