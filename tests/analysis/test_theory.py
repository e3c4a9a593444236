"""Numbers that the theory page derives, checked by simulation."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="module")
def trials() -> tuple[np.ndarray, np.ndarray]:
    """Values and masks (n, T) of 200,000 addition trials with T = 20, ten of which steps can be marked."""
    rng = np.random.default_rng(0)
    n, T = 200_000, 20
    value, mask = rng.random((n, T)), np.zeros((n, T))
    first = rng.integers(0, T // 2, n)
    second = rng.integers(0, T // 2 - 1, n)
    second += second >= first
    mask[np.arange(n), first] = mask[np.arange(n), second] = 1
    return value, mask


def test_the_floor_of_a_linear_model(trials: tuple[np.ndarray, np.ndarray]) -> None:
    value, mask = trials
    features = np.c_[np.ones(len(value)), value, mask[:, :9]]  # the tenth mask follows from the others
    target = (value * mask).sum(axis=1)
    weights, *_ = np.linalg.lstsq(features, target, rcond=None)
    mse = np.mean((target - features @ weights) ** 2)
    assert mse == pytest.approx(1 / 6 - 1 / (3 * 10), abs=1e-3)
    # Each value that could be marked counts with its probability 2/n of being marked, the others not at all.
    np.testing.assert_allclose(weights[1:11], 2 / 10, atol=0.015)
    np.testing.assert_allclose(weights[11:21], 0, atol=0.015)


def test_a_plain_integrator_gains_half_as_much(trials: tuple[np.ndarray, np.ndarray]) -> None:
    value, mask = trials
    target = (value * mask).sum(axis=1)
    predicted = 1 + (value - 0.5).sum(axis=1) / 10
    assert np.mean((target - predicted) ** 2) == pytest.approx(1 / 6 - 1 / (6 * 10), abs=1e-3)
