"""`analyze`: from parameters and trajectories to the report record."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..config import AnalysisConfig
from ..dynamics import jacobian, parse_code
from ..errors import InputError, UsageError
from ..records import (
    AnalysisReport,
    Continuation,
    Parameters,
    Region,
    Source,
    StateSpread,
    Trajectories,
    UnitSwitching,
)
from ..wording import plural
from .affine import step_map
from .census import census
from .compat import MOST as MOST_COMPARED
from .compat import alrnn_dsr
from .conditions import SHUFFLES, Conditions, conditions, shared_by_condition
from .conditions import sentences as about_conditions
from .continuation import continuation
from .cycles import orbits
from .examples import example_arrays
from .fixed_points import Input
from .influence import influence
from .inputs import asked_input, asked_sweep, task_inputs
from .lesions import LESION_SETTINGS, lesion_tests
from .limits import Limits
from .linearise import linearise
from .lines import MOST_REGIONS as LINE_REGIONS
from .lines import horizons, line_attractors, next_phases
from .lyapunov import lyapunov
from .normality import MAX_HORIZON, described, normality
from .pca import PrincipalComponents, principal_components
from .phases import phase_lag
from .regions import listed_in_full, region_records, select
from .scoring import Scoring
from .slow import SLOW, regions_with_modes, slow_modes
from .solve import SINGULAR_TOLERANCE
from .spectra import EIGENVALUE_TOLERANCE, spectra
from .states import state_spread
from .summary import summarise
from .transitions import edges, residences, switching, transitions
from .usage import usage
from .visits import Visits, count_visits


@dataclass(frozen=True)
class _Case:
    """What every part of the analysis is about. told: warnings, to which the parts add theirs."""

    params: Parameters
    trajectories: Trajectories
    asked: AnalysisConfig
    limits: Limits
    inputs: tuple[Input, ...]
    visits: Visits
    told: list[str]


def analyze(
    params: Parameters,
    trajectories: Trajectories,
    asked: AnalysisConfig | None = None,
    *,
    source: Source,
    task: dict[str, Any] | None,
    score: dict[str, float],
    chance: dict[str, float],
    history: dict[str, list[Any]],
    settings: dict[str, Any] | None = None,
    provenance: dict[str, Any] | None = None,
    warnings: Sequence[str] = (),
    scoring: Scoring | None = None,
) -> AnalysisReport:
    """Everything that can be said of a trained AL-RNN and of what it did on some trials.

    Subregions used, J_Ω = diag(A) + W diag(d_Ω) and its modes, fixed points (I - J_Ω) z* = C s + h and cycles under zero input and
    every phase's, what slow modes hold, principal components. asked: what else; source, task, score, chance, history, settings,
    provenance and warnings pass into the report; scoring: judges causal tests.
    Returns: AnalysisReport. Errors: InputError where parameters and trajectories do not fit each other, or parameters
    are not finite; UsageError for a bad limit, or for causal tests without a scoring.
    Source: arXiv 2506.07919 and the AL-RNN paper of NeurIPS 2024.
    """
    asked = asked or AnalysisConfig()
    if scoring is None and asked.causal:
        raise UsageError(
            "Lesions are judged by a task's score, and there is no task.",
            "Analyze without --lesions and --linearise-until, or a checkpoint that `alrnn train` wrote.",
        )
    params, trajectories = _double(params), replace(trajectories, z=np.asarray(trajectories.z, np.float64))
    _check(params, trajectories)
    limits = Limits.resolve(asked.limits, params.M)
    inputs, told = task_inputs(params, trajectories)
    more = [asked_input(text, params.K, trajectories.input_names) for text in asked.inputs]
    told = [*warnings, *told]
    case = _Case(params, trajectories, asked, limits, (*inputs, *more), count_visits(trajectories, params.P), told)
    clock = [time.perf_counter()]
    found = census(
        params, case.inputs, case.visits.regions, case.visits.states, limits, virtual=asked.virtual, dt=trajectories.dt
    )
    clock.append(time.perf_counter())
    turning = orbits(params, case.inputs, found.points, case.visits.regions, case.visits.sequence, limits)
    clock.append(time.perf_counter())
    by_condition = conditions(case.visits, trajectories, params.P, limits.max_regions)
    pca = principal_components(case.visits.states)
    lag, after = phase_lag(
        case.visits.sequence, trajectories.phases, len(case.visits.regions), len(trajectories.phase_names)
    )
    regions = _regions(case, (p.bitcode for p in found.points if p.kind != "virtual"), after, by_condition)
    used, moved = _use(case, by_condition)
    memory = _memory(case, pca)
    causes = _causes(case, scoring, moved["units"])
    arrays = _arrays(case, pca) | used.pop("arrays") | by_condition.arrays | _compared(case)
    report = AnalysisReport(
        source=source,
        model={"M": params.M, "P": params.P, "K": params.K, "N": params.N, "readout": params.readout},
        task=task,
        settings={"trials": len(trajectories.z), **(settings or {}), **_settings(case)},
        score=dict(score),
        chance=dict(chance),
        summary=(),
        regions=regions,
        phase_lag=lag if trajectories.phase_names else None,
        fixed_points=tuple(p for p in found.points if asked.virtual or p.kind != "virtual"),
        fixed_point_counts=found.counts,
        cycles=turning.cycles,
        continuation=_continuation(case, more),
        complete={
            "fixed_points": found.complete,
            "reason": found.reason,
            "cycles": turning.complete,
            "cycles_reason": turning.reason,
        },
        history=dict(history),
        warnings=(*told, *_untrusted(regions)),
        states=_spread(case, pca),
        provenance={
            **(provenance or {}),
            "seconds": {"fixed_points": clock[1] - clock[0], "cycles": clock[2] - clock[1]},
        },
        arrays=arrays,
        **used,
        **moved,
        **memory,
        **causes,
    )
    names = trajectories.input_names, trajectories.output_names
    sentences = (*summarise(report, found, case.inputs, *names), *about_conditions(by_condition))
    return replace(report, summary=sentences)


#: Share of the first component's variance from which on a component is one of the states', not of rounding.
_SPREADS = 1e-12
#: Subregions that a warning names.
_NAMED = 4
_PARAMETERS = ("A", "W", "C", "h", "D", "b", "z0")


def _double(params: Parameters) -> Parameters:
    double: dict[str, Any] = {name: np.asarray(getattr(params, name), np.float64) for name in _PARAMETERS}
    return replace(params, **double)


def _check(params: Parameters, trajectories: Trajectories) -> None:
    """Raise InputError unless the parameters are finite and the trajectories are of this model."""
    again = "Roll the model out again and analyze that."
    for name in _PARAMETERS:
        if not np.isfinite(getattr(params, name)).all():
            raise InputError(f"Parameter {name} is not finite.", "Training diverged; analyze an earlier checkpoint.")
    if not 0 <= params.P <= params.M:
        raise InputError(f"P = {params.P} is not between 0 and M = {params.M}.", "Train the model again.")
    if trajectories.z.ndim != 3 or trajectories.z.shape[-1] != params.M:
        raise InputError(f"States have shape {trajectories.z.shape}, expected (n, T, {params.M}).", again)
    if trajectories.s.shape[-1] != params.K:
        raise InputError(f"Inputs have {trajectories.s.shape[-1]} values a step, expected K = {params.K}.", again)
    expected = (len(trajectories.phase_names), params.K)
    if trajectories.phase_names and trajectories.phase_inputs.shape != expected:
        raise InputError(f"Phase inputs have shape {trajectories.phase_inputs.shape}, expected {expected}.", again)
    for reserved in ("zero", "all"):
        if reserved in trajectories.phase_names:
            raise InputError(f"A phase is named {reserved!r}, a word of the report's own.", "Rename the phase.")


def _settings(case: _Case) -> dict[str, Any]:
    """How it was computed."""
    return {
        **case.limits.to_dict(),
        "inputs": [i.name for i in case.inputs],
        "slow_tolerance": SLOW,
        "slow_regions": regions_with_modes(case.params),
        "line_regions": LINE_REGIONS,
        "singular_tolerance": SINGULAR_TOLERANCE,
        "eigenvalue_tolerance": EIGENVALUE_TOLERANCE,
        **(LESION_SETTINGS if case.asked.lesions else {}),
        "condition_shuffles": SHUFFLES,
        "compat": case.asked.compat,
    }


def _regions(case: _Case, hosts: Iterable[str], after: np.ndarray, by_condition: Conditions) -> tuple[Region, ...]:
    """The records of visited subregions and of those with a fixed point of their own. hosts: bitcodes of the latter; after: as from
    `phase_lag`."""
    params, visits, limits = case.params, case.visits, case.limits
    selection = select(visits, hosts, limits)
    shown = int((selection.rows >= 0).sum())
    if shown < len(visits.regions):
        case.told.append(
            f"Only {shown:,} of {len(visits.regions):,} visited subregions are described, the most used ones and those with "
            "a fixed point (setting max_regions)."
        )
    listed = listed_in_full(selection, params.M, limits)
    if not listed.all():
        case.told.append(
            f"Subregions after the first {int(listed.sum()):,} list their leading eigenvalue only (setting max_modes)."
        )
    spectrum = spectra(step_map(params).jacobians(selection.regions))
    stays = residences(visits.sequence, len(visits.regions))
    regions = region_records(selection, spectrum, listed, visits, stays, after, case.trajectories.phase_names)
    regions = shared_by_condition(regions, selection.rows, by_condition, case.trajectories.condition_names)
    # The most used ones with the normality of their Jacobian, over as many steps as the longest trial has.
    most = sum(r.visited for r in regions[: described(params.M)])
    horizon = max(1, min(MAX_HORIZON, int(case.trajectories.lengths.max(initial=0))))
    told = [replace(r, normality=normality(jacobian(params, parse_code(r.bitcode)), horizon)) for r in regions[:most]]
    return (*told, *regions[most:])


def _use(case: _Case, by_condition: Conditions) -> tuple[dict[str, Any], dict[str, Any]]:
    """How states spread over subregions, and how they move between them: fields of the report, the former with "arrays"."""
    visits, P, names = case.visits, case.params.P, case.trajectories.phase_names
    if visits.not_finite:
        lost = plural(visits.not_finite, "state")
        case.told.append(f"Left out because they are not finite (the trajectory diverged): {lost}.")
    by_phase = {name: usage(visits.by_phase[:, j], P) for j, name in enumerate(names)}
    steps = edges(visits.sequence)
    graph, stationary = transitions(steps, visits.regions)
    arrays = {"transitions.edges": steps}
    if stationary is not None:
        arrays["transitions.stationary"] = stationary
    return {
        "usage": {"all": usage(visits.counts, P), **by_phase},
        "usage_by_condition": by_condition.usage,
        "condition_information": by_condition.information,
        "arrays": arrays,
    }, {"transitions": graph, "units": switching(steps, visits.regions, visits.counts, case.params.M)}


def _memory(case: _Case, pca: PrincipalComponents) -> dict[str, Any]:
    """What slow modes hold and for how long, what inputs do to outputs, and exponents where asked for: fields of the report."""
    params, visits, trajectories, limits = case.params, case.visits, case.trajectories, case.limits
    of = visits.sequence[visits.sequence >= 0]
    spread = pca.variance[: len(pca.components)] > _SPREADS * pca.variance[0]
    exponents = None
    if case.asked.lyapunov:
        exponents = lyapunov(params, trajectories, limits.max_exponents, limits.max_lyapunov_steps)
    return {
        "modes": slow_modes(
            params,
            visits.regions[: regions_with_modes(params)],
            visits.states,
            of,
            components=pca.components[spread],
            dt=trajectories.dt,
        ),
        "line_attractors": line_attractors(
            params,
            visits.regions[:LINE_REGIONS],
            visits.states,
            of,
            case.inputs,
            horizons(trajectories),
            next_phases(trajectories)[visits.sequence >= 0],
            trajectories.phase_names,
        ),
        "lyapunov": exponents,
        "influences": influence(params, trajectories),
    }


def _spread(case: _Case, pca: PrincipalComponents) -> StateSpread:
    """How the states counted spread."""
    counted = case.visits.sequence >= 0
    return state_spread(case.trajectories, case.visits.states, case.trajectories.phases[counted], pca)


def _causes(case: _Case, scoring: Scoring | None, units: Sequence[UnitSwitching]) -> dict[str, Any]:
    """Causal tests, where asked for: fields of the report."""
    found: dict[str, Any] = {}
    params, trajectories, asked = case.params, case.trajectories, case.asked
    if scoring is None or not case.visits.total:
        return found
    if asked.lesions:
        found["lesions"] = lesion_tests(params, trajectories, scoring, case.visits.regions, units, case.told)
    if asked.linearise_until is not None:
        found["linearised"] = linearise(params, trajectories, scoring, asked.linearise_until)
    return found


def _continuation(case: _Case, more: Sequence[Input]) -> Continuation | None:
    """Fixed points along the input that was asked for, the others held at the first of `more`, or at 0."""
    params, text = case.params, case.asked.input_sweep
    if text is None:
        return None
    held = more[0].value if more else np.zeros(params.K)
    sweep = asked_sweep(text, params.K, case.trajectories.input_names, held)
    return continuation(params, sweep, case.visits.regions, case.limits)


def _compared(case: _Case) -> dict[str, np.ndarray]:
    """The matrix that `compat` asks for, over the visited subregions."""
    r = len(case.visits.regions)
    if case.asked.compat is None:
        return {}
    if r > MOST_COMPARED:
        case.told.append(
            f"The transition matrix of {case.asked.compat} was left out: {r:,} subregions were visited, more than "
            f"{MOST_COMPARED:,} (transitions.edges has the counts)."
        )
        return {}
    return {"compat.alrnn_dsr.matrix": alrnn_dsr(case.visits.sequence, r)}


def _arrays(case: _Case, pca: PrincipalComponents) -> dict[str, np.ndarray]:
    """Parameters, example trajectories, principal components and constant inputs."""
    examples, cut = example_arrays(case.trajectories, case.limits.max_trials, case.limits.max_trajectory_bytes)
    if cut:
        case.told.append(cut)
    arrays = {f"parameters.{name}": getattr(case.params, name) for name in _PARAMETERS}
    arrays |= {f"trajectories.{name}": a for name, a in examples.items()}
    arrays |= {"pca.mean": pca.mean, "pca.components": pca.components, "pca.variance": pca.variance}
    arrays["phase_inputs"] = np.stack([i.value for i in case.inputs])
    return {name: np.ascontiguousarray(a) for name, a in arrays.items()}


def _untrusted(regions: Sequence[Region]) -> list[str]:
    """A warning about subregions whose eigenvalues rounding can carry across the unit circle."""
    doubtful = [r.bitcode for r in regions if not r.trusted]
    if not doubtful:
        return []
    more = f" and {len(doubtful) - _NAMED:,} more" if len(doubtful) > _NAMED else ""
    where = "the one linear region" if doubtful == [""] else f"subregion {', '.join(doubtful[:_NAMED])}{more}"
    return [
        f"Eigenvalues of {where} are not to be trusted: rounding alone can carry some of them across |λ| = 1. "
        "Those that it cannot tell apart are given as their mean, from which the stability is read."
    ]
