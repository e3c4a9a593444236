"""Mel-frequency cepstral coefficients: the shape of a sound's spectrum, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ...lazy import lazy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

_FLOOR = 1e-6  # power below which a band counts as silent, for sound that fills -1 … 1


@dataclass(frozen=True)
class Mfcc:
    """c_tk = Σ_j B_kj ln(10⁻⁶ + Σ_f F_jf |X_tf|²), X_t the discrete Fourier transform of frame t under a Hann window.

    F: `bands` triangles (`filterbank`), B: the cosine transform (`cosines`). rate: samples per second; count: coefficients,
    at most `bands`; window, hop: length of a frame and from one to the next, in ms, rounded to whole samples.
    Source: Davis & Mermelstein 1980, IEEE Trans. ASSP 28(4).
    """

    rate: int
    count: int
    bands: int
    window: float
    hop: float

    @property
    def window_samples(self) -> int:
        return max(1, round(self.window * self.rate / 1000))

    @property
    def hop_samples(self) -> int:
        return max(1, round(self.hop * self.rate / 1000))

    @cached_property
    def _spectrum(self) -> tuple[int, np.ndarray]:
        """Length of the transform, a power of two, and the filterbank. So long that no band falls between two frequencies."""
        n = 1 << (self.window_samples - 1).bit_length()
        while not (F := filterbank(self.bands, n, self.rate)).any(axis=1).all():
            n *= 2
        return n, F

    def frames(self, wave: np.ndarray) -> np.ndarray:
        """wave: (samples,) in -1 … 1; one shorter than a frame is filled up with silence, a last incomplete frame is left out.

        Returns: (1 + (samples - window) // hop, count) float32.
        """
        w = self.window_samples
        wave = np.concatenate([wave, np.zeros(max(0, w - len(wave)))])
        cut = np.lib.stride_tricks.sliding_window_view(wave, w)[:: self.hop_samples]
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(w) / w)
        n, F = self._spectrum
        power = np.abs(np.fft.rfft(cut * hann, n)) ** 2
        features: np.ndarray = np.log(_FLOOR + power @ F.T) @ cosines(self.count, self.bands).T
        return features.astype(np.float32)


def filterbank(bands: int, n: int, rate: int) -> np.ndarray:
    """F_jf = max(0, min((f - p_{j-1}) / (p_j - p_{j-1}), (p_{j+1} - f) / (p_{j+1} - p_j))) at the n // 2 + 1 frequencies of a
    transform of length n, with p_0 … p_{bands+1} from 0 to rate / 2 at equal distances in mel, 2595 log₁₀(1 + f / 700 Hz).

    Returns: (bands, n // 2 + 1).
    """
    top = 2595 * np.log10(1 + rate / 2 / 700)
    p = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)
    f = np.arange(n // 2 + 1) * rate / n
    rise = (f - p[:-2, None]) / np.diff(p)[:-1, None]
    fall = (p[2:, None] - f) / np.diff(p)[1:, None]
    F: np.ndarray = np.maximum(0, np.minimum(rise, fall))
    return F


def cosines(count: int, bands: int) -> np.ndarray:
    """B_kj = √(2 / bands) cos(π k (j + ½) / bands), row 0 divided by √2: the first rows of an orthogonal matrix.

    Returns: (count, bands).
    """
    k, j = np.arange(count)[:, None], np.arange(bands)
    B: np.ndarray = np.sqrt(2 / bands) * np.cos(np.pi * k * (j + 0.5) / bands)
    B[0] /= np.sqrt(2)
    return B
