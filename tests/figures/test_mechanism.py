"""Figures of the mechanism: any report is drawn without a defect or refused in one line, and what is drawn is what it says."""

from __future__ import annotations

import dataclasses
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import rgb_to_hsv, to_rgb

from alrnn_cli import dynamics, figures
from alrnn_cli.errors import InputError, UsageError
from alrnn_cli.figures import style
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
REFUSED: dict[str, set[str]] = {
    "continuation": {"one region", "nothing", "300 regions"},
    "latents": {"one region", "300 regions", "no trajectories", "nothing"},
    "lesions": set(),
    "lyapunov": set(),
    "bitcode-raster": {"P = 0", "M = 1, P = 0", "one region", "300 regions", "no trajectories", "nothing"},
    "modes": {"nothing"},
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


NEED_TRIALS = {"bitcode-raster", "continuation", "latents"}


def shown(drawing: figures.Drawing) -> list[str]:
    return [t.get_text() for t in words(drawing)]


def refused(name: str, report: AnalysisReport, said: str, hint: str = "", **options: str) -> None:
    with pytest.raises((InputError, UsageError), match=said) as refusal:
        figures.draw(name, [report], options=options)
    assert hint in refusal.value.hint


@pytest.mark.parametrize("name", ["bitcode-raster", "continuation", "lesions", "modes", "transitions"])
def test_a_model_without_subregions_is_refused(name: str, made: dict[str, AnalysisReport]) -> None:
    report = made["P = M"]
    smooth = dataclasses.replace(report, model={**report.model, "name": "gru", "piecewise_linear": False})
    refused(name, smooth, r"random-6-6.safetensors \(gru\) has none", "alrnn plot loss")


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


@pytest.mark.parametrize("top", ["1", "2", "4", "7"])
def test_colours_of_a_raster_differ_in_grey(top: str) -> None:
    drawing = figures.draw("bitcode-raster", [b.network(12, 6, conditions=12, n=24)], options={"top": top})
    (image,) = artists(drawing, "bitcodes")
    shades = []
    for rgba in image.get_cmap().colors:
        light = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgba[:3]]
        shades.append(116 * np.cbrt(np.dot([0.2126, 0.7152, 0.0722], light)) - 16)  # CIE L*
    assert len(shades) == int(top) + 1
    assert np.diff(sorted(shades)).min() > 11.9
    assert max(shades) < 96  # not white, which is beyond a trial's end
    hue = [rgb_to_hsv(rgba[:3])[0] for rgba in image.get_cmap().colors[: min(int(top), 6)]]
    assert np.allclose(hue, [rgb_to_hsv(to_rgb(c))[0] for c in style.CATEGORIES[: len(hue)]], atol=0.05)


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
    named = dataclasses.replace(report, lesions=(lost,), task={**task, "metric": "symbol_accuracy"})
    assert "symbol accuracy (more is better)" in shown(figures.draw("lesions", [named]))  # newer files name it
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


# continuation


@pytest.mark.parametrize("axis", ["unit:3", "pc:2", "output:0"])
def test_continuation_is_the_branches_on_the_axis_asked_for(axis: str, made: dict[str, AnalysisReport]) -> None:
    report = made["P = M"]
    mean, components = report.arrays["pca.mean"], report.arrays["pca.components"]

    def on(z: tuple[float, ...]) -> float:
        return {"unit:3": z[3], "pc:2": float((np.array(z) - mean) @ components[1]), "output:0": z[0]}[axis]

    drawing = figures.draw("continuation", [report], options={"axis": axis})
    branches = report.continuation.branches
    rows = [row for row in drawing.data if row["what"] == "branch"]
    assert [(row["input"], row["to"], row["bitcode"]) for row in rows] == [
        (x.start, x.end, x.bitcode) for x in branches
    ]
    np.testing.assert_allclose(
        [(r["position"], r["to_position"]) for r in rows], [(on(x.z_start), on(x.z_end)) for x in branches]
    )
    lines = {kind: artists(drawing, f"branch-{kind}") for kind in ("stable", "saddle")}
    assert [len(own) for own in lines.values()] == [4, 2]
    assert {line.get_linestyle() for line in lines["stable"]} == {"-"}
    assert {line.get_linestyle() for line in lines["saddle"]} == {"--"}
    for kind, at, z in (("death", 0.25, -2.0), ("passes", 0.4, 1.0), ("birth", 0.5, -1.0)):
        (mark,) = artists(drawing, kind)
        assert (mark.get_xdata()[0], mark.get_ydata()[0]) == pytest.approx((at, on((z,) * 6)))
    assert sorted(t.get_text() for t in artists(drawing, "event name")) == ["unit 5"] * 3
    (band,) = artists(drawing, "states")
    states = report.arrays["trajectories.z"].reshape(-1, 6).astype(float)
    low, high = np.percentile([on(tuple(z)) for z in states], [1, 99])
    assert (band.get_y(), band.get_y() + band.get_height()) == pytest.approx((low, high))
    (count,), (line,) = artists(drawing, "real"), artists(drawing, "between")
    assert tuple(count.get_xdata()) == report.continuation.values
    assert tuple(count.get_ydata()) == report.continuation.real
    corners = [(0, 3), (0.25, 3), (0.25, 1), (0.4, 1), (0.4, 1), (0.5, 1), (0.5, 3), (1, 3)]
    np.testing.assert_allclose(line.get_xydata(), corners)


def test_rounding_where_branches_meet_counts_nothing_twice(made: dict[str, AnalysisReport]) -> None:
    report = made["P = M"]
    found = report.continuation
    first, second = found.branches[:2]
    meeting = (dataclasses.replace(first, end=0.4 + 1e-13), dataclasses.replace(second, start=0.4 - 1e-13))
    report = dataclasses.replace(report, continuation=dataclasses.replace(found, branches=meeting, real=(1,) * 11))
    (line,) = artists(figures.draw("continuation", [report]), "between")
    assert set(line.get_ydata()) == {1}


def test_a_passage_stands_on_its_own_branch(made: dict[str, AnalysisReport]) -> None:
    report = made["P = M"]
    found = report.continuation
    elsewhere = dataclasses.replace(
        found.branches[0], bitcode="111111", z_start=(-9.0,) * 6, z_end=(-9.0,) * 6
    )  # also ends at 0.4
    report = dataclasses.replace(report, continuation=dataclasses.replace(found, branches=(elsewhere, *found.branches)))
    drawing = figures.draw("continuation", [report], options={"axis": "unit:0"})
    (mark,) = artists(drawing, "passes")
    assert mark.get_ydata()[0] == 1.0


def test_continuation_refusals(made: dict[str, AnalysisReport]) -> None:
    report = made["P = M"]
    for axis in ("unit:6", "unit", "pc:0", "pc:1.5", "output:1", "x:1"):
        refused("continuation", report, "option 'axis'", "axis=pc:1", axis=axis)
    refused("continuation", made["300 regions"], "no principal component 1", "axis=unit:0")
    assert defects(figures.draw("continuation", [made["300 regions"]], options={"axis": "unit:0"})) == []
    refused("continuation", b.addition(), "follows no fixed points", "--input-sweep")
    nothing = dataclasses.replace(report.continuation, branches=(), collisions=())
    refused(
        "continuation", dataclasses.replace(report, continuation=nothing), "no real fixed point anywhere along mask"
    )


# lyapunov


def test_lyapunov_exponents_with_errors_and_what_is_lost() -> None:
    found = dataclasses.replace(
        c.lyapunov(4),
        exponents=(0.5, 0.0, -1.5, None),
        standard_errors=(0.1, None, 0.2, None),
        kaplan_yorke=2 + 1 / 3,
        dt=5.0,
        dt_unit="ms",
    )
    report = dataclasses.replace(b.record(P=2, M=4), lyapunov=found)
    drawing = figures.draw("lyapunov", [report])
    assert defects(drawing) == []
    (dots,) = artists(drawing, "exponents-0")
    np.testing.assert_array_equal(dots.get_xydata(), [[1, 0.5], [2, 0], [3, -1.5]])
    (lost,) = artists(drawing, "lost-0")
    assert lost.get_xdata() == [4]
    (bars,) = artists(drawing, "error-0")
    np.testing.assert_allclose([p.vertices[:, 1] for p in bars.get_paths()], [[0.4, 0.6], [-1.7, -1.3]])
    assert [line.get_xdata()[0] for line in artists(drawing, "dimension")] == [2 + 1 / 3]
    assert [(row["exponent"], row["standard_error"]) for row in drawing.data] == [
        (0.5, 0.1),
        (0.0, None),
        (-1.5, 0.2),
        (None, None),
    ]
    assert "largest exponent 0.5 ± 0.1; dimension 2.33" in shown(drawing)
    timed = figures.draw("lyapunov", [report], options={"per": "time"})
    assert timed.data[0]["exponent"] == 0.1
    assert "Lyapunov exponent (per ms)" in shown(timed)


def test_lyapunov_of_several_reports_in_one_picture(made: dict[str, AnalysisReport]) -> None:
    reports = [made["12 conditions"], b.record(), made["M = 1"]]
    drawing = figures.draw("lyapunov", reports, labels=["large", "none", "small"])
    assert len(drawing.figure.axes) == 2  # all, and the leading ones
    assert [len(a.get_xdata()) for k in (0, 1) for a in artists(drawing, f"exponents-{k}")] == [12, 8, 1, 1]
    assert drawing.caption.endswith("No exponents, not drawn: none.")
    refused("lyapunov", b.record(), "no Lyapunov exponents", "alrnn analyze CHECKPOINT --lyapunov")
    refused("lyapunov", made["M = 1"], "whole number", leading="-1")


# modes


def test_modes_stand_at_their_timescale_and_share_with_their_gains() -> None:
    regions = tuple(b.region(code, share, [0.99, 0.5]) for code, share in (("0", 0.3), ("1", 0.7)))
    base = b.record(P=1, M=2, K=2, regions=regions)
    modes = (
        c.slow_mode("0", 0.98 + 0j, 0.25, [[0.5, -0.001]]),
        c.slow_mode("0", 1.0 + 0j, 0.5, [[0.0, 2.0]]),
        c.slow_mode("1", 1.02 + 0j, 40.0, [[3.0, -4.0]]),
        c.slow_mode("1", -0.99 + 0j, None, None),
    )
    report = dataclasses.replace(base, modes=modes, task={**(base.task or {}), "input_names": ["value", "mask"]})
    drawing = figures.draw("modes", [report])
    assert defects(drawing) == []
    rows = {(row["bitcode"], row["re"]): row for row in drawing.data if row["input"] == "mask"}
    assert [row["name"] for row in rows.values()] == ["a", "b", "c", "d"]
    assert list(rows) == [
        ("1", -0.99),
        ("1", 1.02),
        ("0", 1.0),
        ("0", 0.98),
    ]  # the most used subregion first
    marks = artists(drawing, "mode")
    assert sorted(float(m.get_ydata()[0]) for m in marks) == [25, 50, 4000]
    where = {float(m.get_ydata()[0]): float(m.get_xdata()[0]) for m in marks}
    assert where[25] == pytest.approx(-1 / np.log(0.98))
    assert where[4000] == pytest.approx(1 / np.log(1.02))
    assert where[50] == marks[0].axes.get_xlim()[1]  # |λ| = 1 has no finite one
    assert [m.get_markerfacecolor() for m in marks if m.get_ydata()[0] == 4000] == ["white"]
    (table,) = artists(drawing, "gains")
    np.testing.assert_allclose(table.get_array().filled(-1), [[-1, -1], [3, 4], [4e-4, 2], [0.5, 1e-3]])
    assert [t.get_text() for t in artists(drawing, "gain")] == ["3", "−4", "0", "2", "0.5", "−0.001"]
    assert "1 defective mode without a share not drawn." in drawing.caption
    assert {"value", "mask", "|λ| = 1", "growing"} <= set(shown(drawing))


def test_modes_of_many_outputs_have_the_largest_gain() -> None:
    base = b.record(P=1, M=2, K=1, regions=(b.region("1", 1.0, [0.99, 0.5]),))
    base = dataclasses.replace(base, model={**base.model, "N": 3})
    report = dataclasses.replace(base, modes=(c.slow_mode("1", 0.99 + 0j, 0.5, [[0.1], [-0.7], [0.2]]),))
    drawing = figures.draw("modes", [report])
    assert drawing.data[0]["gain"] == 0.7
    assert "of several outputs the largest in size" in drawing.caption


def test_modes_without_inputs_or_without_modes(made: dict[str, AnalysisReport]) -> None:
    free = dataclasses.replace(b.record(P=1, M=2, K=0), modes=(c.slow_mode("1", 0.99 + 0j, 0.5, None),))
    drawing = figures.draw("modes", [free])
    assert defects(drawing) == []
    assert len(drawing.figure.axes) == 1
    assert [(row["input"], row["gain"]) for row in drawing.data] == [(None, None)]
    refused("modes", b.addition(), "no slow mode", "alrnn plot eigenvalues")
    few = figures.draw("modes", [made["P = M"]], options={"top": "2"})
    assert "Lettered: 2 of 6" in few.caption


# latents


def test_latents_are_the_last_states_by_condition() -> None:
    report = b.network(6, 3, conditions=4, n=24)
    lengths = np.arange(24) + 30
    report = dataclasses.replace(report, arrays={**report.arrays, "trajectories.lengths": lengths})
    drawing = figures.draw("latents", [report])
    assert defects(drawing) == []
    z = report.arrays["trajectories.z"][np.arange(24), lengths - 1]
    expected = (z - report.arrays["pca.mean"]) @ report.arrays["pca.components"][:2].T
    np.testing.assert_allclose([(row["x"], row["y"]) for row in drawing.data], expected)
    assert [row["step"] for row in drawing.data] == lengths.tolist()
    conditions = report.arrays["trajectories.conditions"]
    for k in range(4):
        (dots,) = artists(drawing, f"group-{k}")
        np.testing.assert_allclose(dots.get_offsets(), expected[conditions == k])
    assert {"24 final states by condition", "0°", "270°"} <= set(shown(drawing))
    early = figures.draw("latents", [report], options={"step": "40", "x": "unit:2", "y": "output:0"})
    assert [row["trial"] for row in early.data] == list(range(10, 24))
    np.testing.assert_allclose([row["x"] for row in early.data], report.arrays["trajectories.z"][10:, 39, 2])
    np.testing.assert_allclose([row["y"] for row in early.data], report.arrays["trajectories.z"][10:, 39, 0])
    assert "14 of 24 example trials" in early.caption


def test_latents_by_target_and_by_subregion(addition: AnalysisReport) -> None:
    drawing = figures.draw("latents", [addition])
    (dots,) = artists(drawing, "quantity")
    np.testing.assert_allclose(dots.get_array(), addition.arrays["trajectories.targets"][:, 0], rtol=1e-6)
    assert "12 final states by target" in shown(drawing)
    report = b.network(6, 3, conditions=4, n=24)
    regions = figures.draw("latents", [report], options={"colour": "bitcode"})
    z = report.arrays["trajectories.z"][:, -1]
    assert [row["group"] for row in regions.data] == [dynamics.code(bit) for bit in dynamics.bits(z, 3)]
    labels = np.tile(np.arange(60) % 3, (24, 1))
    mask = np.tile(np.arange(60) == 40, (24, 1))
    more = {"trajectories.targets": labels, "trajectories.mask": mask}
    classes = dataclasses.replace(report, arrays={**report.arrays, **more})
    drawing = figures.draw("latents", [classes], options={"colour": "target"})
    assert {row["group"] for row in drawing.data} == {"class 1"}  # that of step 41, the last that counts
    none = {k: v for k, v in report.arrays.items() if k != "trajectories.targets"}
    refused("latents", dataclasses.replace(report, arrays=none), "no target", "colour=condition", colour="target")
    refused("latents", report, "finite state at step 61", "alrnn analyze", step="61")
    refused("latents", report, "expected one of auto, condition", colour="size")
    refused("latents", report, "option 'y'", "y=pc:1", y="pc:7")


# compare


def test_compare_has_the_numbers_of_each_report(made: dict[str, AnalysisReport], addition: AnalysisReport) -> None:
    other = dataclasses.replace(
        b.record(P=1, M=2, metric="accuracy", chance=0.25), score={"accuracy": 0.75}, lesions=()
    )
    large = made["300 regions"]
    grown = dataclasses.replace(
        large.regions[0], modes=(b.mode(1 + 1e-9), *large.regions[0].modes)
    )  # slow, but does not decay
    large = dataclasses.replace(large, regions=(grown, *large.regions[1:]))
    reports, names = [addition, large, other], ["add", "large", "other"]
    drawing = figures.draw("compare", reports, labels=names)
    assert defects(drawing) == []
    rows = {(row["title"], row["report"]): row for row in drawing.data}
    assert [rows["mse", n]["value"] for n in names] == [0.01, 0.01, None]
    assert [rows["accuracy", n]["value"] for n in names] == [None, None, 0.75]
    assert rows["accuracy", "other"]["chance"] == 0.25
    assert [rows["subregions visited", n]["value"] for n in names] == [2, 300, None]
    assert [rows["effective number", n]["value"] for n in names] == [r.usage["all"].effective_number for r in reports]
    assert [rows["units that switch", n]["value"] for n in names] == [1, 20, None]
    radius = max(r.spectral_radius for r in made["300 regions"].regions)
    assert [rows["largest |λ|", n]["value"] for n in names] == [1, radius, None]
    slowest = max(m.timescale for r in made["300 regions"].regions for m in r.modes if m.kind == "decaying")
    assert [rows["slowest mode (steps)", n]["value"] for n in names] == [None, slowest, None]
    assert [rows["slowest mode (steps)", n]["infinite"] for n in names] == [
        True,
        False,
        False,
    ]  # addition's line attractor
    assert [rows["Lyapunov exponent", n]["value"] for n in names] == [0.02, 0.02, None]
    (dots,) = artists(drawing, "dots-regions")
    np.testing.assert_array_equal(dots.get_xydata(), [[2, 0], [300, 1]])
    assert dots.axes.get_xscale() == "log"
    assert {"∞", "–", "add", "large", "other", "chance", "3 models compared"} <= set(shown(drawing))


@pytest.mark.parametrize("width", ["column", "full", "slide"])
def test_compare_any_number_of_reports(width: str, made: dict[str, AnalysisReport]) -> None:
    all_of_them = [made[edge] for edge in EDGES]
    names = [f"folder/a run with a long name {i}" for i in range(len(all_of_them))]
    drawing = figures.draw("compare", all_of_them, labels=names, width=width, options={"top": "9"})
    assert defects(drawing) == []
    assert "The first 9 of 11 reports." in drawing.caption
    few = figures.draw("compare", all_of_them[:2], width=width, options={"show": "regions+score"})
    assert [axes.get_title(loc="left") for axes in few.figure.axes] == ["mse", "subregions visited"]
    assert defects(few) == []


def test_compare_refusals(addition: AnalysisReport) -> None:
    refused("compare", addition, "needs two or more reports, got 1", "alrnn plot compare")
    with pytest.raises(UsageError, match="there is no 'scores'") as unknown:
        figures.draw("compare", [addition, addition], options={"show": "scores"})
    assert "score" in unknown.value.hint
    nothing = dataclasses.replace(b.record(), score={})
    with pytest.raises(InputError, match="none of these numbers"):
        figures.draw("compare", [nothing, nothing], options={"show": "score+lyapunov"})


@pytest.mark.parametrize(
    ("wanted", "placed"),
    [
        ([], []),
        ([5.0], [5.0]),
        ([1.0, 5.0, 9.0], [1.0, 5.0, 9.0]),
        ([5.0, 5.0], [5.0, 6.0]),
        ([9.5, 10.0, 10.0], [8.0, 9.0, 10.0]),
        ([-3.0, 0.0, 0.5], [0.0, 1.0, 2.0]),
        ([5.0] * 21, [0.5 * i for i in range(21)]),
    ],
)
def test_labels_are_kept_apart_and_inside(wanted: list[float], placed: list[float]) -> None:
    from alrnn_cli.figures._words import apart

    assert apart(wanted, 1.0, 0.0, 10.0) == placed


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.0, "0"), (1.0, "1"), (-0.0123456, "−0.0123"), (1.5e-7, "1.5e−7"), (123.456, "123"), (40617.0, "40,600"), (2e6, "2e6"),
     (float("inf"), "∞"), (float("-inf"), "−∞"), (float("nan"), "–")],
)  # fmt: skip
def test_numbers_in_words(value: float, said: str) -> None:
    from alrnn_cli.figures._words import number

    assert number(value) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.0, "0 %"),
        (1e-5, "<0.1 %"),
        (0.0123, "1.2 %"),
        (0.5, "50 %"),
        (0.997, "99.7 %"),
        (0.9999, ">99.9 %"),
        (1.0, "100 %"),
    ],
)
def test_shares_in_words(share: float, said: str) -> None:
    from alrnn_cli.figures._words import percent

    assert percent(share) == said
