"""Bifurcations: one- and two-unit systems whose fixed points pass planes, meet, cross |λ| = 1 or stay, in known steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from alrnn_cli.analysis.bifurcations import Follower
from alrnn_cli.analysis.jumps import line_up, loss_changes, restart_at
from alrnn_cli.analysis.series import Series, SeriesBuilder, sentences
from alrnn_cli.records import AnalysisReport, Bifurcation, FixedPoint, Parameters
from alrnn_cli.records.words import Kind

from .systems import free, make, random_parameters, report, roll


def series(*systems: Parameters, history: dict[str, list[Any]] | None = None, **given: Any) -> Series:
    """The series of some systems, at steps 10, 20, …"""
    builder = SeriesBuilder(history or {})
    for i, params in enumerate(systems, 1):
        builder.add(report(params, **given), 10 * i)
    return builder.finish()


def only(found: Series) -> Bifurcation:
    (event,) = found.bifurcations
    return event


def tent(left: float, right: float, h: float) -> Parameters:
    """z' = left z + h below 0, right z + h above: a one-unit map with a fixed point h / (1 - slope) on each side that it lies on."""
    return make(1, [[right - left]], A=[left], h=[h])


def test_a_point_passes_the_plane_of_its_unit() -> None:
    # Unit 1 rests at h_1 / (1 - 0.3): it goes from off to on; unit 2 stays on.
    systems = [make(2, np.diag([0.5, 0.3, 0.2]), h=[0.7, h, 1.0]) for h in (-0.5, -0.1, 0.1)]
    event = only(series(*systems))
    assert (event.kind, event.phase, event.from_step, event.to_step) == ("border collision", "zero", 20, 30)
    assert event.units == (1,)
    assert [p.bitcode for p in (*event.before, *event.after)] == ["01", "11"]
    # Off: z_1 = -0.1; on: z_1 = 0.1 / 0.7.
    assert event.moved == pytest.approx(0.1 + 0.1 / 0.7)
    assert event.complete and event.loss_change is None and event.loss_jump is None


@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_equal_and_smoothly_changed_systems_do_not_bifurcate(scale: float) -> None:
    params = random_parameters(6, 4, 2, seed=5)
    assert series(params, params, params).bifurcations == ()
    nudged = replace(params, h=params.h + 1e-9 * scale)
    assert series(params, nudged).bifurcations == ()


def test_stability_is_lost_through_each_part_of_the_circle() -> None:
    up = only(series(make(0, [[0.9]], h=[1]), make(0, [[1.1]], h=[1])))
    assert (up.kind, up.through, up.units, up.before[0].bitcode) == ("stability", ("+1",), (), "")
    assert (up.before[0].stability, up.after[0].stability) == ("stable", "unstable")
    assert up.moved == pytest.approx(20)  # from 10 to -10, by way of infinity
    flip = only(series(make(1, [[-0.9]], h=[1]), make(1, [[-1.1]], h=[1])))
    assert (flip.through, flip.before[0].bitcode) == (("-1",), "1")
    turn = np.array([[0, -1], [1, 0.0]])
    assert only(series(make(0, 0.9 * turn, h=[1, 0]), make(0, 1.1 * turn, h=[1, 0]))).through == ("pair",)


def test_a_further_unstable_direction_is_a_bifurcation_too() -> None:
    a, b = (make(0, np.diag([1.5, x, 0.5]), h=[1, 1, 1]) for x in (-0.9, -1.1))
    event = only(series(a, b))
    assert event.before[0].stability == event.after[0].stability == "saddle"
    assert (event.before[0].unstable_directions, event.after[0].unstable_directions) == (1, 2)


def test_two_points_meet_on_the_plane() -> None:
    # Slopes 0.5 and 2, one real eigenvalue > 1 on one side only: for h < 0 a point on each side, for h > 0 none.
    gone = only(series(tent(0.5, 2, -0.2), tent(0.5, 2, 0.2)))
    assert (gone.kind, gone.units, gone.after) == ("fold", (0,), ())
    assert {(p.bitcode, p.stability) for p in gone.before} == {("0", "stable"), ("1", "unstable")}
    assert gone.moved == pytest.approx(0.4 + 0.2)  # from -0.4 to 0.2
    born = only(series(tent(0.5, 2, 0.2), tent(0.5, 2, -0.2)))
    assert (born.kind, born.before, len(born.after)) == ("fold", (), 2)


def test_a_point_that_goes_to_infinity_vanishes_alone() -> None:
    # Slope from 0.9 to 1.1 on the right, h = 1: the point at 10 is gone, and -10 is not on the right.
    event = only(series(tent(0.5, 0.9, 1), tent(0.5, 1.1, 1)))
    assert (event.kind, event.moved, event.units) == ("vanishes", None, ())
    assert only(series(tent(0.5, 1.1, 1), tent(0.5, 0.9, 1))).kind == "appears"


def test_several_planes_between_two_checkpoints() -> None:
    a, b = (make(3, np.diag([0.3, 0.3, 0.3]), h=h) for h in ([-1, -1, 1], [1, 1, 1]))
    event = only(series(a, b))
    assert (event.kind, event.units) == ("border collision", (0, 1))


def test_a_point_on_the_plane_is_waited_for() -> None:
    # h = 0: the point is on the plane, undetermined on both sides.
    passing = series(tent(0.5, 0.2, -1), tent(0.5, 0.2, 0), tent(0.5, 0.2, 0), tent(0.5, 0.2, 1))
    event = only(passing)
    assert (event.kind, event.from_step, event.to_step) == ("border collision", 10, 40)
    assert passing.points[1].fixed_points == {"zero": {"undetermined stable": 2}} and not passing.points[1].complete
    back = series(tent(0.5, 0.2, -1), tent(0.5, 0.2, 0), tent(0.5, 0.2, -1))
    assert back.bifurcations == ()
    fold = only(series(tent(0.5, 2, 0.2), tent(0.5, 2, 0), tent(0.5, 2, 0), tent(0.5, 2, -0.2)))
    assert (fold.kind, fold.from_step, fold.to_step) == ("fold", 10, 40)
    # From the first on undetermined: where it was before is not known.
    assert series(tent(0.5, 0.2, 0), tent(0.5, 0.2, 1)).bifurcations == ()


def point(bitcode: str, z: list[float], kind: Kind = "real", eigenvalue: float = 0.5) -> FixedPoint:
    """A fixed point as a report lists it, made up."""
    (real,) = report(tent(0.5, 0.2, 1)).fixed_points[:1]
    return replace(real, bitcode=bitcode, z=tuple(z), kind=kind, eigenvalues=((eigenvalue, 0.0),))


def events(*looks: list[FixedPoint]) -> list[tuple[str, int, int]]:
    follower = Follower("zero", 2)
    return [(e.kind, e.from_step, e.to_step) for i, look in enumerate(looks) for e in follower.look(i, look, True)]


def test_the_interval_reaches_back_to_the_last_certain_sight_of_everything_concerned() -> None:
    old, new = point("00", [-1, -1]), point("01", [-1, 1])
    assert events([old], [old, replace(new, kind="undetermined")], [new]) == [("border collision", 0, 2)]
    assert events([old], [old], [new]) == [("border collision", 1, 2)]


def test_pairs_need_the_parity_that_lets_them_meet_or_pass() -> None:
    a, b = point("00", [-1, -1]), point("01", [-1, 1])
    odd = point("01", [-1, 1], eigenvalue=2.0)
    assert events([a, odd], []) == [("fold", 0, 1)] and events([], [a, odd]) == [("fold", 0, 1)]
    assert events([a, b], []) == [("vanishes", 0, 1)] * 2
    assert events([a], [b]) == [("border collision", 0, 1)]
    assert events([a], [odd]) == [("vanishes", 0, 1), ("appears", 0, 1)]


def test_across_several_planes_only_the_nearest_of_all_are_one_point() -> None:
    old, new = point("00", [-1, -1]), point("11", [1, 1])
    assert events([old], [new]) == [("border collision", 0, 1)]
    nearer = point("10", [0.9, -0.1])
    assert events([old, nearer], [new, nearer]) == [("vanishes", 0, 1), ("appears", 0, 1)]
    far = point("10", [50, -1])
    assert events([old, nearer], [new, far]) == [("vanishes", 0, 1), ("appears", 0, 1)]


def test_every_input_has_its_own() -> None:
    def given(c: float) -> AnalysisReport:
        params = make(1, [[0.3]], C=[[1.0]], h=[c])
        trials = roll(params, np.zeros((1, 3, 1)), phase_names=("low", "high"), phase_inputs=np.array([[-2.0], [2.0]]))
        return report(params, trials)

    builder = SeriesBuilder({})
    builder.add(given(-1.0), 1)
    builder.add(given(1.0), 2)
    found = builder.finish()
    assert only(found).phase == "zero"
    assert found.points[0].fixed_points == {name: {"real stable": 1} for name in ("zero", "low", "high")}


def test_a_search_that_is_not_complete_is_said() -> None:
    one, other = tent(0.5, 0.9, 1), tent(0.5, 1.1, 1)
    follower = Follower("zero", 1)
    follower.look(1, report(one).fixed_points, True)
    (event,) = follower.look(2, report(other).fixed_points, False)
    assert event.kind == "vanishes" and not event.complete
    few = replace(report(one), complete={"fixed_points": False, "reason": "time ran out"})
    builder = SeriesBuilder({})
    builder.add(few, 1)
    builder.add(report(other), 2)
    assert any("was not complete" in x for x in sentences(builder.finish()))


def test_lists_that_were_cut_short_are_not_complete() -> None:
    params = tent(0.5, 2, -0.2)
    builder = SeriesBuilder({})
    builder.add(report(params), 1)
    builder.add(report(params, limits={"max_points": 1}), 2)
    found = builder.finish()
    assert [p.complete for p in found.points] == [True, False]
    assert not only(found).complete


@pytest.mark.slow
def test_random_systems_along_a_path_account_for_every_point() -> None:
    """Points before, plus those born, minus those gone, are those after; and nothing is told twice."""
    told = 0
    for seed in range(30):
        a, b = (random_parameters(5, 4, 0, seed=100 + seed + k, scale=1.5) for k in (0, 1000))
        path = [
            replace(a, **{n: (1 - x) * getattr(a, n) + x * getattr(b, n) for n in ("A", "W", "h")})
            for x in np.linspace(0, 1, 9)
        ]
        reports = [report(p, free(p, T=3), limits={"max_period": 1}) for p in path]
        if any(p.kind != "real" for r in reports for p in r.fixed_points):
            continue
        builder = SeriesBuilder({})
        for i, found in enumerate(reports):
            builder.add(found, i)
        series_ = builder.finish()
        for i in range(8):
            codes = {p.bitcode for p in reports[i].fixed_points}
            for e in (e for e in series_.bifurcations if e.to_step == i + 1):
                told += 1
                before, after = {p.bitcode for p in e.before}, {p.bitcode for p in e.after}
                assert before <= codes
                codes = (codes - before) | after
                if e.kind == "fold":
                    assert len(e.units) == 1
            assert codes == {p.bitcode for p in reports[i + 1].fixed_points}
    assert told > 30


@pytest.mark.slow
def test_along_a_fine_path_only_infinity_makes_a_point_appear_alone() -> None:
    """As the theory has it: points pass one plane at a time, meet in pairs on a plane, or come and go where det(I - J) = 0."""
    a, b = (random_parameters(4, 3, 0, seed=s, scale=1.3) for s in (5, 6))
    path = [
        replace(a, **{n: (1 - x) * getattr(a, n) + x * getattr(b, n) for n in ("A", "W", "h")})
        for x in np.linspace(0, 1, 300)
    ]
    reports = [report(p, free(p, T=2), limits={"max_period": 1}) for p in path]
    builder = SeriesBuilder({})
    for i, found in enumerate(reports):
        builder.add(found, i)
    events = builder.finish().bifurcations
    assert {e.kind for e in events} == {"appears", "vanishes", "fold", "border collision", "stability"}
    for e in events:
        if e.kind in ("border collision", "fold"):
            assert len(e.units) == 1
        if e.kind in ("appears", "vanishes"):
            state, when = (*e.before, *e.after)[0], e.from_step if e.before else e.to_step
            (z,) = [p.z for p in reports[when].fixed_points if p.bitcode == state.bitcode]
            assert z is not None and np.linalg.norm(z) > 20  # of states of size 1


HISTORY = {
    "step": [10, 20, 30, 40, 50, 60, 70, 80],
    "loss": [1.0, 0.9, 0.82, 0.73, 0.1, 0.09, 0.082, 0.074],
    "restart": [0.0] * 8,
}


def test_jumps_of_the_loss() -> None:
    changes = loss_changes(HISTORY)
    size = np.abs(np.diff(np.log(HISTORY["loss"])))
    middle = np.median(size)
    assert changes.threshold == pytest.approx(middle + 3 * 1.4826 * np.median(np.abs(size - middle)))
    assert changes.between(40, 50) == (pytest.approx(np.log(0.1 / 0.73)), True)
    assert changes.between(10, 40)[1] is False
    assert changes.between(35, 45)[1] is True  # the evaluations at 40 and 50 overlap it
    assert changes.between(80, 90) == (None, None)


def test_histories_that_say_nothing_of_the_loss() -> None:
    for history in ({}, {"step": [1], "loss": [1.0]}, {"step": [1, 2], "loss": [None, 0.0]}, {"step": [1, 2]}):
        assert loss_changes(history).between(0, 9) == (None, None)
    flat = loss_changes({"step": [1, 2, 3], "loss": [1.0, 1.0, 1.0]})
    assert flat.between(1, 3) == (0.0, False)


def test_training_begun_anew_is_no_jump_and_no_bifurcation() -> None:
    history = {"step": [10, 20, 30], "loss": [1.0, 5.0, 4.9], "restart": [0.0, 1.0, 1.0]}
    assert [restart_at(history, s) for s in (5, 10, 11, 30, 99)] == [0, 0, 1, 1, 1]
    assert restart_at({}, 5) == 0
    assert np.isnan(loss_changes(history).change).tolist() == [True, False]
    found = series(tent(0.5, 0.2, -1), tent(0.5, 0.2, 1), tent(0.5, 0.2, -1), history=history)
    assert [p.restart for p in found.points] == [0, 1, 1]
    event = only(found)
    assert (event.from_step, event.to_step) == (20, 30)
    assert found.points[1].loss_change is None and found.points[2].loss_change == pytest.approx(np.log(4.9 / 5))


def test_jumps_and_bifurcations_are_lined_up() -> None:
    systems = [tent(0.5, 0.2, h) for h in (-1, -0.9, -0.8, -0.7, 0.7, 0.8, 0.9)]
    found = series(*systems, history=HISTORY)
    event = only(found)
    assert (event.from_step, event.to_step, event.loss_jump) == (40, 50, True)
    assert [p.loss_jump for p in found.points] == [None, False, False, False, True, False, False]
    jumps = found.loss_jumps
    assert jumps is not None
    assert (jumps.n_intervals, jumps.with_bifurcation, jumps.with_jump, jumps.with_both) == (6, 1, 1, 1)
    assert jumps.p_value == pytest.approx(1 / 6)
    assert any(
        "The loss jumps in 1 of 6 intervals between checkpoints; 1 of these and 0 of the 5 others" in x
        for x in sentences(found)
    )


@pytest.mark.parametrize(
    ("n", "changed", "jumped", "both"), [(6, 3, 3, 3), (8, 2, 4, 0), (7, 5, 4, 3), (5, 0, 2, 0), (5, 5, 5, 5)]
)
def test_chance_of_a_coincidence_against_enumeration(n: int, changed: int, jumped: int, both: int) -> None:
    from itertools import combinations

    bifurcates = [i < changed for i in range(n)]
    jumps: list[bool | None] = [False] * n
    for i in [*range(both), *range(changed, changed + jumped - both)]:
        jumps[i] = True
    found = line_up([*bifurcates, True], [*jumps, None], 0.1)
    draws = [sum(i < changed for i in c) for c in combinations(range(n), jumped)]
    assert found is not None and found.with_both == both
    assert found.p_value == pytest.approx(np.mean([d >= both for d in draws]))
    assert line_up([True], [None], 0.1) is None and line_up([], [], None) is None


def test_what_a_point_of_the_series_says() -> None:
    params = random_parameters(6, 3, 1, seed=1)
    trials = roll(params, np.random.default_rng(1).normal(0, 2, (5, 40, 1)))
    whole = report(params, trials, score={"mse": 0.5})
    builder = SeriesBuilder({})
    builder.add(whole, 7)
    (point,) = builder.finish().points
    visited = [r for r in whole.regions if r.visited]
    assert (point.step, point.n_visited, point.score) == (7, len(visited), {"mse": 0.5})
    assert point.spectral_radius == max(r.spectral_radius for r in visited)
    modes = [m for r in visited for m in r.modes]
    assert point.slowest is not None
    assert abs(point.slowest.modulus - 1) == min(abs(m.modulus - 1) for m in modes)
    assert point.entropy == whole.usage["all"].entropy


def test_no_states_at_all() -> None:
    params = random_parameters(4, 2, 1, seed=0)
    found = series(params, params, trajectories=free(params, n=0))
    assert found.points[0].spectral_radius is None and found.points[0].slowest is None
    assert sentences(found)
