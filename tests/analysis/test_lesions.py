"""Causal tests on networks whose mechanism is known."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

from alrnn_cli.analysis.causes import by_unit, controls, gentler, sentences, severity
from alrnn_cli.analysis.lesions import LESION_SETTINGS, RANDOM_DIRECTIONS, random_subspaces
from alrnn_cli.analysis.scoring import Scoring, standard_error
from alrnn_cli.errors import UsageError
from alrnn_cli.records import AnalysisReport, Lesion, Parameters, Trajectories

from .systems import ADDITION, addition_trials, make, random_parameters, report, roll


def mse_of(trajectories: Trajectories, *, last: bool = True) -> Scoring:
    """Mean squared error against the trials' targets."""

    def score(outputs: np.ndarray, index: np.ndarray | None) -> dict[str, float]:
        targets = trajectories.targets if index is None else trajectories.targets[index]
        return {"mse": float(np.mean((outputs - targets) ** 2))}

    return Scoring(score, {"mse": "min"}, last)


def lesioned(params: Parameters, trajectories: Trajectories, **given: Any) -> AnalysisReport:
    scoring = mse_of(trajectories)
    score = scoring(trajectories.outputs[np.arange(len(trajectories.z)), trajectories.lengths - 1])
    fields: dict[str, Any] = {"scoring": scoring, "score": score, "lesions": True}
    return report(params, trajectories, **(fields | given))


def with_idle_units() -> tuple[Parameters, Trajectories]:
    """The adder with two more PWL units: 2 is always on at 1 and holds up z_0 (which would fall by 0.5 a step without it), 3 always
    off at -1."""
    params = make(
        3,
        [[1, 1, 0.5, 9], [0, 0, 0, 9], [0, 0, 0, 9], [0, 0, 0, 9]],
        C=[[0, 0], [1, 1], [0, 0], [0, 0]],
        h=[-0.5, -1, 1, -1],
        D=[[1, 0, 0, 0]],
    )
    params = replace(params, z0=np.array([0.0, 0, 1, -1]))
    known = addition_trials(n=50)
    rolled = roll(params, known.s, targets=known.targets)
    np.testing.assert_allclose(rolled.outputs[:, -1], known.targets, atol=1e-12)
    return params, rolled


def test_the_adder_needs_its_gate_and_its_memory() -> None:
    rolled = addition_trials(n=200)
    found = lesioned(ADDITION, rolled, score={"mse": 0.0}, chance={"mse": 1 / 6})
    value, mask, target = rolled.s[..., 0], rolled.s[..., 1], rolled.targets[:, 0]
    own = by_unit(found.lesions)[1]
    # Silent, nothing ever reaches the sum; linear, value + mask - 1 is added at every step but the last.
    silent = np.mean(target**2)
    linear = np.mean(((value + mask - 1)[:, :-1].sum(axis=1) - target) ** 2)
    assert own["silence"].score["mse"] == pytest.approx(silent, rel=1e-12)
    assert own["linearise"].score["mse"] == pytest.approx(linear, rel=1e-12)
    assert (
        own["silence"].change == pytest.approx(silent) and own["silence"].effect == own["linearise"].effect == "worse"
    )
    assert own["freeze"].score == own["silence"].score and own["freeze"].bit is False  # shut nine steps in ten
    modes = {x.bitcode: x for x in found.lesions if x.kind == "remove mode"}
    # In subregion 0 the mode is z_0 itself. In 1 its dual is z_0 + z_1, so that removing it sets z_0 to -z_1.
    assert modes["0"].score["mse"] == pytest.approx(silent, rel=1e-12)
    assert modes["1"].score["mse"] == pytest.approx(np.mean((1 - value[:, -1] - target) ** 2), rel=1e-12)
    assert modes["0"].target == "mode λ = 1 of 0" and modes["0"].eigenvalues == ((1.0, 0.0),) and modes["0"].rank == 1
    random = [x for x in found.lesions if x.kind == "random direction"]
    assert len(random) == RANDOM_DIRECTIONS and len({x.score["mse"] for x in random}) == RANDOM_DIRECTIONS
    text = "\n".join(found.summary)
    assert f"Silencing unit 1 raises mse from 0 to {silent:.3g} (chance 0.167)" in text
    assert "the computation uses its nonlinearity" in text
    # With two units a random direction may hit z_0 as hard as a mode does: what counts is the worst of them.
    worst_random = max(x.score["mse"] for x in random)
    special = sum(x.score["mse"] > worst_random for x in modes.values())
    said = {0: "None of 2 slow modes stands out", 1: "is done by 1 of 2 slow modes", 2: "is done by 2 of 2 slow modes"}
    assert said[special] in text and f"{RANDOM_DIRECTIONS} random directions" in text
    assert found.settings["lesion_random_directions"] == LESION_SETTINGS["lesion_random_directions"]


def test_random_directions_are_orthogonal_projections_the_same_every_time() -> None:
    for rank in (1, 2):
        for variant in random_subspaces(5, rank):
            assert variant.left is not None and variant.right is variant.left
            np.testing.assert_allclose(variant.left @ variant.left.T, np.eye(rank), atol=1e-14)
    rolled = addition_trials(n=30)
    found = lesioned(ADDITION, rolled)
    reported = [x.score["mse"] for x in found.lesions if x.kind == "random direction"]
    for variant, reported_mse in zip(random_subspaces(2, 1), reported, strict=True):
        assert variant.left is not None
        (u,) = variant.left
        z = np.zeros((30, 2))
        for t in range(rolled.s.shape[1]):
            z = np.stack([z[:, 0] + np.maximum(z[:, 1], 0), rolled.s[:, t].sum(-1) - 1], axis=-1)
            z -= np.outer(z @ u, u)
        assert reported_mse == pytest.approx(np.mean((z[:, 0] - rolled.targets[:, 0]) ** 2), rel=1e-10)
    assert [x.score for x in lesioned(ADDITION, rolled).lesions] == [x.score for x in found.lesions]


def test_units_that_do_not_switch_are_told_from_those_that_do() -> None:
    params, rolled = with_idle_units()
    found = by_unit(lesioned(params, rolled).lesions)
    assert {u: gentler(own).effect for u, own in found.items()} == {1: "worse", 2: "none", 3: "none"}
    assert next(iter(found)) == 1
    # Always on is not idle: without the 1 that it holds z_0 falls.
    assert found[2]["silence"].effect == "worse" and found[2]["freeze"].bit is True
    assert found[2]["linearise"].change == 0 and found[2]["linearise"].standard_error == 0
    assert found[3]["linearise"].effect == "worse" and found[3]["silence"].effect == "none"


def test_scores_by_hand_of_every_lesion_at_every_step() -> None:
    params = replace(random_parameters(4, 2, 2, seed=5), readout="phi")
    s = np.random.default_rng(0).normal(size=(12, 9, 2))
    rolled = roll(params, s)
    rolled = replace(rolled, targets=rolled.outputs + 0.1)
    scoring = mse_of(rolled, last=False)
    found = report(params, rolled, scoring=scoring, score={"mse": 0.01}, lesions=True)
    for unit, own in by_unit(found.lesions).items():
        for kind, bit in (("linearise", 1.0), ("silence", 0.0)):
            z, outputs = np.zeros((12, 4)), []
            for t in range(9):
                z = params.A * z + _seen(z, unit, bit) @ params.W.T + s[:, t] @ params.C.T + params.h
                outputs.append(_seen(z, unit, bit) @ params.D.T + params.b)
            expected = np.mean((np.stack(outputs, axis=1) - rolled.targets) ** 2)
            assert own[kind].score["mse"] == pytest.approx(expected, rel=1e-9)


def _seen(z: np.ndarray, unit: int, bit: float) -> np.ndarray:
    out = z.copy()
    out[:, 2:] = np.maximum(out[:, 2:], 0)
    out[:, unit] = bit * z[:, unit]
    return out


@pytest.mark.parametrize("P", [0, 3])
def test_all_linear_and_all_nonlinear(P: int) -> None:
    params = random_parameters(3, P, 1, seed=8)
    rolled = roll(params, np.ones((4, 5, 1)))
    found = lesioned(params, rolled)
    assert len(by_unit(found.lesions)) == P
    assert all(x.bitcode == "" for x in found.lesions if x.kind == "remove mode" and P == 0)
    json.dumps(asdict(replace(found, arrays={})), allow_nan=False)


def test_without_states_there_is_nothing_to_test() -> None:
    rolled = addition_trials(n=0)
    found = report(ADDITION, rolled, scoring=mse_of(rolled), lesions=True, linearise_until=0.1)
    assert found.lesions == () and found.linearised is None


def test_without_a_score_they_are_refused() -> None:
    for given in ({"lesions": True}, {"linearise_until": 0.1}):
        with pytest.raises(UsageError, match="there is no task"):
            report(ADDITION, addition_trials(), **given)


def test_a_lesion_that_diverges_is_the_worst() -> None:
    # z_1' = 1e3 z_1 - 1 unless it is negative: linear, it explodes.
    params = make(1, [[1, 1], [0, 1e3]], h=[0, -1], D=[[1, 0]])
    rolled = roll(params, np.zeros((4, 200, 0)), targets=np.zeros((4, 1)))
    found = lesioned(params, rolled)
    own = by_unit(found.lesions)[1]
    assert own["linearise"].diverged == 4 and own["linearise"].effect == "worse" and own["silence"].effect == "none"
    assert not np.isfinite(own["linearise"].score["mse"]) and own["linearise"].standard_error is None
    assert severity(own["linearise"])[1] == np.inf
    assert "making it linear raises mse from 0 to" in "\n".join(found.summary)


def test_a_replay_that_leaves_the_rollout_is_said() -> None:
    rolled = addition_trials()
    moved = replace(rolled, outputs=rolled.outputs + 1e-3)
    assert any("amplify rounding" in w for w in lesioned(ADDITION, moved).warnings)
    assert not lesioned(ADDITION, rolled).warnings


def test_the_standard_error_is_paired() -> None:
    assert standard_error(np.array([0.0, 5.0]), np.array([1.0, 8.0])) == pytest.approx(1.0)
    assert standard_error(np.array([0.0, 5.0]), np.array([1.0, 6.0])) == 0
    assert standard_error(np.array([0.0]), np.array([1.0])) is None
    assert standard_error(np.array([0.0, 0.0]), np.array([1.0, np.nan])) is None


def test_an_effect_within_the_noise_is_unclear_and_a_gain_is_better() -> None:
    # The unit adds ±1 to an output of 0, to each trial with equal odds; targets have noise much larger than that.
    params = make(1, [[0, 0], [0, 0]], C=[[0], [1]], D=[[0, 1]])
    params = replace(params, readout="phi")
    sign = np.where(np.arange(100) % 2, 1.0, -1.0)
    rng = np.random.default_rng(3)
    for targets, effect in ((rng.normal(0, 30, (100, 1)), "unclear"), (-3 + 0 * sign[:, None], "better")):
        rolled = roll(params, sign[:, None, None].repeat(2, axis=1), targets=targets)
        own = by_unit(lesioned(params, rolled).lesions)[1]
        assert own["linearise"].effect == effect


def test_a_score_that_is_good_when_large() -> None:
    rolled = addition_trials(n=50)

    def score(outputs: np.ndarray, index: np.ndarray | None) -> dict[str, float]:
        targets = rolled.targets if index is None else rolled.targets[index]
        return {"hits": float(np.mean(np.abs(outputs - targets) < 0.1)), "bias": 0.0}

    found = lesioned(
        ADDITION, rolled, scoring=Scoring(score, {"hits": "max", "bias": "min"}, True), score={"hits": 1.0}
    )
    own = by_unit(found.lesions)[1]
    assert own["silence"].effect == "worse" and own["silence"].change == -1
    assert "Silencing unit 1 lowers hits from 1 to 0" in "\n".join(found.summary)


def lesion(kind: Any, effect: Any, change: float, unit: int | None = None, **given: Any) -> Lesion:
    return Lesion(f"unit {unit}", kind, {"mse": 1 + change}, change, 0.1, effect, 0, unit, **given)


def test_many_units_in_sentences() -> None:
    lesions = []
    for unit in range(8):
        needed = unit < 6
        for kind, change in (("linearise", 0.1 * unit), ("silence", 0.5 * unit + 0.01), ("freeze", 0.0)):
            lesions.append(lesion(kind, "worse" if needed else "unclear", change, unit))
    (text,) = sentences(lesions, None, {"mse": 1.0}, {"mse": 3.0})
    assert text.startswith(
        "Switching is used in 6 of 8 nonlinear units: linear or silent, whichever is better, one at a time they take mse"
    )
    assert "from 1 to 1.5 (unit 5), 1.4 (unit 4), 1.3 (unit 3) and 1.2 (unit 2), 2 more do less harm (chance 3)" in text
    assert "Each of the other 2 can be" in text
    assert controls(lesions, 1, "mse") is None
