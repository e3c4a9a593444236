"""Large arrays that are used again, step after step.

What a training step allocates it frees again, and the system takes back large blocks: getting them anew, page by page, costs a
tenth of the step. Here an array goes back into use as soon as nothing refers to what was made of it.
"""

from __future__ import annotations

import os
import sys
import threading
from math import prod

import numpy as np
import torch
from torch import Tensor

#: bytes of arrays out of use that are kept; and below what size an array is not worth keeping
_KEPT, _SMALL = 256 << 20, 64 << 10
_lock = threading.Lock()
_arrays: list[np.ndarray] = []  # most recently used last


def _references(arrays: list[np.ndarray]) -> list[int]:
    return [sys.getrefcount(a) for a in arrays]


#: what `_references` counts for an array that only its list holds; it differs between versions of Python
_UNUSED = _references([np.empty(1, np.float32)])[0]


def _idle() -> list[int]:
    """Which arrays no tensor holds, by their place in the list."""
    return [i for i, count in enumerate(_references(_arrays)) if count <= _UNUSED]


def _in_child() -> None:
    """A forked child gets a lock that nobody holds."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)


def empty(*shape: int) -> Tensor:
    """A float32 tensor with arbitrary content, in memory that an earlier one no longer needs where there is such."""
    size = prod(shape)
    # Without the interpreter's lock counts of references are not exact.
    counted = getattr(sys, "_is_gil_enabled", lambda: True)()
    if 4 * size < _SMALL or not counted:
        return torch.empty(shape)
    with _lock:
        free = [i for i in _idle() if _arrays[i].size == size]
        array = _arrays.pop(free[-1]) if free else np.empty(size, np.float32)
        made = torch.from_numpy(array)
        _arrays.append(array)
        del array  # from here on the list and the tensor hold it
        idle = _idle()
        while sum(_arrays[i].nbytes for i in idle) > _KEPT:
            del _arrays[idle[0]]
            idle = _idle()
    return made.view(shape)
