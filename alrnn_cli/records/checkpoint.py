"""What training leaves behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..lazy import lazy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

CHECKPOINT_SCHEMA = "alrnn.checkpoint/1"
#: `CheckpointMeta.reason` of a state that was saved while training went on, the present one and not the best.
ON_THE_WAY = "saved on the way"


@dataclass
class History:
    """Columns of equal length, one entry per evaluation.

    step, epoch; loss (training, mean since the last entry), penalty, score (the task's first metric on the validation
    split), grad_norm (before clipping, mean since the last entry), lr, spectral_radius (largest |eigenvalue| of the
    visited subregions' Jacobians), bitcodes (number of subregions visited; both NaN where the model has none), T (trial length
    then trained on), restart (how often training had begun anew).
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
    the kept state by split; status: "finished", "interrupted" or "diverged", "reduced" (made from a trained one by
    `analyze --save-reduced`) or "imported"; reason: in words why training ended, or what was made of which checkpoint;
    imported: of a model made elsewhere the file (name, sha256), its format, the names of tensors that were left out,
    how many linear units had their A folded into W, and the largest relative rounding of an entry (None: trained here);
    parameters: how many numbers were trained, encoder and readout included (None: not trained here, or by an older version).
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
    imported: dict[str, Any] | None = None
    parameters: int | None = None
    schema: str = CHECKPOINT_SCHEMA


@dataclass(frozen=True)
class Checkpoint:
    """Tensors by name (the recurrence's, D, b, z0, encoder.*; float32, no member axis) and what is known about them."""

    tensors: dict[str, np.ndarray]
    meta: CheckpointMeta
