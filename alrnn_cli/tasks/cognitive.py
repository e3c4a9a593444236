"""Eleven cognitive tasks: what a trial of each shows, and what the right answer is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..lazy import lazy
from ..records import Trials

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

#: What an angle may be off and still count, in degrees.
TOLERANCE = 30.0
CHANNELS = ("fixation", "cos1", "sin1", "cos2", "sin2", "evidence1", "evidence2")
PERIODS = ("context", "stimulus", "delay", "response")
#: Steps of each period, shortest and longest, both possible.
DURATIONS = {
    "short": ((5, 10), (10, 15), (10, 15), (5, 10)),
    "long": ((10, 20), (10, 40), (20, 50), (10, 20)),
}
_CONTEXT, _STIMULUS, _DELAY, _RESPONSE = range(4)
_MARGIN = math.radians(10)  # between a stimulus and the border of its category
_APART = math.radians(90)  # at least, between a sample and a test that do not match
_DRIFTS = (0.1, 0.2, 0.4)  # mean evidence of a step, either sign


@dataclass(frozen=True)
class Content:
    """What n trials of one task show and ask for. Angles in rad, NaN where there is none.

    sample, probe: (n,) shown in the stimulus and in the response period; modality: (n,) 0 or 1, where they are shown;
    answer: (n,) the direction to answer, NaN where the right answer is to hold; evidence: (n, S, 2) of both modalities in the
    stimulus period's steps, None: no evidence.
    """

    sample: np.ndarray
    probe: np.ndarray
    modality: np.ndarray
    answer: np.ndarray
    evidence: np.ndarray | None = None


@dataclass(frozen=True)
class Rule:
    """One task. draw: (generator, steps (n, S) bool: those that each trial's stimulus period has, noise) -> Content;
    hold: share of its trials whose answer is to hold; directions: how many there are to answer, equally often, 0: the whole circle;
    reacts: the stimulus is the cue to answer, the fixation input stays on."""

    draw: Callable[[np.random.Generator, np.ndarray, float], Content]
    hold: float = 0.0
    directions: int = 0
    reacts: bool = False

    @property
    def chance(self) -> float:
        """Accuracy of the best constant answer: hold, or one direction."""
        covered = 1 / self.directions if self.directions else 2 * TOLERANCE / 360
        return max(self.hold, (1 - self.hold) * covered)

    @property
    def variance(self) -> float:
        """Mean squared error of the best constant answer, the variance of (fixation, cos, sin): directions average to zero."""
        return (self.hold * (1 - self.hold) + (1 - self.hold)) / 3


def _circle(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.uniform(0, 2 * math.pi, n)


def _nothing(n: int) -> np.ndarray:
    return np.full(n, np.nan)


def _delayed(turn: float) -> Callable[[np.random.Generator, np.ndarray, float], Content]:
    """Answer the remembered sample's direction, turned."""

    def draw(rng: np.random.Generator, steps: np.ndarray, noise: float) -> Content:
        n = len(steps)
        sample = _circle(rng, n)
        return Content(sample, _nothing(n), rng.integers(0, 2, n), sample + turn)

    return draw


def _reaction(turn: float) -> Callable[[np.random.Generator, np.ndarray, float], Content]:
    """Answer the direction of what appears in the response period, turned."""

    def draw(rng: np.random.Generator, steps: np.ndarray, noise: float) -> Content:
        n = len(steps)
        probe = _circle(rng, n)
        return Content(_nothing(n), probe, rng.integers(0, 2, n), probe + turn)

    return draw


def _category(turn: float) -> Callable[[np.random.Generator, np.ndarray, float], Content]:
    """Answer the middle of the half circle, upper or lower, that the remembered sample was in, turned."""

    def draw(rng: np.random.Generator, steps: np.ndarray, noise: float) -> Content:
        n = len(steps)
        half = math.pi * rng.integers(0, 2, n)
        sample = half + rng.uniform(_MARGIN, math.pi - _MARGIN, n)
        return Content(sample, _nothing(n), rng.integers(0, 2, n), half + math.pi / 2 + turn)

    return draw


def _match(go_on_match: bool) -> Callable[[np.random.Generator, np.ndarray, float], Content]:
    """Answer the test's direction if it is the sample's (or if it is not), else hold."""

    def draw(rng: np.random.Generator, steps: np.ndarray, noise: float) -> Content:
        n = len(steps)
        sample = _circle(rng, n)
        match = rng.random(n) < 0.5
        probe = sample + np.where(match, 0, rng.uniform(_APART, 2 * math.pi - _APART, n))
        return Content(sample, probe, rng.integers(0, 2, n), np.where(match == go_on_match, probe, np.nan))

    return draw


def _integration(modality: int) -> Callable[[np.random.Generator, np.ndarray, float], Content]:
    """Answer 0 if the evidence shown in one modality sums to more than 0, else π."""

    def draw(rng: np.random.Generator, steps: np.ndarray, noise: float) -> Content:
        n, S = steps.shape
        drift = rng.choice(_DRIFTS, (n, 2)) * rng.choice((-1, 1), (n, 2))
        evidence = (drift[:, None] + noise * rng.normal(size=(n, S, 2))).astype(np.float32)
        evidence *= steps[..., None]
        answer = np.where(evidence[..., modality].sum(1, dtype=np.float64) > 0, 0, math.pi)
        return Content(_nothing(n), _nothing(n), np.zeros(n, np.int64), answer, evidence)

    return draw


def _go(rng: np.random.Generator, steps: np.ndarray, noise: float) -> Content:
    """Answer the remembered sample's direction if it was shown in modality 1; hold if in modality 2."""
    n = len(steps)
    sample, modality = _circle(rng, n), rng.integers(0, 2, n)
    return Content(sample, _nothing(n), modality, np.where(modality == 0, sample, np.nan))


RULES = {
    "DelayPro": Rule(_delayed(0)),
    "DelayAnti": Rule(_delayed(math.pi)),
    "ReactPro": Rule(_reaction(0), reacts=True),
    "ReactAnti": Rule(_reaction(math.pi), reacts=True),
    "CategoryPro": Rule(_category(0), directions=2),
    "CategoryAnti": Rule(_category(math.pi), directions=2),
    "DMS": Rule(_match(True), hold=0.5),
    "DNMS": Rule(_match(False), hold=0.5),
    "ContextInt1": Rule(_integration(0), directions=2),
    "ContextInt2": Rule(_integration(1), directions=2),
    "GoNoGo": Rule(_go, hold=0.5),
}
NAMES = tuple(RULES)


def generate(n: int, names: Sequence[str], durations: str, noise: float, rng: np.random.Generator) -> Trials:
    """n trials of the named tasks, without a loop over trials.

    Of any len(names) successive trials that begin at a multiple of it each is of another task. inputs: the seven CHANNELS, then one
    for each of NAMES, 1 throughout a trial of that task; targets: (n, 3) fixation, cos and sin; conditions: indices into
    `names`; phases: indices into PERIODS. In a task that reacts nothing is shown in the stimulus period, which counts as delay.
    """
    shortest, longest = np.array(DURATIONS[durations]).T
    T, S = int(longest.sum()), int(longest[_STIMULUS])
    steps = rng.integers(shortest, longest + 1, (n, 4))
    ends = steps.cumsum(1)
    period = (np.arange(T) >= ends[:, :, None]).sum(1)  # 4 on padding
    task = rng.permutation(len(names))[np.arange(n) % len(names)]

    sample, probe, answer = _nothing(n), _nothing(n), _nothing(n)
    modality = np.zeros(n, np.int64)
    evidence = np.zeros((n, S, 2), np.float32)
    reacts = np.array([RULES[name].reacts for name in names])[task]
    for k, name in enumerate(names):
        rows = np.flatnonzero(task == k)
        content = RULES[name].draw(rng, np.arange(S) < steps[rows, _STIMULUS, None], noise)
        sample[rows], probe[rows], answer[rows] = content.sample, content.probe, content.answer
        modality[rows] = content.modality
        if content.evidence is not None:
            evidence[rows] = content.evidence

    inputs = np.zeros((n, T, len(CHANNELS) + len(NAMES)), np.float32)
    inside = period <= _RESPONSE
    inputs[..., 0] = inside & ((period < _RESPONSE) | reacts[:, None])
    shown = np.where(period == _STIMULUS, sample[:, None], np.where(period == _RESPONSE, probe[:, None], np.nan))
    for m in (0, 1):
        row, step = np.nonzero(~np.isnan(shown) & (modality == m)[:, None])
        inputs[row, step, 1 + 2 * m] = np.cos(shown[row, step])
        inputs[row, step, 2 + 2 * m] = np.sin(shown[row, step])
    row, step = np.nonzero(period == _STIMULUS)
    inputs[row, step, 5:7] = evidence[row, step - ends[row, _CONTEXT]]
    cue = np.array([len(CHANNELS) + NAMES.index(name) for name in names])[task]
    inputs[np.arange(n), :, cue] = inside

    holds = np.isnan(answer)
    targets = np.stack([holds, np.cos(answer), np.sin(answer)], 1)
    targets[holds, 1:] = 0
    phases = np.where(inside, np.where((period == _STIMULUS) & reacts[:, None], _DELAY, period), -1)
    return Trials(
        inputs=inputs,
        targets=targets.astype(np.float32),
        mask=np.arange(T) == ends[:, -1:] - 1,
        lengths=ends[:, -1],
        conditions=task,
        phases=phases.astype(np.int8),
    )


def right(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Which answers are right: fixation above 0.5 where the target is to hold; else fixation at most 0.5, and a direction less
    than TOLERANCE away. outputs, targets: (n, 3) fixation, cos, sin. Returns: (n,) bool."""
    y = outputs.astype(np.float64)
    holding = y[:, 0] > 0.5
    along = (y[:, 1:] * targets[:, 1:]).sum(1)  # |y| cos(error), targets have length 1
    near = along > math.cos(math.radians(TOLERANCE)) * np.hypot(y[:, 1], y[:, 2])
    return np.where(targets[:, 0] > 0.5, holding, ~holding & near)
