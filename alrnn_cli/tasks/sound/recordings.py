"""A folder of spoken words as features: `<word>/*.wav`, with the publisher's lists of validation and test files where there are any."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError, UsageError
from ...lazy import lazy
from ..datasets import members

if TYPE_CHECKING:
    import numpy as np
    import scipy.io.wavfile as wavfile
else:
    np = lazy("numpy")
    wavfile = lazy("scipy.io.wavfile")

VERSION = 1  # of what `read` makes of a file, features included: a cache of another version is not used
_WAV = re.compile(r"(?:^|/)([^/]+)/([^/]+\.wav)$", re.IGNORECASE)
_LIST = re.compile(r"(?:^|/)(validation|testing)_list\.txt$")

#: from a wave (samples,) and its rate to features (frames, count)
Features = Callable[["np.ndarray", int], "np.ndarray"]


@dataclass(frozen=True)
class Recordings:
    """n recordings in the order (word, file name), whatever order they were read in.

    features: (all frames, count) float32, recording after recording; starts: (n + 1,) int64, where each begins; labels: (n,)
    int64, indices of the words asked for; names: (bytes,) uint8, "word/file.wav" of each, UTF-8, a newline between two;
    listed: (n,) int8, 1 in the publisher's validation list, 2 in the list for testing, 0 in neither; lists: 0-d bool, whether there
    are such lists; rate: 0-d int64, samples per second; sha256: (32,) uint8, of names, contents and lists.
    """

    features: np.ndarray
    starts: np.ndarray
    labels: np.ndarray
    names: np.ndarray
    listed: np.ndarray
    lists: np.ndarray
    rate: np.ndarray
    sha256: np.ndarray

    def paths(self) -> list[str]:
        return self.names.tobytes().decode().split("\n")


def read(path: Path, words: Sequence[str], features: Features) -> Recordings:
    """The recordings of `words` in a folder or tar.

    Errors: UsageError for a word without recordings; InputError for a file that is no recording, for recordings of different
    rates, and where one of the publisher's two lists is missing.
    """
    there: dict[str, int] = {}

    def wanted(name: str) -> bool:
        match = _WAV.search(name)
        if match:
            there[match[1]] = there.get(match[1], 0) + 1
        return bool(match and match[1] in words) or bool(_LIST.search(name))

    lists: dict[str, set[str]] = {}
    found: list[tuple[str, str, bytes, np.ndarray]] = []
    first: tuple[int, str] | None = None
    for name, content in members(path, wanted):
        if listed := _LIST.search(name):
            lists[listed[1]] = set(content.decode("utf-8", "replace").split())
            continue
        match = _WAV.search(name)
        assert match is not None  # wanted says so
        rate, wave = decode(content, f"{path}: {name}")
        if first is None:
            first = (rate, name)
        if rate != first[0]:
            raise InputError(
                f"{path}: {name} has {rate} samples per second, {first[1]} has {first[0]}.",
                "Features of different rates cannot be compared: resample the recordings to one rate.",
            )
        found.append((match[1], match[2], hashlib.sha256(content).digest(), features(wave, rate)))
    _check(path, words, there, lists)
    assert first is not None  # every word has recordings
    found.sort(key=lambda one: one[:2])
    names = [f"{word}/{file}" for word, file, _, _ in found]
    validation, testing = lists.get("validation", set()), lists.get("testing", set())
    listed_as = [2 if name in testing else 1 if name in validation else 0 for name in names]
    digest = hashlib.sha256()
    for name, which, one in zip(names, listed_as, found, strict=True):
        digest.update(f"{name}\n{which}".encode() + one[2])
    return Recordings(
        features=np.concatenate([one[3] for one in found]),
        starts=np.cumsum([0, *(len(one[3]) for one in found)], dtype=np.int64),
        labels=np.array([words.index(word) for word, _, _, _ in found], np.int64),
        names=np.frombuffer("\n".join(names).encode(), np.uint8),
        listed=np.array(listed_as, np.int8),
        lists=np.array(bool(lists)),
        rate=np.array(first[0], np.int64),
        sha256=np.frombuffer(digest.digest(), np.uint8),
    )


def _check(path: Path, words: Sequence[str], there: dict[str, int], lists: dict[str, set[str]]) -> None:
    if not there:
        raise InputError(
            f"--data {path}: no recordings <word>/*.wav in it.", "Give a folder or tar with one folder for each word."
        )
    missing = [word for word in words if word not in there]
    if missing:
        shown = sorted(there)
        raise UsageError(
            f"--task-opt words: no recordings of {', '.join(missing)} in {path}; there are {', '.join(shown[:40])}.",
            f"For example --task-opt words={'+'.join(shown[:10])}",
        )
    if len(lists) == 1:
        only = next(iter(lists))
        raise InputError(
            f"--data {path}: {only}_list.txt is there without the other of validation_list.txt and testing_list.txt.",
            "Copy both from the dataset, or neither.",
        )


def decode(content: bytes, where: str) -> tuple[int, np.ndarray]:
    """Samples per second, and the wave (samples,) float64 in -1 … 1, the mean of its channels. Errors: InputError."""
    try:
        with warnings.catch_warnings():
            # Chunks that hold a title or a date are skipped; that needs no warning.
            warnings.simplefilter("ignore", wavfile.WavFileWarning)
            rate, raw = wavfile.read(io.BytesIO(content))
    except (ValueError, EOFError, OSError, KeyError, IndexError, ZeroDivisionError, OverflowError) as error:
        raise InputError(f"{where}: not a readable WAV file ({error}).", "Copy it again, or take it out.") from None
    except Exception as error:  # struct.error, and what else a damaged header may lead to
        raise InputError(f"{where}: a damaged WAV file ({error}).", "Copy it again, or take it out.") from None
    wave = raw.astype(np.float64)
    if raw.dtype.kind == "u":
        wave = wave / 128 - 1
    elif raw.dtype.kind == "i":
        wave /= 2.0 ** (8 * raw.dtype.itemsize - 1)
    wave = wave.mean(axis=1) if wave.ndim == 2 else wave
    if not len(wave) or not np.isfinite(wave).all():
        what = "NaN or infinity in it" if len(wave) else "no samples in it"
        raise InputError(f"{where}: {what}.", "Take the recording out, or record it again.")
    return int(rate), wave


def speaker_of(name: str) -> str | None:
    """Who speaks, from a file's name as publishers write it: HASH_nohash_TAKE.wav, WORD_SPEAKER_TAKE.wav, SPEAKER_TAKE.wav."""
    parts = name.rsplit("/", 1)[-1].rsplit(".", 1)[0].split("_")
    if len(parts) < 2:
        return None
    return parts[0] if "nohash" in parts or len(parts) == 2 else parts[-2]
