"""From tasks' numpy trials to batches of tensors with a member axis."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..config import RunConfig
from ..records import Trials
from ..tasks.base import Task
from . import streams


@dataclass(frozen=True)
class Batch:
    """Tensors of one step, member axis first: s (E, B, T, inputs), targets, mask (None where scored at the
    last step), lengths (E, B), or None where all trials have the full length."""

    s: Tensor
    targets: Tensor
    mask: Tensor | None
    lengths: Tensor | None


def to_batch(members: Sequence[Trials], scored: str, device: torch.device) -> Batch:
    """Each member's trials as tensors, padded to the longest. Members that share one `Trials` share its memory too."""
    kept = list({id(t): t for t in members}.values())
    T = max(t.inputs.shape[1] for t in kept)
    full = all(t.inputs.shape[1] == T and bool((t.lengths == T).all()) for t in kept)
    index = [next(i for i, k in enumerate(kept) if k is t) for t in members] if len(kept) > 1 else [0] * len(members)

    def move(arrays: list[np.ndarray], steps: bool) -> Tensor:
        parts = [torch.from_numpy(np.ascontiguousarray(a)) for a in arrays]
        if steps and any(p.shape[1] < T for p in parts):
            parts = [functional.pad(p, (0, 0) * (p.dim() - 2) + (0, T - p.shape[1])) for p in parts]
        return spread((parts[0][None] if len(parts) == 1 else torch.stack(parts)).to(device), index)

    each = scored == "each"
    return Batch(
        move([t.inputs for t in kept], True),
        move([t.targets for t in kept], each),
        move([t.mask for t in kept], True) if each else None,
        None if full else move([t.lengths for t in kept], False),
    )


def spread(sources: Tensor, index: Sequence[int]) -> Tensor:
    """Each member's source: (D, …) and E of 0 … D-1 give (E, …), without a copy where that can be."""
    D = sources.shape[0]
    if D == 1:
        return sources.expand(len(index), *sources.shape[1:])
    if list(index) == list(range(D)):
        return sources
    return sources.index_select(0, torch.tensor(list(index), device=sources.device))


def origin(task: Task) -> tuple[Hashable, ...]:
    """What a task's trials are a function of: tasks of equal origin have the same."""
    return (task.name, tuple(sorted(task.opt.items())), str(task.data), task.seed, task.eval_seed)


def distinct(tasks: Sequence[Task], which: str) -> tuple[list[Trials], list[int]]:
    """The distinct `which` splits of the tasks, and which of them is each task's; equal content counts as one."""
    found: dict[tuple[Hashable, ...], int] = {}
    contents: dict[bytes, int] = {}
    kept: list[Trials] = []
    for task in tasks:
        key = origin(task)
        if key in found:
            continue
        trials = task.split(which)
        digest = hashlib.blake2b(digest_size=16)
        for array in (trials.inputs, trials.targets, trials.mask, trials.lengths):
            digest.update(repr((array.shape, array.dtype)).encode())
            digest.update(np.ascontiguousarray(array).data)
        found[key] = contents.setdefault(digest.digest(), len(kept))
        if found[key] == len(kept):
            kept.append(trials)
    return kept, [found[origin(task)] for task in tasks]


@dataclass(frozen=True)
class _Source:
    """Where a member's trials come from. key: equal for members that see the same; first: where its fixed set begins."""

    key: Hashable
    task: Task
    seed: int
    first: int


class Feed:
    """The batches of a group: new trials each time (`fresh`), or fixed sets, each member's in an order drawn anew each epoch.

    All members are at the same step. What several of them see is made once.
    """

    def __init__(self, configs: Sequence[RunConfig], tasks: Sequence[Task], device: torch.device) -> None:
        self.device = device
        self.scored = tasks[0].scored
        self.batch = configs[0].training.batch
        self.n = tasks[0].size("train")
        self._whole: Batch | None = None  # the distinct fixed sets one after another, without a member axis
        which = [0] * len(tasks)
        if not configs[0].training.fresh:
            sets, which = distinct(tasks, "train")
            b = to_batch(sets, self.scored, device)
            mask, lengths = (None if x is None else x.flatten(0, 1) for x in (b.mask, b.lengths))
            self._whole = Batch(b.s.flatten(0, 1), b.targets.flatten(0, 1), mask, lengths)
        self._sources = []
        for config, task, i in zip(configs, tasks, which, strict=True):
            seed = config.training.seed
            key = (origin(task), seed) if self._whole is None else (i, seed)
            self._sources.append(_Source(key, task, seed, i * self.n))
        self._epoch = -1

    def select(self, members: Sequence[int]) -> Feed:
        """The feed of some of the members."""
        out = copy.copy(self)
        out._sources = [self._sources[e] for e in members]
        out._epoch = -1
        return out

    def at(self, step: int, T: Sequence[int | None]) -> Batch:
        """The batch of `step`, a function of each member's seed and the step alone. T: lengths of fresh trials, None: full."""
        if self._whole is not None:
            return self._fixed(self._whole, step)
        made: dict[Hashable, Trials] = {}
        keys = [(source.key, length) for source, length in zip(self._sources, T, strict=True)]
        for source, key in zip(self._sources, keys, strict=True):
            if key not in made:
                trials = source.task.fresh(self.batch, streams.rng(source.seed, streams.FRESH, step), key[1])
                assert trials is not None  # checked when the group was set up
                made[key] = trials
        return to_batch([made[key] for key in keys], self.scored, self.device)

    def _fixed(self, whole: Batch, step: int) -> Batch:
        epoch, within = divmod(step, -(-self.n // self.batch))
        if epoch != self._epoch:
            apart = {source.key: source for source in self._sources}
            orders = [
                source.first + streams.rng(source.seed, streams.ORDER, epoch).permutation(self.n)
                for source in apart.values()
            ]
            self._order, self._epoch = torch.from_numpy(np.stack(orders)).to(self.device), epoch
            self._index = [list(apart).index(source.key) for source in self._sources]
        rows = self._order[:, within * self.batch : (within + 1) * self.batch]

        def gather(x: Tensor) -> Tensor:
            return spread(x.index_select(0, rows.reshape(-1)).view(*rows.shape, *x.shape[1:]), self._index)

        mask, lengths = (None if x is None else gather(x) for x in (whole.mask, whole.lengths))
        return Batch(gather(whole.s), gather(whole.targets), mask, lengths)
