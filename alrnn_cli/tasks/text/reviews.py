"""The Large Movie Review Dataset as numbers: every text's words as indices into the list of all words."""

from __future__ import annotations

import hashlib
import re
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError
from ...lazy import lazy
from ..datasets import members

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

VERSION = 1  # of what `read` makes of a file: a cache of another version is not used
_REVIEW = re.compile(r"(?:^|/)(train|test)/(neg|pos)/([^/]+\.txt)$")


@dataclass(frozen=True)
class Corpus:
    """n reviews in the order (half, label, file name), whatever order they were read in.

    ids: (number of all tokens,) int32, indices into `words`, review after review; starts: (n + 1,) int64, where each begins;
    labels: (n,) int64, 1 for a positive review; test: (n,) bool, the publisher's test half; words: (bytes,) uint8, all
    different tokens in the order of their code points, UTF-8, a newline between two; sha256: (32,) uint8, of names and contents.
    """

    ids: np.ndarray
    starts: np.ndarray
    labels: np.ndarray
    test: np.ndarray
    words: np.ndarray
    sha256: np.ndarray

    def vocabulary(self) -> list[str]:
        return self.words.tobytes().decode().split("\n")


def tokens_of(text: str) -> list[str]:
    """Lower case, split at white space."""
    return text.lower().split()


def read(path: Path) -> Corpus:
    """The reviews in the publisher's folder or tar.

    Errors: InputError for a file that is not UTF-8, and where a half or a label has no reviews.
    """
    numbers: dict[str, int] = {}
    found: list[tuple[tuple[str, str, str], bytes, array[int]]] = []
    for name, content in members(path, _REVIEW.search):
        match = _REVIEW.search(name)
        assert match is not None  # members asks for it
        try:
            words = tokens_of(content.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise InputError(
                f"{path}: {name}: not UTF-8 (byte {error.start}).", "Copy or download the dataset again."
            ) from None
        mine = array("i", [numbers.setdefault(word, len(numbers)) for word in words])
        found.append(((match[1], match[2], match[3]), hashlib.sha256(content).digest(), mine))
    for part in ("train/neg", "train/pos", "test/neg", "test/pos"):
        if not any("/".join(key[:2]) == part for key, _, _ in found):
            raise InputError(
                f"--data {path}: no reviews {part}/*.txt in it.",
                "Give the publisher's folder aclImdb, or aclImdb_v1.tar.gz.",
            )
    found.sort(key=lambda review: review[0])
    digest = hashlib.sha256()
    for key, content_digest, _ in found:
        digest.update("/".join(key).encode() + b"\n" + content_digest)
    words = sorted(numbers)
    rank = np.empty(len(words), np.int32)
    rank[[numbers[word] for word in words]] = np.arange(len(words))
    return Corpus(
        ids=rank[np.concatenate([np.frombuffer(ids, np.int32) for _, _, ids in found])],
        starts=np.cumsum([0, *(len(ids) for _, _, ids in found)], dtype=np.int64),
        labels=np.array([key[1] == "pos" for key, _, _ in found], np.int64),
        test=np.array([key[0] == "test" for key, _, _ in found]),
        words=np.frombuffer("\n".join(words).encode(), np.uint8),
        sha256=np.frombuffer(digest.digest(), np.uint8),
    )
