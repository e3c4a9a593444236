"""Names with a dollar sign: matplotlib sets what stands between two of them as mathematics, or refuses it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ..records import AnalysisReport
from .drawing import Drawing


def has_dollars(report: Any) -> bool:
    """Whether a name that a user gave has one."""
    if not isinstance(report, AnalysisReport):
        return "$" in str(report)
    return "$" in f"{report.task} {report.source} {report.settings.get('inputs')} {list(report.score)}"


def escaped(value: Any) -> Any:
    """The same record, mapping, sequence or text with every "$" as matplotlib sets it literally; arrays are left as they are."""
    if isinstance(value, str):
        return value.replace("$", r"\$")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return dataclasses.replace(value, **{f.name: escaped(getattr(value, f.name)) for f in fields})
    if isinstance(value, Mapping):
        return {escaped(k): escaped(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(escaped(v) for v in value)
    return value


def restored(drawing: Drawing) -> Drawing:
    """The drawing with caption and data as they were meant."""
    data = [{k: v.replace(r"\$", "$") if isinstance(v, str) else v for k, v in row.items()} for row in drawing.data]
    return dataclasses.replace(drawing, caption=drawing.caption.replace(r"\$", "$"), data=data)
