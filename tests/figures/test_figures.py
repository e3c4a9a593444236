"""Figures: what is drawn is what the report says, and what cannot be drawn is refused in one line."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alrnn_cli import dynamics, figures
from alrnn_cli.errors import InputError, UsageError
from alrnn_cli.records import AnalysisReport

from . import builders as b
from .complete import complete

NAMES = [
    "bitcode-raster",
    "bitcodes",
    "compare",
    "continuation",
    "eigenvalues",
    "latents",
    "lesions",
    "loss",
    "lyapunov",
    "modes",
    "phase",
    "transitions",
    "trial",
]


@pytest.fixture(scope="module")
def addition() -> AnalysisReport:
    return complete(b.addition(history=b.history(40, restart_at=15)))


def reports(name: str, report: AnalysisReport) -> list[AnalysisReport]:
    """What a figure needs: `compare` two reports, all others one."""
    return [report] * (2 if name == "compare" else 1)


def artists(drawing: figures.Drawing, gid: str) -> list[Any]:
    return [a for a in drawing.figure.findobj() if a.get_gid() == gid]


def texts(drawing: figures.Drawing) -> list[str]:
    drawing.figure.draw_without_rendering()
    return [t.get_text() for t in drawing.figure.findobj(lambda a: hasattr(a, "get_text")) if t.get_text()]


def without(report: AnalysisReport, prefix: str) -> AnalysisReport:
    return dataclasses.replace(report, arrays={k: v for k, v in report.arrays.items() if not k.startswith(prefix)})


def test_names_and_summaries_come_without_matplotlib() -> None:
    code = (
        "import sys, json; from alrnn_cli import figures as f;"
        "print(json.dumps([f.names(), [f.summary(n) for n in f.names()], [len(f.options(n)) for n in f.names()],"
        "[m for m in ('matplotlib', 'torch', 'scipy') if m in sys.modules]]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names, summaries, options, imported = json.loads(done.stdout)
    assert names == sorted([*NAMES, "profile", "sweep"])
    assert all(s.endswith(".") and "\n" not in s for s in summaries)
    assert sum(n == 0 for n in options) == 1  # profile's
    assert imported == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", ["column", "full", "slide"])
def test_every_figure_at_every_width(name: str, width: str, addition: AnalysisReport) -> None:
    drawing = figures.draw(name, reports(name, addition), width=width)
    drawing.figure.draw_without_rendering()
    assert drawing.figure.get_figwidth() == {"column": 3.4, "full": 7.0, "slide": 10.0}[width]
    assert drawing.caption.endswith(".")
    assert drawing.data
    box, (w, h) = drawing.figure.get_tightbbox(), drawing.figure.get_size_inches()
    assert box.x0 >= -0.02
    assert box.y0 >= -0.02
    assert box.x1 <= w + 0.02
    assert box.y1 <= h + 0.02
    assert min(t.get_fontsize() for t in drawing.figure.findobj(lambda a: hasattr(a, "get_fontsize"))) >= 7


@pytest.mark.parametrize(
    ("name", "kinds"), [(n, ("svg", "pdf", "png") if n == "bitcodes" else ("svg",)) for n in NAMES]
)
def test_saving_twice_gives_the_same_bytes(
    name: str, kinds: tuple[str, ...], addition: AnalysisReport, tmp_path: Path
) -> None:
    for kind in kinds:
        for k in range(2):
            figures.save(figures.draw(name, reports(name, addition)), tmp_path / f"{k}.{kind}")
        first, second = ((tmp_path / f"{k}.{kind}").read_bytes() for k in range(2))
        assert first == second
        assert b"<dc:date>" not in first
        assert b"CreationDate" not in first
        assert kind != "png" or first.startswith(b"\x89PNG")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(f"{k}.{e}" for k in range(2) for e in kinds)


def test_refusals(addition: AnalysisReport, tmp_path: Path) -> None:
    drawing = figures.draw("bitcodes", [addition])
    with pytest.raises(UsageError, match="pdf, svg or png"):
        figures.save(drawing, tmp_path / "a.jpg")
    assert not list(tmp_path.iterdir())
    with pytest.raises(UsageError) as unknown:
        figures.draw("bitcode", [addition])
    assert "bitcodes" in unknown.value.hint
    with pytest.raises(UsageError, match="no option 'tpo'"):
        figures.draw("bitcodes", [addition], options={"tpo": "3"})
    with pytest.raises(UsageError, match="whole number of at least 1"):
        figures.draw("bitcodes", [addition], options={"top": "0"})
    with pytest.raises(UsageError, match="expected one of"):
        figures.draw("bitcodes", [addition], options={"log": "maybe"})
    with pytest.raises(UsageError, match="width"):
        figures.draw("bitcodes", [addition], width="poster")
    with pytest.raises(UsageError, match="2 labels for 1"):
        figures.draw("bitcodes", [addition], labels=["a", "b"])
    with pytest.raises(UsageError, match="axes"):
        figures.draw("phase", [addition], options={"axes": "units:0,7"})
    with pytest.raises(UsageError, match="constant input"):
        figures.draw("phase", [addition], options={"phase": "mask onn"})
    with pytest.raises(InputError, match="no training history"):
        figures.draw("loss", [b.addition()])
    with pytest.raises(InputError, match="parameters"):
        figures.draw("phase", [without(addition, "parameters.")])
    for name in ("bitcodes", "continuation", "eigenvalues"):
        with pytest.raises(InputError):
            figures.draw(name, [b.record()])
    with pytest.raises(InputError, match="no report"):
        figures.draw("loss", [])


def test_bitcodes_bars_are_the_reports_frequencies() -> None:
    report = b.many_regions()
    drawing = figures.draw("bitcodes", [report], width="full", options={"top": "10"})
    assert len(drawing.figure.axes) == 3
    used = sorted(report.regions, key=lambda r: (-r.count, r.bitcode))
    for axes, panel in zip(drawing.figure.axes, ("all", "cue", "wait"), strict=True):
        assert len(axes.patches) == 11
        rows = [row for row in drawing.data if row["panel"] == panel]
        assert [row["bitcode"] for row in rows] == [*(r.bitcode for r in used[:10]), None]
        share = [r.frequency if panel == "all" else r.frequency_by_phase[panel] for r in used[:10]]
        assert [row["frequency"] for row in rows[:10]] == share
        np.testing.assert_allclose([p.get_width() for p in axes.patches], [100 * row["frequency"] for row in rows])
        assert sum(row["frequency"] for row in rows) == pytest.approx(1)
    shown = texts(drawing)
    assert "other (290)" in shown
    assert "share of states (%)" in shown
    assert any("300 of $2^{20}$ subregions visited" in t for t in shown)


def test_bitcodes_of_a_linear_model_and_on_a_log_axis() -> None:
    drawing = figures.draw("bitcodes", [b.network(3, 0)])
    assert [len(axes.patches) for axes in drawing.figure.axes] == [1]
    assert "(linear)" in texts(drawing)
    log = figures.draw("bitcodes", [b.many_regions()], options={"log": "yes", "by": "none"})
    assert [axes.get_xscale() for axes in log.figure.axes] == ["log"]


def test_eigenvalues_are_all_there() -> None:
    report = b.many_regions()
    drawing = figures.draw("eigenvalues", [report], options={"top": "5"})
    assert len(drawing.data) == sum(len(r.modes) for r in report.regions)
    first = max(report.regions, key=lambda r: r.count)
    rows = [(row["re"], row["im"]) for row in drawing.data if row["bitcode"] == first.bitcode]
    assert rows == [m.eigenvalue for m in first.modes]
    assert len(drawing.figure.axes) == 2  # the circle and what crowds around +1
    assert len(artists(drawing, "rest")) == 2
    assert len(artists(drawing, "rest")[0].get_offsets()) == 295 * 30
    assert all(len(a.get_offsets()) == 30 for k in range(5) for a in artists(drawing, f"region-{k}"))


def test_eigenvalues_name_the_slow_modes_without_overlap() -> None:
    values = [0.99, 0.5, 0.9 + 0.3j, 0.9 - 0.3j]
    drawing = figures.draw("eigenvalues", [b.record(P=1, M=4, regions=(b.region("1", 1.0, values),))])
    drawing.figure.draw_without_rendering()
    named = artists(drawing, "slow")
    assert sorted(t.get_text() for t in named) == ["1.44 steps", "19 steps,\nperiod 19.5", "99.5 steps"]
    boxes = [t.get_bbox_patch().get_window_extent() for t in named]
    assert not any(p.overlaps(q) for i, p in enumerate(boxes) for q in boxes[:i])
    assert {"Re λ", "Im λ"} <= set(texts(drawing))
    one = b.record(P=1, M=2, regions=(b.region("0", 1.0, [1.0, 30.0]),))
    far = figures.draw("eigenvalues", [one])
    assert [t.get_text() for t in artists(far, "slow")] == ["|λ| = 1"]
    assert "1 eigenvalue with |λ| > 2.5" in far.caption


def test_bitcodes_by_condition_in_the_tasks_order_and_many_as_a_picture() -> None:
    for n in (3, 20):
        names = [f"c{n - k}" for k in range(n)]
        share = {name: (k + 1) / 100 for k, name in enumerate(names)}
        regions = tuple(
            dataclasses.replace(
                b.region(code, f, [0.5]),
                frequency_by_condition={c: x if code == "1" else 1 - x for c, x in share.items()},
            )
            for code, f in (("1", 0.4), ("0", 0.6))
        )
        used = {name: b.usage([0.5, 0.5], 1) for name in sorted(names)}
        report = dataclasses.replace(b.record(regions=regions, conditions=tuple(names)), usage_by_condition=used)
        drawing = figures.draw("bitcodes", [report], width="full")
        assert list(dict.fromkeys(row["panel"] for row in drawing.data)) == ["all", *names]
        assert [row["frequency"] for row in drawing.data if row["bitcode"] == "1"] == [0.4, *share.values()]
        pictures = artists(drawing, "shares")
        assert len(pictures) == (n > 10)
        for picture in pictures:
            np.testing.assert_allclose(picture.get_array()[1], [100 * x for x in share.values()])
        assert set(names) <= set(texts(drawing))
    with pytest.raises(UsageError, match="of no phase"):
        figures.draw("bitcodes", [report], options={"by": "phase"})


def leaders(drawing: figures.Drawing) -> list[Any]:
    """From the left of each name to its point, in pixels."""
    drawing.figure.draw_without_rendering()
    found = []
    for name in artists(drawing, "slow"):
        box = name.get_bbox_patch().get_window_extent()
        found.append(np.array([[box.x0, (box.y0 + box.y1) / 2], name.axes.transData.transform(name.xy)]))
    return found


def cross(p: Any, q: Any) -> bool:
    def side(a: Any, b: Any, c: Any) -> float:
        return float(np.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])))

    return side(*p, q[0]) != side(*p, q[1]) and side(*q, p[0]) != side(*q, p[1])


@pytest.mark.parametrize("width", ["column", "full", "slide"])
def test_lines_from_names_to_eigenvalues_do_not_cross(width: str) -> None:
    for seed in range(8):
        rng = np.random.default_rng(seed)
        values = list(rng.uniform(0.8, 1.02, 3)) + list(rng.uniform(0.6, 1, 3) * np.exp(1j * rng.uniform(0.05, 3, 3)))
        values += [v.conjugate() for v in values[3:]]
        report = b.record(P=1, M=9, regions=(b.region("1", 1.0, values),))
        lines = leaders(figures.draw("eigenvalues", [report], width=width, options={"slow": "6"}))
        assert len(lines) >= 4
        assert not any(cross(p, q) for i, p in enumerate(lines) for q in lines[:i])


def test_eigenvalues_may_have_a_panel_for_each_region() -> None:
    drawing = figures.draw("eigenvalues", [b.many_regions()], options={"split": "yes", "top": "5"})
    assert len(drawing.figure.axes) == 5 and not artists(drawing, "rest")
    drawn = [len(a.get_offsets()) for k in range(5) for a in artists(drawing, f"region-{k}")]
    assert drawn == [30] * 5
    assert "The 5 most used are shown." in drawing.caption


def test_loss_curves_gaps_and_restarts(addition: AnalysisReport) -> None:
    drawing = figures.draw("loss", [addition])
    titles = ["loss", "validation\nmse", "penalty", "gradient\nnorm", "spectral\nradius", "bitcodes\nvisited"]
    assert [axes.get_ylabel() for axes in drawing.figure.axes] == titles
    assert [axes.get_yscale() for axes in drawing.figure.axes] == ["log", "log", "log", "log", "linear", "linear"]
    assert [row["loss"] for row in drawing.data] == addition.history["loss"]
    assert [row["step"] for row in drawing.data] == addition.history["step"]
    assert len(artists(drawing, "restart")) == 6
    assert len(artists(drawing, "loss-0")) == 2  # no line across the restart
    assert "training (steps)" in texts(drawing)
    history = b.history(20, seed=1)
    history["loss"][3], history["score"][4] = None, float("nan")
    del history["grad_norm"], history["step"]
    other = dataclasses.replace(addition, history=history)
    both = figures.draw("loss", [addition, other, b.addition()], labels=["a", "b", "c"])
    assert {"a", "b", "training (steps)"} <= set(texts(both))
    assert both.caption.endswith("No history, not drawn: c.")
    alone = figures.draw("loss", [other])
    assert len(alone.figure.axes) == 5
    assert "training (epochs)" in texts(alone)
    assert alone.data[3]["loss"] is None
    assert alone.data[4]["score"] is None


def test_loss_gives_every_metric_and_every_task_a_panel() -> None:
    history = {"step": [1, 2, 3], "score": [0.2, 0.5, 0.9], "loss": [3.0, 2.0, 1.0], "penalty": [0.0, 0.0, 0.0]}
    report = b.record(history=history, metric="accuracy", chance=0.25, task="context")
    drawing = figures.draw("loss", [report])
    assert [axes.get_ylabel() for axes in drawing.figure.axes] == ["loss", "validation\naccuracy"]
    assert [axes.get_yscale() for axes in drawing.figure.axes] == ["log", "linear"]
    assert len(artists(drawing, "chance")) == 1
    both = figures.draw("loss", [report, b.record(history=history), report], labels=["a", "b", "c"])
    titles = ["loss\n(context)", "loss\n(addition)", "validation\naccuracy", "validation\nmse"]
    assert [axes.get_ylabel() for axes in both.figure.axes] == titles
    runs = [{line.get_gid() for line in axes.get_lines() if line.get_gid() != "chance"} for axes in both.figure.axes]
    assert runs == [{"loss-0", "loss-2"}, {"loss-1"}, {"score-0", "score-2"}, {"score-1"}]
    single = b.record(history={"step": [1], "loss": [0.0], "score": [None]})
    assert len(figures.draw("loss", [single]).figure.axes) == 1


def test_phase_of_the_closed_form_addition_network(addition: AnalysisReport) -> None:
    drawing = figures.draw("phase", [addition], width="full")
    portraits = drawing.figure.axes[:3]
    assert [axes.get_title(loc="left") for axes in portraits] == ["input: zero", "input: mask off", "input: mask on"]
    assert {"$z_{0}$ (state)", "$z_{1}$ (state)", "time (steps)"} <= set(texts(drawing))
    lines = artists(drawing, "continuum")
    assert [tuple(line.get_ydata()) for line in lines] == [
        (-1, -1),
        (-0.5, -0.5),
    ]  # z_1 = value + mask - 1, where below 0
    assert len(artists(drawing, "boundary-1")) == 3
    assert len(artists(drawing, "drift")) == 3
    on = [row for row in drawing.data if row["what"] == "drift" and row["phase"] == "mask on"]
    assert on[0]["dx"] == 0.5
    assert on[0]["dy"] == 0
    shown = [row for row in drawing.data if row["what"] == "trajectory"]
    z = addition.arrays["trajectories.z"]
    assert len(shown) == z.shape[0] * z.shape[1]
    row = shown[45]
    np.testing.assert_allclose([row["x"], row["y"]], z[row["trial"], row["step"] - 1])


def test_phase_flow_is_the_model() -> None:
    report = b.network(6, 3, seed=2)
    drawing = figures.draw("phase", [report], options={"phase": "stimulus", "arrows": "4"})
    params = b.random_parameters(6, 3, 2, 2)
    mean, basis = report.arrays["pca.mean"], report.arrays["pca.components"][:2]
    flow = [row for row in drawing.data if row["what"] == "flow"]
    assert len(flow) == 16
    for row in flow:
        z = mean + np.array([row["x"], row["y"]]) @ basis
        moved = (dynamics.step(params, z, np.array([1.0, 0.0])) - z) @ basis.T
        np.testing.assert_allclose([row["dx"], row["dy"]], moved, atol=1e-12)


@pytest.mark.parametrize("P", [0, 4])
def test_phase_marks_every_real_fixed_point(P: int) -> None:
    report = b.network(4, P, conditions=4)
    drawing = figures.draw("phase", [report], width="full")
    real = [p for p in report.fixed_points if p.kind == "real"]
    virtual = [p for p in report.fixed_points if p.kind == "virtual"]
    kinds = {"stable", "saddle", "unstable", "marginal"}
    marks = sum(len(a.get_offsets()) for kind in kinds for a in artists(drawing, f"fixed-{kind}"))
    assert real
    assert marks == len(real) == sum(row["what"] in kinds for row in drawing.data)
    assert (f"{len(virtual)} virtual" in drawing.caption) == bool(virtual)
    assert {"0°", "90°", "180°", "270°"} <= set(texts(drawing))


def test_phase_fixed_points_by_kind_and_out_of_view() -> None:
    base = b.network(3, 2)
    points = [
        b.fixed_point("zero", (0, 0), "11", kind, z=z, stability=stability)
        for kind, stability, z in (
            ("real", "stable", (0.0, 0.1, 0.1)),
            ("real", "saddle", (0.1, 0.1, 0.0)),
            ("real", "unstable", (0.0, 0.0, 0.1)),
            ("undetermined", "stable", (0.0, 0.0, 0.0)),
            ("real", "stable", (900.0, 0.0, 0.0)),
        )
    ]
    drawing = figures.draw("phase", [dataclasses.replace(base, fixed_points=tuple(points))], options={"phase": "zero"})
    for kind in ("stable", "saddle", "unstable", "undetermined"):
        assert [len(a.get_offsets()) for a in artists(drawing, f"fixed-{kind}")] == [1]
    assert "1 fixed point outside the axes." in drawing.caption
    assert drawing.figure.axes[0].get_xlim()[1] < 100


@pytest.mark.parametrize("P", [0, 1])
def test_phase_of_one_unit_is_a_return_map(P: int) -> None:
    report = b.network(1, P)
    drawing = figures.draw("phase", [report], options={"phase": "zero"})
    assert {"$z_t$ (state)", "$z_{t+1}$ (state)"} <= set(texts(drawing))
    curve = artists(drawing, "map")[0]
    params = b.random_parameters(1, P, 2)
    expected = dynamics.step(params, curve.get_xdata()[:, None], np.zeros(2))[:, 0]
    np.testing.assert_allclose(curve.get_ydata(), expected)
    assert len(artists(drawing, "fixed-stable")[0].get_offsets()) == 1


def test_phase_without_or_with_broken_trajectories() -> None:
    report = b.network(4, 4, conditions=4)
    none = figures.draw("phase", [without(report, "trajectories.")], width="full")
    assert not artists(none, "trajectories")
    assert "no example trajectories" in none.caption
    z = report.arrays["trajectories.z"].copy()
    z[0], z[1, 10:] = np.nan, np.inf
    broken = dataclasses.replace(report, arrays={**report.arrays, "trajectories.z": z})
    drawing = figures.draw("phase", [broken])
    rows = [row for row in drawing.data if row["what"] == "trajectory"]
    assert {row["trial"] for row in rows} == set(range(11))
    assert all(np.isfinite([row["x"], row["y"]]).all() for row in rows)
    empty = b.record(P=2, M=3, arrays={k: v for k, v in b.network(3, 2).arrays.items() if k.startswith("parameters")})
    empty = dataclasses.replace(empty, model={**empty.model, "K": 2})
    assert figures.draw("phase", [empty]).figure.axes[0].get_xlim() == (-1, 1)
