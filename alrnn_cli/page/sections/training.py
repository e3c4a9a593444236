"""How it was trained."""

from __future__ import annotations

from ...wording import number, plural
from .. import words
from ..content import Block, Cell, Column, Paragraph, Section, Table
from . import Case

#: History columns with what they mean; others are shown by their name.
_HELP = {
    "step": "gradient steps", "epoch": "passes over the training trials", "loss": "training loss, mean since the row before",
    "penalty": "regularisation", "score": "of the validation trials", "grad_norm": "length of the gradient", "lr": "learning rate",
    "spectral_radius": "largest |λ| of the visited subregions", "bitcodes": "subregions visited", "T": "length of a trial",
    "restart": "how often training had begun anew",
}  # fmt: skip


def section(case: Case) -> Section | None:
    report = case.report
    history = {name: column for name, column in report.history.items() if column}
    pictures = case.draw("loss")
    if not history and not pictures:
        return None
    blocks: list[Block] = []
    told = dict(report.provenance.get("checkpoint") or {})
    taken = history.get("step")
    if taken:
        restarts = int(max((x for x in history.get("restart", ()) if x is not None), default=0))
        anew = f", having begun anew {plural(restarts, 'time')}" if restarts else ""
        best = told.get("best_step")
        kept = (
            f" The state after step {best:,} is kept, the best on the validation trials."
            if isinstance(best, int)
            else ""
        )
        why = f": {told['reason']}" if told.get("reason") else ""
        blocks.append(Paragraph(f"Training took {plural(round(taken[-1]), 'step')}{anew}{why}.{kept}"))
    blocks += pictures
    columns = [Column(name, _HELP.get(name, ""), number=True) for name in history]
    length = max((len(c) for c in history.values()), default=0)
    rows = [tuple(_cell(name, column, i) for name, column in history.items()) for i in range(length)]
    blocks += words.there(words.table("History", columns, rows, folded=True))
    blocks += words.there(_series(case))
    if told.get("metrics"):
        scores = [f"{metric} {number(value)} on the {split} trials" for split, own in sorted(told["metrics"].items())
                  for metric, value in own.items() if "." not in metric and isinstance(value, float)]  # fmt: skip
        blocks.append(Paragraph(f"The checkpoint’s own scores: {', '.join(scores)}."))
    return Section("training", "How it was trained", tuple(blocks))


def _cell(name: str, column: list[float], i: int) -> Cell:
    value = column[i] if i < len(column) else None
    if value is not None and name in ("step", "bitcodes", "T", "restart") and float(value).is_integer():
        return words.count(int(value))
    return words.quantity(value)


def _series(case: Case) -> Table | None:
    """The checkpoints of a run, where several were analysed."""
    metric = words.metric_of(case.report)
    rows = [
        (
            words.count(p.step),
            words.quantity(p.score.get(metric)),
            words.quantity(p.spectral_radius),
            words.count(p.n_visited),
            words.quantity(p.effective_number),
            words.count(
                sum(n for own in p.fixed_points.values() for kind, n in own.items() if kind.startswith("real"))
            ),
            words.count(sum(e.to_step == p.step for e in case.report.bifurcations)),
        )
        for p in case.report.series
    ]
    columns = (
        Column("step", number=True), Column(metric or "score", number=True), Column("max |λ|", number=True),
        Column("subregions visited", number=True), Column("effective number", number=True),
        Column("real fixed points", "over all constant inputs", number=True), Column("bifurcations since the row before", number=True),
    )  # fmt: skip
    return words.table("Checkpoints of this run", columns, rows)
