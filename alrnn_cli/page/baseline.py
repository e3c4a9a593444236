"""Other models, for comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..records import Checkpoint
from ..wording import plural


@dataclass(frozen=True)
class Baseline:
    """Another model's scores on its task's test trials. name: what it is called; what: the model in words; task: what it learned."""

    name: str
    what: str
    task: str
    score: Mapping[str, float]

    @classmethod
    def of(cls, name: str, checkpoint: Checkpoint) -> Baseline:
        """What a checkpoint knows of itself."""
        meta = checkpoint.meta
        model = meta.config.get("model") or {}
        what = str(model.get("model") or "alrnn")
        if isinstance(model.get("M"), int):
            what += f" of {plural(model['M'], 'unit')}"
        if what.startswith("alrnn") and isinstance(model.get("P"), int):
            what += f", {model['P']} nonlinear"
        return cls(name, what, str((meta.task or {}).get("name") or ""), dict(meta.metrics.get("test") or {}))
