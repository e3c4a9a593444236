"""Word vectors from a text file: a word and its numbers on each line, as GloVe's are published."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError
from ...lazy import lazy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

_HINT = "Give a .txt file of GloVe: on each line a word and its numbers, a space between two."


def read(path: Path, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The vectors of `words`, and the mean over all words of the file, which is what a word without a vector gets.

    Returns: (number of words, d) float32, and (number of words,) bool, whether the file has the word.
    Errors: InputError that names the line.
    """
    rows = {word: i for i, word in enumerate(words)}
    has = np.zeros(len(words), bool)
    vectors = np.zeros((0, 0), np.float32)
    total, count = np.zeros(0), 0
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, 1):
                parts = line.rstrip("\r\n").split(" ")
                if number == 1:
                    vectors = np.zeros((len(words), len(parts) - 1), np.float32)
                    total = np.zeros(len(parts) - 1)
                # Some words of the largest files hold spaces: the numbers are the last d.
                width = vectors.shape[1]
                try:
                    vector = np.array(parts[-width:] if width else [], np.float32)
                except ValueError:
                    vector = np.zeros(0, np.float32)
                if not width or len(vector) != width or len(parts) <= width or not np.isfinite(vector).all():
                    raise InputError(f"{path}: line {number}: expected a word and {max(1, width)} numbers.", _HINT)
                total += vector
                count += 1
                row = rows.get(" ".join(parts[:-width]))
                if row is not None:
                    vectors[row], has[row] = vector, True
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text.", _HINT) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).", _HINT) from None
    if not count:
        raise InputError(f"{path}: holds no vectors.", _HINT)
    vectors[~has] = total / count
    return vectors, has
