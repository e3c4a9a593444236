"""Lyapunov exponents of maps that have known ones, their errors, and directions that are lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from alrnn_cli.analysis.lyapunov import kaplan_yorke, lyapunov
from alrnn_cli.dynamics import jacobian
from alrnn_cli.records import Lyapunov, Parameters

from .systems import free, make, random_parameters, report, roll


def found(params: Parameters, n: int = 1, T: int = 4000, z0: Any = None, k: int = 64, steps: int = 10**6) -> Lyapunov:
    params = params if z0 is None else replace(params, z0=np.array(z0, float))
    told = lyapunov(params, free(params, n, T), k, steps)
    assert told is not None
    return told


def tent(left: float, right: float) -> Parameters:
    return make(1, [[right - left]], A=[left], h=[1])


def lozi(a: float, b: float) -> Parameters:
    return make(1, [[0, b, 0], [1, a, -2 * a], [1, a, -2 * a]], h=[0, 1, 1])


def test_tent_map() -> None:
    told = found(tent(1.9, -1.9), z0=[0.123])
    assert told.exponents == pytest.approx([np.log(1.9)], abs=1e-13) and told.method == "QR"
    assert told.standard_errors[0] == pytest.approx(0, abs=1e-13)
    assert (told.kaplan_yorke, told.n_steps, told.n_trials, told.n_blocks) == (1, 3200, 1, 20)


def test_lozi_map() -> None:
    told = found(lozi(1.7, 0.5), T=8000, z0=[0.1, 0.1, 0.1])
    first, second, third = told.exponents
    assert first is not None and second is not None and third is None
    assert first + second == pytest.approx(np.log(0.5), abs=1e-12)
    assert first > 0.4 and told.kaplan_yorke == pytest.approx(1 + first / -second)
    assert told.singular == (0, 0, 7999) and told.standard_errors[2] is None
    # The same from the map in two dimensions, differentiated by hand.
    x, y, v, total = 0.1, 0.1, np.array([1.0, 0.0]), 0.0
    for _ in range(8000):
        v = np.array([v[1] - 1.7 * np.sign(x) * v[0], 0.5 * v[0]])
        x, y = 1 + y - 1.7 * abs(x), 0.5 * x
        total += np.log(np.linalg.norm(v))
        v /= np.linalg.norm(v)
    assert first == pytest.approx(total / 8000, abs=0.01)


def test_a_limit_cycle_contracts_as_its_multiplier_says() -> None:
    # The Lozi map's 2-cycle at a = 0.9, b = 0.3 has |λ| = 0.3 for both eigenvalues.
    told = found(lozi(0.9, 0.3), z0=[0.1, 0.1, 0.1])
    assert told.exponents[:2] == pytest.approx([np.log(0.3) / 2] * 2, abs=2e-3) and told.kaplan_yorke == 0


@pytest.mark.parametrize("P", [0, 3])
def test_one_jacobian_has_the_logarithms_of_its_eigenvalues(P: int) -> None:
    params = random_parameters(6, P, 1, seed=2)
    params = replace(params, h=np.zeros(6), z0=np.r_[np.zeros(3), -np.ones(3)] if P else np.ones(6))
    if P:  # every unit that switches stays off
        W = params.W.copy()
        W[3:, :] = 0
        params = replace(params, W=W, A=np.r_[0, 0, 0, 0.9, 0.5, 0.1])
    told = found(params, T=40)
    assert told.method == "eigenvalues" and told.n_blocks == 0 and set(told.standard_errors) == {0.0}
    expected = np.sort(np.log(np.abs(np.linalg.eigvals(jacobian(params, np.zeros(P, bool))))))[::-1]
    assert told.exponents == pytest.approx(expected)


def test_the_product_converges_to_the_eigenvalues() -> None:
    # A unit that switches beside a linear map and touches it nowhere makes QR do what eigenvalues would.
    J = random_parameters(4, 0, 0, seed=5).W
    W = np.zeros((5, 5))
    W[:4, :4] = J
    W[4, 4] = -3.8
    told = found(make(1, W, A=[0, 0, 0, 0, 1.9], h=[0, 0, 0, 0, 1]), T=4000, z0=[1, 1, 1, 1, 0.123])
    assert told.method == "QR"
    expected = np.sort(np.r_[np.log(np.abs(np.linalg.eigvals(J))), np.log(1.9)])[::-1]
    assert told.exponents == pytest.approx(expected, abs=2e-3)
    leading = found(make(1, W, A=[0, 0, 0, 0, 1.9], h=[0, 0, 0, 0, 1]), T=4000, z0=[1, 1, 1, 1, 0.123], k=2)
    assert leading.exponents == pytest.approx(told.exponents[:2], abs=1e-9) and leading.kaplan_yorke is None


def test_their_sum_is_the_mean_log_determinant() -> None:
    params = random_parameters(5, 3, 2, seed=8, scale=1.5)
    s = np.random.default_rng(0).normal(0, 2, (7, 60, 2))
    trajectories = roll(params, s, lengths=np.array([60, 60, 50, 31, 20, 7, 1]))
    told = lyapunov(params, trajectories, 64, 10**6)
    assert told is not None and told.n_trials == 6  # of the seventh there is only the step from z_0
    logs, n = 0.0, 0
    for i, length in enumerate(trajectories.lengths):
        before = np.concatenate([trajectories.z0[i, None], trajectories.z[i]])[:length]
        for z in before[max(1, int(0.2 * length)) :]:
            logs += np.linalg.slogdet(jacobian(params, z[2:] > 0))[1]
            n += 1
    assert told.n_steps == n and sum(x or 0 for x in told.exponents) == pytest.approx(logs / n)


def test_padding_and_lost_states_do_not_count() -> None:
    params = random_parameters(4, 2, 1, seed=3)
    s = np.random.default_rng(0).normal(size=(3, 30, 1)) * 3
    whole = roll(params, s)
    z = whole.z.copy()
    z[0, 20:] = np.nan
    z[1, 25:] = 1e6
    cut = replace(whole, z=z, lengths=np.array([30, 25, 30]))
    short = replace(
        whole, lengths=np.array([21, 25, 30])
    )  # the step that leaves the last finite state still has a Jacobian
    assert lyapunov(params, cut, 9, 10**6) == lyapunov(params, short, 9, 10**6)
    limited = lyapunov(params, whole, 9, 60)
    assert limited is not None and limited.n_trials == 2
    assert lyapunov(params, replace(whole, lengths=np.zeros(3, int)), 9, 10**6) is None
    assert lyapunov(params, replace(whole, z=z[:0], z0=whole.z0[:0], lengths=np.zeros(0, int)), 9, 99) is None
    single = lyapunov(params, whole, 9, 12)
    assert single is not None and single.n_trials == 1 and single.n_steps == 10  # 12 of 30 steps, 20 % left out


def test_a_direction_lost_once_is_lost() -> None:
    # The second unit's state passes on nothing while it is off, as it is every other step.
    told = found(make(1, [[0.5, 0.3], [0, -3]], h=[0, 1]), T=100, z0=[1, 0.7])
    assert told.exponents[1] is None and told.exponents[0] is not None and 0 <= told.singular[0] <= told.singular[1]
    assert told.singular[1] > 0


@pytest.mark.parametrize("off", [np.arange(0, 400, 2), [397]])
def test_a_lost_direction_leaves_the_others_what_they_are(off: Any) -> None:
    # Unit 3 grows threefold while it is on and is nothing after a step off; units 0 to 2 go on by themselves, and into it.
    inner = random_parameters(3, 0, 0, seed=4).W
    for into in (0.0, 0.7):
        W = np.zeros((4, 4))
        W[:3, :3], W[3, :3], W[3, 3] = inner, into, 3
        states = np.ones((1, 400, 4))
        states[:, off] = -1
        trajectories = replace(free(make(1, W), 1, 400), z=states, z0=np.ones((1, 4)))
        told = lyapunov(make(1, W), trajectories, 4, 10**6)
        assert told is not None
        expected = np.sort(np.log(np.abs(np.linalg.eigvals(inner))))[::-1]
        assert told.exponents[:3] == pytest.approx(expected, abs=1e-2) and told.exponents[3] is None


@pytest.mark.parametrize("seed", range(5))
def test_ranks_of_products_of_maps_with_units_off(seed: int) -> None:
    """With A = 0 a unit that is off passes nothing on: as many directions last as the product of the Jacobians has rank."""
    params = replace(random_parameters(7, 5, 1, seed=seed, scale=1.2), A=np.zeros(7))
    trajectories = roll(params, np.random.default_rng(seed).normal(size=(1, 25, 1)) * 2)
    told = lyapunov(params, trajectories, 7, 10**6)
    image = np.eye(7)
    for z in trajectories.z[0, :24]:
        U, sigma, _ = np.linalg.svd(jacobian(params, z[2:] > 0) @ image)
        image = U[:, : int((sigma > 1e-10).sum())]
    assert told is not None and 0 < image.shape[1] < 7
    assert [x is not None for x in told.exponents] == [True] * image.shape[1] + [False] * (7 - image.shape[1])


def test_short_trials_start_from_a_basis_that_is_already_turned() -> None:
    J = np.diag([0.99, 0.97, 0.9, 0.5]) + np.triu(np.ones((4, 4)), 1)
    W = np.zeros((5, 5))
    W[:4, :4], W[4, 4] = J, 0.1  # a fifth unit, with slopes 0.2 and 0.3, that the input sends to and fro
    params = make(1, W, A=[0, 0, 0, 0, 0.2], C=np.eye(5)[:, 4:])
    to_and_fro = np.where(np.arange(50) % 2, 1.0, -1.0)[None, :, None]
    told = lyapunov(params, roll(params, to_and_fro), 5, 10**6)
    assert told is not None and told.method == "QR"
    expected = np.log([0.99, 0.97, 0.9, 0.5, (0.2 * 0.3) ** 0.5])
    assert told.exponents == pytest.approx(expected, abs=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize("trials", [1, 40])
def test_the_error_covers_the_truth(trials: int) -> None:
    # A skew tent map: uniform density, independent symbols, exponent -p ln p - (1 - p) ln(1 - p).
    p = 0.3
    truth = -p * np.log(p) - (1 - p) * np.log(1 - p)
    params, rng = tent(1 / p, -1 / (1 - p)), np.random.default_rng(7)
    low = -p / (1 - p)
    z_scores = []
    for _ in range(60):
        z0 = low + (1 - low) * rng.random((trials, 1))
        state, z = z0, np.zeros((trials, 800 // trials, 1))
        for t in range(z.shape[1]):
            state = np.where(state > 0, -state / (1 - p), state / p) + 1
            z[:, t] = state
        told = lyapunov(params, replace(free(params, trials, z.shape[1]), z=z, z0=z0), 1, 10**6)
        assert told is not None and told.exponents[0] is not None and told.standard_errors[0] is not None
        z_scores.append((told.exponents[0] - truth) / told.standard_errors[0])
    spread = np.sqrt(np.mean(np.square(z_scores)))
    assert 0.75 < spread < 1.35, spread
    assert np.mean(np.abs(z_scores) < 2) > 0.85


def test_kaplan_yorke() -> None:
    inf = np.inf
    cases = [
        ([0.5, -1.0], 2, 1.5),
        ([-0.1, -2], 2, 0),
        ([0.5, 0.2, -0.1, -6], 4, 3.1),
        ([0.3, -inf], 2, 1),
        ([0.3, 0.1], 2, 2),
        ([0.3, 0.1], 5, None),
        ([0.0, -1], 2, 1),
        ([-inf, -inf], 2, 0),
    ]
    for exponents, M, dimension in cases:
        assert kaplan_yorke(np.array(exponents), M) == (None if dimension is None else pytest.approx(dimension))


def test_it_is_in_the_report_where_asked() -> None:
    params = replace(tent(1.9, -1.9), z0=np.array([0.123]))
    trajectories = replace(free(params, T=300), dt=10.0, dt_unit="ms")
    assert report(params, trajectories).lyapunov is None
    told = report(params, trajectories, lyapunov=True, limits={"max_lyapunov_steps": 200})
    assert told.lyapunov is not None and told.lyapunov.n_steps == 160
    assert (told.lyapunov.dt, told.lyapunov.dt_unit) == (10, "ms")
    assert any("largest Lyapunov exponent is 0.642 ± " in x and "part e-fold in 1.56 steps" in x for x in told.summary)
