"""Slow modes: gains add up to D Jⁿ C, shares of variance of states whose modes are known, the closed-form gate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from alrnn_cli.analysis.slow import regions_with_modes, slow_modes
from alrnn_cli.dynamics import jacobian, mask

from .systems import ADDITION, addition_trials, make, random_parameters, report, roll


@pytest.mark.parametrize("readout", ["z", "phi"])
def test_gains_of_all_modes_are_the_impulse_response(readout: str) -> None:
    params = replace(random_parameters(7, 3, 2, seed=4), readout=readout)
    for region in (np.array([True, False, True]), np.zeros(3, bool)):
        found = slow_modes(params, region[None], np.zeros((0, 7)), np.zeros(0, int), tolerance=np.inf)
        seen = params.D * mask(region, 7) if readout == "phi" else params.D
        J = jacobian(params, region)
        real = sum(np.array(m.gain) for m in found)
        np.testing.assert_allclose(real, seen @ params.C, atol=1e-10)
        if all(m.eigenvalue[1] == 0 for m in found):
            later = sum(m.eigenvalue[0] ** 3 * np.array(m.gain) for m in found)
            np.testing.assert_allclose(later, seen @ np.linalg.matrix_power(J, 3) @ params.C, atol=1e-10)


def test_the_gate_of_the_network_that_adds_is_one_number() -> None:
    found = report(ADDITION, addition_trials(n=50))
    by_code = {m.bitcode: m for m in found.modes}
    assert by_code["0"].eigenvalue == by_code["1"].eigenvalue == (1, 0)
    np.testing.assert_allclose(by_code["0"].gain, [[0, 0]], atol=1e-12)
    np.testing.assert_allclose(by_code["1"].gain, [[1, 1]], atol=1e-12)
    z = addition_trials(n=50).z.reshape(-1, 2)
    z = z[z[:, 1] <= 0]
    assert by_code["0"].variance_share == pytest.approx(z[:, 0].var() / z.var(axis=0).sum())
    assert all(m.trusted for m in found.modes)
    assert any("its gain is 1 from value to answer and 1 from mask to answer" in x.lower() for x in found.summary)


def test_share_of_an_oblique_mode() -> None:
    # r = (1, 0), l = (1, 1): a state (x, y) has x + y along it.
    z = np.random.default_rng(0).normal(0, 1, (400, 2))
    (mode,) = slow_modes(make(0, [[1, 1], [0, 0]]), np.zeros((1, 0), bool), z, np.zeros(len(z), int))
    assert mode.variance_share == pytest.approx(z.sum(axis=1).var() / z.var(axis=0).sum())
    assert mode.condition == pytest.approx(2**0.5)


def test_a_rotating_pair_is_one_mode_with_the_share_of_both() -> None:
    c, s = np.cos(0.3), np.sin(0.3)
    z = np.random.default_rng(0).normal(0, 1, (300, 2))
    (mode,) = slow_modes(make(0, [[c, -s], [s, c]]), np.zeros((1, 0), bool), z, np.zeros(len(z), int))
    assert mode.eigenvalue[1] > 0
    assert mode.variance_share == pytest.approx(1)


def test_a_defective_mode_is_not_trusted() -> None:
    found = slow_modes(
        make(0, [[1, 1], [0, 1]], C=np.eye(2)), np.zeros((1, 0), bool), np.ones((3, 2)), np.zeros(3, int)
    )
    assert found and not any(m.trusted for m in found)


def test_modes_that_share_an_eigenvalue_still_add_up() -> None:
    S = np.random.default_rng(5).normal(0, 1, (4, 4))
    J = S @ np.diag([1, 1, 1, 0.5]) @ np.linalg.inv(S)
    params = make(0, J, C=np.random.default_rng(6).normal(0, 1, (4, 2)), D=np.eye(4)[:2])
    found = slow_modes(params, np.zeros((1, 0), bool), np.zeros((0, 4)), np.zeros(0, int), tolerance=np.inf)
    np.testing.assert_allclose(sum(np.array(m.gain) for m in found), params.D @ params.C, atol=1e-9)


def test_a_mode_and_its_mirror_image_are_told_apart() -> None:
    # -0.999 is nearer 1 in modulus than 0.99: the sentence must tell of its gain, 3, not of the other's, 7.
    params = make(0, np.diag([-0.999, 0.99]), C=[[3], [7]], D=[[1, 1]])
    trajectories = replace(roll(params, np.ones((2, 20, 1))), input_names=("cue",), output_names=("y",))
    assert any("gain is 3 from cue to y" in x.lower() for x in report(params, trajectories).summary)


def test_alignments_and_condition_make_the_gain() -> None:
    params = random_parameters(6, 2, 2, seed=9)
    params = replace(params, D=np.random.default_rng(1).normal(size=(3, 6)))
    components = np.linalg.qr(np.random.default_rng(2).normal(size=(6, 4)))[0].T
    for readout in ("z", "phi"):
        region = np.array([True, False])
        found = slow_modes(
            replace(params, readout=readout),
            region[None],
            np.zeros((0, 6)),
            np.zeros(0, int),
            np.inf,
            components=components,
        )
        D = params.D * mask(region, 6) if readout == "phi" else params.D
        for m in found:
            assert len(m.pc_alignment) == 3 and len(m.readout_alignment) == 3 and len(m.input_alignment) == 2
            if not m.eigenvalue[1]:
                sizes = np.outer(np.linalg.norm(D, axis=1), np.linalg.norm(params.C, axis=0))
                made = sizes * np.outer(m.readout_alignment, m.input_alignment) * m.condition
                np.testing.assert_allclose(np.abs(m.gain), made, rtol=1e-9)
        J = jacobian(params, region)
        values, vectors = np.linalg.eig(J)
        for m in found:
            r = vectors[:, np.abs(values - complex(*m.eigenvalue)).argmin()]
            plane = (
                np.linalg.qr(np.c_[r.real, r.imag])[0]
                if m.eigenvalue[1]
                else (r.real / np.linalg.norm(r.real))[:, None]
            )
            # The largest cosine with any direction of the plane, by trying them all.
            turns = np.linspace(0, np.pi, 20001)
            tried = plane @ (np.array([np.cos(turns), np.sin(turns)]) if plane.shape[1] == 2 else np.ones((1, 1)))
            np.testing.assert_allclose(m.pc_alignment, np.abs(components[:3] @ tried).max(axis=1), atol=1e-6)


def test_what_does_not_see_a_mode_has_no_cosine() -> None:
    params = make(0, np.diag([0.99, 0.5]), C=[[0, 1, 0], [2, 1, 0]], D=[[3, 0], [0, 5], [0, 0]])
    (m,) = slow_modes(params, np.zeros((1, 0), bool), np.ones((2, 2)), np.zeros(2, int))
    assert m.readout_alignment == (1, 0, 0) and m.input_alignment == pytest.approx((0, 2**-0.5, 0))
    assert m.pc_alignment == ()


def test_roles_and_times() -> None:
    c, s = 0.99 * np.cos(0.3), 0.99 * np.sin(0.3)
    J = np.zeros((4, 4))
    J[:2, :2], J[2, 2], J[3, 3] = [[c, -s], [s, c]], 1.01, -0.995
    trajectories = replace(roll(make(0, J), np.zeros((1, 5, 0))), dt=20.0, dt_unit="ms")
    found = {m.role: m for m in report(make(0, J), trajectories).modes}
    assert set(found) == {"storing", "rotating", "alternating"}
    assert found["storing"].kind == "growing" and found["storing"].period is None
    assert found["rotating"].period == pytest.approx(2 * np.pi / 0.3)
    assert found["alternating"].period == 2
    for m in found.values():
        assert m.timescale == pytest.approx(1 / abs(np.log(np.hypot(*m.eigenvalue))))
        assert m.timescale_dt == pytest.approx(20 * m.timescale)


def test_components_without_variance_are_not_compared() -> None:
    params = make(0, np.diag([0.99, 0.5, 0.2]), C=np.eye(3)[:, :1])
    found = report(params, roll(params, np.ones((2, 30, 1))))  # states along one unit only
    assert [len(m.pc_alignment) for m in found.modes] == [1] and found.modes[0].pc_alignment == pytest.approx((1,))


def test_few_subregions_are_described_where_each_has_many_gains() -> None:
    """A classifier behind an encoder has thousands of gains a mode, and would have a record of 100 MB."""
    found = [regions_with_modes(random_parameters(M=100, P=3, K=K, seed=0)) for K in (0, 1, 100, 1000)]
    assert found == [64, 64, 20, 4]
