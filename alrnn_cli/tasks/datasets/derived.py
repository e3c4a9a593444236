"""Arrays that take long to make from a dataset: made once, kept in the cache folder, remade where damaged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ...lazy import lazy
from .files import Notify

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")


def cached(
    dataset: str, name: str, key: Mapping[str, Any], build: Callable[[], Mapping[str, np.ndarray]], say: Notify
) -> dict[str, np.ndarray]:
    """The arrays of `build()`, from the cache where they were built before with the same key.

    dataset: whose folder in the cache; name: what they are, for people ("tokens", "mfcc"); key: everything they depend on, in JSON's types:
    the `digest` of the source, the options, a version of the code that builds; build: no arguments, numbers only (any numeric dtype or
    bool, any shape; for text give its bytes as uint8). say: told when something is built, and when a damaged copy is built again.
    A cache that cannot be written is told of and does not stop anything: the arrays are returned all the same.
    """
    raise NotImplementedError
