"""Usage: entropy and Gini against naive computations, padding, phases, many PWL units."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from alrnn_cli.analysis.usage import gini, usage
from alrnn_cli.analysis.visits import count_visits
from alrnn_cli.dynamics import code

from .systems import addition_trials, free, make, random_parameters, report, roll


def naive_gini(x: np.ndarray) -> float:
    return float(np.abs(x[:, None] - x[None, :]).sum() / (2 * len(x) * x.sum()))


@pytest.mark.parametrize("P", [1, 3, 6, 10])
def test_gini_and_entropy_agree_with_enumeration(P: int) -> None:
    rng = np.random.default_rng(P)
    everything = rng.geometric(0.1, 2**P) * (rng.random(2**P) < 0.4)
    everything[0] = 7  # at least one is visited
    found = usage(everything[everything > 0], P)
    assert found.gini_all == pytest.approx(naive_gini(everything), abs=1e-12)
    assert found.gini_visited == pytest.approx(naive_gini(everything[everything > 0]), abs=1e-12)
    assert found.gini_all_normalised == pytest.approx(naive_gini(everything) / (1 - 2.0**-P), abs=1e-12)
    p = everything[everything > 0] / everything.sum()
    assert found.entropy == pytest.approx(-sum(x * math.log(x) for x in p))
    assert found.effective_number == pytest.approx(math.exp(found.entropy or 0))
    assert (found.n_states, found.n_visited, found.n_possible) == (everything.sum(), (everything > 0).sum(), 2**P)


def test_one_subregion_is_the_extreme_and_equal_use_the_other() -> None:
    alone = usage(np.array([9]), 3)
    assert (alone.entropy, alone.effective_number, alone.gini_visited) == (0, 1, 0)
    assert alone.gini_all == 1 - 1 / 8
    assert alone.gini_all_normalised == 1
    equal = usage(np.full(8, 5), 3)
    assert equal.gini_all == pytest.approx(0)
    assert equal.effective_number == pytest.approx(8)
    assert gini(np.array([0, 0, 1])) == pytest.approx(2 / 3)


def test_a_linear_model_has_one_subregion_and_no_normalised_gini() -> None:
    found = usage(np.array([40]), 0)
    assert (found.n_possible, found.gini_all, found.gini_all_normalised) == (1, 0, None)


def test_nothing_to_count_gives_no_measures() -> None:
    found = usage(np.array([0, 0]), 2)
    assert (found.n_states, found.n_visited, found.n_possible) == (0, 0, 4)
    assert found.entropy is None and found.gini_all is None and found.effective_number is None


def test_seventy_units_are_counted_without_integers() -> None:
    params = random_parameters(72, 70, 2, seed=1)
    s = np.random.default_rng(0).normal(size=(3, 40, 2))
    found = report(params, roll(params, s), limits={"budget": 1})
    all_ = found.usage["all"]
    assert all_.n_possible is None and all_.n_states == 120
    assert all_.gini_all == pytest.approx(1)
    assert all(len(r.bitcode) == 70 for r in found.regions)
    # Counted once more, by strings.
    z = roll(params, s).z.reshape(-1, 72)
    strings = ["".join("01"[int(x > 0)] for x in state[2:]) for state in z]
    assert {r.bitcode: r.count for r in found.regions if r.visited} == {c: strings.count(c) for c in set(strings)}
    assert found.complete["fixed_points"] is False


@pytest.mark.parametrize("P", [3, 9, 13])
def test_counts_belong_to_their_subregions(P: int) -> None:
    params = random_parameters(14, P, 2, seed=3)
    trajectories = roll(params, np.random.default_rng(2).normal(size=(4, 30, 2)))
    found = report(params, trajectories)
    strings = ["".join("01"[int(x > 0)] for x in state[14 - P :]) for state in trajectories.z.reshape(-1, 14)]
    assert {r.bitcode: r.count for r in found.regions if r.visited} == {c: strings.count(c) for c in set(strings)}
    assert {p.bitcode for p in found.fixed_points} <= {r.bitcode for r in found.regions}
    codes = [r.bitcode for r in found.regions]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("junk", [np.nan, 1e300, 1.0])
def test_padding_never_counts(junk: float) -> None:
    params = random_parameters(5, 3, 2, seed=4)
    s = np.random.default_rng(1).normal(size=(6, 12, 2))
    lengths = np.array([12, 1, 5, 7, 12, 3])
    phases = (s[..., 0] > 0).astype(np.int8)
    given = {"lengths": lengths, "phases": phases, "phase_names": ("a", "b"), "phase_inputs": np.eye(2)}
    clean = roll(params, s, **given)
    dirty_z = clean.z.copy()
    dirty_z[~clean.valid] = junk
    a, b = report(params, clean), report(params, replace(clean, z=dirty_z))
    assert a.usage == b.usage and a.regions == b.regions and a.summary == b.summary and a.warnings == b.warnings
    assert a.usage["all"].n_states == lengths.sum()
    np.testing.assert_array_equal(a.arrays["pca.mean"], b.arrays["pca.mean"])
    np.testing.assert_array_equal(a.arrays["pca.variance"], b.arrays["pca.variance"])


def test_a_state_counts_under_the_phase_of_the_input_that_made_it() -> None:
    trajectories = addition_trials()
    visits = count_visits(trajectories, 1)
    # Region 0 is the more used; masked steps, two a trial, make region 1.
    assert [code(r) for r in visits.regions] == ["0", "1"]
    assert visits.by_phase.tolist() == [[360, 0], [0, 40]]


def test_steps_without_a_phase_count_overall_only() -> None:
    params = random_parameters(4, 2, 1, seed=2)
    phases = np.array([[-1, 0, 0, -1]], np.int8)
    trajectories = roll(
        params, np.ones((1, 4, 1)), phases=phases, phase_names=("on", "never"), phase_inputs=np.ones((2, 1))
    )
    found = report(params, trajectories)
    assert [found.usage[k].n_states for k in ("all", "on", "never")] == [4, 2, 0]
    assert all(r.frequency_by_phase["never"] is None for r in found.regions)
    assert sum(r.frequency_by_phase["on"] or 0 for r in found.regions) == pytest.approx(1)


def test_states_that_are_not_finite_are_left_out_and_said_so() -> None:
    params = make(1, [[2.0]], h=[1])
    trajectories = free(params)
    trajectories.z[0, 2] = np.inf
    found = report(params, trajectories)
    assert found.usage["all"].n_states == 3
    assert "not finite (the trajectory diverged): 1 state." in found.warnings[0]
