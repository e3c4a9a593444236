"""A linear recurrent unit, read as the almost-linear RNN with P = 0 that its real and imaginary parts are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import store
from ..records import Parameters
from ._map import tensor


def read(tensors: Mapping[str, np.ndarray], model: Mapping[str, Any]) -> Parameters:
    """z = (Re x, Im x): W = [[Re Λ, -Im Λ], [Im Λ, Re Λ]], C = (γ ∘ Re B, γ ∘ Im B), A = 0, h = 0."""
    nu = tensor(tensors, "nu", None)
    M = len(nu)
    modes = np.exp(-np.exp(nu) + 1j * np.exp(tensor(tensors, "theta", M)))
    gamma = np.exp(tensor(tensors, "log_gamma", M))
    re, im = np.diag(modes.real), np.diag(modes.imag)
    own = {
        "A": np.zeros(2 * M),
        "W": np.block([[re, -im], [im, re]]),
        "C": np.tile(gamma, 2)[:, None] * tensor(tensors, "B", 2 * M, None),
        "h": np.zeros(2 * M),
    }
    return store.parameters({**{name: tensors[name] for name in ("D", "b", "z0") if name in tensors}, **own}, 0, "z")
