"""Fixed points along an input: folds and passages whose place is known, every branch against a search at every value."""

from __future__ import annotations

import numpy as np
import pytest

from alrnn_cli.analysis.continuation import Sweep, continuation
from alrnn_cli.analysis.limits import Limits
from alrnn_cli.dynamics import step
from alrnn_cli.errors import UsageError
from alrnn_cli.records import Continuation, Parameters

from .systems import ADDITION, addition_trials, make, random_parameters, report


def along(
    params: Parameters, low: float, high: float, n: int = 5, held: tuple[float, ...] | None = None
) -> Continuation:
    zero = np.zeros(params.K) if held is None else np.array(held)
    return continuation(params, Sweep(0, "u", np.linspace(low, high, n), zero), np.zeros((0, params.P), bool), Limits())


def slopes(left: float, right: float, h: float = 0.0) -> Parameters:
    return make(1, [[right - left]], A=[left], C=[[1]], h=[h])


def test_two_points_meet_at_the_plane_and_vanish() -> None:
    # z = u/(1 - slope): 2u on the left, -2u on the right, both real for u < 0 only.
    answer = along(slopes(0.5, 1.5, h=-0.3), -1, 1, 4)
    assert [(b.bitcode, b.stability) for b in answer.branches] == [("0", "stable"), ("1", "unstable")]
    assert all((b.start, b.end) == (-1, pytest.approx(0.3)) for b in answer.branches)
    (event,) = answer.collisions
    assert (event.kind, event.unit, event.bitcodes) == ("death", 0, ("0", "1")) and event.at == pytest.approx(0.3)
    assert event.stability == ("stable", "unstable") and answer.real == (2, 2, 0, 0)
    (born,) = along(slopes(1.5, 0.5), -1, 1, 4).collisions
    assert born.kind == "birth" and born.at == pytest.approx(0)


def test_a_point_passes_from_one_subregion_into_the_next() -> None:
    answer = along(slopes(0.5, -2.5), -1, 1, 4)
    assert [(b.bitcode, b.stability) for b in answer.branches] == [("0", "stable"), ("1", "unstable")]
    (event,) = answer.collisions
    assert event.kind == "passes" and event.at == pytest.approx(0) and answer.real == (1, 1, 1, 1)
    assert answer.branches[0].z_start == pytest.approx((-2,)) and answer.branches[1].z_end == pytest.approx((1 / 3.5,))


@pytest.mark.parametrize("seed", range(6))
def test_branches_are_what_a_search_at_each_value_finds(seed: int) -> None:
    params = random_parameters(8, 6, 2, seed=seed, scale=2.0)
    answer = along(params, -2, 2, 41, held=(0, 0.5))
    assert answer.complete
    for x, n in zip(answer.values, answer.real, strict=True):
        assert sum(b.start <= x <= b.end for b in answer.branches) == n
    for b in answer.branches:
        for x, z in ((b.start, b.z_start), (b.end, b.z_end)):
            np.testing.assert_allclose(step(params, np.array(z), np.array([x, 0.5])), z, atol=1e-9)
    inner = {b.start for b in answer.branches if b.start > -2} | {b.end for b in answer.branches if b.end < 2}
    assert {round(x, 9) for x in inner} == {round(c.at, 9) for c in answer.collisions}
    for c in answer.collisions:
        ends = sum(abs(b.end - c.at) < 1e-9 for b in answer.branches)
        assert ends == {"passes": 1, "death": 2, "birth": 0}[c.kind]


def test_the_summary_says_what_happens_along_the_input() -> None:
    def said(params: Parameters, sweep: str) -> list[str]:
        return [s for s in report(params, input_sweep=sweep).summary if s.startswith("Along ")]

    assert said(slopes(0.5, 1.5, h=-0.3), "0=-1:1:0.5") == [
        "Along input 0 from -1 to 1 there are 0 to 2 real fixed points: at 0.3 (unit 0) two vanish, one stable in subregion 0 and one unstable in subregion 1."
    ]
    assert said(slopes(0.5, -2.5), "0=-1:1:0.5") == [
        "Along input 0 from -1 to 1 there is 1 real fixed point: at 0 (unit 0) one passes between subregion 0 and subregion 1, and is stable in the former "
        "and unstable in the latter."
    ]
    assert said(slopes(0.5, -2.5), "0=1:3:1") == ["Along input 0 from 1 to 3 there is 1 real fixed point."]


def test_a_pair_between_two_values_is_found_from_its_branches() -> None:
    # Real on a short stretch only, which the two values that are searched miss.
    params = make(1, [[0, 0], [1, 0]], A=[0, 0.5], C=[[1], [0]], h=[0, -0.05])
    answer = along(params, 0, 0.1, 2)
    assert len(answer.branches) == 2 and answer.collisions[0].at == pytest.approx(0.05)


def test_the_gate_of_the_network_that_adds() -> None:
    found = report(ADDITION, addition_trials(), inputs=("value=0.5",), input_sweep="mask=0:1:0.25").continuation
    assert found is not None and found.input == "mask" and found.held == (0.5, 0) and found.values[-1] == 1
    assert found.singular == ("0", "1") and not found.branches  # lines of fixed points and drifts: nothing to follow
    assert found.real == (0,) * 5


def test_where_branches_meet_there_is_one_point() -> None:
    # At u = 0 itself a point passes, two meet, two are born.
    assert along(slopes(0.5, -2.5), -1, 1, 3).real == (1, 1, 1)
    assert along(slopes(0.5, 1.5), -1, 1, 3).real == (2, 1, 0)
    assert along(slopes(1.5, 0.5), -1, 1, 3).real == (0, 1, 2)


def test_a_slow_mode_far_out_does_not_blur_what_the_other_units_do() -> None:
    # The linear unit stands at 2^40; when unit 1 crosses its plane, unit 2 is at 2, nowhere near its own.
    params = make(2, np.diag([1 - 2.0**-40, 0, 0]), A=[0, 0.5, 0.5], C=[[0], [1], [0]], h=[1, 0, 1])
    (event,) = along(params, -1, 1, 4).collisions
    assert (event.kind, event.unit) == ("passes", 1) and event.at == pytest.approx(0)


def test_a_unit_that_stays_at_zero_is_off() -> None:
    params = make(2, np.zeros((2, 2)), A=[0.5, 0.5], C=[[1], [0]])
    answer = along(params, -1, 1, 4)
    assert [b.bitcode for b in answer.branches] == ["00", "10"] and answer.real == (1,) * 4
    assert [c.kind for c in answer.collisions] == ["passes"]


def test_a_corner_is_undetermined_from_either_side() -> None:
    # At u = 0 units 0 and 1 both reach their planes, the latter only in the subregion beyond.
    params = make(2, [[0, 0], [1, 0]], A=[0.5, 0.5], C=[[1], [0]])
    answer = along(params, -1, 1, 4)
    assert [b.bitcode for b in answer.branches] == ["00", "11"] and {c.kind for c in answer.collisions} == {
        "undetermined"
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"input_sweep": "mask"}, "expected NAME=GRID"),
        ({"input_sweep": "mas=0:1:0.5"}, "no input 'mas'"),
        ({"input_sweep": "mask=1"}, "at least two values"),
        ({"input_sweep": "mask=0:1:-1"}, "never reaches"),
        ({"inputs": ("0.5",)}, "got 1 numbers, the model has K = 2 inputs"),
        ({"inputs": ("0.5,x",)}, "not a number"),
        ({"inputs": ("maks=1",)}, "no input 'maks'"),
    ],
)
def test_bad_inputs_are_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        report(ADDITION, addition_trials(), **given)


def test_an_input_that_was_asked_for() -> None:
    found = report(ADDITION, addition_trials(), inputs=("0.5,1", "mask=1"))
    assert found.settings["inputs"] == ["zero", "mask off", "mask on", "0.5,1", "mask=1"]
    assert {p.phase: p.input for p in found.fixed_points}["mask=1"] == (0, 1)
    assert found.fixed_point_counts["0.5,1"] == found.fixed_point_counts["mask on"]
