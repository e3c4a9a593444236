"""What analysis finds, as a whole. The file's JSON Schema is made from these types (docs/make_schemas.py)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from ..lazy import lazy
from .causes import Lesion, Linearised
from .influence import Influence
from .memory import LineAttractor, Lyapunov, SlowMode
from .points import Continuation, Cycle, FixedPoint
from .regions import Information, PhaseLag, Region, Transitions, UnitSwitching, Usage
from .series import Bifurcation, LossJumps, SeriesPoint
from .states import StateSpread

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

ANALYSIS_SCHEMA = "alrnn.analysis/1"


class Source(TypedDict, total=False):
    """The checkpoint: file name and sha256 of its bytes."""

    file: str
    sha256: str


class ModelFacts(TypedDict):
    """M numbers in a state (the units; of an lstm or an lru twice as many), the last P of them piecewise linear (or tanh, gelu), K
    inputs, N outputs; readout: of z or of Φ(z). name: of the model, phi: nonlinearity of the P units; piecewise_linear: whether there
    are subregions. Those three are missing in older files, which are all of an AL-RNN."""

    M: int
    P: int
    K: int
    N: int
    readout: str
    name: NotRequired[str]
    phi: NotRequired[str]
    piecewise_linear: NotRequired[bool]


class Complete(TypedDict, total=False):
    """Whether every fixed point there is has been found under every constant input, and why; the same of cycles up to the longest
    period looked for."""

    fixed_points: bool
    reason: str
    cycles: bool
    cycles_reason: str


@dataclass(frozen=True)
class AnalysisReport:
    """Everything `analyze` found: the JSON file, and `arrays` (the safetensors file beside it).

    source: file name and sha256 of the checkpoint; model: M, P, K, N, readout; task: name, options, metrics ("min" or "max" each) and
    metric, the one that decides, input_names, output_names, dt, dt_unit, condition_names, phase_names (None for a free run; name None
    for states from a file); settings: how it was computed (trials, where the states come from, tolerances);
    score: the task's metrics on the rolled-out trials, chance: metric -> chance level; summary: sentences that can be quoted;
    usage: "all" and one entry per phase;
    units: one record for each PWL unit; phase_lag: None without phases; usage_by_condition: one entry per condition, and
    condition_information, of "all" states and of each trial's "last": empty where the task names fewer than two conditions;
    states: how they spread, which needs no subregions (None in older files); modes: slow ones of the most used subregions;
    line_attractors: of the storing ones under each input; lyapunov: None unless asked for; influences: of inputs on outputs along
    whole trials, empty in files of older versions;
    fixed_points: all but virtual ones, which are listed on request; fixed_point_counts: by constant input and kind, virtual ones
    included (None where not all subregions could be examined, or beyond 2^53; beyond P = 12 a singular subregion counts as virtual
    where no state with its signs can be a fixed point); lesions: causal tests, linearised: the greedy search
    for units that can be linear (both only where asked for, like continuation); history: see History; provenance: times,
    versions, command; series, bifurcations, loss_jumps: where several checkpoints were given, of all of them, while everything
    else is the last one's. Of a model that is not piecewise linear usage, regions and all that rests on them are empty.

    arrays: parameters.{A,W,C,h,D,b,z0}; trajectories.{s,z0,z,outputs,targets,mask,lengths,conditions,phases} for the first
    trials (as in Trajectories, float32 where float); pca.{mean (M,), components (c, M), variance (M,)} of all states;
    phase_inputs (number of constant inputs, K), in the order of settings["inputs"]; transitions.edges (pairs, 3) int64, rows
    (from, to, count) with the numbers of visited subregions in the order of `regions`; transitions.stationary (visited
    subregions,), where there is exactly one; usage.by_phase_and_condition (the most used subregions, phases + 1, conditions) int64,
    states, in the order of `regions`, the last of the phases being none, where there are conditions to compare;
    compat.alrnn_dsr.matrix (visited subregions, visited subregions), on request.
    """

    source: Source
    model: ModelFacts
    task: dict[str, Any] | None
    settings: dict[str, Any]
    score: dict[str, float]
    chance: dict[str, float]
    summary: tuple[str, ...]
    usage: dict[str, Usage]
    regions: tuple[Region, ...]
    fixed_points: tuple[FixedPoint, ...]
    complete: Complete
    history: dict[str, list[float]]
    warnings: tuple[str, ...]
    provenance: dict[str, Any]
    transitions: Transitions | None = None
    units: tuple[UnitSwitching, ...] = ()
    phase_lag: PhaseLag | None = None
    usage_by_condition: dict[str, Usage] = field(default_factory=dict)
    condition_information: dict[str, Information] = field(default_factory=dict)
    modes: tuple[SlowMode, ...] = ()
    fixed_point_counts: dict[str, dict[str, int | None]] = field(default_factory=dict)
    cycles: tuple[Cycle, ...] = ()
    continuation: Continuation | None = None
    lesions: tuple[Lesion, ...] = ()
    linearised: Linearised | None = None
    series: tuple[SeriesPoint, ...] = ()
    bifurcations: tuple[Bifurcation, ...] = ()
    loss_jumps: LossJumps | None = None
    line_attractors: tuple[LineAttractor, ...] = ()
    lyapunov: Lyapunov | None = None
    states: StateSpread | None = None
    influences: tuple[Influence, ...] = ()
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    schema: str = ANALYSIS_SCHEMA

    @property
    def piecewise_linear(self) -> bool:
        """Whether the model has subregions."""
        return self.model.get("piecewise_linear", True)

    @property
    def lag(self) -> int:
        """Steps after a phase's inputs at which its shares are told: `phase_lag.lag`, 0 without phases."""
        return 0 if self.phase_lag is None else self.phase_lag.lag
