"""Plain results: what one layer hands to the next. No behaviour, no torch.

Legend of array dimensions, used in every docstring of the package:

    E  members trained together      n  trials (a dataset)       B  trials in one batch
    T  time steps                    K  inputs (after encoding)  N  outputs
    M  units                         P  piecewise-linear units, always the last P of the M
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .lazy import lazy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")


CHECKPOINT_SCHEMA = "alrnn.checkpoint/1"
ANALYSIS_SCHEMA = "alrnn.analysis/1"


@dataclass(frozen=True)
class Parameters:
    """One AL-RNN in float64: z_t = A∘z_{t-1} + W Φ(z_{t-1}) + C s_t + h, read out by D and b.

    A: (M,), W: (M, M), C: (M, K), h: (M,), D: (N, M), b: (N,), z0: (M,).
    readout: "z" (y = D z + b) or "phi" (y = D Φ(z) + b).
    """

    P: int
    A: np.ndarray
    W: np.ndarray
    C: np.ndarray
    h: np.ndarray
    D: np.ndarray
    b: np.ndarray
    z0: np.ndarray
    readout: str = "z"

    @property
    def M(self) -> int:
        return self.W.shape[0]

    @property
    def K(self) -> int:
        return self.C.shape[1]

    @property
    def N(self) -> int:
        return self.D.shape[0]


@dataclass(frozen=True)
class Trials:
    """A dataset or a batch as a task makes it, before any encoder.

    inputs: (n, T, K) float32; targets: (n, N) float32 or (n,) int64 where the task is scored at the last step,
    (n, T, N) float32 or (n, T) int64 where it is scored at every step; mask: (n, T) bool, the steps that count (for a
    task scored at the last step: True there only); lengths: (n,) int64, steps beyond are padding;
    conditions: (n,) int64, indices into the task's `condition_names`; phases: (n, T) int8, indices into the task's
    `phases`, -1 on padding and where no phase applies.
    """

    inputs: np.ndarray
    targets: np.ndarray
    mask: np.ndarray
    lengths: np.ndarray
    conditions: np.ndarray
    phases: np.ndarray

    def __len__(self) -> int:
        return self.inputs.shape[0]

    def take(self, index: np.ndarray | slice) -> Trials:
        """The trials at `index`, in that order."""
        return Trials(
            self.inputs[index],
            self.targets[index],
            self.mask[index],
            self.lengths[index],
            self.conditions[index],
            self.phases[index],
        )


@dataclass(frozen=True)
class Trajectories:
    """A rollout: everything that analysis needs to know about what the model did, without the model.

    s: (n, T, K) float64 encoded inputs; z0: (n, M); z: (n, T, M) float64 states z_1 … z_T; outputs: (n, T, N);
    targets, mask: as in Trials, with T the encoded length; lengths: (n,) int64 encoded lengths;
    conditions: (n,) int64 with `condition_names`; phases: (n, T) int8 with `phase_names` (-1: none);
    phase_inputs: (number of phases, K) float64, the constant input that stands for each phase.
    """

    s: np.ndarray
    z0: np.ndarray
    z: np.ndarray
    outputs: np.ndarray
    targets: np.ndarray
    mask: np.ndarray
    lengths: np.ndarray
    conditions: np.ndarray
    phases: np.ndarray
    condition_names: tuple[str, ...] = ()
    phase_names: tuple[str, ...] = ()
    phase_inputs: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    input_names: tuple[str, ...] = ()
    output_names: tuple[str, ...] = ()
    dt: float = 1.0
    dt_unit: str = "step"

    @property
    def valid(self) -> np.ndarray:
        """(n, T) bool: True on steps that belong to a trial, False on its padding."""
        return np.arange(self.z.shape[1])[None, :] < self.lengths[:, None]


@dataclass
class History:
    """Columns of equal length, one entry per evaluation.

    step, epoch; loss (training, mean since the last entry), penalty, score (the task's first metric on the validation
    split), grad_norm (before clipping, mean since the last entry), lr, spectral_radius (largest |eigenvalue| of the
    visited subregions' Jacobians), bitcodes (number of subregions visited), T (trial length then trained on),
    restart (how often training had begun anew).
    """

    columns: dict[str, list[float]] = field(default_factory=dict)

    def append(self, row: dict[str, float]) -> None:
        for key, value in row.items():
            # All floats: a column read back from a resume file is then the same column.
            self.columns.setdefault(key, []).append(float(value))

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))


@dataclass(frozen=True)
class CheckpointMeta:
    """What a checkpoint knows about itself; one sorted JSON object in the file's metadata.

    config: the resolved run; task: its name, options and shape facts (None for an imported model); metrics: scores of
    the kept state by split; status: "finished", "interrupted" or "diverged"; reason: in words why training ended.
    There is no wall-clock time in it: the same run gives the same bytes.
    """

    config: dict[str, Any]
    task: dict[str, Any] | None
    metrics: dict[str, dict[str, float]]
    history: dict[str, list[float]]
    status: str
    reason: str
    step: int
    best_step: int
    seeds: dict[str, int]
    data_fingerprint: str | None
    backend: str
    device: str
    threads: int
    versions: dict[str, str]
    schema: str = CHECKPOINT_SCHEMA


@dataclass(frozen=True)
class Checkpoint:
    """Tensors by name (A, W, C, h, D, b, z0, encoder.*; float32, no member axis) and what is known about them."""

    tensors: dict[str, np.ndarray]
    meta: CheckpointMeta


@dataclass(frozen=True)
class Usage:
    """How the visited states spread over the 2^P linear subregions.

    n_states: states counted; n_visited: subregions with at least one; n_possible: 2^P (None above 2^53, where JSON
    readers lose integers); entropy: Shannon, in nats; effective_number: exp(entropy); gini_visited: Gini coefficient of
    the counts over visited subregions; gini_all: over all 2^P; gini_all_normalised: gini_all / (1 - 2^-P), which can
    reach 1 (None at P = 0, where that maximum is 0). All None where there is nothing to count.
    """

    n_states: int
    n_visited: int
    n_possible: int | None
    entropy: float | None
    effective_number: float | None
    gini_visited: float | None
    gini_all: float | None
    gini_all_normalised: float | None


@dataclass(frozen=True)
class Mode:
    """One eigenvalue of a subregion's Jacobian.

    eigenvalue: (re, im); modulus: |λ|; kind: "decaying", "growing", "marginal" (|λ| = 1 to precision) or "instant"
    (λ = 0 to precision); timescale: -1/ln|λ| steps for a decaying mode, 1/ln|λ| for a growing one (its growth time),
    0 for an instant one, None for a marginal one; period: 2π/|angle| steps for a mode off the positive real axis, else None.
    """

    eigenvalue: tuple[float, float]
    modulus: float
    kind: str
    timescale: float | None
    period: float | None


@dataclass(frozen=True)
class Region:
    """One linear subregion Ω, named by its bitcode ("" at P = 0), and the linear map that acts in it.

    count, frequency: states seen there and their share; frequency_by_phase: share within each phase's states;
    first_visit: earliest step of any trial, from 1; residences: stays there, dwell_mean and dwell_max their steps (a stay
    that the trial's end cuts short counts as long as it was seen; None where not visited); frequency_after_phase: as
    frequency_by_phase, of the states that follow the phase's inputs by the report's phase_lag;
    spectral_radius: max |λ| of J_Ω; stability: "stable", "marginal" or "unstable"; modes: by falling |λ|.
    """

    bitcode: str
    visited: bool
    count: int
    frequency: float
    frequency_by_phase: dict[str, float | None]
    spectral_radius: float
    stability: str
    modes: tuple[Mode, ...]
    first_visit: int | None = None
    residences: int = 0
    dwell_mean: float | None = None
    dwell_max: int | None = None
    frequency_after_phase: dict[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class SlowMode:
    """A mode with |λ| near 1 of a visited subregion: what it keeps, and what it has to do with inputs and outputs.

    bitcode: of its subregion; eigenvalue: (re, im), of a complex pair the one with im > 0; condition: of the eigenvalue, 1 for an
    orthogonal mode (None: infinite); trusted: whether rounding leaves the side of 1 it is on known; variance_share: of the states in
    that subregion; gain: (N, K), of input k on output i through the mode. Both None where the eigenvalue is defective.
    """

    bitcode: str
    eigenvalue: tuple[float, float]
    condition: float | None
    trusted: bool
    variance_share: float | None
    gain: tuple[tuple[float, ...], ...] | None


@dataclass(frozen=True)
class PhaseLag:
    """How many steps after its input a phase shows best in the subregions.

    lag: the steps; information: mutual information of phase and subregion after 0, 1, … steps, in nats.
    """

    lag: int
    information: tuple[float, ...]


@dataclass(frozen=True)
class UnitSwitching:
    """One PWL unit over all states counted. unit: its number, from 0; on: share of states with z > 0; flips_per_step: share of
    steps over which its bit changes; role: "switching", or "always on" or "always off", effectively linear on these trials."""

    unit: int
    on: float
    flips_per_step: float | None
    role: str


@dataclass(frozen=True)
class Transitions:
    """The graph of successive subregions, z_t to z_(t+1) within a trial, t from 1.

    n_steps: steps counted, n_stays: those that stay; n_pairs: different (from, to) pairs, staying included; n_components:
    strongly connected components; recurrent: classes that no observed step leaves, as bitcodes; unfollowed: subregions seen
    only where a trial ends, so that nothing is known of what follows; conditional_entropy: of the next subregion given the
    present one, in nats; entropy_rate: the same under the chain's stationary distribution (None where it has not exactly one);
    topological_entropy: ln of the spectral radius of the 0/1 graph (None where it has no cycle).
    What was not seen is not in the graph, and the graph allows words that the dynamics may not: the topological entropy is
    that of the observed graph, neither a lower nor an upper bound of the map's.
    """

    n_steps: int
    n_stays: int
    n_pairs: int
    n_components: int
    recurrent: tuple[tuple[str, ...], ...]
    unfollowed: int
    conditional_entropy: float | None
    entropy_rate: float | None
    topological_entropy: float | None


@dataclass(frozen=True)
class FixedPoint:
    """The fixed point of one subregion under one constant input: (I - J_Ω) z* = C s + h.

    phase: name of the constant input ("zero" or one of the task's), input: (K,) its values; kind: "real", "virtual",
    "undetermined", "continuum" or "none" (DESIGN's words); z: (M,) or None where there is none (for a continuum: its
    point of least norm); margin: smallest |z_i| over the PWL units, the distance to the nearest switching plane (None
    at P = 0); error_bound: forward error bound on its PWL units (on all of z at P = 0); residual: |(I - J) z - C s -
    h|; stability: stable | saddle | unstable | marginal; rotation: "node" or "spiral"; unstable_directions: number of
    |λ| > 1; eigenvalues: (re, im) pairs by falling modulus (empty unless the point is real or Ω visited); visited:
    whether any state fell into Ω; directions: (d, M) orthonormal, the null space of a continuum; meets_region:
    whether part of a continuum lies in Ω (None: too close to tell, and for every other kind); drift: (M,)
    displacement per step where there is no fixed point, drift_speed its length; drift_steady: True where the drift is
    constant, False where eigenvalue 1 is defective, so that the state speeds up besides (None for every other kind).
    """

    phase: str
    input: tuple[float, ...]
    bitcode: str
    kind: str
    z: tuple[float, ...] | None
    margin: float | None
    error_bound: float | None
    residual: float | None
    stability: str
    rotation: str
    unstable_directions: int
    eigenvalues: tuple[tuple[float, float], ...]
    visited: bool
    directions: tuple[tuple[float, ...], ...] = ()
    drift: tuple[float, ...] | None = None
    drift_speed: float | None = None
    meets_region: bool | None = None
    drift_steady: bool | None = None


@dataclass(frozen=True)
class AnalysisReport:
    """Everything `analyze` found: the JSON file, and `arrays` (the safetensors file beside it).

    source: file name and sha256 of the checkpoint; model: M, P, K, N, readout; task: name, options, input_names, output_names,
    dt, dt_unit, condition_names, phase_names (None without a task); settings: how it was computed (trials, tolerances);
    score: the task's metrics on the rolled-out trials, chance: metric -> chance level;
    summary: sentences that can be quoted; usage: "all" and one entry per phase;
    units: one record for each PWL unit; phase_lag: None without phases; modes: slow ones of the most used subregions;
    complete: {"fixed_points": bool, "reason": str}; history: see History; provenance: times, versions, command.

    arrays: parameters.{A,W,C,h,D,b,z0}; trajectories.{s,z0,z,outputs,targets,mask,lengths,conditions,phases} for the first
    trials (as in Trajectories, float32 where float); pca.{mean (M,), components (c, M), variance (M,)} of all states;
    phase_inputs (number of constant inputs, K), in the order of settings["inputs"]; transitions.edges (pairs, 3) int64, rows
    (from, to, count) with the numbers of visited subregions in the order of `regions`; transitions.stationary (visited
    subregions,), where there is exactly one.
    """

    source: dict[str, str]
    model: dict[str, Any]
    task: dict[str, Any] | None
    settings: dict[str, Any]
    score: dict[str, float]
    chance: dict[str, float]
    summary: tuple[str, ...]
    usage: dict[str, Usage]
    regions: tuple[Region, ...]
    fixed_points: tuple[FixedPoint, ...]
    complete: dict[str, Any]
    history: dict[str, list[float]]
    warnings: tuple[str, ...]
    provenance: dict[str, Any]
    transitions: Transitions | None = None
    units: tuple[UnitSwitching, ...] = ()
    phase_lag: PhaseLag | None = None
    modes: tuple[SlowMode, ...] = ()
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    schema: str = ANALYSIS_SCHEMA

    @property
    def lag(self) -> int:
        """Steps after a phase's inputs at which its shares are told: `phase_lag.lag`, 0 without phases."""
        return 0 if self.phase_lag is None else self.phase_lag.lag
