"""When a phase shows: lagged shares against loops, and a gate that is thrown one step late."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from alrnn_cli.analysis.phases import after, information, phase_lag

from .systems import make, report, roll


def test_counts_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(0)
    sequence, phases = rng.integers(-1, 3, (5, 12)), rng.integers(-1, 2, (5, 12)).astype(np.int8)
    for lag in (0, 1, 4):
        expected = np.zeros((3, 2), int)
        for trial, phase in zip(sequence, phases, strict=True):
            for t in range(12 - lag):
                if trial[t + lag] >= 0 and phase[t] >= 0:
                    expected[trial[t + lag], phase[t]] += 1
        np.testing.assert_array_equal(after(sequence, phases, 3, 2, lag), expected)
    assert after(sequence, phases, 3, 2, 20).sum() == 0


def test_information_by_hand() -> None:
    assert information(np.array([[5, 0], [0, 5]])) == pytest.approx(np.log(2))
    assert information(np.array([[4, 2], [2, 1]])) == pytest.approx(0, abs=1e-12)
    assert information(np.zeros((2, 2), int)) == 0


@pytest.mark.parametrize("late", [0, 1, 2])
def test_a_gate_behind_linear_units_is_thrown_late(late: int) -> None:
    # The mark goes down a line of `late` units before it reaches the one that switches.
    M = late + 1
    params = make(1, np.eye(M, k=-1), C=np.eye(M)[:, :1], h=[*[0.0] * late, -0.5])
    mark = (np.random.default_rng(1).random((40, 30, 1)) < 0.2).astype(float)
    trajectories = replace(
        roll(params, mark),
        phases=mark[..., 0].astype(np.int8),
        phase_names=("off", "on"),
        phase_inputs=np.array([[0.0], [1.0]]),
    )
    found = report(params, trajectories)
    assert found.phase_lag is not None and found.phase_lag.lag == late
    by_code = {r.bitcode: r for r in found.regions}
    assert by_code["1"].frequency_after_phase == {"off": 0.0, "on": 1.0}
    assert by_code["0"].frequency_after_phase == {"off": 1.0, "on": 0.0}
    p = mark[:, : 30 - late].mean()
    assert found.phase_lag.information[late] == pytest.approx(-p * np.log(p) - (1 - p) * np.log(1 - p))


def test_noise_chooses_no_lag() -> None:
    rng = np.random.default_rng(2)
    phases = np.repeat(rng.integers(0, 2, (20, 1)), 50, axis=1)
    sequence = np.where(rng.random((20, 50)) < 0.1, 1 - phases, phases)
    lag, counts = phase_lag(sequence, phases, 2, 2)
    assert lag.lag == 0 and len(lag.information) == 6
    np.testing.assert_array_equal(counts, after(sequence, phases, 2, 2, 0))
