"""What goes into a model and what it does: parameters, trials, trajectories."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..lazy import lazy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")


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
class Tokens:
    """A vocabulary whose indices are a task's inputs: 0 … count-1, each with a vector of `width` numbers. vectors: (count, width)
    float32 where they are given, None where they are to be learned."""

    count: int
    width: int
    vectors: np.ndarray | None = None


@dataclass(frozen=True)
class Trials:
    """A dataset or a batch as a task makes it, before any encoder.

    inputs: (n, T, K) float32, or (n, T, 1) int32 where they are indices of `Tokens`;
    targets: (n, N) float32 or (n,) int64 where the task is scored at the last step, (n, T, N) float32 or (n, T) int64 where it is
    scored at every step; mask: (n, T) bool, the steps that count (for a task scored at the last step: True there only);
    lengths: (n,) int64, steps beyond are padding;
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
