"""A model left to itself: its own recurrence, seeded states of the right size, divergence without a fuss."""

from dataclasses import replace

import numpy as np
import pytest

import alrnn_cli as alrnn
from alrnn_cli.dynamics import bits, readout, step
from alrnn_cli.freerun import free_run, scale

from .analysis.systems import make, random_parameters, report


@pytest.mark.parametrize(
    ("M", "P", "K", "readout_of"), [(5, 2, 0, "z"), (4, 4, 2, "phi"), (3, 0, 1, "z"), (1, 1, 0, "z")]
)
def test_it_follows_the_recurrence_under_zero_input(M, P, K, readout_of):
    params = replace(random_parameters(M, P, K, seed=1), z0=np.arange(M) / 3, readout=readout_of)
    found = free_run(params, trials=5, steps=20, seed=3)
    assert found.z.shape == (5, 20, M) and found.s.shape == (5, 20, K) and not found.s.any()
    before = np.concatenate([found.z0[:, None], found.z[:, :-1]], axis=1)
    np.testing.assert_array_equal(found.z, step(params, before, found.s))
    np.testing.assert_array_equal(found.outputs, readout(params, found.z))
    np.testing.assert_array_equal(found.z0[0], params.z0)
    assert found.valid.all() and not found.mask.any() and np.isnan(found.targets).all()


def test_a_seed_is_a_set_of_states():
    params = random_parameters(4, 2, 0, seed=0)
    a, b, c = (free_run(params, trials=4, steps=5, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(a.z, b.z)
    assert not np.allclose(a.z0[1:], c.z0[1:]) and np.allclose(a.z0[0], c.z0[0])


def test_a_transient_is_the_beginning_of_a_longer_run():
    params = random_parameters(4, 2, 1, seed=0)
    whole = free_run(params, trials=3, steps=30)
    late = free_run(params, trials=3, steps=20, transient=10)
    np.testing.assert_array_equal(late.z, whole.z[:, 10:])
    np.testing.assert_array_equal(late.z0, whole.z[:, 9])


def test_initial_states_have_the_sizes_of_the_pilot_run():
    params = make(1, [[0.5, 0], [0, 0]], h=[1, 10])  # rests at (2, 10)
    pilot = np.stack([2 * (1 - 0.5 ** np.arange(1, 101)), np.full(100, 10.0)], axis=1)
    np.testing.assert_allclose(scale(params), np.sqrt((pilot**2).mean(axis=0)), rtol=1e-12)
    drawn = free_run(params, trials=4001, steps=1).z0[1:] / scale(params)
    assert np.abs(drawn.std(axis=0) - 1).max() < 0.05 and np.abs(drawn.mean(axis=0)).max() < 0.05
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.05


def test_a_rescaled_model_runs_through_the_same_subregions():
    params = random_parameters(5, 3, 0, seed=4)
    c = np.array([1e-3, 2.0, 7.0, 1e4, 0.5])
    rescaled = replace(params, W=params.W * c[:, None] / c, h=c * params.h, D=params.D / c)
    a, b = free_run(params, steps=50), free_run(rescaled, steps=50)
    np.testing.assert_allclose(b.z, a.z * c, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(bits(a.z, 3), bits(b.z, 3))


def test_where_nothing_moves_the_scale_is_1():
    params = make(1, [[0.5, 0.2], [0.1, 0.3]])
    np.testing.assert_array_equal(scale(params), [1, 1])
    # Homogeneous: twice the state is twice the trajectory.
    z = np.random.default_rng(0).normal(size=(9, 2))
    np.testing.assert_allclose(step(params, 2 * z, np.zeros(0)), 2 * step(params, z, np.zeros(0)))
    still = make(0, [[0, 0], [0, 0.5]], h=[0, 1])
    assert scale(still)[0] == pytest.approx(scale(still)[1] / 2)  # the mean of both


def test_growth_does_not_set_the_scale_but_drift_does():
    growing = make(0, [[2.0]], h=[1])
    assert scale(growing)[0] < 1000
    drifting = make(0, [[1.0]], h=[1])
    assert scale(drifting)[0] == pytest.approx(np.sqrt((np.arange(1, 101) ** 2).mean()))
    at_once = make(0, [[1.0]], h=[np.finfo(float).max])
    assert np.isfinite(scale(replace(at_once, z0=np.array([np.finfo(float).max])))).all()


def test_divergence_is_counted_and_said():
    params = make(1, [[3.0, 0], [1, 0.2]], h=[1, 1])
    found = report(params, free_run(params, trials=4, steps=1000))
    assert "not finite" in found.warnings[0] and 0 < found.usage["all"].n_states < 4000


@pytest.mark.parametrize(("steps", "kept", "said"), [(1000, 1, ["8 of 9 trials diverged"]), (200, 9, [])])
def test_trials_that_diverge_are_left_out_whole(tmp_path, monkeypatch, steps, kept, said):
    # It rests at 0, where its own trial starts, and leaves from everywhere else: 3^646 is beyond float64.
    np.savez(tmp_path / "away.npz", A=np.zeros(2), W=[[3.0, 0], [0, 3.0]], h=np.zeros(2))
    monkeypatch.chdir(tmp_path)
    alrnn.import_model("away.npz", "npz", P=0, out="away.safetensors")
    found = alrnn.analyze("away.safetensors", trials=9, steps=steps, save=False)
    assert found.usage["all"].n_states == kept * steps
    assert [w[:22] for w in found.warnings if "diverged" in w] == said
