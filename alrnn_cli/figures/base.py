"""What figures have in common: their options, what they are given, what they give back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from ..errors import UsageError, closest
from ..records import AnalysisReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Widths by name, in inches: one column of a two-column journal, its text width, a slide.
WIDTHS = {"column": 3.4, "full": 7.0, "slide": 10.0}


@dataclass(frozen=True)
class Option:
    """One option of a figure. The type of `default` is the option's type; `choices` limits a text."""

    name: str
    default: int | float | bool | str
    help: str
    choices: tuple[str, ...] = ()
    minimum: float | None = None

    def parse(self, value: Any, figure: str) -> Any:
        """`value` (perhaps text from a command line) in this option's type. Errors: UsageError that says what it takes."""
        kind = type(self.default)
        where = f"Option {self.name}={value} of figure {figure!r}"
        again = f"The default is {self.name}={self.default}."
        try:
            parsed = _convert(value, kind)
        except (TypeError, ValueError):
            raise UsageError(f"{where}: expected {_WORDS[kind]}.", again) from None
        if self.choices and parsed not in self.choices:
            raise UsageError(f"{where}: expected one of {', '.join(self.choices)}.", closest(str(parsed), self.choices))
        if self.minimum is not None and parsed < self.minimum:
            raise UsageError(f"{where}: must be at least {self.minimum:g}.", again)
        return parsed


_WORDS: dict[type, str] = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
_BOOL = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _convert(value: Any, kind: type) -> Any:
    if kind is bool:
        if str(value).lower() not in _BOOL:
            raise ValueError(value)
        return _BOOL[str(value).lower()]
    if kind is int:
        if isinstance(value, bool) or (isinstance(value, float) and value != int(value)):
            raise ValueError(value)
        return int(value)
    if kind is float:
        number = float(value)
        if not math.isfinite(number):
            raise ValueError(value)
        return number
    return str(value)


@dataclass(frozen=True)
class Request:
    """What a figure is asked for: reports with one label each, a width by name, all of its options."""

    reports: tuple[AnalysisReport, ...]
    labels: tuple[str, ...]
    width: str
    options: dict[str, Any]

    @property
    def inches(self) -> float:
        return WIDTHS[self.width]

    @property
    def several(self) -> bool:
        return len(self.reports) > 1


@dataclass(frozen=True)
class Drawing:
    """A figure, a caption that says how it was made, and the numbers in it: rows of one table, all with the same keys."""

    figure: Figure
    caption: str
    data: list[dict[str, Any]] = field(default_factory=list)


def make_request(
    figure: str,
    known: Sequence[Option],
    reports: Sequence[AnalysisReport],
    labels: Sequence[str] | None,
    width: str,
    options: Mapping[str, Any] | None,
) -> Request:
    """Check what was asked for and fill in what was not. Errors: UsageError."""
    if not reports:
        raise UsageError(f"Figure {figure!r}: no report to draw.", "Give one or more results of `alrnn analyze`.")
    if width not in WIDTHS:
        raise UsageError(f"Unknown width {width!r}.", closest(width, list(WIDTHS)))
    if labels is not None and len(labels) != len(reports):
        raise UsageError(f"{len(labels)} labels for {len(reports)} reports.", "Give one label for each report.")
    by_name = {option.name: option for option in known}
    for name in options or {}:
        if name not in by_name:
            raise UsageError(f"Unknown option {name!r} of figure {figure!r}.", closest(name, list(by_name)))
    given = dict(options or {})
    parsed = {name: option.parse(given.get(name, option.default), figure) for name, option in by_name.items()}
    return Request(tuple(reports), tuple(labels) if labels is not None else _labels(reports), width, parsed)


def _labels(reports: Sequence[AnalysisReport]) -> tuple[str, ...]:
    """Short names from the checkpoints' file names; equal ones are numbered."""
    stems = [PurePath(report.source.get("file", "model")).stem or "model" for report in reports]
    seen: dict[str, int] = {}
    labels = []
    for stem in stems:
        seen[stem] = seen.get(stem, 0) + 1
        labels.append(stem if stems.count(stem) == 1 else f"{stem} ({seen[stem]})")
    return tuple(labels)


def described(report: AnalysisReport) -> str:
    """The model and the task in a few words, for a caption: "AL-RNN with M = 2 units, P = 1 of them PWL; task addition"."""
    model = report.model
    P, M = int(model.get("P", 0)), int(model.get("M", 0))
    words = f"AL-RNN with M = {M} unit{'s' if M != 1 else ''}, P = {P} of them piecewise linear (PWL)"
    return f"{words}; task {report.task['name']}" if report.task and report.task.get("name") else words


def models(request: Request) -> str:
    """Which models are shown, for a caption."""
    if not request.several:
        return f"{request.labels[0]}: {described(request.reports[0])}."
    each = (f"{label}: {described(report)}" for label, report in zip(request.labels, request.reports, strict=True))
    return "; ".join(each) + "."
