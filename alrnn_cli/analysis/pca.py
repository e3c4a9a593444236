"""Principal components of the visited states, the plane in which figures draw them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Components kept; a figure uses two or three.
MAX_COMPONENTS = 10


@dataclass(frozen=True)
class PrincipalComponents:
    """mean: (M,); components: (c, M) orthonormal rows, c = min(M, 10), by falling variance; variance: (M,) along every
    component, kept or not, so that its sum is the total variance."""

    mean: np.ndarray
    components: np.ndarray
    variance: np.ndarray


def principal_components(states: np.ndarray) -> PrincipalComponents:
    """Eigenvectors of the covariance Σ (z - mean)(z - mean)ᵀ / (S - 1).

    The sign of a component makes its largest entry positive, so that the same states give the same picture.
    states: (S, M), S = 0 allowed. Returns: PrincipalComponents; without two states the variance is 0.
    """
    S, M = states.shape
    # Diverged states are squared below; scaling keeps finite ones finite.
    scale = float(np.abs(states).max(initial=0)) or 1.0
    scaled = states / scale
    mean = scaled.mean(axis=0) if S else np.zeros(M)
    scaled -= mean
    values, vectors = np.linalg.eigh(scaled.T @ scaled / max(S - 1, 1))
    kept = vectors[:, ::-1].T[:MAX_COMPONENTS]
    largest = np.take_along_axis(kept, np.abs(kept).argmax(axis=1)[:, None], axis=1)
    components = kept * np.where(largest < 0, -1.0, 1.0)
    with np.errstate(over="ignore"):
        variance = np.maximum(values[::-1], 0) * scale * scale
    return PrincipalComponents(mean * scale, components, variance)
