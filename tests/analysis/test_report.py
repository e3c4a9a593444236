"""The whole report: arrays, limits, warnings, errors, edge shapes, sentences."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from alrnn_cli.analysis.modes import mode
from alrnn_cli.analysis.pca import principal_components
from alrnn_cli.analysis.summary import describe_mode
from alrnn_cli.errors import InputError, UsageError
from alrnn_cli.wording import near_one, number, percent

from .systems import ADDITION, addition_trials, every, free, make, random_parameters, report, roll


def test_arrays_are_what_the_record_promises() -> None:
    trajectories = addition_trials(n=100)
    found = report(ADDITION, trajectories)
    a = found.arrays
    assert set(a) == {
        *(f"parameters.{n}" for n in ("A", "W", "C", "h", "D", "b", "z0")),
        *(
            f"trajectories.{n}"
            for n in ("s", "z0", "z", "outputs", "targets", "mask", "lengths", "conditions", "phases")
        ),
        *("pca.mean", "pca.components", "pca.variance", "phase_inputs", "transitions.edges", "transitions.stationary"),
    }
    assert a["trajectories.z"].shape == (64, 20, 2) and a["trajectories.z"].dtype == np.float32
    assert a["trajectories.mask"].dtype == bool and a["trajectories.phases"].dtype == np.int8
    assert all(x.flags.c_contiguous for x in a.values())
    np.testing.assert_allclose(a["trajectories.z"], trajectories.z[:64], atol=1e-6)
    np.testing.assert_array_equal(a["phase_inputs"], [[0, 0], [0.5, 0], [0.5, 1]])
    assert found.settings["inputs"] == ["zero", "mask off", "mask on"]
    assert found.model == {"M": 2, "P": 1, "K": 2, "N": 1, "readout": "z"}


def test_everything_but_the_arrays_is_json() -> None:
    found = report(ADDITION, addition_trials())
    text = json.dumps(asdict(replace(found, arrays={})), allow_nan=False)
    assert json.loads(text)["model"]["M"] == found.model["M"]


def test_what_is_given_passes_through() -> None:
    found = report(ADDITION, score={"mse": 0.5}, warnings=("old",), provenance={"at": "noon"}, settings={"trials": 20})
    assert found.score == {"mse": 0.5} and found.warnings == ("old",) and found.provenance["at"] == "noon"
    assert (
        found.settings["trials"] == 20
        and found.settings["max_regions"] == 4096
        and found.settings["max_points"] == 10_000
    )


def test_examples_stay_below_their_limit() -> None:
    params = random_parameters(10, 2, 3, seed=0)
    trajectories = roll(params, np.zeros((30, 50, 3)), targets=np.zeros((30, 50, 1)))
    found = report(params, trajectories, limits={"max_trajectory_bytes": 40_000})
    stored = sum(x.nbytes for n, x in found.arrays.items() if n.startswith("trajectories."))
    assert 30_000 < stored <= 40_000 and not found.warnings
    cut = report(params, trajectories, limits={"max_trajectory_bytes": 1_000})
    steps = cut.arrays["trajectories.z"].shape[1]
    assert 1 <= steps < 50 and cut.arrays["trajectories.z"].shape[0] == 1
    assert cut.arrays["trajectories.targets"].shape[1] == steps == cut.arrays["trajectories.lengths"][0]
    assert "ends after" in cut.warnings[0]


def test_principal_components_against_svd() -> None:
    states = np.random.default_rng(0).normal(size=(200, 12)) * np.arange(12, 0, -1)
    found = principal_components(states)
    _, sigma, Vt = np.linalg.svd(states - states.mean(0), full_matrices=False)
    assert found.components.shape == (10, 12) and found.variance.shape == (12,)
    np.testing.assert_allclose(found.mean, states.mean(0))
    np.testing.assert_allclose(found.variance, sigma**2 / 199)
    np.testing.assert_allclose(found.variance.sum(), states.var(axis=0, ddof=1).sum())
    np.testing.assert_allclose(np.abs(found.components), np.abs(Vt[:10]), atol=1e-8)
    assert all(row[np.abs(row).argmax()] > 0 for row in found.components)


def test_principal_components_of_few_or_huge_states() -> None:
    for states in (np.zeros((0, 3)), np.ones((1, 3))):
        found = principal_components(states)
        assert np.isfinite(found.mean).all() and found.components.shape == (3, 3) and not found.variance.any()
    huge = principal_components(np.array([[1e200, 0], [-1e200, 0.0]]))
    np.testing.assert_allclose(huge.components[0], [1, 0], atol=1e-12)


@pytest.mark.parametrize(("M", "P", "K", "N"), [(1, 0, 0, 1), (1, 1, 0, 2), (3, 3, 1, 1), (3, 0, 2, 1), (14, 13, 1, 1)])
def test_edge_shapes(M: int, P: int, K: int, N: int) -> None:
    params = random_parameters(M, P, K, seed=M)
    params = replace(params, D=np.ones((N, M)), b=np.zeros(N))
    found = report(params, free(params, n=3, T=6), limits={"budget": 60, "max_period": 1})
    assert found.usage["all"].n_states == 18 and list(found.usage) == ["all"]
    assert found.summary and found.complete["fixed_points"]
    if P == 0:
        assert [r.bitcode for r in found.regions] == [""] and found.regions[0].frequency == 1


@pytest.mark.parametrize("P", [0, 2, 13])
def test_no_states_at_all(P: int) -> None:
    params = random_parameters(14, P, 1, seed=0)
    for n, T, length in ((0, 5, 5), (2, 0, 0), (2, 5, 0)):
        trajectories = replace(free(params, n=n, T=T), lengths=np.full(n, length))
        found = report(params, trajectories)
        assert found.usage["all"].n_states == 0 and found.usage["all"].entropy is None
        assert {p.bitcode for p in found.fixed_points} == {r.bitcode for r in found.regions}
        assert not any(r.visited for r in found.regions) and all(p.nearest_state is None for p in found.fixed_points)


def test_limits_are_obeyed_and_said() -> None:
    params = random_parameters(16, 14, 2, seed=1)
    trajectories = roll(params, np.random.default_rng(0).normal(size=(10, 50, 2)) * 3)
    everything = report(params, trajectories)
    visited = everything.usage["all"].n_visited
    hosts = {p.bitcode for p in everything.fixed_points}
    assert len(everything.regions) == visited + 1 > 20 and len(hosts) == 1 and not everything.warnings
    few = report(params, trajectories, limits={"max_regions": 20, "max_modes": 16 * 5})
    assert [r.bitcode for r in few.regions] == [*(r.bitcode for r in everything.regions[:20]), *hosts]
    assert [len(r.modes) for r in few.regions] == [16] * 5 + [1] * 16
    assert f"Only 20 of {visited}" in few.warnings[0] and "first 5" in few.warnings[1]
    assert few.usage == everything.usage
    assert few.regions[0].count == max(r.count for r in everything.regions)
    counts = [r.count for r in everything.regions]
    assert counts == sorted(counts, reverse=True) and sum(r.frequency for r in everything.regions) == pytest.approx(1)


def test_a_bad_limit_is_refused() -> None:
    with pytest.raises(UsageError, match="max_regions"):
        report(ADDITION, limits={"max_regions": -1})


def test_all_4096_subregions_are_accounted_for() -> None:
    params = random_parameters(20, 12, 2, seed=0)
    found, all_of_them = report(params, free(params)), every(params, free(params))
    (counts,) = found.fixed_point_counts.values()
    assert (
        sum(counts.values()) == 4096 == len(all_of_them.fixed_points)
        and counts == all_of_them.fixed_point_counts["zero"]
    )
    assert [p for p in all_of_them.fixed_points if p.kind != "virtual"] == list(found.fixed_points)


def test_what_does_not_fit_is_refused() -> None:
    trajectories = addition_trials()
    with pytest.raises(InputError, match="expected \\(n, T, 2\\)"):
        report(ADDITION, replace(trajectories, z=trajectories.z[..., :1]))
    with pytest.raises(InputError, match="K = 2"):
        report(ADDITION, replace(trajectories, s=trajectories.s[..., :1]))
    with pytest.raises(InputError, match="Phase inputs"):
        report(ADDITION, replace(trajectories, phase_inputs=np.zeros((1, 2))))
    with pytest.raises(InputError, match="'zero'"):
        report(ADDITION, replace(trajectories, phase_names=("zero", "on")))
    with pytest.raises(InputError, match="W is not finite"):
        report(replace(ADDITION, W=np.full((2, 2), np.nan)), trajectories)


def test_a_phase_without_an_input_is_left_out_and_said() -> None:
    found = report(ADDITION, replace(addition_trials(), phase_inputs=np.array([[0.5, 0], [np.nan, np.nan]])))
    assert found.settings["inputs"] == ["zero", "mask off"] and "'mask on'" in found.warnings[0]


def test_the_adder_in_sentences() -> None:
    found = report(ADDITION, addition_trials(), score={"mse": 0.0}, chance={"mse": 1 / 6})
    text = "\n".join(found.summary)
    assert "On 20 trials mse is 0; chance is 0.167." in text
    assert "Of 2^1 = 2 linear subregions 2 are used by the 400 states of 20 trials: 90.0 %" in text
    assert (
        'With "mask off" 100 % of states are in subregion 0 and with "mask on" 100 % of states are in subregion 1.'
        in text
    )
    assert "In subregion 0 the mode with |λ| nearest 1 has λ = 1: it stores a value without decay." in text
    assert "subregion 0 has a line of fixed points, reaching into it" in text
    assert "subregion 1 has none (its map drifts by 0.5 per step)" in text


def test_parts_of_a_metric_share_a_sentence() -> None:
    score = {"accuracy": 0.75, "mse": 0.1, "accuracy.A": 1.0, "accuracy.B": 0.5}
    chance = {"accuracy": 0.3, "accuracy.A": 0.25, "accuracy.B": 0.35}
    text = report(ADDITION, addition_trials(), score=score, chance=chance).summary
    assert text[:3] == (
        "On 20 trials accuracy is 0.75; chance is 0.3.",
        "Of these accuracy is 1 in A and 0.5 in B; chance is 0.25 to 0.35.",
        "On 20 trials mse is 0.1.",
    )
    text = report(ADDITION, addition_trials(), score=score, chance={"accuracy.A": 0.5, "accuracy.B": 0.5}).summary
    assert text[1] == "Of these accuracy is 1 in A and 0.5 in B; chance is 0.5."
    assert report(ADDITION, addition_trials(), score=score, chance={}).summary[1].endswith("0.5 in B.")


def test_many_kinds_in_one_sentence() -> None:
    # Six units, each z' = A z + W relu(z) + h on its own; products of their kinds.
    params = make(3, np.diag([-1, -1, 0.0]), A=[1, 1, 0.5], h=[0, 0, 1])
    found = report(params)
    kinds = {p.bitcode: p.kind for p in found.fixed_points}
    assert kinds["001"] == "continuum" and kinds["111"] == "undetermined"
    (sentence,) = [s for s in found.summary if s.startswith("Under zero input, of")]
    assert sentence.startswith("Under zero input, of 8 subregions: ")
    assert "with a line and a plane of fixed points" in sentence and "too close to a switching plane" in sentence


def test_modes_in_words() -> None:
    def told(value: complex) -> str:
        return describe_mode(mode(value, 1e-14))

    assert told(0.9998) == "has λ = 0.99980: it stores a value, with a timescale of 4,999 steps"
    assert told(0.5) == "has λ = 0.500: it forgets, with a timescale of 1.44 steps"
    assert told(1.01) == "has λ = 1.010: it stores a value, growing e-fold in 100 steps"
    assert told(1.1) == "has λ = 1.100: it grows e-fold in 10.5 steps"
    assert told(-1) == "has λ = -1: it changes sign at every step (period 2 steps) without decay"
    assert told(1j) == "is a pair with |λ| = 1: it rotates with a period of 4 steps without decay"
    assert "and grows e-fold" in told(1.1j) and told(0) == "has λ = 0: it forgets within one step"


def test_numbers_in_words() -> None:
    assert [percent(x) for x in (0, 1, 0.5, 0.99999, 1e-5)] == [
        "0 %",
        "100 %",
        "50.0 %",
        "more than 99.9 %",
        "less than 0.1 %",
    ]
    assert [number(x) for x in (0, 5000, 0.16667, 12.34, 1e9, 1e-5)] == [
        "0",
        "5,000",
        "0.167",
        "12.3",
        "1.00e+09",
        "1.00e-05",
    ]
    assert [near_one(x) for x in (1, 0.99998, 0.5)] == ["1", "0.999980", "0.500"]
