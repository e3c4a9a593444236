"""The AL-RNN's piecewise-linear map in numpy: bits, masks, the Jacobian of a subregion, one step.

Conventions (DESIGN): the PWL units are the last P of M; a unit's bit is 1 where z > 0 and 0 where z <= 0; a bitcode
is written left to right from unit M-P to unit M-1. Always slice from M-P: with P = 0, `-P:` would select every unit.
"""

from __future__ import annotations

import numpy as np

from .records import Parameters


def bits(z: np.ndarray, P: int) -> np.ndarray:
    """Bits of the PWL units. z: (..., M) states. Returns: (..., P) bool."""
    return z[..., z.shape[-1] - P :] > 0


def code(region: np.ndarray) -> str:
    """The bitcode of one subregion. region: (P,) bool. Returns: P characters 0 or 1, unit M-P first."""
    return "".join("1" if bit else "0" for bit in region)


def parse_code(bitcode: str) -> np.ndarray:
    """Inverse of `code`. Returns: (P,) bool."""
    return np.array([c == "1" for c in bitcode], dtype=bool)


def all_regions(P: int) -> np.ndarray:
    """All 2^P subregions in the order of their bitcodes read as binary numbers. Returns: (2^P, P) bool."""
    number = np.arange(2**P)[:, None]
    return (number >> np.arange(P - 1, -1, -1)[None, :]) & 1 == 1


def mask(region: np.ndarray, M: int) -> np.ndarray:
    """d_Ω: ones on linear units, the bits on PWL units. region: (P,) bool. Returns: (M,) float64."""
    d = np.ones(M)
    d[M - len(region) :] = region
    return d


def jacobian(params: Parameters, region: np.ndarray) -> np.ndarray:
    """J_Ω = diag(A) + W diag(d_Ω). region: (P,) bool. Returns: (M, M)."""
    return np.diag(params.A) + params.W * mask(region, params.M)[None, :]


def phi(z: np.ndarray, P: int) -> np.ndarray:
    """Φ(z): the identity on linear units, ReLU on the last P. z: (..., M). Returns: (..., M), a copy."""
    out = np.array(z, copy=True)
    tail = out[..., out.shape[-1] - P :]
    np.maximum(tail, 0, out=tail)
    return out


def step(params: Parameters, z: np.ndarray, s: np.ndarray) -> np.ndarray:
    """One step: A∘z + W Φ(z) + C s + h. z: (..., M); s: (..., K). Returns: (..., M)."""
    return params.A * z + phi(z, params.P) @ params.W.T + s @ params.C.T + params.h


def readout(params: Parameters, z: np.ndarray) -> np.ndarray:
    """y = D z + b, or D Φ(z) + b for readout "phi". z: (..., M). Returns: (..., N)."""
    return (phi(z, params.P) if params.readout == "phi" else z) @ params.D.T + params.b


def unique_regions(z: np.ndarray, P: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The subregions that states fall into. z: (n, M).

    Returns: regions (r, P) bool, sorted; counts (r,) int64; inverse (n,) int64, each state's row in `regions`.
    Bits stay a bool array (packed to bytes only to sort): P may exceed 63.
    """
    b = np.ascontiguousarray(bits(z, P))
    if P == 0:
        return np.zeros((min(len(z), 1), 0), bool), np.array([len(z)][: len(z)]), np.zeros(len(z), np.int64)
    packed = np.packbits(b, axis=1)
    rows = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, inverse, counts = np.unique(rows, return_index=True, return_inverse=True, return_counts=True)
    return b[first], counts, inverse.ravel()
