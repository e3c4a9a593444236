"""A finished drawing and how it is written to disk: same numbers in, same bytes out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, UsageError, closest
from ..records import AnalysisReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("pdf", "svg", "png")  # the first is what is written where nobody asks for another
# Whatever would change from one day or version to the next is left out of the file.
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


@dataclass(frozen=True)
class Drawing:
    """One figure: what to show, what to say under it, and the plotted numbers as rows."""

    figure: Figure
    caption: str
    data: list[dict[str, Any]]


def render(drawing: Drawing, extension: str) -> bytes:
    """The file's bytes in one of FORMATS. The same drawing gives the same bytes."""
    from . import style

    buffer = io.BytesIO()
    with style.context_of(drawing.figure):
        drawing.figure.savefig(buffer, format=extension, metadata=_METADATA[extension])
    return buffer.getvalue()


def save(drawing: Drawing, path: Path) -> None:
    """Write the figure whole or not at all; the extension of `path` picks the format.

    Errors: UsageError for an extension that is not one of FORMATS; InputError or MachineError if writing fails.
    """
    from ..store import write_atomic

    path = Path(path)
    extension = path.suffix.lower().lstrip(".")
    if extension not in FORMATS:
        got = f"extension {path.suffix!r}" if path.suffix else "no extension"
        raise UsageError(f"{path}: a figure is written as pdf, svg or png, got {got}.", f"Try {path.stem}.pdf.")
    write_atomic(path, render(drawing, extension))


def needs_subregions(figure: str, reports: Iterable[AnalysisReport]) -> None:
    """Errors: InputError where one of the reports is of a model that has no subregions."""
    for report in reports:
        if not report.piecewise_linear:
            name = report.model.get("name", "its model")
            raise InputError(
                f"Figure {figure!r} shows linear subregions, and {report.source.get('file', 'the report')} ({name}) has none.",
                "Draw its training: alrnn plot loss",
            )


def table(drawing: Drawing) -> str:
    """The plotted numbers as CSV: a column for each name in order of appearance, numbers in full, empty where there is none."""
    columns = list(dict.fromkeys(name for row in drawing.data for name in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(drawing.data)
    return text.getvalue()


def save_data(drawing: Drawing, path: Path) -> None:
    """Write the plotted numbers. Errors: UsageError unless `path` ends in .csv; InputError or MachineError if writing fails."""
    from ..store import write_atomic

    path = Path(path)
    if path.suffix.lower() != ".csv":
        raise UsageError(f"{path}: the plotted numbers are written as .csv.", f"Try {path.stem or 'numbers'}.csv.")
    write_atomic(path, table(drawing).encode())


def choose(figure: str, known: Iterable[tuple[str, str, str]], given: Mapping[str, str] | None) -> dict[str, str]:
    """A figure's options: its defaults, then what was given. Errors: UsageError for an option it does not have."""
    defaults = {name: default for name, default, _ in known}
    for name in given or {}:
        if name not in defaults:
            raise UsageError(f"Figure {figure!r} has no option {name!r}.", closest(name, tuple(defaults)))
    return {**defaults, **{name: str(value) for name, value in (given or {}).items()}}


def whole(figure: str, option: str, text: str, least: int) -> int:
    """An option's value as a whole number of at least `least`. Errors: UsageError."""
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise UsageError(
            f"Figure {figure!r}, option {option!r}: got {text!r}, expected a whole number of at least {least}.",
            f"Try {option}={max(least, 8)}.",
        )
    return value


def one_of(figure: str, option: str, text: str, known: tuple[str, ...]) -> str:
    """An option's value, which must be one of `known`. Errors: UsageError."""
    if text not in known:
        raise UsageError(
            f"Figure {figure!r}, option {option!r}: got {text!r}, expected one of {', '.join(known)}.",
            closest(text, known),
        )
    return text


def many(number: int, noun: str) -> str:
    """A number and its noun: "1 panel", "2,000 panels"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
