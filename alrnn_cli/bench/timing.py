"""Fair timings: candidates take turns, so that a change of the machine's speed meets all of them alike."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

_SIZES = (512, 1024)  # of the products that show the machine's peak
_BLOCK = 0.02  # seconds that a candidate's turn lasts at least


@dataclass(frozen=True)
class Times:
    """Seconds of each round."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def to_dict(self) -> dict[str, float]:
        return {"median": self.median, "min": min(self.seconds), "max": max(self.seconds)}


def ratio(a: Times, b: Times) -> float:
    """How many times longer a takes than b: the median over rounds of their ratio in the round."""
    return statistics.median(x / y for x, y in zip(a.seconds, b.seconds, strict=True))


def wait(device: torch.device) -> None:
    """Until the device has done all it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def interleaved(candidates: Mapping[str, Callable[[], object]], repeats: int, device: torch.device) -> dict[str, Times]:
    """Seconds a call. In every round each candidate has a turn: one call unmeasured, then as many as fill 20 ms, at least one.

    A training step comes after others like it, with the threads awake and the code in the cache. Right after another candidate, which has
    filled the caches with its own, a call of half a millisecond took three times as long, and that would be measured instead.
    """
    calls = {name: _calls(run, device) for name, run in candidates.items()}
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(repeats):
        for name, run in candidates.items():
            run()
            seconds[name].append(_block(run, calls[name], device))
    return {name: Times(tuple(s)) for name, s in seconds.items()}


def _calls(run: Callable[[], object], device: torch.device) -> int:
    """How many calls fill a turn."""
    run()
    calls = 1
    while (took := calls * _block(run, calls, device)) < _BLOCK:
        calls = max(calls + 1, min(10 * calls, math.ceil(calls * _BLOCK / took)))
    return calls


def _block(run: Callable[[], object], calls: int, device: torch.device) -> float:
    """Seconds a call, of so many in a row."""
    wait(device)
    started = time.perf_counter()
    for _ in range(calls):
        run()
    wait(device)
    return (time.perf_counter() - started) / calls


def products(device: torch.device) -> dict[str, Callable[[], object]]:
    """Square matrix products, by "product" and their size."""
    out: dict[str, Callable[[], object]] = {}
    for n in _SIZES:
        a, b, c = torch.randn(n, n, device=device), torch.randn(n, n, device=device), torch.empty(n, n, device=device)
        out[f"product {n}"] = lambda a=a, b=b, c=c: torch.mm(a, b, out=c)  # type: ignore[misc]
    return out


def split_peak(times: Mapping[str, Times]) -> tuple[list[float], dict[str, Times]]:
    """Floating-point operations a second of the fastest product in each round, and the times of everything else."""
    rates = [[2.0 * n**3 / s for s in times[f"product {n}"].seconds] for n in _SIZES]
    rest = {name: t for name, t in times.items() if not name.startswith("product ")}
    return [max(each) for each in zip(*rates, strict=True)], rest
