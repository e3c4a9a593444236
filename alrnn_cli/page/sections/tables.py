"""All numbers of the record that a reader may want to look up."""

from __future__ import annotations

from ...records import AnalysisReport
from .. import words
from ..content import Cell, Column, Section, Table
from . import Case


def section(case: Case) -> Section | None:
    made = (_regions, _units, _modes, _lines, _points, _cycles, _collisions, _conditions)
    tables = words.there(*(make(case.report) for make in made))
    return Section("tables", "All tables", tables) if tables else None


def _time(timescale: float | None, kind: str | None) -> Cell:
    if timescale is None:
        return Cell("no decay" if kind == "marginal" else "–", float("inf"))
    cell = words.quantity(timescale)
    return Cell(f"{cell.text}, growing", cell.value) if kind == "growing" else cell


def _regions(report: AnalysisReport) -> Table | None:
    phases = [name for name in report.usage if name != "all"]
    rows = []
    for r in report.regions:
        own = r.frequency_after_phase if report.lag else r.frequency_by_phase
        slowest = min(r.modes, key=lambda m: abs(m.modulus - 1), default=None)
        rows.append(
            (
                words.code(r.bitcode),
                words.share(r.frequency),
                *(words.share(own.get(name)) for name in phases),
                words.count(r.count),
                words.count(r.first_visit),
                words.quantity(r.dwell_mean),
                words.count(r.dwell_max),
                words.quantity(r.spectral_radius),
                words.word(r.stability),
                Cell("–") if slowest is None else _time(slowest.timescale, slowest.kind),
            )
        )
    lag = f" +{report.lag}" if report.lag else ""
    later = f", {report.lag} steps later" if lag else ""
    columns = (
        Column("bitcode"), Column("share", f"of all states, then of those of each phase{later}", number=True),
        *(Column(f"{name}{lag}", number=True) for name in phases),
        Column("states", number=True), Column("first visit", "earliest step of any trial", number=True),
        Column("mean stay", "steps in a row", number=True), Column("longest stay", "steps in a row", number=True),
        Column("max |λ|", number=True), Column("stability", "of its linear map"),
        Column("slowest mode", "timescale in steps of the mode with |λ| nearest 1", number=True),
    )  # fmt: skip
    return words.table("Subregions", columns, rows, folded=True)


def _units(report: AnalysisReport) -> Table | None:
    rows = [
        (
            Cell(str(u.unit), float(u.unit), heading=True),
            words.share(u.on),
            words.quantity(u.flips_per_step),
            words.word(u.role),
        )
        for u in report.units
    ]
    columns = (
        Column("nonlinear unit", number=True), Column("on", "share of states above 0", number=True),
        Column("flips per step", number=True), Column("role"),
    )  # fmt: skip
    return words.table("Nonlinear units", columns, rows, folded=True)


def _modes(report: AnalysisReport) -> Table | None:
    rows = [
        (
            words.code(m.bitcode),
            words.eigenvalue(m.eigenvalue),
            words.word(m.role),
            _time(m.timescale, m.kind),
            words.quantity(m.period),
            words.share(m.variance_share),
            words.quantity(m.condition),
            words.word("yes" if m.trusted else "no"),
        )
        for m in report.modes
    ]
    columns = (
        Column("bitcode"), Column("λ", "eigenvalue", number=True), Column("role"), Column("timescale", "steps", number=True),
        Column("period", "steps", number=True),
        Column("variance", "along the mode, as a share of all in its subregion; beyond 100 % where modes overlap", number=True),
        Column("condition", "of the eigenvalue: 1 where its mode is at right angles to all others", number=True),
        Column("trusted", "whether rounding leaves the stability known"),
    )  # fmt: skip
    return words.table("Slow modes", columns, rows, folded=True)


_VERDICTS = {
    "line attractor": "line attractor: values stay where they are", "moving line": "moving line: all values move alike, none is lost",
    "drifts": "drifts: values move, by less than their range", "forgets": "forgets: values are lost",
    "leaves": "leaves: the line is not all inside the subregion", "unused": "unused: the states do not spread along it",
    "unstable": "unstable: another mode grows",
}  # fmt: skip


def _lines(report: AnalysisReport) -> Table | None:
    rows = [
        (
            words.code(x.bitcode),
            words.word("zero input" if x.phase == "zero" else x.phase),
            words.quantity(x.eigenvalue),
            words.quantity(x.horizon),
            words.share(x.relative_displacement),
            words.quantity(x.stretch),
            words.word(_VERDICTS[x.verdict]),
        )
        for x in report.line_attractors
    ]
    columns = (
        Column("bitcode"), Column("constant input"), Column("λ", number=True),
        Column("horizon", "steps that a trial spends under the input", number=True),
        Column("moves by", "at most, over the horizon, as a share of the range of stored values", number=True),
        Column("stretch", "by which distances between values are multiplied", number=True), Column("verdict"),
    )  # fmt: skip
    return words.table("Do storing modes keep their values?", columns, rows, folded=True)


def _points(report: AnalysisReport) -> Table | None:
    rows = []
    for p in report.fixed_points:
        stability = "" if p.stability is None else f"{p.stability} {p.rotation or ''}".strip()
        rows.append(
            (
                words.word("zero input" if p.phase == "zero" else p.phase),
                words.code(p.bitcode),
                words.word(p.kind),
                words.word(stability),
                words.count(p.unstable_directions),
                words.quantity(p.timescale),
                words.quantity(p.margin),
                words.quantity(p.nearest_state),
                words.quantity(p.drift_speed),
                words.word("yes" if p.visited else "no"),
            )
        )
    columns = (
        Column("constant input"), Column("bitcode"), Column("kind"), Column("stability"),
        Column("unstable directions", number=True), Column("timescale", "steps, of the mode with |λ| nearest 1", number=True),
        Column("margin", "distance to the nearest switching plane", number=True),
        Column("nearest state", "distance to the nearest state of the trials", number=True),
        Column("drift", "per step, where there is no fixed point", number=True), Column("visited", "whether states go to its subregion"),
    )  # fmt: skip
    return words.table("Fixed points", columns, rows, folded=True)


def _cycles(report: AnalysisReport) -> Table | None:
    rows = [
        (
            words.word("zero input" if c.phase == "zero" else c.phase),
            words.count(c.period),
            words.word(c.word),
            words.word(c.kind),
            words.word(f"{c.stability} {c.rotation}"),
            words.quantity(c.margin),
            words.word("yes" if c.visited else "no"),
        )
        for c in report.cycles
    ]
    columns = (
        Column("constant input"), Column("period", "steps", number=True), Column("word", "subregions of its points in order"),
        Column("kind"), Column("stability"), Column("margin", "distance to the nearest switching plane", number=True),
        Column("visited", "whether states go to all its subregions"),
    )  # fmt: skip
    return words.table("Cycles", columns, rows, folded=True)


def _collisions(report: AnalysisReport) -> Table | None:
    c = report.continuation
    if c is None:
        return None
    rows = [
        (
            words.quantity(x.at),
            words.count(x.unit),
            words.word(x.kind),
            words.word(" | ".join(x.bitcodes)),
            words.word(" | ".join(s or "–" for s in x.stability)),
        )
        for x in c.collisions
    ]
    columns = (
        Column(c.input, "value of the input", number=True), Column("unit", "that is 0 there", number=True), Column("what happens"),
        Column("subregions", "with the unit off and on"), Column("stability", "in the two"),
    )  # fmt: skip
    return words.table(f"Fixed points at switching planes, along {c.input}", columns, rows, folded=True)


def _conditions(report: AnalysisReport) -> Table | None:
    rows = [
        (
            Cell(name, heading=True),
            words.count(u.n_states),
            words.count(u.n_visited),
            words.quantity(u.effective_number),
            words.quantity(u.entropy),
        )
        for name, u in report.usage_by_condition.items()
    ]
    columns = (
        Column("condition"), Column("states", number=True), Column("subregions visited", number=True),
        Column("effective number", number=True), Column("entropy", "nats", number=True),
    )  # fmt: skip
    return words.table("Subregions by condition", columns, rows, folded=True)
