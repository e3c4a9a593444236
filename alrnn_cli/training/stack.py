"""What a group computes with: its members' parameters, gradients and moments, one row each, and the step on all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ..config import RunConfig
from ..model import make
from ..model.penalty import manifold, weights
from ..tasks.base import Task
from .adam import Adam
from .arrays import array, library
from .data import Batch
from .losses import loss

_BLOCK = 64  # columns of a row are a multiple of it, see `Stack._norm`
_PENALISED = ("A", "W", "h")

Columns = dict[str, tuple[slice, tuple[int, ...]]]


class Row(NamedTuple):
    """One member's numbers in a stack, as views: parameters and Adam's moments, each (n,)."""

    values: Tensor
    m: Tensor
    v: Tensor


class Stack:
    """E members of equal shapes. values: (E, n), all parameters of a member in one row; the model's own are views of it.

        values   | recurrence | D | b | z0 | encoder | 0 … |      columns[name] = (slice, shape without the member axis)

    Gradients, moments, norm, clipping and the step are then a few operations on (E, n), however many tensors a model has.
    """

    def __init__(self, configs: Sequence[RunConfig], task: Task, device: torch.device, backend: str) -> None:
        """configs: one a member; task: any member's, for what they have in common."""
        self.configs = tuple(configs)
        self.task = task
        self.device = device
        self.backend = backend
        self.model = make([c.model for c in configs], task.K, task.N, task.tokens()).to(device)
        E = len(configs)
        self._leaves = dict(self.model.named_parameters())
        self.columns = columns(self.model)
        n = max((c.stop for c, _ in self.columns.values()), default=0)
        self.values = torch.zeros(E, -(-n // _BLOCK) * _BLOCK, device=device)
        self.gradient = torch.zeros_like(self.values)
        for name, p in self._leaves.items():
            p.data = self._view(self.values, name)
        self._padding = self.gradient.new_zeros(E, self.values.shape[1] - n)
        # The same memory once more, for elementwise work.
        self._library = library(device)
        self._values, self._gradient = array(self.values), array(self.gradient)
        t = [c.training for c in configs]
        factor = torch.ones_like(self.values)
        for name in self.model.recurrent:
            factor[:, self.columns[name][0]] = torch.tensor([[c.lr_recurrent] for c in t], device=device)
        decay = None
        if any(c.weight_decay for c in t):
            decay = torch.zeros_like(self.values)
            for name in self._leaves:
                if self._decays(name):
                    decay[:, self.columns[name][0]] = torch.tensor([[c.weight_decay] for c in t], device=device)
        self.adam = Adam(factor, decay)
        self._going = array(torch.ones(E, dtype=torch.bool, device=device))
        self._clip = None
        if any(c.clip for c in t):
            self._clip = array(torch.tensor([c.clip or float("inf") for c in t], device=device))
        self._pull = None
        if any(c.tau for c in t):
            weight = weights([c.tau for c in t], [c.M_reg for c in t], configs[0].model.M)
            self._pull = array(weight.to(device))
            self._parts = [
                (array(self._view(self.values, name)), array(self._view(self.gradient, name))) for name in _PENALISED
            ]
            # A of a linear unit is no parameter.
            self._acts = array(self.model.get_buffer("pwl"))

    def __len__(self) -> int:
        return len(self.configs)

    def _view(self, rows: Tensor, name: str) -> Tensor:
        where, shape = self.columns[name]
        return rows[:, where].view(len(rows), *shape)

    def _decays(self, name: str) -> bool:
        """Matrices but those of the recurrence, whose penalty is tau's; no bias and no state."""
        return name not in (*self.model.recurrent, "z0") and len(self.columns[name][1]) > 1

    def begin(self, e: int, seed: Sequence[int]) -> None:
        """Draw member e anew and forget its moments."""
        self.model.initialise(e, seed)
        self.adam.reset(e)
        self._going[e] = True

    def row(self, e: int) -> Row:
        return Row(self.values[e], self.adam.m[e], self.adam.v[e])

    def put(self, e: int, row: Row, count: int) -> None:
        """Copy one member's numbers from another stack. count: Adam's steps since the member began."""
        for here, there in zip(self.row(e), row, strict=True):
            here.copy_(there)
        self.adam.count[e] = count

    def step(self, batch: Batch, z0: Tensor | None, lr: Sequence[float]) -> Any:
        """One optimizer step of every member whose loss and gradient are finite; one that was not makes no further step.

        z0: (E, B, M) where it is drawn; lr: one a member. Returns: (3, E), loss, penalty with its weight, gradient norm.
        """
        model, x, gradient = self.model, self._library, self._gradient
        s, lengths = model.encode(batch.s, batch.lengths)
        z = model.states(s, lengths, z0=z0, last=self.task.scored == "last", backend=self.backend)
        # What follows the states has its gradient in closed form; autograd is left with encoder and recurrence.
        with torch.no_grad():
            states = z.detach()
            value, dy = loss(self.task.loss, model.read(states), batch.targets, batch.mask)
            dz, found = model.read_gradient(states, dy)
        names = [name for name in self._leaves if name not in found]
        through = torch.autograd.grad(z, [self._leaves[name] for name in names], dz, materialize_grads=True)
        found |= dict(zip(names, through, strict=True))
        torch.cat([*(found[name].flatten(1) for name in self._leaves), self._padding], 1, out=self.gradient)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            pull = self._penalise()
            norm = self._norm()
            measured = x.stack([array(value), pull, norm])
            self._going &= x.isfinite(measured.sum(0))
            if self._clip is not None:
                gradient *= x.clip(self._clip / norm, None, 1)[:, None]
            self.adam.step(self._values, gradient, lr, self._going)
        return measured

    def _penalise(self) -> Any:
        """Add the penalty's gradient to the loss's. Returns: (E,) the penalty."""
        if self._pull is None:
            return self._gradient[:, 0] * 0
        (A, dA), (W, dW), (h, dh) = self._parts
        value, gA, gW, gh = manifold(A, W, h, self._pull)
        dA += gA * self._acts
        dW += gW
        dh += gh
        return value

    def _norm(self) -> Any:
        """Euclidean norm of each member's whole gradient. Returns: (E,).

        Summed block by block: a sum over whole rows would be split among threads where a row is long and alone.
        """
        squares = self._gradient * self._gradient
        return self._library.sqrt(squares.reshape(len(self), -1, _BLOCK).sum(-1).sum(-1))


def columns(model: nn.Module) -> Columns:
    """Where each parameter lies in a row, and its shape without the member axis."""
    out: Columns = {}
    start = 0
    for name, p in model.named_parameters():
        shape = tuple(p.shape[1:])
        stop = start + p[0].numel()
        out[name] = (slice(start, stop), shape)
        start = stop
    return out


def tensors(row: Tensor, where: Columns) -> dict[str, Tensor]:
    """A row (n,) as a model's tensors by name, views of it."""
    return {name: row[cut].view(shape) for name, (cut, shape) in where.items()}
