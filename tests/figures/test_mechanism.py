"""Figures of the mechanism: any report is drawn without a defect or refused in one line, and what is drawn is what it says."""

from __future__ import annotations

import dataclasses
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from alrnn_cli import dynamics, figures
from alrnn_cli.errors import InputError, UsageError
from alrnn_cli.records import AnalysisReport

from . import builders as b
from . import complete as c
from .layout import artists, defects, words


def broken() -> AnalysisReport:
    """Trials that diverge, one of them from the first step on."""
    report = b.network(4, 4, conditions=4)
    z = report.arrays["trajectories.z"].copy()
    z[0], z[1, 10:], z[2, 20:] = np.nan, np.inf, -np.inf
    return dataclasses.replace(report, arrays={**report.arrays, "trajectories.z": z})


def no_trajectories() -> AnalysisReport:
    report = b.network(4, 2)
    return dataclasses.replace(report, arrays={k: v for k, v in report.arrays.items() if "trajectories" not in k})


EDGES = {
    "P = 0": lambda: b.network(3, 0),
    "P = M": lambda: b.network(6, 6, conditions=4),
    "M = 1": lambda: b.network(1, 1),
    "M = 1, P = 0": lambda: b.network(1, 0),
    "one region": lambda: b.record(P=2, M=3, regions=(b.region("01", 1.0, [0.9, 0.5, 0.1]),)),
    "300 regions": b.many_regions,
    "12 conditions": lambda: b.network(12, 6, conditions=12, n=24),
    "40 conditions": lambda: b.network(8, 3, conditions=40, n=64),
    "NaN": broken,
    "no trajectories": no_trajectories,
    "nothing": b.record,
}


@pytest.fixture(scope="module")
def made() -> dict[str, AnalysisReport]:
    return {name: c.complete(make()) for name, make in EDGES.items()}


@pytest.fixture(scope="module")
def addition() -> AnalysisReport:
    return c.complete(b.addition())


#: What is refused, for there is nothing to see; all else is drawn.
REFUSED = {
    "lesions": set(),
    "bitcode-raster": {"P = 0", "M = 1, P = 0", "one region", "300 regions", "no trajectories", "nothing"},
    "transitions": {"P = 0", "M = 1, P = 0", "one region", "nothing"},
}


@pytest.mark.parametrize(("name", "edge"), [(n, e) for n in REFUSED for e in EDGES if e not in REFUSED[n]])
def test_any_report_is_drawn_without_a_defect(name: str, edge: str, made: dict[str, AnalysisReport]) -> None:
    drawing = figures.draw(name, [made[edge]])
    assert defects(drawing) == []
    assert drawing.data
    assert len({tuple(row) for row in drawing.data}) == 1  # one table
    assert drawing.caption.endswith(".")


@pytest.mark.parametrize(("name", "edge"), [(n, e) for n in REFUSED for e in EDGES if e in REFUSED[n]])
def test_what_has_nothing_to_see_is_refused_in_one_line(name: str, edge: str, made: dict[str, AnalysisReport]) -> None:
    with pytest.raises(InputError) as refusal:
        figures.draw(name, [made[edge]])
    assert "\n" not in refusal.value.message
    assert "alrnn" in refusal.value.hint


@pytest.mark.parametrize("width", ["full", "slide"])
@pytest.mark.parametrize("name", REFUSED)
def test_wider_pages_and_several_reports_have_no_defects(
    name: str, width: str, made: dict[str, AnalysisReport]
) -> None:
    pair = [made["300 regions" if name not in NEED_TRIALS else "40 conditions"], made["P = M"]]
    drawing = figures.draw(name, pair, width=width, labels=["one model", "the other"])
    assert defects(drawing) == []
    assert {row["report"] for row in drawing.data} == {"one model", "the other"}


NEED_TRIALS = {"bitcode-raster"}


def shown(drawing: figures.Drawing) -> list[str]:
    return [t.get_text() for t in words(drawing)]


def refused(name: str, report: AnalysisReport, said: str, hint: str = "", **options: str) -> None:
    with pytest.raises((InputError, UsageError), match=said) as refusal:
        figures.draw(name, [report], options=options)
    assert hint in refusal.value.hint


# transitions


def test_transitions_are_those_of_the_trials(made: dict[str, AnalysisReport]) -> None:
    report = made["P = M"]
    counted: Counter[tuple[str, str]] = Counter()
    for trial in report.arrays["trajectories.z"]:
        codes = [dynamics.code(row) for row in dynamics.bits(trial, 6)]
        counted.update(pairwise(codes))
    drawing = figures.draw("transitions", [report], options={"top": "16", "least": "0"})
    rows = {(row["from"], row["to"]): row for row in drawing.data if row["what"] == "transition"}
    assert {pair: row["count"] for pair, row in rows.items()} == counted
    for (start, end), row in rows.items():
        out = sum(n for (first, _), n in counted.items() if first == start)
        assert row["probability"] == counted[start, end] / out
        if start != end:
            assert row["when_leaving"] == pytest.approx(counted[start, end] / (out - counted[start, start]))
    arrows = [a for a in drawing.figure.findobj() if str(a.get_gid()).startswith("edge-")]
    assert len(arrows) == sum(start != end for start, end in rows)
    likely = figures.draw("transitions", [report], options={"top": "16", "least": "30"})
    drawn = [a for a in likely.figure.findobj() if str(a.get_gid()).startswith("edge-")]
    assert len(drawn) == sum((row["when_leaving"] or 0) >= 0.3 for row in rows.values()) < len(arrows)
    assert f"{len(arrows) - len(drawn)} pairs of less than 30 % not drawn." in likely.caption


def test_rare_subregions_become_one_node(made: dict[str, AnalysisReport]) -> None:
    report = made["300 regions"]
    drawing = figures.draw("transitions", [report], options={"top": "4"})
    nodes = [row for row in drawing.data if row["what"] == "node"]
    used = sorted(report.regions, key=lambda r: -r.count)[:4]
    assert [row["from"] for row in nodes] == [*(r.bitcode for r in used), "other"]
    assert sum(row["frequency"] for row in nodes) == pytest.approx(1)
    assert sum(row["count"] for row in nodes) == report.arrays["transitions.edges"][:, 2].sum()
    assert "other (296)" in shown(drawing)
    matrix = figures.draw("transitions", [report], options={"form": "matrix", "top": "4", "log": "yes"})
    (image,) = artists(matrix, "matrix")
    probability = {(row["from"], row["to"]): row["probability"] for row in drawing.data if row["what"] == "transition"}
    codes = [row["from"] for row in nodes]
    expected = [[probability.get((i, j), 0) for j in codes] for i in codes]
    np.testing.assert_allclose(image.get_array().filled(0), expected)
    assert defects(matrix) == []


def test_nodes_that_follow_each_other_stand_side_by_side() -> None:
    from alrnn_cli.figures.transitions import circle_order

    ring = np.random.default_rng(0).permutation(9)
    weight = np.zeros((9, 9))
    for i, j in zip(ring, np.roll(ring, 1), strict=True):
        weight[i, j] = weight[j, i] = 1
    place = np.argsort(circle_order(weight))
    assert {(abs(place[i] - place[j]) in (1, 8)) for i, j in zip(*np.nonzero(weight), strict=True)} == {True}


def test_transitions_refusals(made: dict[str, AnalysisReport], addition: AnalysisReport) -> None:
    refused("transitions", b.addition(), "no array transitions.edges", "alrnn analyze")
    refused("transitions", made["one region"], "one linear subregion")
    refused("transitions", made["nothing"], "no visited subregion")
    refused("transitions", addition, "expected one of graph, matrix", form="map")
    refused("transitions", addition, "whole number", least="x")


# bitcode-raster


def test_raster_shows_every_state_of_every_trial_by_condition() -> None:
    report = b.network(12, 6, conditions=12, n=24)
    lengths = np.full(24, 60)
    lengths[5] = 33
    report = dataclasses.replace(report, arrays={**report.arrays, "trajectories.lengths": lengths})
    drawing = figures.draw("bitcode-raster", [report], options={"top": "3"})
    z, conditions = report.arrays["trajectories.z"], report.arrays["trajectories.conditions"]
    order = np.argsort(conditions, kind="stable")
    used = [r.bitcode for r in sorted(report.regions, key=lambda r: (-r.count, r.bitcode))]
    (image,) = artists(drawing, "bitcodes")
    picture = image.get_array()
    seen = np.full((24, 60), "", dtype=object)
    for row in drawing.data:
        assert row["trial"] == order[row["row"]]
        assert row["condition"] == conditions[row["trial"]]
        seen[row["row"], row["from_step"] - 1 : row["to_step"]] = row["bitcode"]
        assert row["phase"] == ("delay" if row["from_step"] > 20 else "stimulus")
    for i, trial in enumerate(order):
        codes = [dynamics.code(bit) for bit in dynamics.bits(z[trial], 6)]
        for t, bitcode in enumerate(codes):
            if t >= lengths[trial]:
                assert picture.mask[i, t]
                assert seen[i, t] == ""
            else:
                assert picture[i, t] == min(used.index(bitcode), 3)
                assert seen[i, t] == bitcode
    assert len(artists(drawing, "group")) == 11
    assert {"0°", "330°", "other", "stimulus", "delay"} <= set(shown(drawing))
    (strip,) = artists(drawing, "phases")
    np.testing.assert_array_equal(strip.get_array(), [[0] * 20 + [1] * 40])


def test_raster_has_phases_trial_by_trial_where_they_differ(addition: AnalysisReport) -> None:
    drawing = figures.draw("bitcode-raster", [addition], options={"trials": "5"})
    (picture,) = artists(drawing, "phases")
    np.testing.assert_array_equal(picture.get_array(), addition.arrays["trajectories.phases"][:5])
    assert "5 of the report's 12 example trials." in drawing.caption
    refused("bitcode-raster", addition, "whole number of at least 1", trials="0")
    refused("bitcode-raster", b.many_regions(), "no example trial", "alrnn analyze")


# lesions


def test_lesions_stand_at_their_scores(made: dict[str, AnalysisReport]) -> None:
    report = made["P = M"]
    drawing = figures.draw("lesions", [report])
    (axes,) = drawing.figure.axes
    assert axes.get_xscale() == "log"
    for kind in ("linearise", "silence", "remove mode"):
        expected = sorted(x.score["mse"] for x in report.lesions if x.kind == kind)
        assert sorted(float(a.get_xdata()[0]) for a in artists(drawing, kind)) == expected
        assert sorted(row["score"] for row in drawing.data if row["what"] == kind) == expected
    # the unit whose gentler lesion is the worst leads
    gentler = {u: min(x.score["mse"] for x in report.lesions if x.unit == u) for u in range(6)}
    names = [t.get_text() for t in axes.get_yticklabels()]
    assert names[:6] == [f"unit {u}" for u in sorted(gentler, key=lambda u: -gentler[u])]
    control = [x.score["mse"] for x in report.lesions if x.kind == "random direction"]
    for bar in artists(drawing, "controls"):
        assert (bar.get_x(), bar.get_x() + bar.get_width()) == pytest.approx((min(control), max(control)))
    assert {line.get_xdata()[0] for line in artists(drawing, "median")} == {np.median(control)}
    assert artists(drawing, "before")[0].get_xdata()[0] == report.score["mse"]
    assert artists(drawing, "chance")[0].get_xdata()[0] == report.chance["mse"]


def test_lesions_beyond_the_first_are_one_bar(made: dict[str, AnalysisReport]) -> None:
    report = made["P = M"]
    drawing = figures.draw("lesions", [report], options={"top": "1"})
    assert {"5 more units", "1 more mode"} <= set(shown(drawing))
    units, _ = artists(drawing, "rest")
    hidden = [row["score"] for row in drawing.data if row["unit"] is not None and not row["shown"]]
    assert len(hidden) == 10
    assert (units.get_x(), units.get_x() + units.get_width()) == pytest.approx((min(hidden), max(hidden)))
    assert len(drawing.data) == len(figures.draw("lesions", [report]).data)


def test_lesions_of_an_accuracy_that_is_not_the_first_by_name() -> None:
    """A file has its metrics in alphabetical order; lesions are told in the one that their change is of."""
    base = b.record(P=1, M=2, metric="accuracy", chance=0.5)
    score = {"cross_entropy": 0.2, "symbol_accuracy": 0.9}
    after = {"cross_entropy": 5.0, "symbol_accuracy": 0.4}
    hurt = dataclasses.replace(
        c.lesion("unit 1", "linearise", 0, 0, unit=1, bit=True), score=after, change=0.4 - 0.9, standard_error=0.05
    )
    lost = dataclasses.replace(
        hurt,
        kind="silence",
        bit=False,
        score={"cross_entropy": None, "symbol_accuracy": None},
        change=None,
        diverged=3,
        standard_error=None,
    )
    task = {**(base.task or {}), "metrics": {"cross_entropy": "min", "symbol_accuracy": "max"}}
    report = dataclasses.replace(base, score=score, chance={"symbol_accuracy": 0.25}, task=task, lesions=(hurt, lost))
    drawing = figures.draw("lesions", [report])
    assert defects(drawing) == []
    assert "symbol accuracy (more is better)" in shown(drawing)
    assert [float(a.get_xdata()[0]) for a in artists(drawing, "linearise")] == [0.4]
    (bar,) = artists(drawing, "error")
    np.testing.assert_allclose(bar.get_xdata(), [0.35, 0.45])
    assert len(artists(drawing, "not finite")) == 1
    assert "outputs are not finite in some trial (1 lesion)" in drawing.caption
    entropy = figures.draw("lesions", [report], options={"metric": "cross_entropy"})
    assert [float(a.get_xdata()[0]) for a in artists(entropy, "linearise")] == [5.0]
    assert not artists(entropy, "error")  # the standard error is of the first metric
    refused("lesions", report, "no metric 'accuracy'", "symbol_accuracy", metric="accuracy")
    refused("lesions", b.addition(), "no lesions", "alrnn analyze CHECKPOINT --lesions")
