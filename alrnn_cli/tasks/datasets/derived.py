"""Arrays that take long to make from a dataset: made once, kept in the cache folder, remade where damaged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InputError, MachineError
from ...lazy import lazy
from .files import Notify, cache_dir
from .locks import alone, hidden, remove

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")


def cached(
    dataset: str, name: str, key: Mapping[str, Any], build: Callable[[], Mapping[str, np.ndarray]], say: Notify
) -> dict[str, np.ndarray]:
    """The arrays of `build()`, from the cache where they were built before with the same key.

    dataset: whose folder in the cache; name: what they are, for people ("tokens", "mfcc"); key: everything they depend on, in
    JSON's types: the `digest` of the source, the options, a version of the code that builds; build: no arguments; gives
    numbers only (integers, floats or bools of any shape; for text its bytes as uint8). say: told when something is built, and
    when a damaged copy is built again.
    A cache that cannot be written is told of and does not stop anything: the arrays are returned all the same.
    """
    text = json.dumps(key, sort_keys=True, allow_nan=False)
    path = cache_dir() / dataset / "derived" / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.safetensors"
    if (found := _load(path, text, say)) is not None:
        return found
    with ExitStack() as held:
        try:
            held.enter_context(alone(path, say))
            unkept = ""
        except MachineError as error:
            unkept = error.message
        else:
            if (found := _load(path, text, say)) is not None:  # another process built it while we waited
                return found
        say(f"Building the {name} of {dataset}, to be kept in {path.parent}.")
        arrays = {part: np.asarray(value) for part, value in build().items()}
        try:
            if not unkept:
                _save(path, text, arrays)
        except (InputError, MachineError) as error:
            unkept = error.message
        if unkept:
            say(f"The {name} of {dataset} will have to be built again next time. {unkept}")
        return arrays


def _load(path: Path, key: str, say: Notify) -> dict[str, np.ndarray] | None:
    """The arrays at `path`; None where there are none, or damaged ones."""
    if not path.is_file():
        return None
    from ...store import load_derived

    try:
        arrays, of = load_derived(path)
    except InputError as error:
        say(f"{error.message} It is built again.")
        return None
    return arrays if of == key else None


def _save(path: Path, key: str, arrays: dict[str, np.ndarray]) -> None:
    """Write them whole or not at all, and clear away what writers that were killed left behind (the lock is ours)."""
    from ...store import save_derived

    for left in path.parent.glob(f".{path.name}.*"):
        if left != hidden(path, "lock"):
            remove(left)
    save_derived(path, arrays, key)
