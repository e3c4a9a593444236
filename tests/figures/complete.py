"""What `builders` leave out of a report, made by hand: transitions, slow modes, lesions, a continuation, Lyapunov exponents."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import numpy as np

from alrnn_cli import dynamics
from alrnn_cli.records import (
    AnalysisReport,
    Branch,
    Collision,
    Continuation,
    Lesion,
    Lyapunov,
    SlowMode,
    Transitions,
    UnitSwitching,
)


def edges(report: AnalysisReport) -> np.ndarray:
    """Steps from subregion to subregion in the example trials, one by one; without trials a random walk. Returns: (pairs, 3)."""
    number = {r.bitcode: i for i, r in enumerate(r for r in report.regions if r.visited)}
    z = report.arrays.get("trajectories.z")
    if not number:
        return np.zeros((0, 3), np.int64)
    if z is None:
        rng = np.random.default_rng(0)
        n = len(number)
        at = np.minimum(rng.geometric(min(0.99, 4 / n), 20 * n + 1) - 1, n - 1)
        walks = [at.tolist()]
    else:
        walks = [
            [number.get(dynamics.code(b), 0) for b in dynamics.bits(np.nan_to_num(trial), report.model["P"])]
            for trial in z
        ]
    counts: dict[tuple[int, int], int] = {}
    for walk in walks:
        for pair in itertools.pairwise(walk):
            counts[pair] = counts.get(pair, 0) + 1
    return np.array([(i, j, n) for (i, j), n in sorted(counts.items())], np.int64).reshape(-1, 3)


def transitions(found: np.ndarray) -> Transitions:
    stays = int(found[found[:, 0] == found[:, 1], 2].sum())
    return Transitions(int(found[:, 2].sum()), stays, len(found), 1, (), 0, 0.1, 0.1, None)


def slow_mode(bitcode: str, value: complex, share: float | None, gain: Any, **rest: Any) -> SlowMode:
    """A slow mode with the timescale of its eigenvalue; role by its angle."""
    modulus, angle = abs(value), abs(math.atan2(value.imag, value.real))
    role = "storing" if angle < 1e-9 else "alternating" if angle > math.pi - 1e-9 else "rotating"
    kind = "marginal" if modulus == 1 else "growing" if modulus > 1 else "decaying"
    return SlowMode(
        bitcode, (value.real, value.imag), 1.5, True, share, None if gain is None else tuple(tuple(row) for row in gain),
        role=role, kind=kind, timescale=None if modulus == 1 else 1 / abs(math.log(modulus)),
        period=2 * math.pi / angle if angle > 1e-9 else None, **rest,
    )  # fmt: skip


def lesion(target: str, kind: Any, score: float, before: float, **rest: Any) -> Lesion:
    fields = {"standard_error": 0.1 * abs(score - before), "effect": "worse", "diverged": 0}
    return Lesion(target, kind, {"mse": score}, score - before, **(fields | rest))


def lesions(report: AnalysisReport) -> tuple[Lesion, ...]:
    """Each PWL unit linearised, silenced and frozen, two modes of the most used subregion removed, five random directions."""
    M, P = report.model["M"], report.model["P"]
    before = report.score["mse"]
    found = []
    for unit in range(M - P, M):
        linear, silent = before * 10 ** (unit % 5), before * (1 + 3 * (unit % 3))
        for kind, score, bit in (("linearise", linear, True), ("silence", silent, False), ("freeze", linear, True)):
            found.append(lesion(f"unit {unit}", kind, score, before, unit=unit, bit=bit))
    used = [r.bitcode for r in report.regions if r.visited]
    for k, value in enumerate((0.99, 0.97) if used else ()):
        found.append(lesion(f"mode {k}", "remove mode", before * (50 + k), before, bitcode=used[0], eigenvalues=((value, 0.0),), rank=1))  # fmt: skip
    found += [lesion(f"random direction {k}", "random direction", before * 2**k, before, rank=1) for k in range(5)]
    return tuple(found)


def continuation(M: int, P: int) -> Continuation:
    """A stable point passes into the next subregion at 0.4; two others die at 0.25, and two are born at 0.5."""
    off, on = "0" * P, "0" * (P - 1) + "1" if P else ""
    line = [(0.0, 0.4, 0.0, 1.0, off, "stable", 0), (0.4, 1.0, 1.0, 3.0, on, "stable", 0), (0.0, 0.25, -1.0, -2.0, off, "stable", 0),
            (0.0, 0.25, -3.5, -2.0, on, "saddle", 1), (0.5, 1.0, -1.0, 0.5, off, "stable", 0), (0.5, 1.0, -1.0, -2.5, on, "saddle", 1)]  # fmt: skip
    branches = tuple(
        Branch(code, start, end, (a,) * M, (b,) * M, stability, n)  # type: ignore[arg-type]
        for start, end, a, b, code, stability, n in line
    )
    meets = tuple(
        Collision(at, M - 1, kind, (off, on), ("stable", "stable" if kind == "passes" else "saddle"))  # type: ignore[arg-type]
        for at, kind in ((0.25, "death"), (0.4, "passes"), (0.5, "birth"))
    )
    values = tuple(np.linspace(0, 1, 11).tolist())
    real = tuple(3 if x < 0.25 or x >= 0.5 else 1 for x in values)
    return Continuation("mask", 0, values, (0.0,), branches, meets if P else (), real, (), True)


def lyapunov(M: int) -> Lyapunov:
    exponents = tuple(0.02 - 0.05 * i for i in range(M))
    dimension = 1.4 if M > 1 else None
    return Lyapunov(exponents, (0.002,) * M, (0,) * M, dimension, "QR", 5000, 50, 10, 0.1, 1.0, "step")


def complete(report: AnalysisReport) -> AnalysisReport:
    """The report with everything that `analyze` can add to it."""
    model = report.model
    found = edges(report)
    gain = np.linspace(-1, 1, model["N"] * model["K"]).reshape(model["N"], model["K"]).tolist()
    modes = [
        slow_mode(r.bitcode, value, share, gain)
        for r in [r for r in report.regions if r.visited][:3]
        for value, share in ((0.995 + 0j, 0.8), (0.97j, 0.1))[: model["M"]]
    ]
    on = [(unit, 0.3) for unit in range(model["M"] - model["P"], model["M"])]
    return dataclasses.replace(
        report,
        arrays={**report.arrays, "transitions.edges": found},
        transitions=transitions(found),
        modes=tuple(modes),
        units=tuple(UnitSwitching(unit, share, 0.1, "switching") for unit, share in on),
        lesions=lesions(report),
        continuation=continuation(model["M"], model["P"]),
        lyapunov=lyapunov(model["M"]),
    )
