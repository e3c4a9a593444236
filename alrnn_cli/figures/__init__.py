"""Figures drawn from analysis reports, one file a figure. Imports without matplotlib.

A figure is a module here whose name has no leading underscore, with a docstring (its first line is the summary),
`OPTIONS`, a tuple of (name, default, help), and `draw(reports, labels, width, options) -> Drawing`. One that is not drawn
from analyses says so: `READS = "sweep"` or "profile", what the commands of these names keep in their folder.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import AlrnnError, InputError, UsageError, closest
from ..records import AnalysisReport
from .drawing import FORMATS, Drawing, save, save_data, table

__all__ = [
    "FORMATS",
    "Drawing",
    "draw",
    "draw_all",
    "names",
    "options",
    "reads",
    "save",
    "save_data",
    "summary",
    "table",
]

_SHARED = ("drawing", "style")


def names() -> list[str]:
    """Every figure there is, by file name with - for _; nothing is imported."""
    paths = Path(__file__).parent.glob("*.py")
    return sorted(p.stem.replace("_", "-") for p in paths if not p.stem.startswith("_") and p.stem not in _SHARED)


def summary(name: str) -> str:
    """The first line of a figure's docstring. Errors: UsageError for an unknown figure."""
    return (ast.get_docstring(_parsed(name)) or "").split("\n")[0]


def options(name: str) -> tuple[tuple[str, str, str], ...]:
    """A figure's options as (name, default, help), read without importing it. Errors: UsageError."""
    return tuple((str(n), str(d), str(h)) for n, d, h in _constant(name, "OPTIONS", ()))


def reads(name: str) -> str:
    """What a figure is drawn from: "report" (an analysis), "sweep" or "profile". Errors: UsageError for an unknown figure."""
    return str(_constant(name, "READS", "report"))


def draw(
    name: str,
    reports: Sequence[Any],
    *,
    labels: Sequence[str] | None = None,
    width: str = "column",
    options: Mapping[str, str] | None = None,
) -> Drawing:
    """One figure of one or several reports, or of the records of what it `reads`.

    labels: a name for each report; width: "column" (3.4 in), "full" (7 in) or "slide" (10 in); options: see `options`.
    Errors: UsageError for an unknown figure, option or width; InputError where a report lacks what the figure shows.
    """
    stem = _path(name).stem
    if not reports:
        how = {"report": "alrnn analyze CHECKPOINT", "sweep": "alrnn sweep --task NAME --P 0,1,2"}
        raise InputError(
            f"Figure {name!r} got no report.", f"Make one: {how.get(reads(name), 'alrnn profile --task NAME')}"
        )
    from . import style
    from ._literal import escaped, has_dollars, restored
    from .drawing import choose

    names_of_reports = style.labels_of(labels, len(reports))
    module = import_module(f".{stem}", __name__)
    chosen = choose(name, module.OPTIONS, options)
    drawn = list(reports)
    dollars = any(map(has_dollars, reports)) or "$" in "".join(names_of_reports)
    if dollars:
        drawn, names_of_reports, chosen = escaped((drawn, names_of_reports, chosen))
    with style.context(width):
        drawing: Drawing = module.draw(drawn, names_of_reports, width, chosen)
    return restored(drawing) if dollars else drawing


def draw_all(
    reports: Sequence[AnalysisReport], *, labels: Sequence[str] | None = None, width: str = "column"
) -> Iterator[tuple[str, Drawing | AlrnnError]]:
    """Every figure of analyses with its defaults, one at a time: its name, and the drawing, or why the reports do not support it.

    Errors: as of `draw`, where no figure could be drawn whatever it is (a width that is none, no report).
    """
    from . import style

    style.rc(width)
    style.labels_of(labels, len(reports))
    if not reports:
        raise InputError("There is no report to draw.", "Make one: alrnn analyze CHECKPOINT")
    for name in names():
        if reads(name) != "report":
            continue
        try:
            yield name, draw(name, reports, labels=labels, width=width)
        except AlrnnError as refused:
            yield name, refused


def _path(name: str) -> Path:
    if name not in names():
        raise UsageError(f"No figure {name!r}.", closest(name, names()))
    return Path(__file__).parent / f"{name.replace('-', '_')}.py"


def _constant(name: str, constant: str, default: Any) -> Any:
    """The value of a constant of a figure's module, read without importing it."""
    for statement in _parsed(name).body:
        target = statement.target if isinstance(statement, ast.AnnAssign) else None
        if isinstance(statement, ast.Assign):
            target = statement.targets[0] if isinstance(statement.targets[0], ast.Name) else None
        value = getattr(statement, "value", None)
        if isinstance(target, ast.Name) and target.id == constant and value is not None:
            return ast.literal_eval(value)
    return default


def _parsed(name: str) -> ast.Module:
    return ast.parse(_path(name).read_text(encoding="utf8"))
