"""Cycles: maps whose cycles are known, brute force over words, border cases, families around a rotating point, what time leaves open."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from alrnn_cli.analysis import cycles
from alrnn_cli.analysis.affine import step_map
from alrnn_cli.analysis.words import may_be_smallest, smallest, spell
from alrnn_cli.dynamics import all_regions, bits, step
from alrnn_cli.records import AnalysisReport, Cycle, Parameters

from .systems import free, make, random_parameters, report, roll


def found(params: Parameters, longest: int, **given: Any) -> AnalysisReport:
    return report(params, limits={"max_period": longest, "budget": 240}, **given)


def by_period(cycles: tuple[Cycle, ...], longest: int) -> list[int]:
    return [sum(c.period == k for c in cycles) for k in range(2, longest + 1)]


def tent(left: float, right: float) -> Parameters:
    return make(1, [[right - left]], A=[left], h=[1])


def planar(A: Any, w: Any, h: Any, P: int = 1) -> Parameters:
    return make(P, [[0, w[0]], [w[1], 0]], A=A, h=h)


def moduli(cycle: Cycle) -> list[float]:
    return [float(np.hypot(*v)) for v in cycle.eigenvalues]


@pytest.mark.parametrize(("slope", "numbers"), [(2.0, [1, 2, 3, 6, 9, 18, 30]), (1.9, [1, 2, 3, 4, 7, 12, 20])])
def test_tent_maps_have_as_many_cycles_as_their_words_allow(slope: float, numbers: list[int]) -> None:
    answer = found(tent(slope, -slope), 8)
    assert answer.complete["cycles"] and by_period(answer.cycles, 8) == numbers
    assert sum(p.kind == "real" for p in answer.fixed_points) == 2
    for cycle in answer.cycles:
        assert moduli(cycle) == pytest.approx([slope**cycle.period]) and cycle.stability == "unstable"


def test_a_cycle_through_the_switching_plane_is_told_apart_and_listed_once() -> None:
    phi = (1 + 5**0.5) / 2
    answer = found(tent(phi, -phi), 4)
    (border,) = [c for c in answer.cycles if c.period == 3]
    assert (border.kind, border.word, border.also) == ("undetermined", "001", ("011",))
    assert np.array(border.points)[:, 0] == pytest.approx([1 - phi, 0, 1])
    assert border.margin is not None and border.margin <= border.error_bound < 1e-13
    assert not answer.complete["cycles"] and "1 pass through a switching plane" in answer.complete["cycles_reason"]
    assert all(c.kind == "real" for c in answer.cycles if c.period != 3)


def test_published_planar_maps() -> None:
    # L. Eisenmann et al. (2023), the AL-RNN cases of SCYFI's tests.
    still = planar((0.3683894917319025, 0.09325784994952224), (0.42445515140482515, 0.40337929998957267),
                   (0.30087210680425625, 0.1416512363454716))  # fmt: skip
    answer = found(still, 10)
    (point,) = answer.fixed_points
    assert point.z == pytest.approx((0.829253, 0.525127), abs=1e-6) and not answer.cycles
    assert [np.hypot(*v) for v in point.eigenvalues] == pytest.approx([0.666875, 0.205228], abs=1e-6)
    turning = planar((-1.0426380555853465, -0.4911411537352522), (0.46559772515836184, -3.3910092082930188),
                     (0.8882965489134323, 1.0119539765178789))  # fmt: skip
    answer = found(turning, 10)
    (point,) = answer.fixed_points
    assert point.bitcode == "0" and point.z == pytest.approx((0.434877, -0.310312), abs=1e-6)
    assert [(c.period, c.word) for c in answer.cycles] == [(2, "01"), (8, "00000101"), (8, "00010101")]
    assert moduli(answer.cycles[1]) == pytest.approx([0.67257, 0.117214], abs=1e-5)
    assert moduli(answer.cycles[2]) == pytest.approx([1.862495, 0.172831], abs=1e-5)
    assert [c.stability for c in answer.cycles] == ["unstable", "stable", "saddle"]
    assert answer.complete["cycles"]


def test_lozi_map_lifted_by_a_linear_copy() -> None:
    a, b = 0.9, 0.3
    rows = [[0, b, 0], [1, a, -2 * a], [1, a, -2 * a]]
    answer = found(make(1, rows, h=[0, 1, 1]), 10)
    assert sorted(p.z[2] for p in answer.fixed_points) == pytest.approx([-5, 0.625])
    (cycle,) = answer.cycles
    assert cycle.period == 2 and [z[2] for z in cycle.points] == pytest.approx([-0.153846, 1.230769], abs=1e-6)
    assert moduli(cycle) == pytest.approx([0.3, 0.3, 0], abs=1e-9)


@pytest.mark.slow
def test_two_long_cycles_among_four_thousand_million_words() -> None:
    params = planar((0.8377689, 0.96461297), (-0.64375, 0.52505308), (0.37298253, -0.97931491), P=2)
    answer = found(params, 16)
    (point,) = answer.fixed_points
    assert max(np.hypot(*v) for v in point.eigenvalues) == pytest.approx(1.07057, abs=1e-5)
    assert answer.complete["cycles"] and [c.period for c in answer.cycles] == [16, 16]
    assert {c.stability for c in answer.cycles} == {"stable", "saddle"}
    stable, saddle = sorted(answer.cycles, key=lambda c: c.stability != "stable")
    assert moduli(stable) == pytest.approx([0.5189, 0.5189], abs=1e-4)
    assert moduli(saddle) == pytest.approx([1.610218, 0.237158], abs=1e-6)


@pytest.mark.parametrize(("M", "P", "longest"), [(1, 1, 6), (2, 2, 4), (3, 1, 6), (4, 3, 3), (5, 2, 4)])
def test_against_every_word(M: int, P: int, longest: int) -> None:
    for seed in range(4):
        params = random_parameters(M, P, 1, seed=seed, scale=2.5)
        answer = found(params, longest)
        J = step_map(params).jacobians(all_regions(P))
        expected = set()
        for period in range(2, longest + 1):
            for word in product(range(2**P), repeat=period):
                if any(word[t:] + word[:t] <= word for t in range(1, period)):
                    continue
                whole, c = np.eye(M), np.zeros(M)
                for letter in word:
                    whole, c = J[letter] @ whole, J[letter] @ c + params.h
                z = np.linalg.solve(np.eye(M) - whole, c)
                orbit = [z]
                for _ in word[1:]:
                    orbit.append(step(params, orbit[-1], np.zeros(1)))
                if all((bits(x, P) == all_regions(P)[letter]).all() for x, letter in zip(orbit, word, strict=True)):
                    expected.add((period, spell(all_regions(P)[list(word)])))
        assert {(c.period, c.word) for c in answer.cycles} == expected, seed
        for cycle in answer.cycles:
            z = np.array(cycle.points)
            np.testing.assert_allclose(step(params, z, np.zeros((len(z), 1))), np.roll(z, -1, axis=0), atol=1e-10)
            assert cycle.kind == "real"


def test_smallest_words_are_necklaces() -> None:
    words = all_regions(12)
    kept = words[smallest(words, 1)]
    assert len(kept) == 335  # (2^12 - 2^6 - 2^4 + 2^2) / 12
    assert smallest(words, 3).sum() == (8**4 - 8**2) // 4
    for m in range(1, 13):
        assert may_be_smallest(kept[:, :m], 1).all()
    assert not may_be_smallest(np.array([[True, False]]), 1)[0]


def test_a_point_that_turns_by_a_root_of_one_has_a_family_of_cycles() -> None:
    c, s = np.cos(2 * np.pi / 5), np.sin(2 * np.pi / 5)
    answer = found(make(0, [[c, -s], [s, c]], h=[1, 0]), 10)
    (family,) = answer.cycles
    assert (family.period, family.kind, family.dimension) == (5, "continuum", 2)
    assert family.stability == "marginal"
    flip = found(make(1, [[-0.5]], A=[-0.5], h=[1]), 4)
    # z' = 1 - z for 0 < z < 1, and the cycle 0, 1 at the end of the family, on the plane itself.
    assert [(x.period, x.word, x.kind) for x in flip.cycles] == [(2, "01", "undetermined"), (2, "11", "continuum")]


def test_families_around_a_line_of_fixed_points() -> None:
    # Two units that change places: points (x, x) stand still, all others are on 2-cycles; a third unit turns all by 4 steps.
    swap = [[0.0, 1], [1, 0]]
    (family,) = found(make(0, swap), 4).cycles
    assert (family.period, family.kind, family.dimension) == (2, "continuum", 2)
    (family,) = [c for c in found(make(2, swap), 4).cycles if c.word == "11.11"]
    assert (family.period, family.kind, family.dimension) == (2, "continuum", 2)
    assert not found(make(0, swap, h=[1, 1]), 4).cycles  # they drift
    turned = np.zeros((4, 4))
    turned[:2, :2], turned[2:, 2:] = swap, [[0, -1], [1, 0]]
    assert [(c.period, c.dimension) for c in found(make(0, turned), 6).cycles] == [(2, 2), (4, 4)]


def test_a_family_that_only_touches_its_subregions_is_undetermined() -> None:
    # Unit 1 stays at 0, whatever its bit, while the linear unit changes sign.
    answer = found(make(1, [[-1, 0], [0, 0]]), 2)
    assert [c.word for c in answer.cycles] == ["00", "01", "11"]
    assert {(c.kind, c.dimension) for c in answer.cycles} == {("undetermined", 1)}
    assert not answer.complete["cycles"]


def test_each_input_has_its_own_cycles() -> None:
    params = make(1, [[-3.8]], A=[1.9], C=[[1]], h=[0])
    trajectories = roll(params, np.zeros((1, 3, 1)), phase_names=("up", "down"), phase_inputs=np.array([[1.0], [-1.0]]))
    answer = found(params, 4, trajectories=trajectories)
    assert {c.phase for c in answer.cycles} == {"up"} and by_period(answer.cycles, 4) == [1, 2, 3]
    assert all(c.input == (1.0,) for c in answer.cycles)


def test_what_time_leaves_open_is_said_and_visited_cycles_are_found_all_the_same() -> None:
    # Eight tent maps side by side: 8^k words and more, of which not all can be looked at in no time.
    P = 8
    params = make(P, np.diag([-3.8] * P), A=[1.9] * P, h=[1] * P)
    answer = report(params, free(params, T=3), limits={"max_period": 5, "budget": 0})
    assert not answer.complete["cycles"] and "cut short at period 2" in answer.complete["cycles_reason"]
    assert answer.cycles and all(c.kind == "real" for c in answer.cycles)
    for c in answer.cycles:
        z = np.array(c.points)
        np.testing.assert_allclose(step(params, z, np.zeros((len(z), 0))), np.roll(z, -1, axis=0), atol=1e-10)


def test_words_that_time_did_not_suffice_to_solve_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without h every word has an orbit at the origin, on all planes at once: none is ruled out, and each has to be solved."""
    params = replace(random_parameters(6, 4, 0, seed=1), h=np.zeros(6))
    assert found(params, 2).complete["cycles_reason"].startswith("all words of up to 2 steps")
    # The words are found at once, and every look at the clock after that is too late.
    monkeypatch.setattr(cycles, "time", SimpleNamespace(monotonic=itertools.count(time.monotonic(), 1e4).__next__))
    cut = found(params, 2)
    assert not cut.complete["cycles"]
    assert cut.complete["cycles_reason"].startswith("the search was cut short at period 2 (119 found but not solved)")
