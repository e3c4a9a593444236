"""Film reviews: tell a positive from a negative one after reading its first words."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import InputError, UsageError
from ..lazy import lazy
from ..records import Tokens, Trials
from .base import Option, Phase, Task
from .datasets import RemoteFile, cached, digest, fetch
from .scores import accuracy, cross_entropy
from .text import glove, reviews

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

_PADDING, _UNKNOWN = 0, 1
_SPECIAL = 2  # indices that are no word
_WIDTH = 100  # numbers of a vector that is learned
_VALIDATION_SHARE = 10  # one in ten of the training reviews
_SPLITS = ("train", "validation", "test")

ARCHIVE = RemoteFile(
    dataset="imdb",
    name="aclImdb_v1.tar.gz",
    urls=(
        "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
        "https://d2l-data.s3-accelerate.amazonaws.com/aclImdb_v1.tar.gz",
    ),
    size=84_125_825,
    hash="sha256:c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
)


class FilmReviews(Task):
    """One token per step, as its index in a vocabulary; at the last one say whether the review is positive.

    Reviews are read at first use and not before, so that help and a dry run need none.
    Source: Maas et al. 2011 (reviews); arXiv 2506.07919 (with almost-linear RNNs).
    """

    name = "imdb"
    summary = "tell a positive film review from a negative one after reading its first 128 words"
    description = (
        "Each step shows one word of a review, in lower case, as its index in a vocabulary of the commonest words of the "
        "training reviews. At the last step the larger of two outputs must be the label's. 25,000 reviews are for "
        "training and validation, the publisher's other 25,000 for the test."
    )
    citation = "Maas et al. 2011, ACL-HLT, 142-150; Brenner & Koppe 2025, arXiv 2506.07919"
    options = (
        Option("tokens", 128, "read so many from the beginning of a review", unit="tokens", minimum=1),
        Option(
            "vocabulary", 20_000, "so many words are told apart, the commonest in training", unit="words", minimum=1
        ),
        Option(
            "glove", "", "a file of word vectors, which are then not trained; else they are learned, 100 numbers each"
        ),
        Option("train", 0, "training reviews, 0 for all", unit="trials", minimum=0),
        Option("validation", 0, "validation reviews, 0 for all", unit="trials", minimum=0),
        Option("test", 0, "test reviews, 0 for all", unit="trials", minimum=0),
    )
    needs_data = True
    remote = (ARCHIVE,)
    encoder = "token-mlp"
    # docs/recipes.md says what was tried.
    recipe: ClassVar[dict[str, Any]] = {
        "M": 100,
        "P": 5,
        "init": "identity",
        "recurrent_scale": 0.001,
        "batch": 64,
        "epochs": 2.0,
        "lr": 2e-3,
        "schedule": "cosine",
        "warmup": 0.05,
        "clip": 1.0,
        "tau": 0.1,
        "weight_decay": 0.3,
        "eval_every": 0.25,
    }
    paper_recipe: ClassVar[dict[str, Any]] = {
        "M": 100,
        "P": 5,
        "init": "paper",
        "batch": 64,
        "epochs": 15.0,
        "lr": 1e-3,
        "schedule": "constant",
        "clip": 5.0,
        "tau": 0.1,
        "readout_bias": True,
        "z0": "noise",
    }

    K = 1
    N = 2
    input_names = ("token",)
    output_names = ("negative", "positive")
    condition_names = ("negative", "positive")
    phases = (Phase("review", "the words that are read; its constant input is the mean encoded word", None),)
    dt_unit = "token"
    loss = "cross_entropy"
    scored = "last"
    metrics = {"accuracy": "max", "cross_entropy": "min"}
    chance = {"accuracy": 0.5, "cross_entropy": math.log(2)}

    def __init__(self, options: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(options, **kwargs)
        self.T = self.opt["tokens"]
        self._read: reviews.Corpus | None = None
        self._words: np.ndarray | None = None
        self._given: Tokens | None = None
        self._splits: dict[str, Trials] = {}

    def split(self, which: str) -> Trials:
        """The reviews of `which`: made once, shared by all who ask.

        Errors: InputError for missing or malformed files, UsageError where more reviews are asked for than there are.
        """
        if which not in self._splits:
            self._splits[which] = self._trials(self._index(which))
        return self._splits[which]

    def tokens(self) -> Tokens:
        """Padding, unknown, and the words. Errors: InputError for a malformed file of vectors."""
        count = _SPECIAL + self.opt["vocabulary"]
        if not self.opt["glove"]:
            return Tokens(count, _WIDTH)
        if self._given is None:
            # Padding is never read, and neither it nor an unknown word is in the file: both get the mean.
            words = ["\n"] * _SPECIAL + self.words()
            vectors, has = glove.read(Path(self.opt["glove"]).expanduser(), words + ["\n"] * (count - len(words)))
            if not has.any():
                raise InputError(
                    f"--task-opt glove={self.opt['glove']}: has no word of the reviews.", "Give English word vectors."
                )
            self._given = Tokens(count, vectors.shape[1], vectors)
        return self._given

    def words(self) -> list[str]:
        """The vocabulary, commonest first; the index of the first is 2."""
        every = self._corpus().vocabulary()
        return [every[i] for i in self._kept()]

    def score(self, outputs: np.ndarray, trials: Trials) -> dict[str, float]:
        return {
            "accuracy": accuracy(outputs, trials.targets),
            "cross_entropy": cross_entropy(outputs, trials.targets),
        }

    def facts(self) -> dict[str, Any]:
        """Also the sha256 of the vocabulary: with another one the same index is another word."""
        return {**super().facts(), "vocabulary": hashlib.sha256("\n".join(self.words()).encode()).hexdigest()}

    def fingerprint(self) -> str:
        """sha256 of the reviews' names and contents, folder or tar."""
        return self._corpus().sha256.tobytes().hex()

    def describe_data(self) -> str:
        c = self._corpus()
        train = self.split("train")
        read = train.inputs[np.arange(self.T) < train.lengths[:, None]]
        counts = " / ".join(f"{len(self.split(which)):,} {which}" for which in _SPLITS)
        return (
            f"{(~c.test).sum():,} + {c.test.sum():,} reviews, T = {train.lengths.min()}…{train.lengths.max()}; "
            f"{len(self._kept()):,} words, {np.mean(read != _UNKNOWN):.1%} of what is read in training; {counts}"
        )

    def _index(self, which: str) -> np.ndarray:
        """Which reviews make up a split: the publisher's test half, the other half shuffled and cut 90/10."""
        corpus = self._corpus()
        half = np.flatnonzero(corpus.test if which == "test" else ~corpus.test)
        # The publisher's order is by label: the first so many of the test reviews must not be all negative.
        order = np.random.default_rng([self.eval_seed, 5 if which == "test" else 4]).permutation(half)
        cut = len(order) - max(1, len(order) // _VALIDATION_SHARE)
        every = {"train": order[:cut], "validation": order[cut:], "test": order}[which]
        wanted = self.opt[which]
        if wanted > len(every):
            raise UsageError(
                f"--task-opt {which}={wanted} (task {self.name}): there are {len(every):,} {which} reviews.",
                f"Use at most {len(every)}, or 0 for all.",
            )
        return every[:wanted] if wanted else every

    def _kept(self) -> np.ndarray:
        """(words kept,) int: the corpus's indices of the commonest words of the training reviews, commonest first.

        All words of those reviews count, also those that are not read. Equally common ones keep the order of their code points.
        """
        if self._words is None:
            corpus = self._corpus()
            train = np.zeros(len(corpus.labels), bool)
            train[self._index("train")] = True
            counts = np.bincount(corpus.ids[np.repeat(train, np.diff(corpus.starts))])
            order = np.argsort(-counts, kind="stable")[: self.opt["vocabulary"]]
            self._words = order[counts[order] > 0]
        return self._words

    def _trials(self, index: np.ndarray) -> Trials:
        corpus = self._corpus()
        kept = self._kept()
        table = np.full(1 + int(max(corpus.ids.max(initial=0), kept.max(initial=0))), _UNKNOWN, np.int32)
        table[kept] = _SPECIAL + np.arange(len(kept))
        start, own = corpus.starts[index], corpus.starts[index + 1] - corpus.starts[index]
        step = np.arange(self.T)
        at = np.minimum(start[:, None] + step, len(corpus.ids) - 1)
        # A review without words is one unknown word.
        inputs = np.where(step < own[:, None], table[corpus.ids[at]], np.where(step < 1, _UNKNOWN, _PADDING))
        lengths = np.clip(own, 1, self.T)
        return Trials(
            inputs=inputs.astype(np.int32)[:, :, None],
            targets=corpus.labels[index],
            mask=step == lengths[:, None] - 1,
            lengths=lengths,
            conditions=corpus.labels[index],
            phases=np.where(step < lengths[:, None], 0, -1).astype(np.int8),
        )

    def _corpus(self) -> reviews.Corpus:
        if self._read is None:
            path = fetch(ARCHIVE, self.say) if self.data is None else Path(self.data).expanduser()
            key = {"source": digest(path), "reader": reviews.VERSION}
            self._read = reviews.Corpus(**cached("imdb", "words", key, lambda: vars(reviews.read(path)), self.say))
        return self._read


TASK = FilmReviews
