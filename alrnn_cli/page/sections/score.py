"""How well the model does, against chance and against other models."""

from __future__ import annotations

from ...records.metrics import parts
from ...wording import number, percent, plural
from .. import words
from ..content import Block, Cell, Column, Paragraph, Section
from . import Case


def section(case: Case) -> Section | None:
    report = case.report
    if not report.score:
        return None
    better = dict((report.task or {}).get("metrics") or {})
    first = words.metric_of(report)
    blocks: list[Block] = []
    told = _told(report.score[first], report.chance.get(first), better.get(first))
    if told:
        blocks.append(Paragraph(f"The {first.replace('_', ' ')} is {number(report.score[first])}: {told}."))
    columns = [Column("score"), Column("this model", number=True), Column("chance", number=True)]
    columns += [Column(b.name, b.what, number=True) for b in case.baselines]
    rows = []
    for metric, own in sorted(parts(report.score).items(), key=lambda item: item[0] != first):
        for name, shown in ((metric, metric), *((full, f"{metric}: {part}") for part, full in own.items())):
            direction = {"min": " (lower is better)", "max": " (higher is better)"}.get(better.get(name, ""), "")
            besides = (words.quantity(b.score.get(name)) for b in case.baselines)
            head = Cell(shown + (direction if name == metric else ""), name, heading=True)
            rows.append((head, words.quantity(report.score[name]), words.quantity(report.chance.get(name)), *besides))
    blocks += words.there(words.table("Scores", columns, rows))
    trials = report.settings.get("trials")
    if isinstance(trials, int):
        others = "; the other models’ scores are those of their whole test sets" if case.baselines else ""
        blocks.append(Paragraph(f"Scored on {plural(trials, 'trial')} that training never saw{others}."))
    return Section("score", "How well it does", tuple(blocks))


def _told(score: float | None, chance: float | None, better: str | None) -> str:
    """How far the way from chance to perfect the model has gone, "" where that is not known."""
    if score is None or chance is None or not chance:
        return ""
    if better == "min":
        gone = 1 - score / chance
    elif better == "max" and 0 <= score <= 1 and 0 < chance < 1:
        gone = (score - chance) / (1 - chance)
    else:
        return ""
    return f"{percent(gone)} of the way from chance to perfect" if gone > 0 else "no better than chance"
