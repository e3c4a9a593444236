"""What is asked of the model, and what its inputs mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import tasks
from ...errors import AlrnnError
from ...records import AnalysisReport
from ...wording import number, plural
from .. import words
from ..content import Block, Cell, Citation, Column, Paragraph, Section, Table
from . import Case


def section(case: Case) -> Section:
    report = case.report
    name = words.task_name(report)
    known = tasks.get(name) if name in tasks.names() else None
    blocks: list[Block] = []
    if not name:
        why = (
            "The model was analysed without a task"
            if report.task is None
            else "The states were read from a file, without a task"
        )
        blocks.append(Paragraph(f"{why}."))
    elif known is not None:
        blocks.append(Paragraph(known.description))
        blocks.append(Citation(known.citation))
    options = dict((report.task or {}).get("options") or {})
    if options:
        blocks.append(Paragraph(f"Options of this run: {', '.join(f'{k} = {v}' for k, v in options.items())}."))
    blocks += words.there(_channels(report, "input"), _channels(report, "output"), _phases(case, known))
    blocks += case.draw("trial")
    return Section("task", f"The task: {name}" if name else "No task", tuple(blocks))


def _channels(report: AnalysisReport, which: str) -> Table | None:
    """Inputs or outputs by name, with the values that they take in the trials that the report keeps."""
    s = report.arrays.get("trajectories.s" if which == "input" else "trajectories.outputs")
    lengths = report.arrays.get("trajectories.lengths")
    n = report.model["K" if which == "input" else "N"]
    if s is None or lengths is None or not n or s.shape[-1] != n:
        return None
    valid = s[np.arange(s.shape[1])[None, :] < lengths[:, None]] if s.ndim == 3 else s
    named = words.names(report, which, n)
    rows = ((Cell(name, name, heading=True), Cell(_values(valid[:, i]), float(i))) for i, name in enumerate(named))
    what = (
        "Inputs, and the values they take" if which == "input" else "Outputs, and the values they take over all steps"
    )
    return words.table(what, (Column(which), Column("values")), rows)


def _values(x: np.ndarray) -> str:
    """ "0 or 1", "from −0.2 to 3"."""
    x = x[np.isfinite(x)]
    if not len(x):
        return "none finite"
    distinct = np.unique(x[: 1 << 20])
    if len(distinct) <= 3:
        return " or ".join(number(float(v)) for v in distinct)
    return f"from {number(float(x.min()))} to {number(float(x.max()))}"


def _phases(case: Case, known: type[Any] | None) -> Table | None:
    """What each phase is, and the constant input that stands for it."""
    report = case.report
    inputs = [str(x) for x in report.settings.get("inputs") or ()]
    names = [str(x) for x in (report.task or {}).get("phase_names") or ()]
    constant = report.arrays.get("phase_inputs")
    helps = _helps(report, known)
    share = {name: u.n_states for name, u in report.usage.items()}
    total = share.get("all", 0)
    columns = [Column("phase"), Column("what it is"), Column("share of steps", number=True)]
    columns += [Column("constant input", "what stands for the phase where fixed points are sought")]
    rows = []
    for name in names:
        values = "" if constant is None or name not in inputs else _input(report, constant[inputs.index(name)])
        part = share[name] / total if total and name in share else None
        rows.append(
            (Cell(name, name, heading=True), words.word(helps.get(name)), words.share(part), words.word(values))
        )
    return words.table(f"{plural(len(names), 'phase').capitalize()} of a trial", columns, rows)


def _helps(report: AnalysisReport, known: type[Any] | None) -> dict[str, str]:
    """What the task says of its phases; {} where it needs data to know them, or has other options by now."""
    if known is None:
        return {}
    phases = known.phases
    if not phases and not known.needs_data:
        try:
            phases = known(dict((report.task or {}).get("options") or {})).phases
        except AlrnnError:
            return {}
    return {p.name: p.help for p in phases}


def _input(report: AnalysisReport, values: np.ndarray) -> str:
    named = words.names(report, "input", len(values))
    told = [(name, float(v)) for name, v in zip(named, values, strict=True) if v]
    if len(told) > 6:
        return f"{len(told)} of {len(values)} inputs are not 0"
    return ", ".join(f"{name} = {number(v)}" for name, v in told) or "all inputs 0"
