"""`analyze` for models that are not piecewise linear: what can be said of them without subregions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..config import AnalysisConfig
from ..errors import InputError, UsageError
from ..maps import Map
from ..records import AnalysisReport, Source, Trajectories
from .examples import example_arrays
from .limits import Limits
from .lyapunov import lyapunov
from .pca import principal_components
from .states import SHUFFLES, sentences, state_spread
from .summary import about_lyapunov, about_score

#: What an analysis of a piecewise-linear model has and this one has not.
LEFT_OUT = (
    "bitcodes and subregions, exact fixed points and cycles, modes of each subregion, line attractors, linear lesions"
)


def refuse(asked: AnalysisConfig, what: str) -> None:
    """Errors: UsageError for the first thing asked for that only a piecewise-linear model has. what: the model, in words."""
    given = {
        "--lesions": asked.lesions,
        "--linearise-until": asked.linearise_until is not None,
        "--input": bool(asked.inputs),
        "--input-sweep": asked.input_sweep is not None,
        "--virtual": asked.virtual,
        "--compat": asked.compat is not None,
    }
    for flag in (name for name, there in given.items() if there):
        raise UsageError(f"{flag} needs a piecewise-linear model, and {what} is none.", "Leave it out.")


def analyze_smooth(
    system: Map,
    trajectories: Trajectories,
    asked: AnalysisConfig,
    *,
    source: Source,
    task: dict[str, Any] | None,
    score: dict[str, float],
    chance: dict[str, float],
    history: dict[str, list[Any]],
    settings: dict[str, Any],
    provenance: dict[str, Any],
    warnings: Sequence[str] = (),
) -> AnalysisReport:
    """Score, spread of the states and, where asked for, Lyapunov exponents: the record of every analysis, with nothing where regions
    would be needed, and a sentence that says so.

    Arguments: as of `analysis.analyze`. Returns: AnalysisReport.
    Errors: UsageError for what only a piecewise-linear model has; InputError where states and model do not fit each other.
    """
    refuse(asked, system.what)
    trajectories = replace(trajectories, z=np.asarray(trajectories.z, np.float64))
    if trajectories.z.shape[-1] != system.M or trajectories.s.shape[-1] != system.K:
        raise InputError(
            f"States have {trajectories.z.shape[-1]} numbers and inputs {trajectories.s.shape[-1]}, expected {system.M} and {system.K}.",
            "Roll the model out again and analyze that.",
        )
    limits, told = Limits.resolve(asked.limits, system.M), list(warnings)
    valid = trajectories.valid
    states, phases = trajectories.z[valid], trajectories.phases[valid]
    finite = np.isfinite(states).all(axis=-1)
    if not finite.all():
        lost = int((~finite).sum())
        told.append(f"{lost:,} states are not finite (the trajectory diverged) and were not counted.")
        states, phases = states[finite], phases[finite]
    pca = principal_components(states)
    spread = state_spread(trajectories, states, phases, pca)
    exponents = None
    if asked.lyapunov:
        exponents = lyapunov(system, trajectories, limits.max_exponents, limits.max_lyapunov_steps)
    examples, cut = example_arrays(trajectories, limits.max_trials, limits.max_trajectory_bytes)
    told += [cut] if cut else []
    arrays = {f"trajectories.{name}": a for name, a in examples.items()}
    arrays |= {"pca.mean": pca.mean, "pca.components": pca.components, "pca.variance": pca.variance}
    why = f"{system.what} is not piecewise linear: none were sought"
    report = AnalysisReport(
        source=source,
        model={"M": system.M, "P": system.P, "K": system.K, "N": system.N, "readout": "z"},
        task=task,
        settings={
            "trials": len(trajectories.z),
            **settings,
            **limits.to_dict(),
            "inputs": [],
            "condition_shuffles": SHUFFLES,
        },
        score=dict(score),
        chance=dict(chance),
        summary=(),
        usage={},
        regions=(),
        fixed_points=(),
        complete={"fixed_points": False, "reason": why, "cycles": False, "cycles_reason": why},
        history=dict(history),
        warnings=tuple(told),
        provenance=dict(provenance),
        states=spread,
        lyapunov=exponents,
        arrays={name: np.ascontiguousarray(a) for name, a in arrays.items()},
    )
    what = system.what[0].upper() + system.what[1:]
    summary = (
        *about_score(report),
        *sentences(spread, system.M, len(trajectories.z)),
        *about_lyapunov(report),
        f"{what} is not piecewise linear. What needs that was left out: {LEFT_OUT}.",
    )
    return replace(report, summary=summary)
