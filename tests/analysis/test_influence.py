"""What inputs do to outputs along a trial, against differences of the model's own outputs and against known answers."""

import dataclasses

import numpy as np
import pytest

from alrnn_cli import dynamics
from alrnn_cli.analysis import influence as module
from alrnn_cli.analysis.influence import influence
from alrnn_cli.records import Parameters, Trajectories


def model(M, P, K, N, seed, readout="z"):
    rng = np.random.default_rng(seed)
    return Parameters(
        P=P, A=rng.normal(0, 0.3, M) * (np.arange(M) >= M - P), W=rng.normal(0, 0.7 / np.sqrt(M), (M, M)), C=rng.normal(0, 1, (M, K)),
        h=rng.normal(0, 0.5, M), D=rng.normal(0, 1, (N, M)), b=rng.normal(0, 1, N), z0=rng.normal(0, 1, M), readout=readout,
    )  # fmt: skip


def rolled(params, s):
    z, state = np.zeros((*s.shape[:2], params.M)), np.tile(params.z0, (len(s), 1))
    for t in range(s.shape[1]):
        z[:, t] = state = dynamics.step(params, state, s[:, t])
    return z


def trajectories(params, s, *, lengths=None, mask=None, phases=None, names=()):
    n, T = s.shape[:2]
    z = rolled(params, s)
    last = np.tile(np.arange(T) == T - 1, (n, 1))
    return Trajectories(
        s=s, z0=np.tile(params.z0, (n, 1)), z=z, outputs=dynamics.readout(params, z), targets=np.zeros((n, params.N)),
        mask=last if mask is None else mask, lengths=np.full(n, T) if lengths is None else np.array(lengths),
        conditions=np.zeros(n, int), phases=np.full((n, T), -1) if phases is None else phases, phase_names=names,
    )  # fmt: skip


@pytest.mark.parametrize("P", [0, 3, 6])
@pytest.mark.parametrize("readout", ["z", "phi"])
def test_is_the_difference_that_a_small_input_makes(P, readout):
    params, rng = model(6, P, 2, 3, P, readout), np.random.default_rng(9)
    s = rng.normal(0, 1, (4, 7, 2))
    lengths, ends = [7, 5, 7, 3], [5, 4, 6, 2]  # the last counted step, which need not be the last
    mask = np.arange(7)[None] <= np.array(ends)[:, None]
    mask[0, 1] = False
    phases = rng.integers(-1, 2, (4, 7))
    found = influence(params, trajectories(params, s, lengths=lengths, mask=mask, phases=phases, names=("a", "b")))
    wanted = {"all": [], "a": [], "b": []}
    y = dynamics.readout(params, rolled(params, s))
    for trial, end in enumerate(ends):
        for t in range(end + 1):
            gain = np.zeros((3, 2))
            for k in range(2):
                moved = s.copy()
                moved[trial, t, k] += 1e-6
                gain[:, k] = (dynamics.readout(params, rolled(params, moved)) - y)[trial, end] / 1e-6
            for name in ("all", *([("a", "b")[phases[trial, t]]] if phases[trial, t] >= 0 else [])):
                wanted[name].append(gain)
    assert [i.phase for i in found] == ["all", "a", "b"]
    for record in found:
        assert (record.n_steps, record.n_trials) == (len(wanted[record.phase]), 4)
        np.testing.assert_allclose(record.mean, np.mean(wanted[record.phase], axis=0), atol=1e-6)
        np.testing.assert_allclose(record.spread, np.std(wanted[record.phase], axis=0), atol=1e-6)


def test_the_closed_form_gate_lets_marked_values_through_and_no_others():
    zero = np.zeros(2)
    params = Parameters(
        P=1, A=zero, W=np.array([[1.0, 1.0], [0, 0]]), C=np.array([[0.0, 0], [1, 1]]), h=np.array([0.0, -1]), D=np.eye(1, 2),
        b=np.zeros(1), z0=zero,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    s = np.stack([rng.uniform(0.1, 0.9, (5, 8)), np.zeros((5, 8))], axis=-1)
    s[:, 1:3, 1] = 1
    found = influence(params, trajectories(params, s, phases=s[..., 1].astype(int), names=("off", "on")))
    assert [(i.phase, i.n_steps, i.mean, i.spread) for i in found] == [
        ("all", 40, ((0.25, 0.25),), ((np.sqrt(3) / 4, np.sqrt(3) / 4),)),
        ("off", 30, ((0.0, 0.0),), ((0.0, 0.0),)),
        ("on", 10, ((1.0, 1.0),), ((0.0, 0.0),)),
    ]


def test_trials_that_diverge_or_count_nothing_are_left_out(monkeypatch):
    params = model(3, 1, 1, 1, 0)
    given = trajectories(params, np.ones((3, 4, 1)))
    z, mask = given.z.copy(), given.mask.copy()
    z[0, 2], mask[1] = np.nan, False
    (record,) = influence(params, dataclasses.replace(given, z=z, mask=mask))
    assert (record.n_trials, record.n_steps) == (1, 4)
    assert influence(params, dataclasses.replace(given, mask=np.zeros_like(mask))) == ()
    assert (
        influence(dataclasses.replace(params, C=np.zeros((3, 0))), dataclasses.replace(given, s=np.ones((3, 4, 0))))
        == ()
    )
    monkeypatch.setattr(module, "_WORK", 4 * 9 * 2)
    assert influence(params, given)[0].n_trials == 2


def test_beyond_a_trials_end_nothing_counts():
    params = model(3, 2, 1, 1, 1)
    s = np.random.default_rng(0).normal(0, 1, (2, 5, 1))
    short = trajectories(params, s, lengths=[3, 3], mask=np.arange(5)[None].repeat(2, 0) == 2)
    padded = short.z.copy()
    padded[:, 3:] = np.nan
    cut = trajectories(params, s[:, :3])
    assert influence(params, dataclasses.replace(short, z=padded)) == influence(params, cut)
