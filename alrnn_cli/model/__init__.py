"""What is trained: the AL-RNN and the baselines, one file each, with their encoders, readout and the penalty on weights."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from .. import catalogue
from ..config import ModelConfig
from ..errors import UsageError, closest

if TYPE_CHECKING:
    from ..records import Tokens
    from .network import Network


def get(name: str) -> type[Network]:
    """The class of the model called `name`. Errors: UsageError with the closest known name."""
    if name not in catalogue.names():
        raise UsageError(f"Unknown model {name!r}.", closest(name, catalogue.names()))
    model: type[Network] = import_module("." + name, __name__).MODEL
    return model


def make(
    config: ModelConfig | Sequence[ModelConfig], inputs: int, outputs: int, tokens: Tokens | None = None
) -> Network:
    """The model that a configuration names, one member for each. tokens: what the inputs are indices of, None: numbers.

    Errors: as `get`, and UsageError for an encoder that does not read such inputs.
    """
    first = config if isinstance(config, ModelConfig) else config[0]
    return get(first.model)(config, inputs, outputs, tokens)
