"""How the model does it: the story first, then each part with its figures."""

from __future__ import annotations

from ...records import AnalysisReport
from ...wording import number, percent, plural, steps
from .. import words
from ..content import Block, Cell, Column, Paragraph, Section, Table
from ..gates import constant
from ..story import story
from . import Case

#: Figures by the part that they belong to; one that is in no list stands under "More figures".
_SUBREGIONS = ("bitcodes", "bitcode-raster", "transitions")
_MODES = ("eigenvalues", "modes")
_POINTS = ("phase", "continuation")
_STATES = ("latents", "lyapunov")
#: Figures that another section shows.
_ELSEWHERE = ("lesions", "loss", "trial")
#: Influences that a table lists.
_MOST_INFLUENCES = 60


def section(case: Case) -> Section | None:
    told = case.terms.listing(story(case.report), numbered=True)
    parts = words.there(_subregions(case), _influences(case), _modes(case), _points(case), _states(case), _rest(case))
    if told is None and not parts:
        return None
    return Section("mechanism", "How it does it", () if told is None else (told,), parts)


def _subregions(case: Case) -> Section | None:
    report = case.report
    blocks: list[Block] = []
    used = report.usage.get("all")
    if report.model["P"] and used is not None and used.n_visited:
        t = report.transitions
        if t is not None and t.n_steps:
            switches = t.n_steps - t.n_stays
            blocks.append(
                Paragraph(
                    f"From one step to the next the state stays in its subregion in {percent(t.n_stays / t.n_steps)} of cases; it "
                    f"changes {plural(switches, 'time')} in {plural(t.n_steps, 'step')}."
                )
            )
    blocks += case.draw(*_SUBREGIONS)
    return Section("subregions", "Which subregions, and when", tuple(blocks)) if blocks else None


def _influences(case: Case) -> Section | None:
    report = case.report
    table = _influence_table(report)
    if table is None:
        return None
    first = report.influences[0]
    text = (
        f"The influence of every input on every output at the last step that counts, from {plural(first.n_trials, 'trial')}: the mean "
        "over the steps of each phase, and how much it varies between them."
    )
    notes = case.terms.notes(text)
    return Section("influence", "What gets through", (Paragraph(text), *notes, table))


def _influence_table(report: AnalysisReport) -> Table | None:
    """Influences by phase, the strongest channels where there are too many."""
    found = [i for i in report.influences if i.phase != "all"] or list(report.influences)
    if not found:
        return None
    inputs, outputs = words.channels(report)
    pairs = [(i, k) for i in range(len(outputs)) for k in range(len(inputs))]
    pairs.sort(key=lambda p: -max(abs(x.mean[p[0]][p[1]]) for x in found))
    pairs = sorted(pairs[: max(1, _MOST_INFLUENCES // len(found))])
    places = words.decimals(max((abs(x.mean[i][k]) for x in found for i, k in pairs), default=0.0), 4)
    rows = []
    for i, k in pairs:
        cells = []
        for x in found:
            text = f"{words.fixed(x.mean[i][k], places)} ± {words.fixed(x.spread[i][k], places)}"
            cells.append(Cell(f"{text} *" if constant(report, k, x) else text, x.mean[i][k]))
        rows.append((Cell(f"{inputs[k]} → {outputs[i]}", f"{i:6d}{k:6d}", heading=True), *cells))
    left = len(inputs) * len(outputs) - len(pairs)
    still = any(cell.text.endswith("*") for row in rows for cell in row)
    return words.table(
        "Influence of inputs on outputs, by phase"
        + (f" (the strongest {len(pairs)} of {left + len(pairs)})" if left else ""),
        (Column("from → to"), *(Column(x.phase if x.phase != "all" else "all steps", number=True) for x in found)),
        rows,
        note="* The input is the same at all these steps, and so adds only a constant." if still else "",
    )


def _modes(case: Case) -> Section | None:
    report = case.report
    visited = [r for r in report.regions if r.visited]
    blocks: list[Block] = []
    if visited and report.modes:
        kinds = {role: sum(m.role == role for m in report.modes) for role in ("storing", "rotating", "alternating")}
        told = [f"{n:,} {role}" for role, n in kinds.items() if n]
        tolerance = report.settings.get("slow_tolerance")
        near = f" (|λ| within {tolerance:g} of 1)" if isinstance(tolerance, float) else ""
        if told:
            blocks.append(Paragraph(f"Slow modes{near} of the most used subregions: {', '.join(told)}."))
    pictures = case.draw(*_MODES)
    blocks += pictures
    if not blocks:
        return None
    notes = case.terms.notes("mode")
    return Section("modes", "What is kept: slow modes", (*notes, *blocks))


def _points(case: Case) -> Section | None:
    report = case.report
    blocks: list[Block] = []
    counts = report.fixed_point_counts
    if counts:
        rows = []
        known = [name for name in report.settings.get("inputs") or counts if name in counts]
        for name, by_kind in ((name, counts[name]) for name in known):
            stable = sum(p.phase == name and p.kind == "real" and p.stability == "stable" for p in report.fixed_points)
            kinds = (
                words.count(by_kind.get(kind)) for kind in ("real", "continuum", "none", "undetermined", "virtual")
            )
            head = Cell("zero input" if name == "zero" else name, name, heading=True)
            rows.append((head, next(kinds), words.count(stable), *kinds))
        columns = (
            Column("constant input"), Column("real", "in the subregion whose map has it", number=True),
            Column("of these stable", number=True), Column("continuum", "a line or plane of them", number=True),
            Column("none", "the state drifts", number=True),
            Column("undetermined", "too close to a switching plane to tell", number=True),
            Column("virtual", "outside the subregion whose map has it", number=True),
        )  # fmt: skip
        blocks += words.there(words.table("Fixed points by constant input and kind", columns, rows))
    reason, cycles = report.complete.get("reason"), report.complete.get("cycles_reason")
    if counts and reason:
        blocks.append(
            Paragraph(f"{'These are all' if report.complete.get('fixed_points') else 'There may be more'}: {reason}.")
        )
    if report.cycles:
        blocks.append(Paragraph(f"Cycles found: {len(report.cycles):,} ({cycles})."))
    notes = (
        [] if not blocks else [*case.terms.notes("fixed point"), *case.terms.notes("cycle" if report.cycles else "")]
    )
    blocks = [*notes, *blocks, *case.draw(*_POINTS)]
    return Section("fixed-points", "Where it would settle: fixed points", tuple(blocks)) if blocks else None


def _states(case: Case) -> Section | None:
    report = case.report
    blocks: list[Block] = []
    if report.lyapunov is not None:
        largest = report.lyapunov.exponents[0] if report.lyapunov.exponents else None
        if largest is not None:
            way = "part" if largest > 0 else "come together"
            speed = f": neighbouring states {way} e-fold in {steps(1 / abs(largest))}" if largest else ""
            text = f"The largest Lyapunov exponent is {number(largest)} per step{speed}."
            blocks += [Paragraph(text), *case.terms.notes(text)]
    blocks += case.draw(*_STATES)
    return Section("states", "Where states go", tuple(blocks)) if blocks else None


def _rest(case: Case) -> Section | None:
    pictures = case.draw(*(name for name in case.pictures if name not in _ELSEWHERE))
    return Section("figures", "More figures", pictures) if pictures else None
