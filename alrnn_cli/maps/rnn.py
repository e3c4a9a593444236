"""torch.nn.RNN, read as the almost-linear RNN with P = M, A = 0 and readout "phi": exact for relu."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import store
from ..records import Parameters
from ._map import Map, tensor
from .alrnn import with_phi


def read(tensors: Mapping[str, np.ndarray], model: Mapping[str, Any]) -> Parameters | Map:
    M = len(tensor(tensors, "h", None))
    params = store.parameters({**tensors, "A": np.zeros(M)}, M, "phi")
    return with_phi(params, model.get("phi", "relu"), "an RNN")
