"""A dollar sign in a name is a dollar sign."""

import dataclasses

import pytest

from alrnn_cli import figures
from alrnn_cli.records import AnalysisReport

from . import builders as b

NAMES = ["$5 to $10", "$\\frac{$", "none"]


def priced() -> AnalysisReport:
    report = b.network(4, 2, conditions=3)
    return dataclasses.replace(
        report, task={**report.task, "condition_names": NAMES, "output_names": ["$a$"], "name": "$\\bad{$"}
    )


@pytest.mark.parametrize("name", [n for n in figures.names() if n not in ("compare", "sweep", "profile")])
def test_every_figure_takes_names_with_dollars(name: str) -> None:
    try:
        drawing = figures.draw(name, [priced()])
    except figures.InputError:
        return  # what the report lacks, it lacks with other names too
    drawing.figure.draw_without_rendering()
    told = drawing.caption + str(drawing.data)
    assert "\\$" not in told


def test_it_is_shown_and_handed_out_as_it_is() -> None:
    drawing = figures.draw("phase", [priced()], labels=["$x$"])
    drawing.figure.draw_without_rendering()
    shown = [t.get_text() for t in drawing.figure.findobj(lambda a: hasattr(a, "get_text"))]
    assert "\\$5 to \\$10" in shown  # set as $5 to $10
    assert {row["report"] for row in drawing.data} == {"$x$"}
