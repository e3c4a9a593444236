"""Coefficients against torch's short-time transform and scipy's cosine transform."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft
import torch

from alrnn_cli.tasks.sound.mfcc import Mfcc, cosines, filterbank


@pytest.mark.parametrize(("rate", "samples"), [(8000, 3000), (16000, 16000), (11025, 2777)])
def test_frames_are_torchs_transform_and_scipys_cosines(rate: int, samples: int) -> None:
    wave = np.random.default_rng(0).normal(0, 0.1, samples)
    made = Mfcc(rate, 20, 40, 25.0, 10.0)
    w, hop = round(0.025 * rate), round(0.010 * rate)
    n, F = made._spectrum
    # torch centres a shorter window within the transform: pad by hand, so that each frame begins at its first sample.
    padded = torch.nn.functional.pad(torch.hann_window(w, dtype=torch.float64), (0, n - w))
    long = torch.nn.functional.pad(torch.from_numpy(wave), (0, n))
    X = torch.stft(long, n, hop, n, padded, center=False, return_complex=True).abs().square().numpy()
    X = X[:, : 1 + (samples - w) // hop]
    wanted = scipy.fft.dct(np.log(1e-6 + F @ X), axis=0, norm="ortho")[:20].T
    got = made.frames(wave)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


def test_a_tone_is_loudest_in_its_own_band() -> None:
    rate, n = 16000, 512
    F = filterbank(40, n, rate)
    mel = 2595 * np.log10(1 + np.array([440.0, 1000.0, 4000.0]) / 700)
    step = 2595 * np.log10(1 + 8000 / 700) / 41
    for frequency, where in zip((440.0, 1000.0, 4000.0), mel / step - 1, strict=True):
        wave = np.sin(2 * np.pi * frequency * np.arange(400) / rate)
        power = np.abs(np.fft.rfft(wave * np.hanning(400), n)) ** 2
        assert abs(np.argmax(F @ power) - where) <= 1


def test_bands_are_triangles_that_add_up_to_one() -> None:
    F = filterbank(10, 4096, 8000)
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 4000 / 700), 12) / 2595) - 1)
    f = np.arange(2049) * 8000 / 4096
    between = (f >= edges[1]) & (f <= edges[-2])
    np.testing.assert_allclose(F.sum(axis=0)[between], 1)
    for j, row in enumerate(F):
        assert not row[(f < edges[j]) | (f > edges[j + 2])].any()
        assert f[np.argmax(row)] == pytest.approx(edges[j + 1], abs=2)


def test_cosines_are_rows_of_an_orthogonal_matrix() -> None:
    B = cosines(40, 40)
    np.testing.assert_allclose(B @ B.T, np.eye(40), atol=1e-12)
    np.testing.assert_array_equal(cosines(7, 40), B[:7])


@pytest.mark.parametrize("rate", [4000, 8000, 48000])
def test_no_band_falls_between_two_frequencies(rate: int) -> None:
    n, F = Mfcc(rate, 40, 40, 25.0, 10.0)._spectrum
    assert n & (n - 1) == 0
    assert n >= 0.025 * rate
    assert (F.sum(axis=1) > 0).all()


def test_frames_are_counted_and_a_short_sound_is_one() -> None:
    made = Mfcc(8000, 40, 40, 25.0, 10.0)
    assert [len(made.frames(np.zeros(n))) for n in (1, 199, 200, 279, 280, 8000)] == [1, 1, 1, 1, 2, 98]
    short = np.random.default_rng(0).normal(size=150)
    np.testing.assert_array_equal(made.frames(short), made.frames(np.concatenate([short, np.zeros(50)])))
    assert np.isfinite(made.frames(np.zeros(500))).all()
