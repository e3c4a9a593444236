"""The measurements. Each returns one plain row, ready for JSON."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .. import kernels
from ..config import ModelConfig, RunConfig, TrainingConfig
from ..training.data import Batch
from ..training.stack import Stack
from . import rivals
from .cases import Case
from .timing import Times, interleaved, products, ratio, split_peak

Row = dict[str, Any]
RIVALS = ("published loop", "nn.RNN", "nn.GRU", "nn.LSTM")
_LEARNING_RATE, _TAU = 1e-5, 0.01  # small: parameters must stay where they are while they are timed


@dataclass(frozen=True)
class _Arrays:
    """Inputs s (B, T, K), A (P,), W, C, h, z0 (B, M) of one model whose states neither die out nor explode."""

    s: Tensor
    A: Tensor
    W: Tensor
    C: Tensor
    h: Tensor
    z0: Tensor

    @property
    def parts(self) -> tuple[Tensor, ...]:
        return self.s, self.A, self.W, self.C, self.h, self.z0


def _arrays(case: Case, device: torch.device, seed: int = 0) -> _Arrays:
    g = torch.Generator().manual_seed(seed)
    B, T, M, P, K = case.B, case.T, case.M, case.P, case.K
    orthogonal = torch.linalg.qr(torch.randn(M, M, generator=g, dtype=torch.float64))[0]
    parts = (
        torch.randn(B, T, K, generator=g), 0.02 * torch.rand(P, generator=g), (0.99 * orthogonal).float(),
        torch.randn(M, K, generator=g) / K**0.5, 0.1 * torch.randn(M, generator=g), 0.1 * torch.randn(B, M, generator=g),
    )  # fmt: skip
    return _Arrays(*(p.to(device).requires_grad_() for p in parts))


def _backward(run: Callable[[], Tensor], leaves: Sequence[Tensor]) -> Callable[[], None]:
    """Forward, and backward from a gradient that lies in memory like what came out."""
    grad: list[Tensor] = []

    def both() -> None:
        for leaf in leaves:
            leaf.grad = None
        z = run()
        if not grad:
            grad.append(torch.randn_like(z) / z[..., 0].numel())
        z.backward(grad[0])  # type: ignore[no-untyped-call]

    return both


def _ours(case: Case, x: _Arrays, backend: str, last: bool = False) -> Callable[[], None]:
    """Forward and backward of `scan`; with `last`, only the last state and no gradient of the inputs."""
    A = functional.pad(x.A.detach(), (case.M - case.P, 0))
    # With the member axis, as training has it.
    s, A, W, C, h, z0 = (p.detach()[None].requires_grad_() for p in (x.s, A, x.W, x.C, x.h, x.z0))
    if last:
        s = s.detach()
    leaves = [A, W, C, h, z0, *([] if last else [s])]
    return _backward(
        lambda: kernels.scan(s, A, W, C, h, z0, P=case.P, backend=backend, last=last), leaves
    )  # fmt: skip


def _theirs(case: Case, x: _Arrays, kind: str) -> Callable[[], None]:
    if kind == "published loop":
        return _backward(lambda: rivals.published_loop(*x.parts), x.parts)
    net = rivals.torch_rnn(kind, case.K, case.M).to(x.s.device)
    start = x.z0[None]
    state: Any = (start, torch.zeros_like(start)) if kind == "nn.LSTM" else start
    return _backward(lambda: net(x.s, state)[0], [x.s, x.z0, *net.parameters()])


def _shape(case: Case) -> Row:
    return {"case": case.name, "B": case.B, "T": case.T, "M": case.M, "P": case.P, "K": case.K}


def _seconds(times: dict[str, Times]) -> Row:
    return {name: t.to_dict() for name, t in times.items()}


def scan(case: Case, backends: Sequence[str], repeats: int, device: torch.device) -> Row:
    """States at every step and the gradients of everything, inputs and z0 among them. The first backend is compared with all."""
    x = _arrays(case, device)
    candidates = {name: _ours(case, x, name) for name in backends}
    candidates |= {kind: _theirs(case, x, kind) for kind in RIVALS}
    times = interleaved({**candidates, **products(device)}, repeats, device)
    top, times = split_peak(times)
    first = times[backends[0]]
    return {
        **_shape(case),
        "backend": backends[0],
        "seconds": _seconds(times),
        "times_faster": {name: ratio(t, first) for name, t in times.items() if name != backends[0]},
        "peak_flops": statistics.median(top),
        "of_peak": statistics.median(case.flops / t / p for t, p in zip(first.seconds, top, strict=True)),
    }


def last(case: Case, repeats: int, device: torch.device) -> Row:
    """Only the last state, without a gradient of the inputs: the dense kernel against the chunked one."""
    x = _arrays(case, device)
    times = interleaved({name: _ours(case, x, name, last=True) for name in ("cpu", "chunked")}, repeats, device)
    return {
        **_shape(case),
        "chunk": kernels.chunk_length(case.B, case.T, case.M, case.P, case.K),
        "seconds": _seconds(times),
        "times_faster": ratio(times["cpu"], times["chunked"]),
    }


@dataclass(frozen=True)
class _Shape:
    """What a stack wants to know of a task."""

    K: int
    N: int
    loss: str
    scored: str

    def tokens(self) -> None:
        """Inputs are numbers, not words."""


def _batch(case: Case, E: int, device: torch.device) -> Batch:
    g = torch.Generator().manual_seed(1)
    lead = (E, case.B, case.T) if case.each else (E, case.B)
    if case.loss == "mse":
        targets = torch.randn(*lead, case.N, generator=g)
    else:
        targets = torch.randint(case.N, lead, generator=g)
    mask = torch.ones(lead, dtype=torch.bool) if case.each else None
    s = torch.randn(E, case.B, case.T, case.K, generator=g)
    return Batch(s.to(device), targets.to(device), None if mask is None else mask.to(device), None)


def _stack(case: Case, E: int, backend: str, device: torch.device) -> Stack:
    training = TrainingConfig(lr=_LEARNING_RATE, tau=_TAU, M_reg=case.M // 2, clip=1.0)
    run = RunConfig("bench", {}, ModelConfig(M=case.M, P=case.P), training)
    stack = Stack([run] * E, _Shape(case.K, case.N, case.loss, "each" if case.each else "last"), device, backend)  # type: ignore[arg-type]
    for e in range(E):
        stack.begin(e, (e, 0))
        with torch.no_grad():
            stack.model.get_parameter("W")[e].copy_(_arrays(case, device, seed=e).W)
    return stack


def _published_step(case: Case, batch: Batch, device: torch.device) -> Callable[[], None]:
    """A whole training step as published: loop, readout, loss, penalty loop, backward, clipping, torch's Adam."""
    x = _arrays(case, device)
    D = (0.1 * torch.randn(case.N, case.M)).to(device).requires_grad_()
    b = torch.zeros(case.N, device=device, requires_grad=True)
    parameters = [*x.parts[1:5], D, b]
    optimizer = torch.optim.Adam(parameters, lr=_LEARNING_RATE)
    s, targets = batch.s[0], batch.targets[0]

    def step() -> None:
        z = rivals.published_loop(s, x.A, x.W, x.C, x.h, torch.zeros(case.B, case.M, device=device))
        y = (z if case.each else z[:, -1]) @ D.t() + b
        if case.loss == "mse":
            value = functional.mse_loss(y, targets)
        else:
            value = functional.cross_entropy(y.flatten(0, -2), targets.flatten())
        value = value + _TAU * rivals.published_penalty(x.A, x.W, x.h, case.M // 2)
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        value.item()

    return step


def _our_step(case: Case, E: int, backend: str, device: torch.device) -> Callable[[], Any]:
    stack, batch, rates = _stack(case, E, backend, device), _batch(case, E, device), [_LEARNING_RATE] * E
    return lambda: stack.step(batch, None, rates)


def step(case: Case, repeats: int, device: torch.device) -> Row:
    """A whole training step, from a batch to new parameters, with penalty and clipping."""
    backend = _backend(case, device)
    times = interleaved(
        {
            "alrnn": _our_step(case, 1, backend, device),
            "published loop": _published_step(case, _batch(case, 1, device), device),
        },
        repeats,
        device,
    )
    faster = ratio(times["published loop"], times["alrnn"])
    return {**_shape(case), "backend": backend, "seconds": _seconds(times), "times_faster": faster}


def members(case: Case, counts: Sequence[int], repeats: int, device: torch.device) -> Row:
    """A training step of E members at once, for each E: seconds, and seconds for one of them."""
    backend = _backend(case, device)
    times = interleaved({str(E): _our_step(case, E, backend, device) for E in counts}, repeats, device)
    each = {name: t.median / int(name) for name, t in times.items()}
    return {**_shape(case), "backend": backend, "seconds": _seconds(times), "seconds_per_member": each}


def scaling(axis: str, backend: str, repeats: int, device: torch.device) -> Row:
    """Forward and backward against the steps "T" or the trials "B", and the slope between logarithms (1: linear)."""
    sizes = {"T": (100, 300, 1000, 3000, 10000), "B": (32, 128, 512, 2048)}[axis]
    cases = {str(n): Case(axis, n if axis == "B" else 32, n if axis == "T" else 100, 50, 2, 2, 1) for n in sizes}
    times = interleaved({n: _ours(c, _arrays(c, device), backend) for n, c in cases.items()}, repeats, device)
    return {"axis": axis, "M": 50, "P": 2, "K": 2, "seconds": _seconds(times), "slope": _slope(times)}


def _slope(times: dict[str, Times]) -> float:
    """Of log seconds against log size, by least squares."""
    x = [math.log(int(n)) for n in times]
    y = [math.log(t.median) for t in times.values()]
    mx, my = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True)) / sum((a - mx) ** 2 for a in x)


def _backend(case: Case, device: torch.device) -> str:
    return kernels.choose(
        "auto", device, torch.float32, B=case.B, T=case.T, M=case.M, P=case.P, K=case.K, last=not case.each, ragged=False
    ).name  # fmt: skip


def geometric_mean(values: Sequence[float]) -> float:
    return math.exp(sum(math.log(v) for v in values) / len(values))
