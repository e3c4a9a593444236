"""Spoken words: name the word after hearing it, frame by frame."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import InputError, UsageError
from ..lazy import lazy
from ..records import Trials
from .base import Option, Phase, Task
from .datasets import RemoteFile, cached, digest, fetch
from .scores import accuracy, cross_entropy
from .sound import recordings
from .sound.mfcc import Mfcc

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

_SPLITS = ("train", "validation", "test")

ARCHIVE = RemoteFile(
    dataset="speech",
    name="speech_commands_v0.02.tar.gz",
    urls=(
        "https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
        "https://download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
    ),
    size=2_428_923_189,
    hash="sha256:af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
)
_BANDS = 40  # of the mel scale, or as many as there are coefficients
_SHARE = 10  # one in ten for validation, and as many for the test


class SpokenWords(Task):
    """Mel-frequency cepstral coefficients of a recording, standardised, a frame a step; at the last frame name the word.

    Recordings are read at first use and not before, so that help and a dry run need none.
    Source: Warden 2018 (recordings); arXiv 2506.07919 (with almost-linear RNNs).
    """

    name = "speech"
    summary = "name a spoken word after hearing it, frame by frame"
    description = (
        "Each step shows 40 mel-frequency cepstral coefficients of 25 ms of a recording, 10 ms after the step before. At the "
        "last step the largest of the outputs must be the word's. Reads Speech Commands and any other folder "
        "<word>/*.wav, at any sample rate."
    )
    citation = "Warden 2018, arXiv 1804.03209; Brenner & Koppe 2025, arXiv 2506.07919"
    options = (
        Option("words", "yes+no+up+down+left+right+on+off+stop+go", "which words, names of their folders joined by +"),
        Option("split", "auto", "auto: by the publisher's lists, where there are none by recording; speaker: a speaker's "
               "recordings all go to the same split", choices=("auto", "recording", "speaker")),
        Option("seconds", 1.0, "length of a trial at most; a longer recording is cut there", unit="s", above=0),
        Option("mfcc", 40, "coefficients in each frame", minimum=1),
        Option("window", 25.0, "length of a frame", unit="ms", above=0),
        Option("hop", 10.0, "from one frame to the next", unit="ms", above=0),
    )  # fmt: skip
    needs_data = True
    remote = (ARCHIVE,)
    encoder = "conv1d-short"
    # docs/recipes.md says what was tried.
    recipe: ClassVar[dict[str, Any]] = {
        "M": 100,
        "P": 5,
        "init": "identity",
        "batch": 32,
        "epochs": 40.0,
        "lr": 3e-3,
        "schedule": "cosine",
        "warmup": 0.05,
        "clip": 1.0,
        "tau": 0.1,
    }
    paper_recipe: ClassVar[dict[str, Any]] = {
        "M": 100,
        "P": 5,
        "init": "paper",
        "batch": 64,
        "epochs": 100.0,
        "lr": 1e-3,
        "schedule": "cosine",
        "clip": 5.0,
        "tau": 0.1,
        "readout_bias": True,
        "z0": "noise",
    }

    phases = (Phase("word", "the whole recording; its constant input is the mean encoded frame", None),)
    dt_unit = "ms"
    loss = "cross_entropy"
    scored = "last"
    metrics = {"accuracy": "max", "cross_entropy": "min"}

    def __init__(self, options: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(options, **kwargs)
        words = tuple(self.opt["words"].split("+"))
        if len(words) < 2 or "" in words or len(set(words)) < len(words):
            raise UsageError(
                f"--task-opt words={self.opt['words']} (task {self.name}): expected two or more different words.",
                "Join them with +: words=yes+no.",
            )
        if self.opt["seconds"] * 1000 < self.opt["window"]:
            raise UsageError(
                f"--task-opt window={self.opt['window']:g} (task {self.name}): longer than a trial of "
                f"{self.opt['seconds']:g} s.",
                "Shorten the window (in ms), or raise seconds.",
            )
        self.K, self.N = self.opt["mfcc"], len(words)
        self.T = 1 + math.floor((self.opt["seconds"] * 1000 - self.opt["window"]) / self.opt["hop"] + 1e-9)
        self.dt = self.opt["hop"]
        self.input_names = tuple(f"mfcc {k}" for k in range(self.K))
        self.output_names = self.condition_names = words
        self.chance = {"accuracy": 1 / self.N, "cross_entropy": math.log(self.N)}
        self._found: recordings.Recordings | None = None
        self._indices: dict[str, np.ndarray] | None = None
        self._scale: tuple[np.ndarray, np.ndarray] | None = None
        self._splits: dict[str, Trials] = {}

    def split(self, which: str) -> Trials:
        """The recordings of `which`: made once, shared by all who ask.

        Errors: InputError for missing or malformed files, UsageError for words that are not there.
        """
        if which not in self._splits:
            self._splits[which] = self._trials(self._index(which))
        return self._splits[which]

    def score(self, outputs: np.ndarray, trials: Trials) -> dict[str, float]:
        return {
            "accuracy": accuracy(outputs, trials.targets),
            "cross_entropy": cross_entropy(outputs, trials.targets),
        }

    def fingerprint(self) -> str:
        """sha256 of the recordings of these words, their names and what the publisher's lists say of them."""
        return self._recordings().sha256.tobytes().hex()

    def describe_data(self) -> str:
        r = self._recordings()
        frames = np.diff(r.starts)
        longer = int((frames > self.T).sum())
        cut = f", {longer:,} longer ones cut" if longer else ""
        split = "the publisher's lists" if self._by_lists else "speakers" if self._by_speaker else "recordings"
        counts = " / ".join(f"{len(self._index(which)):,} {which}" for which in _SPLITS)
        return (
            f"{len(frames):,} recordings of {self.N} words, {int(r.rate):,} samples per second; "
            f"T = {frames.min()}…{min(frames.max(), self.T)}{cut}; split by {split}: {counts}"
        )

    @property
    def _by_lists(self) -> bool:
        return self.opt["split"] == "auto" and bool(self._recordings().lists)

    @property
    def _by_speaker(self) -> bool:
        return bool(self.opt["split"] == "speaker")

    def _index(self, which: str) -> np.ndarray:
        """Which recordings make up a split, (n,) int."""
        if self._indices is None:
            r = self._recordings()
            place = r.listed if self._by_lists else self._drawn(r)
            self._indices = {name: np.flatnonzero(place == i) for i, name in enumerate(_SPLITS)}
            for name, index in self._indices.items():
                if not len(index):
                    raise InputError(
                        f"--data {self.data}: the {name} split has no recordings of these words.",
                        "Ask for other words, or split them otherwise: --task-opt split=recording.",
                    )
        return self._indices[which]

    def _drawn(self, r: recordings.Recordings) -> np.ndarray:
        """(n,) int: 0 for training, 1 for validation, 2 for the test, drawn by the evaluation seed.

        One in ten of each word's recordings goes to validation and one in ten to the test, or one in ten of the speakers with all
        that they say; at least one.
        """
        rng = np.random.default_rng([self.eval_seed, 4])
        if not self._by_speaker:
            groups = [np.flatnonzero(r.labels == word)[:, None] for word in range(self.N)]
        else:
            names = r.paths()
            speakers = [recordings.speaker_of(name) for name in names]
            if None in speakers:
                raise UsageError(
                    f"--task-opt split=speaker (task {self.name}): {names[speakers.index(None)]} does not name its speaker.",
                    "Expected SPEAKER_TAKE.wav or WORD_SPEAKER_TAKE.wav; else use split=recording.",
                )
            groups = [np.unique(np.array(speakers, str))[:, None] == np.array(speakers, str)]
        place = np.zeros(len(r.labels), np.int8)
        for rows in groups:
            few = max(1, round(len(rows) / _SHARE))
            order = rng.permutation(len(rows))
            for row in order[:few]:
                place[rows[row]] = 1
            for row in order[few : 2 * few]:
                place[rows[row]] = 2
        return place

    def _trials(self, index: np.ndarray) -> Trials:
        r = self._recordings()
        start, step = r.starts[index], np.arange(self.T)
        lengths = np.minimum(r.starts[index + 1] - start, self.T)
        valid = step < lengths[:, None]
        at = np.where(valid, start[:, None] + step, 0)
        mean, deviation = self._standard()
        inputs = (r.features[at] - mean) / deviation
        inputs[~valid] = 0
        return Trials(
            inputs=inputs,
            targets=r.labels[index],
            mask=step == lengths[:, None] - 1,
            lengths=lengths,
            conditions=r.labels[index],
            phases=np.where(valid, 0, -1).astype(np.int8),
        )

    def _standard(self) -> tuple[np.ndarray, np.ndarray]:
        """(K,) mean and (K,) deviation of each coefficient over the training frames; a constant one is only centred."""
        if self._scale is None:
            r = self._recordings()
            used = np.zeros(len(r.features), bool)
            for i in self._index("train"):
                used[r.starts[i] : min(r.starts[i + 1], r.starts[i] + self.T)] = True
            frames = r.features[used]
            mean = frames.mean(axis=0, dtype=np.float64)
            deviation = frames.std(axis=0, dtype=np.float64)
            deviation[deviation <= 1e-6 * np.abs(mean)] = 1
            self._scale = mean.astype(np.float32), deviation.astype(np.float32)
        return self._scale

    def _recordings(self) -> recordings.Recordings:
        if self._found is None:
            path = fetch(ARCHIVE, self.say) if self.data is None else Path(self.data).expanduser()
            mfcc = {k: self.opt[k] for k in ("window", "hop")} | {"count": self.K, "bands": max(_BANDS, self.K)}
            made: dict[int, Mfcc] = {}

            def features(wave: np.ndarray, rate: int) -> np.ndarray:
                return made.setdefault(rate, Mfcc(rate=rate, **mfcc)).frames(wave)

            def build() -> dict[str, np.ndarray]:
                return vars(recordings.read(path, self.output_names, features))

            key = {"source": digest(path), "words": self.output_names, **mfcc, "reader": recordings.VERSION}
            self._found = recordings.Recordings(**cached("speech", "mfcc", key, build, self.say))
        return self._found


TASK = SpokenWords
