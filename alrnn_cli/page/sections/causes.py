"""What the model needs: lesions, and how few nonlinear units are enough."""

from __future__ import annotations

from ...analysis.causes import by_unit, controls, gentler, severity
from ...records import AnalysisReport, Lesion
from ...wording import number, plural
from .. import words
from ..content import Block, Cell, Column, Section, Table
from . import Case

_ERROR = Column("±", "standard error of the change, over groups of trials", number=True)


def section(case: Case) -> Section | None:
    report = case.report
    tables = words.there(_units(report), _modes(report), _linearised(report))
    if not tables:
        return None
    blocks: list[Block] = [*case.terms.notes("Silencing")] if report.lesions else []
    blocks += case.draw("lesions")
    return Section("lesions", "What it needs: lesions", (*blocks, *tables))


def _score(lesion: Lesion, metric: str) -> tuple[Cell, Cell]:
    """The score after a lesion, and the standard error of its change."""
    if lesion.effect == "none":
        return Cell("no change", 0.0), Cell("", 0.0)
    return words.quantity(lesion.score.get(metric)), words.quantity(lesion.standard_error)


def _units(report: AnalysisReport) -> Table | None:
    metric = words.metric_of(report)
    on = {u.unit: u.on for u in report.units}
    rows = []
    for unit, own in by_unit(report.lesions).items():
        best = gentler(own)
        verdict = {"worse": "needed", "unclear": "unclear"}.get(best.effect, "not needed")
        kinds = (*_score(own["linearise"], metric), *_score(own["silence"], metric))
        rows.append(
            (Cell(f"unit {unit}", float(unit), heading=True), words.share(on.get(unit)), *kinds, words.word(verdict))
        )
    columns = (
        Column("nonlinear unit"), Column("on", "share of states in which it is above 0", number=True),
        Column("always on", f"{metric} when the unit passes everything on (is linear)", number=True), _ERROR,
        Column("always off", f"{metric} when the unit is silent", number=True), _ERROR,
        Column("its switching is", "needed where both make the score worse by more than three standard errors"),
    )  # fmt: skip
    before = report.score.get(metric)
    as_is = "" if before is None else f" ({number(before)} as trained)"
    return words.table(f"{metric}{as_is} when a unit does not switch", columns, rows)


def _modes(report: AnalysisReport) -> Table | None:
    metric = words.metric_of(report)
    modes = sorted((x for x in report.lesions if x.kind == "remove mode"), key=severity, reverse=True)
    rows = [(Cell(x.target, heading=True), *_score(x, metric), words.word(x.effect)) for x in modes]
    for rank in sorted({x.rank for x in modes}):
        control = controls(report.lesions, rank, metric)
        if control is not None:
            what = "direction" if rank == 1 else f"{rank}-dimensional subspace"
            mean = Cell(f"{plural(control.number, f'random {what}')}, mean", heading=True)
            rows.append((mean, words.quantity(control.mean), Cell(""), Cell("")))
            worst = Cell(f"worst random {what}", heading=True)
            rows.append((worst, *_score(control.worst, metric), words.word(control.worst.effect)))
    columns = (Column("removed after every step"), Column(metric, number=True), _ERROR, Column("effect"))
    return words.table(f"{metric} when a slow mode is removed, and random directions for comparison", columns, rows)


def _linearised(report: AnalysisReport) -> Table | None:
    found = report.linearised
    if found is None:
        return None
    left = len(found.units) + len(found.remaining)
    metric = found.metric
    rows = [
        (
            Cell(str(left), float(left), heading=True),
            Cell("as it is"),
            words.quantity(found.before.get(metric)),
            Cell("kept"),
        )
    ]
    steps = [(unit, "kept") for unit in found.units] + (
        [(found.refused, "refused")] if found.refused is not None else []
    )
    for i, (unit, verdict) in enumerate(steps, 1):
        what = (
            f"unit {unit.unit} made {'linear' if unit.bit else 'silent'}{', which never switches' if unit.free else ''}"
        )
        score = words.quantity(unit.score.get(metric))
        rows.append((Cell(str(left - i), float(left - i), heading=True), Cell(what), score, Cell(verdict)))
    columns = (
        Column("nonlinear units left", number=True),
        Column("step"),
        Column(metric, number=True),
        Column("verdict"),
    )
    caption = f"Units made linear one after another, as long as {metric} gets worse by at most {number(found.allowed)}"
    return words.table(caption, columns, rows)
