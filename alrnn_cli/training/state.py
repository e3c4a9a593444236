"""Everything that training needs in order to go on exactly where it was."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch

from ..errors import InputError
from ..model.alrnn import ALRNN
from ..records import History


@dataclass
class Counters:
    """step: optimizer steps done in all; attempt_step: since training last began anew; restart: how often it did;
    best_step, stale: step of the best evaluation and evaluations since; sums: of loss, penalty and gradient norm since the last
    evaluation, over `summed` steps; seconds: time spent, interrupted parts included."""

    step: int = 0
    attempt_step: int = 0
    restart: int = 0
    best_step: int = 0
    stale: int = 0
    loss_sum: float = 0.0
    penalty_sum: float = 0.0
    norm_sum: float = 0.0
    summed: int = 0
    seconds: float = 0.0


@dataclass
class State:
    """The model, its optimizer, and the books kept beside them. best: the kept parameters; best_score: their metrics."""

    model: ALRNN
    optimizer: torch.optim.Adam
    counters: Counters = field(default_factory=Counters)
    history: History = field(default_factory=History)
    best: dict[str, torch.Tensor] | None = None
    best_score: dict[str, float] | None = None
    attempt_best: float | None = None

    def parameters(self) -> dict[str, torch.Tensor]:
        """A copy of the model's parameters by name."""
        return {name: p.detach().clone() for name, p in self.model.named_parameters()}

    def keep(self, score: dict[str, float]) -> None:
        """The present parameters are the best so far."""
        self.best = self.parameters()
        self.best_score = score
        self.counters.best_step = self.counters.step
        self.counters.stale = 0

    def use_best(self) -> None:
        """Put the best parameters into the model."""
        if self.best is not None:
            self.put(self.best)

    def put(self, parameters: dict[str, torch.Tensor]) -> None:
        with torch.no_grad():
            for name, p in self.model.named_parameters():
                p.copy_(parameters[name])

    def pack(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and JSON that `unpack` turns into this state again, bit for bit."""
        arrays = {f"model.{k}": v.cpu().numpy() for k, v in self.parameters().items()}
        for k, v in (self.best or {}).items():
            arrays[f"best.{k}"] = v.cpu().numpy()
        for name, p in self.model.named_parameters():
            for key, value in self.optimizer.state.get(p, {}).items():
                arrays[f"adam.{key}.{name}"] = value.cpu().numpy()
        books = {
            "counters": asdict(self.counters),
            "history": self.history.columns,
            "best_score": self.best_score,
            "attempt_best": self.attempt_best,
        }
        # JSON has no NaN; a history may.
        arrays |= {f"history.{k}": np.asarray(v, np.float64) for k, v in self.history.columns.items()}
        return arrays, books

    def unpack(self, arrays: dict[str, np.ndarray], books: dict[str, Any], device: torch.device) -> None:
        """Errors: InputError where the arrays do not fit this model."""
        tensors = {k: torch.from_numpy(v.copy()).to(device) for k, v in arrays.items()}
        names = [name for name, _ in self.model.named_parameters()]
        missing = [n for n in names if f"model.{n}" not in tensors]
        if missing:
            raise InputError(f"The resume file lacks {', '.join(missing)}.", "Start again with --overwrite.")
        self.put({n: tensors[f"model.{n}"] for n in names})
        if f"best.{names[0]}" in tensors:
            self.best = {n: tensors[f"best.{n}"] for n in names}
        for name, p in self.model.named_parameters():
            keys = [k for k in tensors if k.startswith("adam.") and k.split(".", 2)[2] == name]
            if keys:
                self.optimizer.state[p] = {k.split(".", 2)[1]: tensors[k] for k in keys}
        self.counters = Counters(**books["counters"])
        self.history = History({k: arrays[f"history.{k}"].tolist() for k in books["history"]})
        self.best_score = books["best_score"]
        self.attempt_best = books["attempt_best"]
