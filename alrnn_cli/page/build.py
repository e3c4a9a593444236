"""From reports to the content of a page."""

from __future__ import annotations

from collections.abc import Sequence

from .. import tasks
from ..records import AnalysisReport
from ..wording import number
from . import words
from .baseline import Baseline
from .content import Article, Block, Cell, Column, Page, Paragraph
from .pictures import comparing, pictures
from .sections import Case, sections
from .story import gist
from .terms import Terms


def page(reports: Sequence[AnalysisReport], files: Sequence[str], baselines: Sequence[Baseline]) -> Page:
    """One article for each report; of several, an index that compares them. files: names of the analysis files."""
    several = len(reports) > 1
    labels = _labels(files)
    articles = tuple(
        _article(report, file, label if several else "", f"m{i}-" if several else "", baselines)
        for i, (report, file, label) in enumerate(zip(reports, files, labels, strict=True), 1)
    )
    if not several:
        return Page(articles[0].title, articles)
    return Page(f"{len(reports)} models compared", articles, _index(reports, labels, articles, baselines))


def _labels(files: Sequence[str]) -> list[str]:
    """What the models are called: their files without the ending, numbered where two are the same."""
    bare = [file.rpartition("/")[2].removesuffix(".analysis.json") for file in files]
    return [name if bare.count(name) == 1 else f"{name} ({i})" for i, name in enumerate(bare, 1)]


def _article(report: AnalysisReport, file: str, label: str, prefix: str, baselines: Sequence[Baseline]) -> Article:
    task = words.task_name(report)
    of_task = [b for b in baselines if b.task == task]
    case = Case(report, file, pictures(report, f"{prefix}figure-"), of_task, Terms(report))
    title = label or (
        f"How a network does {task}" if task else f"What is inside {report.source.get('file', 'a model')}"
    )
    return Article(prefix, title, lead(report), report.warnings, sections(case))


def lead(report: AnalysisReport) -> tuple[str, ...]:
    """What the model is, how well it does, and how in short, in a paragraph each."""
    task = words.task_name(report)
    said = f"{words.model_of(report)}"
    if task in tasks.names():
        said += f", trained on the task {task}: {tasks.get(task).summary}"
    elif task:
        said += f", trained on the task {task}"
    metric = words.metric_of(report)
    if not metric:
        return (f"{said}.",)
    chance = report.chance.get(metric)
    against = "" if chance is None else f"; chance is {number(chance)}"
    short = gist(report)
    return (
        f"{said}. Its {metric.replace('_', ' ')} is {number(report.score[metric])}{against}.",
        *((short,) if short else ()),
    )


def _index(
    reports: Sequence[AnalysisReport], labels: Sequence[str], articles: Sequence[Article], baselines: Sequence[Baseline]
) -> tuple[Block, ...]:
    """The table that compares the models, and the figures that set them beside each other."""
    metrics = list(dict.fromkeys(words.metric_of(r) for r in reports if r.score))
    rows = []
    for report, label, article in zip(reports, labels, articles, strict=True):
        own = words.metric_of(report)
        used = report.usage.get("all")
        slowest = [
            m.timescale
            for r in report.regions
            if r.visited
            for m in r.modes
            if m.kind == "decaying" and m.timescale is not None
        ]
        real = sum(p.kind == "real" for p in report.fixed_points)
        rows.append(
            (
                Cell(label, label, heading=True, anchor=article.anchor + "top"),
                words.word(words.task_name(report)),
                words.count(report.model["M"]),
                words.count(report.model["P"]),
                *(words.quantity(report.score.get(m) if m == own or m in report.score else None) for m in metrics),
                words.quantity(report.chance.get(own)),
                words.count(None if used is None else used.n_visited),
                words.quantity(None if used is None else used.effective_number),
                words.quantity(max(slowest, default=None)),
                words.count(real),
                words.count(len(report.warnings)),
            )
        )
    for b in baselines:
        known = (words.quantity(b.score.get(m)) for m in metrics)
        rows.append((Cell(b.name, b.name, heading=True), words.word(b.task), *(Cell("–", "") for _ in range(2)), *known,
                     *(Cell("–", "") for _ in range(6))))  # fmt: skip
    columns = (
        Column("model"), Column("task"), Column("M", "units", number=True), Column("P", "nonlinear units", number=True),
        *(Column(m, number=True) for m in metrics), Column("chance", "of the model’s first score", number=True),
        Column("subregions visited", number=True),
        Column("effective number", "subregions used equally often that would be as diverse", number=True),
        Column("longest timescale", "steps, of a decaying mode of a visited subregion", number=True),
        Column("real fixed points", "over all constant inputs", number=True), Column("warnings", number=True),
    )  # fmt: skip
    made = words.table("The models beside each other", columns, rows)
    intro = Paragraph(f"{len(reports)} models, each with a part of its own below.")
    return (intro, *words.there(made), *comparing(reports, labels, "index-"))
