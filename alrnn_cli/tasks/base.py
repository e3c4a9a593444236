"""What a task says about itself. Task files import at the top without torch, so that help and errors are quick."""

from __future__ import annotations

import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import UsageError, closest
from ..lazy import lazy
from ..records import Tokens, Trials
from .datasets import RemoteFile

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")


@dataclass(frozen=True)
class Option:
    """One `--task-opt NAME=VALUE`. The type of `default` is the option's type."""

    name: str
    default: int | float | bool | str
    help: str
    unit: str = ""
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None

    def parse(self, text: Any, task: str) -> int | float | bool | str:
        """The value in this option's type. Errors: UsageError that names the option and what it takes."""
        kind = type(self.default)
        name = f"--task-opt {self.name}={text} (task {task})"
        value: int | float | bool | str
        try:
            value = _convert(text, kind)
        except ValueError:
            raise UsageError(
                f"{name}: expected {_KINDS[kind]}, got {text!r}.", f"The default is {self.name}={self.default}."
            ) from None
        if self.choices and value not in self.choices:
            raise UsageError(f"{name}: expected one of {', '.join(self.choices)}.", closest(str(value), self.choices))
        if isinstance(value, str):
            return value
        for bound, word, bad in (
            (self.minimum, "at least", self.minimum is not None and value < self.minimum),
            (self.maximum, "at most", self.maximum is not None and value > self.maximum),
            (self.above, "above", self.above is not None and value <= self.above),
        ):
            if bad:
                raise UsageError(f"{name}: must be {word} {bound:g}.", f"The default is {self.name}={self.default}.")
        return value


_KINDS: dict[type, str] = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def _convert(text: Any, kind: type) -> Any:
    if kind is bool:
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if str(text).lower() not in words:
            raise ValueError(text)
        return words[str(text).lower()]
    # A file of settings may hold anything: null, a list, true for a number, infinity for a whole one.
    if isinstance(text, bool) or not isinstance(text, (Real, str)):
        raise ValueError(text)
    if kind is int and isinstance(text, float) and not text.is_integer():
        raise ValueError(text)
    value = kind(text)
    if kind is float and not math.isfinite(value):
        raise ValueError(text)
    return value


@dataclass(frozen=True)
class Phase:
    """A named stretch of a trial. `input`: the constant input (K values, before any encoder) that stands for it in the
    fixed-point analysis; None: the mean encoded input over the phase's steps."""

    name: str
    help: str
    input: tuple[float, ...] | None = None


def _say_on_stderr(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()


class Task(ABC):
    """A task: where trials come from, how an answer is scored, and what its parts are called.

    Class attributes are known without any data; K, N, T and the names of inputs may need the data (`custom`), and are
    set at construction there. Everything random is drawn from generators made from `seed` (training data) or
    `eval_seed` (validation and test), so a split is the same every time it is asked for.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    description: ClassVar[str]
    citation: ClassVar[str]
    options: ClassVar[tuple[Option, ...]] = ()
    needs_data: ClassVar[bool] = False
    #: the files it downloads where no data are given, all of one dataset
    remote: ClassVar[tuple[RemoteFile, ...]] = ()
    #: resolved configuration on top of the built-in defaults, flat names as on the command line
    recipe: ClassVar[dict[str, Any]] = {}
    #: the published recipe (`--recipe paper`)
    paper_recipe: ClassVar[dict[str, Any]] = {}
    encoder: ClassVar[str] = "none"
    dt: float = 1.0
    dt_unit: str = "step"

    # Known from the options, or from the data.
    K: int
    N: int
    T: int
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    condition_names: tuple[str, ...] = ("all",)
    phases: tuple[Phase, ...] = ()
    loss: str  # "mse" or "cross_entropy"
    scored: str  # "last": at each trial's own last step; "each": at every step that `mask` marks
    metrics: dict[str, str]  # name -> "min" or "max"; the first decides which state is best
    chance: dict[str, float]  # metric -> what guessing gives

    def __init__(
        self,
        options: dict[str, Any] | None = None,
        *,
        data: str | None = None,
        seed: int = 0,
        eval_seed: int = 0,
        say: Callable[[str], None] | None = None,
    ) -> None:
        """options: as text or in their type; data: the user's file or folder; say: told, in one sentence each, what the
        task does beyond reading its data, downloads above all (None: a line on stderr)."""
        self.opt = self.resolve_options(options or {})
        self.data = data
        self.seed = seed
        self.eval_seed = eval_seed
        self.say = say or _say_on_stderr
        if self.needs_data and data is None and not self.remote:
            raise UsageError(f"Task {self.name!r} reads your own data.", f"Give it: --task {self.name} --data FILE")

    @classmethod
    def resolve_options(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Defaults overlaid with `given`, parsed. Errors: UsageError for an unknown name or a bad value."""
        known = {o.name: o for o in cls.options}
        for name in given:
            if name not in known:
                hint = closest(name, list(known)) if known else f"Task {cls.name!r} has no options."
                raise UsageError(f"Unknown option {name!r} for task {cls.name!r}.", hint)
        return {o.name: o.parse(given.get(o.name, o.default), cls.name) for o in cls.options}

    @abstractmethod
    def split(self, which: str) -> Trials:
        """All trials of "train", "validation" or "test"."""

    def size(self, which: str) -> int:
        """Number of trials of a split, without making them where a task can."""
        return len(self.split(which))

    def fresh(self, n: int, rng: np.random.Generator, T: int | None = None) -> Trials | None:
        """n new training trials, of length T where the task can vary it; None for a task with a fixed dataset."""
        return None

    def lengths_for_curriculum(self) -> tuple[int, int] | None:
        """(shortest, full) trial length for a curriculum over T; None where T cannot vary."""
        return None

    def tokens(self) -> Tokens | None:
        """The vocabulary that `inputs` are indices of; None where they are numbers."""
        return None

    @abstractmethod
    def score(self, outputs: np.ndarray, trials: Trials) -> dict[str, float]:
        """The metrics of `outputs` ((n, N) if scored at the last step, else (n, T, N)) against the trials' targets."""

    def facts(self) -> dict[str, Any]:
        """What a checkpoint records of its task."""
        return {
            "name": self.name,
            "options": self.opt,
            "K": self.K,
            "N": self.N,
            "T": self.T,
            "metrics": self.metrics,
            "chance": self.chance,
            "loss": self.loss,
            "scored": self.scored,
        }

    def fingerprint(self) -> str | None:
        """sha256 of the data, None for generated trials."""
        return None

    def describe_data(self) -> str:
        """One line: what was understood of the data."""
        return ""
