"""Models without subregions: how states spread, exponents of maps that have known ones, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from alrnn_cli.analysis import analyze, analyze_smooth
from alrnn_cli.analysis.lyapunov import lyapunov
from alrnn_cli.analysis.pca import principal_components
from alrnn_cli.analysis.states import state_spread
from alrnn_cli.config import AnalysisConfig
from alrnn_cli.errors import InputError, UsageError
from alrnn_cli.maps import Map
from alrnn_cli.maps.alrnn import Smooth, with_phi
from alrnn_cli.records import AnalysisReport, Trajectories

from .systems import free, make, random_parameters, roll

GIVEN: dict[str, Any] = {
    "source": {},
    "task": None,
    "score": {},
    "chance": {},
    "history": {},
    "settings": {},
    "provenance": {},
}


@dataclass(frozen=True)
class Linear(Map):
    """F(z, s) = J z + s."""

    J: np.ndarray

    def step(self, z: np.ndarray, s: np.ndarray) -> np.ndarray:
        return z @ self.J.T + s

    def jacobian(self, z: np.ndarray, s: np.ndarray) -> np.ndarray:
        return np.broadcast_to(self.J, (len(z), *self.J.shape))


@dataclass(frozen=True)
class Logistic(Map):
    """F(z, s) = s z (1 - z): chaotic at s = 4, where the exponent is ln 2."""

    def step(self, z: np.ndarray, s: np.ndarray) -> np.ndarray:
        return s * z * (1 - z)

    def jacobian(self, z: np.ndarray, s: np.ndarray) -> np.ndarray:
        return (s * (1 - 2 * z))[:, :, None]


def run(system: Map, s: np.ndarray, z0: np.ndarray) -> Trajectories:
    """Trajectories under inputs s (n, T, K) from z0 (n, M)."""
    z, states = z0, []
    for t in range(s.shape[1]):
        z = system.step(z, s[:, t])
        states.append(z)
    empty = free(make(1, [[0.0]]), len(s), s.shape[1])
    return replace(empty, s=s, z0=z0, z=np.stack(states, 1))


def test_exponents_of_a_linear_map_are_its_eigenvalues() -> None:
    J = random_parameters(4, 0, 0, seed=3).W
    J = J / np.abs(np.linalg.eigvals(J)).max()
    system = Linear(4, 4, 1, "a linear map", J)
    told = lyapunov(system, run(system, np.zeros((1, 6000, 4)), np.ones((1, 4))), 4, 10**6)
    assert told is not None and told.method == "QR"
    # A pair's two exponents wander about their mean.
    expected = np.sort(np.log(np.abs(np.linalg.eigvals(J))))[::-1]
    assert told.exponents == pytest.approx(expected, abs=2e-3)


def test_an_exponent_under_inputs_that_change_the_map() -> None:
    system = Logistic(1, 1, 1, "the logistic map")
    told = lyapunov(system, run(system, np.full((8, 2500, 1), 4.0), np.linspace(0.1, 0.45, 8)[:, None]), 1, 10**6)
    assert told is not None and told.exponents[0] == pytest.approx(np.log(2), abs=0.01)
    # At s = 2.5 the fixed point 1 - 1/s has the multiplier 2 - s; half of the steps at s = 1.5 make the mean of both.
    s = np.tile([2.5, 1.5], 500)[None, :, None]
    told = lyapunov(system, run(system, s, np.array([[0.3]])), 1, 10**6)
    z = 0.3
    for x in s[0, :900, 0]:
        z = x * z * (1 - z)
    two = 0.0
    for x in (2.5, 1.5):
        two += np.log(abs(x * (1 - 2 * z))) / 2
        z = x * z * (1 - z)
    assert told is not None and told.exponents[0] == pytest.approx(two, abs=1e-9)


def test_a_map_that_forgets_loses_a_direction() -> None:
    system = Linear(2, 2, 1, "a linear map", np.array([[0.5, 0.0], [0.0, 0.0]]))
    told = lyapunov(system, run(system, np.zeros((2, 50, 2)), np.ones((2, 2))), 2, 10**6)
    assert told is not None and told.exponents[0] == pytest.approx(np.log(0.5)) and told.exponents[1] is None


def test_tanh_of_an_alrnn_has_the_exponents_of_its_fixed_point() -> None:
    params = make(1, [[0.5, 0.3], [0.1, 0.8]], A=[0, 0.2], h=[0.1, 0.4])
    system = with_phi(params, "tanh", "x")
    assert isinstance(system, Smooth) and with_phi(params, "relu", "x") is params
    told = lyapunov(system, run(system, np.zeros((1, 3000, 0)), np.zeros((1, 2))), 2, 10**6)
    z = np.zeros(2)
    for _ in range(3000):
        z = params.A * z + params.W @ np.array([z[0], np.tanh(z[1])]) + params.h
    J = np.diag(params.A) + params.W @ np.diag([1, 1 - np.tanh(z[1]) ** 2])
    expected = np.sort(np.log(np.abs(np.linalg.eigvals(J))))[::-1]
    assert told is not None and told.exponents == pytest.approx(expected, abs=1e-3)


def cloud(z: np.ndarray, conditions: Any, phases: Any, lengths: Any = None) -> Trajectories:
    n, T, _ = z.shape
    base = free(make(1, [[0.0]]), n, T)
    names = tuple(map(str, range(int(np.max(phases)) + 1)))
    lengths = np.full(n, T) if lengths is None else np.array(lengths)
    return replace(
        base, z=z, conditions=np.array(conditions), phases=np.broadcast_to(phases, (n, T)).astype(np.int8), lengths=lengths,
        phase_names=names, s=np.zeros((n, T, 0)),
    )  # fmt: skip


def spread_of(trajectories: Trajectories) -> Any:
    states = trajectories.z[trajectories.valid]
    return state_spread(trajectories, states, trajectories.phases[trajectories.valid], principal_components(states))


def test_spread_by_brute_force() -> None:
    rng = np.random.default_rng(1)
    z = rng.normal(size=(30, 4, 3)) * [3.0, 1.0, 0.5]
    of = np.arange(30) % 3
    lengths = rng.integers(1, 5, 30)
    z[np.arange(30), lengths - 1] += of[:, None]
    phases = np.array([0, 0, 1, -1])
    told = spread_of(cloud(z, of, phases, lengths))
    states = np.concatenate([z[i, :n] for i, n in enumerate(lengths)])
    values = np.linalg.eigvalsh(np.cov(states.T))[::-1]
    assert (told.n_states, told.variance) == (lengths.sum(), pytest.approx(values.sum()))
    assert told.dimension == pytest.approx(values.sum() ** 2 / (values**2).sum())
    assert told.pc_shares == pytest.approx(values / values.sum())

    def share(x: np.ndarray, groups: np.ndarray) -> float:
        within = sum(((x[groups == g] - x[groups == g].mean(0)) ** 2).sum() for g in np.unique(groups))
        return 1 - float(within / ((x - x.mean(0)) ** 2).sum())

    last = z[np.arange(30), lengths - 1]
    assert (told.by_condition.n_trials, told.by_condition.n_conditions) == (30, 3)
    assert told.by_condition.share == pytest.approx(share(last, of))
    shuffled = [share(last, rng.permutation(of)) for _ in range(4000)]
    assert told.by_condition.chance == pytest.approx(np.mean(shuffled), abs=3e-3)
    assert told.by_condition.p_value == pytest.approx(np.mean(np.array(shuffled) >= told.by_condition.share), abs=0.05)
    labels = np.concatenate([phases[:n] for n in lengths])
    assert told.by_phase == pytest.approx(share(states[labels >= 0], labels[labels >= 0]))


def test_spread_where_there_is_none() -> None:
    still = spread_of(cloud(np.ones((3, 2, 2)), [0, 1, 0], [0, 1]))
    assert still.variance == 0 and still.dimension is None and still.pc_shares is None
    assert still.by_condition is None and still.by_phase is None
    alike = spread_of(cloud(np.random.default_rng(0).normal(size=(5, 2, 2)), [1] * 5, [0, 0]))
    assert alike.by_condition is None and alike.by_phase is None and alike.dimension is not None


def driven(n: int, T: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, T, 1))


def smooth_report(**asked: Any) -> AnalysisReport:
    system = Smooth(3, 1, 1, "a model of tanh", random_parameters(3, 2, 1, seed=4), "tanh")
    trajectories = run(system, driven(12, 9), np.zeros((12, 3)))
    return analyze_smooth(
        system, trajectories, AnalysisConfig(**asked), **{**GIVEN, "score": {"mse": 0.1}, "chance": {"mse": 0.5}}
    )


def test_a_report_without_subregions_says_so() -> None:
    report = smooth_report(lyapunov=True)
    assert report.usage == {} and report.regions == () and report.fixed_points == () and report.units == ()
    assert report.complete["fixed_points"] is False and report.complete["cycles"] is False
    assert "not piecewise linear" in report.complete["reason"]
    assert report.lyapunov is not None and report.states is not None and smooth_report().lyapunov is None
    assert report.summary[0] == "On 12 trials mse is 0.1; chance is 0.5."
    for words in ("bitcodes and subregions", "fixed points and cycles", "modes of each subregion", "lesions"):
        assert words in report.summary[-1]
    assert report.arrays["pca.variance"].sum() == pytest.approx(report.states.variance)


def test_states_that_are_not_finite_are_left_out() -> None:
    system = Linear(2, 2, 1, "a linear map", np.eye(2) * 1e200)
    with np.errstate(all="ignore"):
        trajectories = run(system, np.zeros((2, 3, 2)), np.ones((2, 2)))
    report = analyze_smooth(system, trajectories, AnalysisConfig(), **GIVEN)
    assert "4 states are not finite" in report.warnings[0]
    assert report.states is not None and report.states.n_states == 2


@pytest.mark.parametrize(
    ("asked", "flag"),
    [
        ({"lesions": True}, "--lesions"), ({"linearise_until": 0.1}, "--linearise-until"), ({"inputs": ("0",)}, "--input"),
        ({"input_sweep": "0=0:1:0.5"}, "--input-sweep"), ({"virtual": True}, "--virtual"), ({"compat": "alrnn-dsr"}, "--compat"),
    ],
)  # fmt: skip
def test_what_needs_subregions_is_refused(asked: dict[str, Any], flag: str) -> None:
    with pytest.raises(UsageError, match=f"{flag} needs a piecewise-linear model, and a model of tanh is none"):
        smooth_report(**asked)


def test_states_of_another_model_are_refused() -> None:
    system = Smooth(4, 1, 1, "x", random_parameters(4, 2, 1, seed=4), "tanh")
    with pytest.raises(InputError, match="expected 4 and 1"):
        analyze_smooth(system, roll(random_parameters(3, 2, 1, seed=4), driven(2, 3)), AnalysisConfig(), **GIVEN)


def test_an_exact_report_has_the_spread_too() -> None:
    params = random_parameters(3, 1, 1, seed=4)
    trajectories = roll(params, driven(12, 9))
    report = analyze(params, trajectories, **GIVEN)
    assert report.states == spread_of(trajectories)
