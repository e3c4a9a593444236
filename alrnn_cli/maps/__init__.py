"""Models as maps in numpy, for analysis: one file a model, without torch.

`read(tensors, model)` of each file gives Parameters where the model is an almost-linear RNN, which is taken apart exactly, else a Map,
which has a step and a Jacobian.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np

from .. import catalogue
from ..errors import InputError
from ..records import Checkpoint, Parameters
from ._map import Map

__all__ = ["Map", "of", "read"]


def of(checkpoint: Checkpoint) -> Parameters | Map:
    """The checkpoint's model without its encoder. Errors: InputError where a tensor is missing or does not fit the others."""
    return read(checkpoint.tensors, checkpoint.meta.config["model"])


def read(tensors: Mapping[str, np.ndarray], model: Mapping[str, Any]) -> Parameters | Map:
    """tensors: by name, without a member axis; model: the configuration's section. Errors: as `of`."""
    name = model.get("model", "alrnn")
    if name not in catalogue.names():
        raise InputError(f"The checkpoint is of a model {name!r}, unknown to this version.", "Update alrnn.")
    found: Parameters | Map = import_module("." + name, __name__).read(tensors, model)
    return found
