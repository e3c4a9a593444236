"""Analysis reports made by hand, with known content; nothing here uses the analysis."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from alrnn_cli import dynamics
from alrnn_cli.records import AnalysisReport, FixedPoint, Mode, Parameters, Region, Usage


def parameters(P: int, W: Any, *, A: Any = None, C: Any = None, h: Any = None, z0: Any = None) -> Parameters:
    """Parameters from lists; what is left out is zero (C: one input without effect), the readout is unit 0."""
    W = np.array(W, float)
    M = len(W)
    zero = np.zeros(M)
    return Parameters(
        P=P,
        A=zero if A is None else np.array(A, float),
        W=W,
        C=np.zeros((M, 1)) if C is None else np.array(C, float),
        h=zero if h is None else np.array(h, float),
        D=np.eye(1, M),
        b=np.zeros(1),
        z0=zero if z0 is None else np.array(z0, float),
    )


def random_parameters(M: int, P: int, K: int = 2, seed: int = 0, scale: float = 0.8) -> Parameters:
    rng = np.random.default_rng(seed)
    A = rng.normal(0, 0.3, M) * (np.arange(M) >= M - P)
    W = rng.normal(0, scale / np.sqrt(M), (M, M))
    return parameters(P, W, A=A, C=rng.normal(0, 1, (M, K)), h=rng.normal(0, 0.4, M))


def roll(params: Parameters, s: np.ndarray, z0: np.ndarray | None = None) -> np.ndarray:
    """States z_1 … z_T under s: (n, T, K). Returns: (n, T, M)."""
    state = np.tile(params.z0, (len(s), 1)) if z0 is None else z0
    z = np.zeros((*s.shape[:2], params.M))
    for t in range(s.shape[1]):
        state = dynamics.step(params, state, s[:, t])
        z[:, t] = state
    return z


def mode(value: complex) -> Mode:
    """The mode of one eigenvalue."""
    modulus = abs(value)
    angle = abs(math.atan2(value.imag, value.real))
    period = 2 * math.pi / angle if modulus and angle > 1e-9 else None
    if modulus < 1e-12:
        return Mode((value.real, value.imag), modulus, "instant", 0.0, None)
    if abs(modulus - 1) < 1e-12:
        return Mode((value.real, value.imag), modulus, "marginal", None, period)
    kind = "growing" if modulus > 1 else "decaying"
    return Mode((value.real, value.imag), modulus, kind, 1 / abs(math.log(modulus)), period)


def region(
    bitcode: str, frequency: float, eigenvalues: Any, *, by_phase: dict[str, float | None] | None = None, n: int = 1000
) -> Region:
    """A subregion with these eigenvalues, visited where its share is not 0."""
    modes = tuple(sorted((mode(complex(v)) for v in eigenvalues), key=lambda m: -m.modulus))
    radius = modes[0].modulus
    stability = "unstable" if radius > 1 else "marginal" if radius == 1 else "stable"
    return Region(bitcode, frequency > 0, round(frequency * n), frequency, by_phase or {}, radius, stability, modes)


def usage(shares: Any, P: int, n: int = 1000) -> Usage:
    p = np.array([x for x in shares if x], float)
    if not len(p):
        return Usage(0, 0, 2**P, None, None, None, None, None)
    entropy = float(-(p * np.log(p)).sum())
    return Usage(n, len(p), 2**P if P <= 53 else None, entropy, math.exp(entropy), 0.0, 0.0, None)


def record(
    *,
    P: int = 1,
    M: int = 2,
    K: int = 1,
    regions: tuple[Region, ...] = (),
    fixed_points: tuple[FixedPoint, ...] = (),
    history: dict[str, list[Any]] | None = None,
    phases: tuple[str, ...] = (),
    arrays: dict[str, np.ndarray] | None = None,
    inputs: tuple[str, ...] = ("zero",),
    conditions: tuple[str, ...] = ("all",),
    task: str = "addition",
    metric: str = "mse",
    chance: float = 1 / 6,
    file: str = "model.safetensors",
) -> AnalysisReport:
    """A report with this content and plausible rest."""
    used = {"all": usage([r.frequency for r in regions], P)}
    for name in phases:
        used[name] = usage([r.frequency_by_phase.get(name) for r in regions], P)
    return AnalysisReport(
        source={"file": file, "sha256": "0" * 64},
        model={"M": M, "P": P, "K": K, "N": 1, "readout": "z"},
        task={
            "name": task,
            "options": {},
            "input_names": [],
            "output_names": [],
            "metrics": {metric: "min" if metric == "mse" else "max"},
            "metric": metric,
            "dt": 1.0,
            "dt_unit": "step",
            "condition_names": list(conditions),
            "phase_names": list(phases),
        },
        settings={"inputs": list(inputs), "trials": 100},
        score={metric: 0.01},
        chance={metric: chance},
        summary=(),
        usage=used,
        regions=regions,
        fixed_points=fixed_points,
        complete={"fixed_points": True, "reason": "all subregions were examined"},
        history=history or {},
        warnings=(),
        provenance={},
        arrays=arrays or {},
    )


def arrays(
    params: Parameters,
    s: np.ndarray,
    z: np.ndarray,
    *,
    phases: np.ndarray | None = None,
    conditions: np.ndarray | None = None,
    lengths: np.ndarray | None = None,
    phase_inputs: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """The arrays of a report: parameters, trajectories (float32), principal components, constant inputs."""
    n, T = s.shape[:2]
    states = z.reshape(-1, params.M)
    states = states[np.isfinite(states).all(axis=1)]
    mean = states.mean(axis=0) if len(states) else np.zeros(params.M)
    spread = states - mean
    variance, vectors = np.linalg.eigh(spread.T @ spread / max(len(states) - 1, 1))
    out = {f"parameters.{name}": getattr(params, name) for name in ("A", "W", "C", "h", "D", "b", "z0")}
    out |= {
        "trajectories.s": s.astype(np.float32),
        "trajectories.z0": np.tile(params.z0, (n, 1)).astype(np.float32),
        "trajectories.z": z.astype(np.float32),
        "trajectories.outputs": dynamics.readout(params, z).astype(np.float32),
        "trajectories.targets": dynamics.readout(params, z)[:, -1].astype(np.float32) + 1,
        "trajectories.mask": np.tile(np.arange(T) == T - 1, (n, 1)),
        "trajectories.lengths": np.full(n, T) if lengths is None else lengths,
        "trajectories.conditions": np.zeros(n, np.int64) if conditions is None else conditions,
        "trajectories.phases": np.full((n, T), -1, np.int8) if phases is None else phases,
        "pca.mean": mean,
        "pca.components": vectors[:, ::-1].T[:10],
        "pca.variance": np.maximum(variance[::-1], 0),
        "phase_inputs": np.zeros((1, params.K)) if phase_inputs is None else phase_inputs,
    }
    return out


def visited_regions(
    params: Parameters, z: np.ndarray, phases: np.ndarray, names: tuple[str, ...]
) -> tuple[Region, ...]:
    """The subregions of these states, by falling use, with the eigenvalues of their Jacobians."""
    flat, phase = z.reshape(-1, params.M), phases.reshape(-1)
    found, counts, inverse = dynamics.unique_regions(flat, params.P)
    out = []
    for i in np.argsort(-counts, kind="stable"):
        share = {n: float((inverse[phase == j] == i).mean()) for j, n in enumerate(names)}
        values = np.linalg.eigvals(dynamics.jacobian(params, found[i]))
        out.append(region(dynamics.code(found[i]), float(counts[i] / len(flat)), values, by_phase=share, n=len(flat)))
    return tuple(out)


def fixed_point(phase: str, given: Any, bitcode: str, kind: str, **rest: Any) -> FixedPoint:
    fields: dict[str, Any] = {
        "z": None,
        "margin": None,
        "error_bound": 1e-12,
        "residual": 0.0,
        "stability": "stable",
        "rotation": "node",
        "unstable_directions": 0,
        "eigenvalues": (),
        "visited": True,
    }
    return FixedPoint(phase, tuple(given), bitcode, kind, **(fields | rest))


def regular_fixed_points(params: Parameters, inputs: dict[str, Any]) -> tuple[FixedPoint, ...]:
    """Every subregion's fixed point under each input, by np.linalg.solve (2^P small, no singular Jacobian)."""
    out = []
    for name, given in inputs.items():
        for bits in dynamics.all_regions(params.P):
            J = dynamics.jacobian(params, bits)
            z = np.linalg.solve(np.eye(params.M) - J, params.C @ np.array(given, float) + params.h)
            kind = "real" if (dynamics.bits(z, params.P) == bits).all() else "virtual"
            modulus = np.abs(np.linalg.eigvals(J))
            growing = int((modulus > 1).sum())
            stability = "stable" if not growing else "unstable" if growing == params.M else "saddle"
            more: dict[str, Any] = {"stability": stability, "unstable_directions": growing}
            out.append(fixed_point(name, given, dynamics.code(bits), kind, z=tuple(z.tolist()), margin=0.1, **more))
    return tuple(out)


def addition(n: int = 12, T: int = 40, *, history: dict[str, list[Any]] | None = None) -> AnalysisReport:
    """The closed-form solution of addition, M = 2, P = 1: z_0' = z_0 + relu(z_1), z_1' = v + m - 1.

    J is [[1, b], [0, 0]] with b the bit of unit 1. Constant input (v, m) drives z_1 to v + m - 1 in one step. Where that
    is below 0 (zero input, mask off) every point of the line z_1 = v + m - 1 in subregion 0 is fixed, and subregion 1 has
    none; where it is above (mask on) the state drifts along unit 0 in subregion 1, and subregion 0's line lies outside it.
    """
    params = parameters(1, [[1, 1], [0, 0]], C=[[0, 0], [1, 1]], h=[0, -1])
    rng = np.random.default_rng(3)
    s = np.zeros((n, T, 2))
    s[..., 0] = rng.random((n, T))
    for trial in s:
        trial[rng.choice(T // 2, 2, replace=False), 1] = 1
    z = roll(params, s)
    phases = s[..., 1].astype(np.int8)
    inputs = {"zero": (0.0, 0.0), "mask off": (0.5, 0.0), "mask on": (0.5, 1.0)}
    points = []
    for name, given in inputs.items():
        level = sum(given) - 1
        line = {"z": (0.0, level), "stability": "marginal", "directions": ((1.0, 0.0),), "meets_region": level < 0}
        points.append(fixed_point(name, given, "0", "continuum", margin=abs(level), **line))
        drift = {"stability": "marginal", "drift": (level, 0.0), "drift_speed": abs(level), "drift_steady": True}
        points.append(fixed_point(name, given, "1", "none", error_bound=None, residual=None, **drift))
    names = ("mask off", "mask on")
    return record(
        P=1,
        M=2,
        K=2,
        regions=visited_regions(params, z, phases, names),
        fixed_points=tuple(points),
        history=history,
        phases=names,
        arrays=arrays(params, s, z, phases=phases, phase_inputs=np.array(list(inputs.values()))),
        inputs=tuple(inputs),
        file="addition.safetensors",
    )


def network(
    M: int, P: int, *, seed: int = 0, n: int = 12, T: int = 60, conditions: int = 1, scale: float = 0.8
) -> AnalysisReport:
    """A random network driven by two phases ("stimulus", then "delay"), with its fixed points where 2^P is small."""
    params = random_parameters(M, P, 2, seed, scale)
    rng = np.random.default_rng(seed + 1)
    condition = np.arange(n) % conditions
    angle = 2 * np.pi * condition / max(conditions, 1)
    s = np.zeros((n, T, 2))
    s[:, : T // 3] = np.stack([np.cos(angle), np.sin(angle)], axis=-1)[:, None, :]
    s += rng.normal(0, 0.05, s.shape)
    z = roll(params, s)
    names = ("stimulus", "delay")
    phases = np.tile((np.arange(T) >= T // 3).astype(np.int8), (n, 1))
    inputs = {"zero": (0.0, 0.0), "stimulus": (1.0, 0.0), "delay": (0.0, 0.0)}
    return record(
        P=P,
        M=M,
        K=2,
        regions=visited_regions(params, z, phases, names),
        fixed_points=regular_fixed_points(params, inputs) if P <= 8 else (),
        phases=names,
        arrays=arrays(params, s, z, phases=phases, conditions=condition, phase_inputs=np.array(list(inputs.values()))),
        inputs=tuple(inputs),
        conditions=tuple(f"{360 * i // max(conditions, 1)}°" for i in range(conditions)),
        task="memory",
        file=f"random-{M}-{P}.safetensors",
    )


def many_regions(n: int = 300, P: int = 20, M: int = 30) -> AnalysisReport:
    """n visited subregions whose use falls as a power law, over two phases; most modes slow, two grow."""
    rng = np.random.default_rng(5)
    share = np.arange(1, n + 1) ** -1.2
    share /= share.sum()
    other = rng.permutation(share)
    codes: set[str] = set()
    while len(codes) < n:
        codes.add("".join(rng.choice(["0", "1"], P)))
    regions = []
    for i, bitcode in enumerate(sorted(codes, key=lambda c: (hash_free(c), c))):
        radius = 1 - np.abs(rng.normal(0, 0.15, M // 2))
        angle = rng.uniform(0, np.pi, M // 2) * (rng.random(M // 2) < 0.6)
        values = radius * np.exp(1j * angle)
        values = [*values, *values.conj()]
        if i in (1, 40):
            values = [1.08, *values[1:]]
        by_phase: dict[str, float | None] = {"cue": float(share[i]), "wait": float(other[i])}
        regions.append(region(bitcode, float(share[i]), values, by_phase=by_phase, n=100_000))
    return record(P=P, M=M, regions=tuple(regions), phases=("cue", "wait"), file="large.safetensors")


def hash_free(text: str) -> int:
    """An order that is the same in every process."""
    return sum((i + 1) * 7919 * int(c) for i, c in enumerate(text)) % 10007


def history(n: int = 200, *, seed: int = 0, restart_at: int | None = None, lengths: Any = None) -> dict[str, list[Any]]:
    """Columns as training writes them: a loss that falls, its validation score, and what is followed besides."""
    rng = np.random.default_rng(seed)
    i = np.arange(1, n + 1)
    since = i if restart_at is None else np.where(i < restart_at, i / 40, i - restart_at + 1)
    fall = 0.17 * np.exp(-since / (n / 6)) + 2e-4
    loss = fall * np.exp(rng.normal(0, 0.1, n))
    T = np.full(n, 100) if lengths is None else np.array(lengths)[np.arange(n) * len(lengths) // n]
    return {
        "step": (50 * i).tolist(),
        "epoch": (i / 2).tolist(),
        "loss": loss.tolist(),
        "penalty": (0.05 / np.sqrt(i)).tolist(),
        "score": (fall * 1.2 * np.exp(rng.normal(0, 0.1, n))).tolist(),
        "grad_norm": np.exp(rng.normal(-1, 0.5, n) - i / n).tolist(),
        "lr": [1e-3] * n,
        "spectral_radius": (1 + 0.3 * np.exp(-i / 30) * np.sin(i / 5)).tolist(),
        "bitcodes": np.minimum(8, 1 + i // 20).tolist(),
        "T": T.tolist(),
        "restart": [0] * n if restart_at is None else (i >= restart_at).astype(int).tolist(),
    }
