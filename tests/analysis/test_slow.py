"""Slow modes: gains add up to D Jⁿ C, shares of variance of states whose modes are known, the closed-form gate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from alrnn_cli.analysis.slow import slow_modes
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
