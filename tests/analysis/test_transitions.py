"""Transitions: stays and edges against loops, graphs and chains whose answers are known, units that never switch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from alrnn_cli.analysis import transitions as module
from alrnn_cli.analysis.transitions import edges, residences, switching, transitions
from alrnn_cli.analysis.visits import count_visits
from alrnn_cli.dynamics import bits, code

from .systems import free, make, random_parameters, report, roll


def bitcodes(r: int) -> np.ndarray:
    """r different subregions of 7 units. Returns: (r, 7) bool."""
    return (np.arange(r)[:, None] >> np.arange(6, -1, -1)) & 1 == 1


def of(*words: str) -> np.ndarray:
    """Trials as words of digits, "." for a state that does not count."""
    return np.array([[-1 if c == "." else int(c) for c in word] for word in words])


@pytest.mark.parametrize("seed", range(5))
def test_stays_and_edges_are_those_of_a_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sequence = rng.integers(-1, 4, (6, 40))
    sequence[0, :4] = range(4)
    pairs: dict[tuple[int, int], int] = {}
    runs: dict[int, list[int]] = {j: [] for j in range(4)}
    first = dict.fromkeys(range(4), 99)
    for trial in sequence:
        before = -1
        for t, j in enumerate(trial):
            if j >= 0:
                first[j] = min(first[j], t + 1)
                if before >= 0:
                    pairs[before, j] = pairs.get((before, j), 0) + 1
                if before == j:
                    runs[j][-1] += 1
                else:
                    runs[j].append(1)
            before = j
    assert [tuple(e) for e in edges(sequence)] == [(i, j, n) for (i, j), n in sorted(pairs.items())]
    stays = residences(sequence, 4)
    assert stays.first.tolist() == list(first.values())
    assert stays.number.tolist() == [len(x) for x in runs.values()]
    assert stays.longest.tolist() == [max(x) for x in runs.values()]
    np.testing.assert_allclose(stays.mean, [np.mean(x) for x in runs.values()])


def test_a_chain_by_hand() -> None:
    # P(1|0) = 2/3, P(0|1) = 1: π = (3/5, 2/5), a golden-mean graph.
    record, pi = transitions(np.array([[0, 0, 1], [0, 1, 2], [1, 0, 4]]), bitcodes(2))
    assert pi is not None
    np.testing.assert_allclose(pi, [0.6, 0.4])
    h = -(np.log(1 / 3) / 3 + 2 * np.log(2 / 3) / 3)
    assert record.entropy_rate == pytest.approx(0.6 * h)
    assert record.conditional_entropy == pytest.approx(3 / 7 * h)
    assert record.topological_entropy == pytest.approx(np.log((1 + 5**0.5) / 2))
    assert (record.n_steps, record.n_stays, record.n_pairs, record.n_components) == (7, 1, 3, 1)


def test_a_cycle_has_no_entropy() -> None:
    record, pi = transitions(edges(of("0120120")), bitcodes(3))
    assert (record.entropy_rate, record.conditional_entropy) == (0, 0)
    assert record.topological_entropy == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(pi, 1 / 3)


def test_recurrent_classes_and_what_a_trials_end_leaves_open() -> None:
    two, pi = transitions(edges(of("0011", "0022")), bitcodes(3))
    assert pi is None and two.entropy_rate is None and two.unfollowed == 0
    assert two.recurrent == (("0000001",), ("0000010",)) and two.n_components == 3
    open_, pi = transitions(edges(of("001", "01.")), bitcodes(2))
    assert pi is None and open_.unfollowed == 1 and open_.recurrent == ()
    nothing, pi = transitions(edges(of("0", "1")), bitcodes(2))
    assert (nothing.n_steps, nothing.conditional_entropy, nothing.topological_entropy, pi) == (0, None, None, None)


def test_large_components_have_the_radius_of_small_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    found = edges(np.random.default_rng(0).integers(0, 60, (3, 400)))
    here, pi = transitions(found, bitcodes(60))
    monkeypatch.setattr(module, "_DENSE", 1)
    there, _ = transitions(found, bitcodes(60))
    assert there.topological_entropy == pytest.approx(here.topological_entropy, abs=1e-9)
    P = np.zeros((60, 60))
    P[found[:, 0], found[:, 1]] = found[:, 2]
    P /= P.sum(axis=1, keepdims=True)
    assert pi is not None
    np.testing.assert_allclose(pi @ P, pi, atol=1e-12)
    assert pi.sum() == pytest.approx(1)


def test_tent_map_of_the_golden_mean() -> None:
    # Slopes ±φ: the turning point is on a 3-cycle, and 00 never follows once on the attractor: ln φ.
    golden = (1 + 5**0.5) / 2
    tent = replace(make(1, [[-2 * golden]], A=[golden], h=[1.0]), z0=np.array([0.3123]))
    found = report(tent, free(tent, T=5000))
    assert found.transitions is not None
    assert found.transitions.topological_entropy == pytest.approx(0.481212, abs=1e-6)


def test_units_against_their_bits() -> None:
    params = random_parameters(7, 5, 2, seed=3, scale=1.2)
    s = np.random.default_rng(0).normal(0, 1, (20, 30, 2))
    trajectories = replace(roll(params, s), lengths=np.arange(10, 30))
    visits = count_visits(trajectories, 5)
    found = switching(edges(visits.sequence), visits.regions, visits.counts, 7)
    b = [bits(z[:n], 5) for z, n in zip(trajectories.z, trajectories.lengths, strict=True)]
    np.testing.assert_allclose([u.on for u in found], np.concatenate(b).mean(axis=0))
    np.testing.assert_allclose(
        [u.flips_per_step for u in found], np.concatenate([x[1:] != x[:-1] for x in b]).mean(axis=0)
    )
    assert [u.unit for u in found] == [2, 3, 4, 5, 6]


def test_units_that_never_switch_are_named() -> None:
    params = make(3, np.diag([0.5, 0.5, 0.5, -0.9]), h=[0, 1.0, -1.0, 1.5])
    s = np.zeros((2, 30, 0))
    found = report(params, roll(replace(params, z0=np.array([0, 1.0, -1.0, 3.0])), s))
    assert [u.role for u in found.units] == ["always on", "always off", "switching"]
    assert any(
        "1 of 3 nonlinear units switches; unit 1 is always on and unit 2 is always off" in x for x in found.summary
    )


def test_visited_regions_have_stays_and_others_none() -> None:
    params = random_parameters(6, 3, 1, seed=1)
    found = report(params, roll(params, np.random.default_rng(1).normal(0, 2, (5, 40, 1))))
    for region in found.regions:
        assert (region.first_visit is None) != region.visited
        if region.visited:
            assert region.dwell_mean == pytest.approx(region.count / region.residences)
    graph = found.arrays["transitions.edges"]
    visited = [r.bitcode for r in found.regions if r.visited]
    z = roll(params, np.random.default_rng(1).normal(0, 2, (5, 40, 1))).z
    i, j, n = graph[0]
    words = [[code(x) for x in bits(trial, 3)] for trial in z]
    assert sum(w[t : t + 2] == [visited[i], visited[j]] for w in words for t in range(39)) == n
