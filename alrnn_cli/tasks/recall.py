"""What copy and variable-copy share: symbols are shown, held through a silence, and reported in order once a cue has come."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..lazy import lazy
from ..records import Trials
from .base import Phase
from .generated import Generated
from .scores import accuracy, cross_entropy, sequence_accuracy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

_SINUSOIDS = 16
_LONGEST = 10_000.0  # wavelengths of the time code are 2π … 2π · 10,000 steps

_PHASES = ("symbols", "cue", "delay", "recall")
_SYMBOLS, _CUE, _DELAY, _RECALL = range(4)


def time_code(T: int) -> np.ndarray:
    """The time as sines and cosines of eight wavelengths: sin and cos of t / 10,000^(i/8), i = 0 … 7, t = 0 … T-1.

    Returns: (T, 16) float32. Source: Vaswani et al. 2017, arXiv 1706.03762, section 3.5.
    """
    half = _SINUSOIDS // 2
    angle = np.arange(T)[:, None] / _LONGEST ** (np.arange(half) / half)
    return np.concatenate([np.sin(angle), np.cos(angle)], 1).astype(np.float32)


class Recall(Generated):
    """`length` of `symbols` symbols one by one, a silence, and their recall, with a cue somewhere in between.

        s_t = e_{1+x_t} while symbols are shown, e_0 at the cue and at every step of recall, else 0      e_k: unit vectors

    A subclass says when the cue comes and when recall begins (`times`). Only recall is scored.
    """

    loss = "cross_entropy"
    scored = "each"
    # Symbols decide before sequences: sequences say nothing until four of five symbols are right, and all of one are
    # right where all of the other are.
    metrics = {"symbol_accuracy": "max", "sequence_accuracy": "max", "cross_entropy": "min"}

    def __init__(self, options: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(options, **kwargs)
        self.length, S = self.opt["length"], self.opt["symbols"]
        code = _SINUSOIDS if self.opt.get("time_encoding") else 0
        self.N, self.K = S, 1 + S + code
        names = tuple(f"symbol {i}" for i in range(1, S + 1))
        self.output_names = self.condition_names = names
        self.input_names = ("cue", *names, *(f"{w} {i}" for w in ("sin", "cos") for i in range(code // 2)))
        constant = {"symbols": (0.0, *(1 / S,) * S), "cue": (1.0, *(0.0,) * S), "delay": (0.0,) * (1 + S)}
        constant["recall"] = constant["cue"]
        told = {
            "symbols": "the symbols are shown; constant input: their mean",
            "cue": "the cue is shown",
            "delay": "nothing is shown",
            "recall": "the symbols are to be reported, one a step",
        }
        # The time code never stands still: then the mean over a phase's steps stands for it.
        self.phases = tuple(Phase(name, told[name], None if code else constant[name]) for name in _PHASES)
        self.chance = {"symbol_accuracy": 1 / S, "sequence_accuracy": S**-self.length, "cross_entropy": math.log(S)}

    @abstractmethod
    def times(self, n: int, T: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Where the cue comes and where recall begins in n trials of at most T steps. Returns: (n,) each, counted from 0."""

    def lengths_for_curriculum(self) -> tuple[int, int]:
        return (2 * self.length + 1, self.T)

    def generate(self, n: int, T: int, rng: np.random.Generator) -> Trials:
        """n trials, each ending with its recall; what lies beyond, up to T, is padding: zero inputs of no phase."""
        L, shortest = self.length, 2 * self.length + 1
        if shortest > T:
            raise UsageError(f"Task {self.name!r} with length={L} needs T >= {shortest}, got {T}.")
        cue, recall = self.times(n, T, rng)
        row, k = np.arange(n)[:, None], np.arange(L)
        shown = rng.integers(0, self.opt["symbols"], (n, L))
        asked = recall[:, None] + k
        lengths = recall + L
        inputs = np.zeros((n, T, self.K), np.float32)
        inputs[row, k, 1 + shown] = 1
        inputs[row[:, 0], cue, 0] = 1
        inputs[row, asked, 0] = 1
        beyond = np.arange(T) >= lengths[:, None]
        if self.opt.get("time_encoding"):
            inputs[:, :, -_SINUSOIDS:] = np.where(beyond[:, :, None], 0, time_code(T))
        targets = np.zeros((n, T), np.int64)
        targets[row, asked] = shown
        mask = np.zeros((n, T), bool)
        mask[row, asked] = True
        phases = np.full((n, T), _DELAY, np.int8)
        phases[:, :L] = _SYMBOLS
        phases[row[:, 0], cue] = _CUE
        phases[mask] = _RECALL
        phases[beyond] = -1
        return Trials(inputs, targets, mask, lengths.astype(np.int64), shown[:, 0], phases)

    def score(self, outputs: np.ndarray, trials: Trials) -> dict[str, float]:
        asked, labels = outputs[trials.mask], trials.targets[trials.mask]
        return {
            "symbol_accuracy": accuracy(asked, labels),
            "sequence_accuracy": sequence_accuracy(outputs, trials.targets, trials.mask),
            "cross_entropy": cross_entropy(asked, labels),
        }
