"""Line attractors: speeds and displacements against simulation, the verdicts, how long a value is needed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from alrnn_cli.analysis.fixed_points import Input
from alrnn_cli.analysis.lines import horizons, line_attractors
from alrnn_cli.dynamics import bits, step
from alrnn_cli.records import LineAttractor, Parameters

from .systems import ADDITION, addition_trials, free, make, report, roll


def linear(params: Parameters, states: np.ndarray, s: np.ndarray, n: float) -> list[LineAttractor]:
    """Every test of a model with P = 0."""
    return within(params, np.zeros(0, bool), states, s, n)


def within(params: Parameters, region: np.ndarray, states: np.ndarray, s: np.ndarray, n: float) -> list[LineAttractor]:
    of = np.zeros(len(states), int)
    return list(line_attractors(params, region[None], states, of, [Input("x", s)], {"x": n}, of - 1))


@pytest.mark.parametrize("value", [0.985, 0.9999, 1.0, 1.003])
def test_displacement_is_what_a_simulation_does(value: float) -> None:
    rng = np.random.default_rng(0)
    S = rng.normal(size=(5, 5))
    J = S @ np.diag([value, 0.6, -0.4, 0.3, 0.1]) @ np.linalg.inv(S)
    params = make(0, J, C=rng.normal(size=(5, 2)), h=0.01 * rng.normal(size=5))
    s, n = np.array([0.02, -0.01]), 37
    states = rng.normal(size=(2000, 5))
    (found,) = linear(params, states, s, n)
    lefts = np.linalg.inv(S)
    r = S[:, 0] / np.linalg.norm(S[:, 0])
    r *= np.sign(r[np.abs(r).argmax()])
    l = lefts[0] / (lefts[0] @ r)
    a = states @ l
    low, high = np.percentile(a, [5, 95])
    assert found.range == pytest.approx((low, high)) and found.eigenvalue == pytest.approx(value)
    after, moved = states, [a]
    for _ in range(n):
        after = step(params, after, s)
        moved.append(after @ l)
    used = (a >= low) & (a <= high)
    far, once = np.abs(moved[n] - a)[used], np.abs(moved[1] - a)[used]
    # The simulated states reach nearly to the ends of the range, where displacement and speed are largest.
    rounding = 1e-12 * (high - low)  # where every state moves alike, the two are equal but for it
    assert far.max() - rounding <= found.displacement <= far.max() + 0.01 * (high - low)
    assert once.max() - rounding <= found.speed_max <= once.max() + 1e-3 * (high - low)
    speed = np.abs((value - 1) * np.clip(a, low, high) + l @ (params.C @ s + params.h))
    assert found.speed_mean == pytest.approx(speed.mean())
    assert found.relative_displacement == pytest.approx(found.displacement / (high - low))
    pair = np.argsort(a)[[100, 1900]]
    assert found.stretch == pytest.approx(np.diff(moved[n][pair])[0] / np.diff(a[pair])[0])


def test_the_line_is_where_the_other_modes_leave_the_state() -> None:
    # Unit 0 stores, unit 1 follows it halfway with an offset and is the one that switches.
    # It follows the value of the step before: while unit 0 drifts by 0.1 a step, it is on where a > -0.9.
    params = make(1, [[1, 0], [0.5, 0]], h=[0.1, 0.5])
    on, off = np.array([True]), np.array([False])
    states = np.c_[np.linspace(-3, 3, 61), np.zeros(61)]
    (inside,), (outside,) = (within(params, region, states, np.zeros(0), 50) for region in (on, off))
    low, high = inside.range
    r = np.hypot(1, 0.5)  # the direction is (1, 0.5) / r, so that a = r z_0
    assert (low, high) == pytest.approx((-2.7 * r, 2.7 * r))
    assert inside.inside == pytest.approx(3.6 / 5.4) and outside.inside == pytest.approx(1.8 / 5.4)
    assert inside.verdict == outside.verdict == "leaves"
    settled = states
    for _ in range(3):
        settled = step(params, settled, np.zeros(0))
    used = np.abs(settled[:, 0]) <= 2.7
    assert bits(settled, 1)[used].mean() == pytest.approx(inside.inside, abs=0.02)


@pytest.mark.parametrize(
    ("value", "h", "n", "verdict"),
    [
        (1.0, 0.0, 1000, "line attractor"),
        (0.9999, 0.0, 100, "line attractor"),
        (0.9999, 0.01, 100, "moving line"),
        (0.99, 0.0, 100, "drifts"),
        (0.99, 0.2, 1000, "forgets"),
        (1.005, 0.0, 400, "forgets"),
    ],
)
def test_verdicts(value: float, h: float, n: int, verdict: str) -> None:
    states = np.c_[np.linspace(-1, 1, 101), np.zeros(101)]
    (found,) = linear(make(0, np.diag([value, 0.3]), h=[h, 0]), states, np.zeros(0), n)
    assert found.verdict == verdict
    assert found.inside == 1


def test_other_modes_can_spoil_a_line() -> None:
    states = np.random.default_rng(0).normal(size=(50, 2))
    (grows,) = linear(make(0, np.diag([1.0, 1.5])), states, np.zeros(0), 10)
    assert grows.verdict == "unstable" and grows.inside is None
    found = linear(make(0, np.diag([1.0, 1.0])), states, np.zeros(0), 10)
    assert [x.verdict for x in found] == ["line attractor"] * 2 and found[0].inside is None
    (still,) = linear(make(0, np.diag([1.0, 0.5])), np.zeros((9, 2)), np.zeros(0), 10)
    assert still.verdict == "unused" and still.relative_displacement is None
    assert not linear(make(0, np.diag([-1.0, 0.5])), states, np.zeros(0), 10)  # alternates: stores nothing
    assert not linear(make(0, np.diag([1.0, 0.5])), np.zeros((0, 2)), np.zeros(0), 10)
    assert still.share is None


def test_the_adder_holds_with_the_mask_off_and_adds_with_it_on() -> None:
    found = {(x.bitcode, x.phase): x for x in report(ADDITION, addition_trials(n=50)).line_attractors}
    held = found["0", "mask off"]
    assert (held.verdict, held.displacement, held.inside, held.horizon) == ("line attractor", 0, 1, 18)
    added = found["1", "mask on"]
    assert (added.speed_mean, added.horizon, added.displacement) == pytest.approx((0.5, 2, 1))
    assert found["0", "mask on"].verdict == "leaves"
    # What acts in a subregion is the input of the next step: a mark is hardly ever followed by a mark.
    trajectories = addition_trials(n=50)
    marked, then = trajectories.phases[:, :-1] == 1, trajectories.phases[:, 1:]
    assert found["1", "mask on"].share == pytest.approx((then[marked] == 1).mean())
    assert found["1", "mask off"].share == pytest.approx((then[marked] == 0).mean())
    assert found["1", "zero"].share == 0


def test_a_value_is_needed_for_all_steps_of_its_phase() -> None:
    phases = np.array([[0, 0, 1, 0, 0, 0], [0, 1, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0]], np.int8)
    trajectories = replace(
        free(make(0, [[1.0]]), n=3, T=6),
        phases=phases,
        phase_names=("wait", "mark", "never"),
        phase_inputs=np.zeros((3, 0)),
        lengths=np.array([6, 4, 3]),
    )
    assert horizons(trajectories) == {"zero": 4, "wait": 3, "mark": 1.5, "never": 4}
    assert (
        horizons(replace(trajectories, z=np.zeros((0, 6, 1)), phases=phases[:0], lengths=np.zeros(0, int)))["wait"] == 0
    )


def test_sentences() -> None:
    s = (
        np.random.default_rng(0).normal(size=(40, 1, 1)) * np.eye(1, 30)[0, :, None]
    )  # a value at the first step, to be kept
    for value, h, told in (
        (
            0.9999,
            0.0,
            "a line attractor, timescale 9,999 steps, that carries 100 % of the variance: a value moves by at most",
        ),
        (0.9999, 0.05, "all move alike"),
        (0.985, 0.0, "do not stay"),
    ):
        params = make(0, np.diag([value, 0.1]), C=[[1], [0]], h=[h, 0])
        summary = report(params, roll(params, s)).summary
        assert any(told in line for line in summary), summary
        assert sum("of the variance" in line for line in summary) == 1
