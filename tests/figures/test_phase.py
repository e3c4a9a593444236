"""Phase portraits: axes are what they say, nullclines are where nothing moves, steps have the colour of their input's panel."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from alrnn_cli import dynamics, figures
from alrnn_cli.errors import InputError, UsageError
from alrnn_cli.figures import _space
from alrnn_cli.records import AnalysisReport, Cycle

from . import builders as b
from .layout import artists, defects, words


def draw(report: AnalysisReport, width: str = "column", **options: str) -> figures.Drawing:
    return figures.draw("phase", [report], width=width, options=options)


def positions(drawing: figures.Drawing, shape: tuple[int, int]) -> np.ndarray:
    """Drawn states, (n, T, d)."""
    rows = [row for row in drawing.data if row["what"] == "trajectory"]
    names = [name for name in "xyz" if name in rows[0]]
    x = np.full((*shape, len(names)), np.nan)
    for row in rows:
        x[row["trial"], row["step"] - 1] = [row[name] for name in names]
    return x


@pytest.fixture(scope="module")
def network() -> AnalysisReport:
    return b.network(6, 3, conditions=4, n=8, T=40)


def test_slow_modes_are_coordinates_that_their_eigenvalues_move() -> None:
    """Without input and h the coordinate of a real mode is multiplied by λ at each step, that of a pair by λ in the complex plane."""
    rng = np.random.default_rng(0)
    pair = np.array([[0.9, 0.2], [-0.2, 0.9]])
    V = rng.normal(size=(4, 4))
    W = V @ np.block([[np.diag([0.99, 0.3]), np.zeros((2, 2))], [np.zeros((2, 2)), pair]]) @ np.linalg.inv(V)
    params = b.parameters(0, W)
    z = b.roll(params, np.zeros((3, 20, 1)), rng.normal(size=(3, 4)))
    report = b.record(
        P=0, M=4, regions=(b.region("", 1.0, np.linalg.eigvals(W)),), arrays=b.arrays(params, np.zeros((3, 20, 1)), z)
    )
    report.arrays["pca.mean"] = np.zeros(4)
    drawing = draw(report, axes="slow", view="3d")
    x = positions(drawing, (3, 20))
    np.testing.assert_allclose(x[:, 1:, 0], 0.99 * x[:, :-1, 0], atol=1e-5)
    turned = x[..., 1] + 1j * x[..., 2]
    ratio = turned[:, 1:] / turned[:, :-1]
    np.testing.assert_allclose(np.abs(ratio), abs(0.9 + 0.2j), atol=1e-4)
    np.testing.assert_allclose(np.abs(np.angle(ratio)), np.angle(0.9 + 0.2j), atol=1e-4)
    assert {"mode λ = 0.99", "Re of pair |λ| = 0.922", "Im of pair |λ| = 0.922"} <= {
        t.get_text() for t in words(drawing)
    }
    assert "left eigenvectors" in drawing.caption


def test_the_subregion_of_slow_modes_can_be_chosen(network: AnalysisReport) -> None:
    params = b.random_parameters(6, 3)
    for code in ("000", "111"):
        found = {t.get_text() for t in words(draw(network, axes=f"slow:{code}"))}
        values = np.linalg.eigvals(dynamics.jacobian(params, dynamics.parse_code(code)))
        nearest = values[np.argmin(np.abs(np.log(np.abs(values))))]
        assert any(f"{abs(nearest):.4g}" in t for t in found)


@pytest.mark.parametrize("axes", ["slow", "readout", "pc:2,3", "units:0,4"])
def test_the_flow_is_the_map_whatever_the_axes(network: AnalysisReport, axes: str) -> None:
    """Each arrow: lift, step, project; lifting again and projecting gives the point itself."""
    from alrnn_cli.figures._axes import plane_of

    plane, params = plane_of(network, axes), b.random_parameters(6, 3)
    np.testing.assert_allclose(plane.basis @ plane.up.T, np.eye(2), atol=1e-10)
    flow = [row for row in draw(network, axes=axes, phase="stimulus", arrows="5").data if row["what"] == "flow"]
    assert len(flow) == 25
    for row in flow:
        z = plane.lift(np.array([row["x"], row["y"]]))
        np.testing.assert_allclose(plane.project(z), [row["x"], row["y"]], atol=1e-9)
        moved = plane.project(dynamics.step(params, z, np.array([1.0, 0.0]))) - plane.project(z)
        np.testing.assert_allclose([row["dx"], row["dy"]], moved, atol=1e-9)


def test_readout_axes_are_the_outputs(network: AnalysisReport) -> None:
    x = positions(draw(network, axes="readout"), (8, 40))
    np.testing.assert_allclose(x[..., 0], network.arrays["trajectories.outputs"][..., 0], atol=1e-5)
    two = dataclasses.replace(network, model={**network.model, "N": 2}, arrays=dict(network.arrays))
    two.arrays["parameters.D"], two.arrays["parameters.b"] = (
        np.array([[1.0, 2, 0, 0, 0, 1], [0, 0, 1, 1, 0, 0]]),
        np.array([3.0, -1]),
    )
    x = positions(draw(two, axes="readout:1,0"), (8, 40))
    z = network.arrays["trajectories.z"].astype(float)
    np.testing.assert_allclose(x, (z @ two.arrays["parameters.D"].T + [3, -1])[..., ::-1], atol=1e-5)
    two.arrays["parameters.D"] = np.ones((2, 6))
    with pytest.raises(InputError, match="parallel"):
        draw(two, axes="readout:0,1")
    phi = dataclasses.replace(network, model={**network.model, "readout": "phi"})
    with pytest.raises(UsageError, match="read Φ"):
        draw(phi, axes="readout")


@pytest.mark.parametrize(("options", "said"), [
    ({"axes": "slow:01"}, "no bitcode of 3 bits"), ({"axes": "pc:1"}, "expected one of"), ({"axes": "pc:0,1"}, "expected one of"),
    ({"axes": "units:0,1", "view": "3d"}, "units:i,j,k"), ({"axes": "readout:0,1"}, "expected one of"), ({"axes": "pca"}, "expected one of"),
    ({"view": "4d"}, "expected one of 2d, 3d"), ({"nullclines": "maybe"}, "auto, yes, no"), ({"axes": "units:1,1"}, "expected one of"),
])  # fmt: skip
def test_bad_options_are_refused_in_one_line(network: AnalysisReport, options: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said) as refusal:
        draw(network, **options)
    assert "\n" not in refusal.value.message and refusal.value.hint


def test_modes_that_are_parallel_are_no_coordinates() -> None:
    params = b.parameters(0, [[0.9, 1], [0, 0.9]])
    s = np.zeros((2, 9, 1))
    report = b.record(
        P=0, M=2, regions=(b.region("", 1.0, [0.9, 0.9]),), arrays=b.arrays(params, s, b.roll(params, s, np.eye(2)))
    )
    with pytest.raises(InputError, match="too nearly parallel"):
        draw(report, axes="slow")


@pytest.mark.parametrize("seed", range(4))
def test_on_a_nullcline_its_coordinate_does_not_move(seed: int) -> None:
    report = b.network(2, 2, seed=seed)
    params, drawing = b.random_parameters(2, 2, 2, seed), draw(report, phase="stimulus")
    for k in range(2):
        rows = [row for row in drawing.data if row["what"] == f"nullcline {'xy'[k]}"]
        assert len(rows) == 2 * len(artists(drawing, f"nullcline-{k}")) > 0
        for start, end in zip(rows[::2], rows[1::2], strict=True):
            for part in np.linspace(0.01, 0.99, 9):
                z = np.array([start["x"] + part * (end["x"] - start["x"]), start["y"] + part * (end["y"] - start["y"])])
                assert abs((dynamics.step(params, z, np.array([1.0, 0.0])) - z)[k]) < 1e-9
    # Together they are all there is: on a grid the displacement changes its sign only across one of them.
    x0, x1 = drawing.figure.axes[0].get_xlim()
    y0, y1 = drawing.figure.axes[0].get_ylim()
    for y in np.linspace(y0, y1, 40)[1:-1]:
        z = np.stack([np.linspace(x0, x1, 4001), np.full(4001, y)], -1)
        sign = np.sign((dynamics.step(params, z, np.array([1.0, 0.0])) - z)[:, 0])
        crossings = z[1:][sign[1:] != sign[:-1], 0]
        lines = [line.get_xydata() for line in artists(drawing, "nullcline-0")]
        there = [p[0] + (y - p[1]) * (q[0] - p[0]) / (q[1] - p[1]) for p, q in lines if (p[1] - y) * (q[1] - y) < 0]
        there = [x for x in there if x0 < x < x1]
        assert len(crossings) == len(there)
        np.testing.assert_allclose(sorted(there), crossings, atol=2 * (x1 - x0) / 4000)


def test_nullclines_come_by_themselves_only_where_the_plane_is_the_state(network: AnalysisReport) -> None:
    assert not artists(draw(network), "nullcline-0") and artists(draw(network, nullclines="yes"), "nullcline-0")
    flat = b.network(2, 2)
    assert artists(draw(flat), "nullcline-0") and not artists(draw(flat, nullclines="no"), "nullcline-0")


def with_cycles(report: AnalysisReport, *found: tuple[str, str, Any]) -> AnalysisReport:
    cycles = tuple(
        Cycle(
            "delay",
            (0.0, 0.0),
            len(points),
            kind,
            "1" * len(points),
            points,
            0.1,
            0.0,
            0.0,
            stability,
            "node",
            0,
            (),
            True,
        )
        for kind, stability, points in found
    )
    return dataclasses.replace(report, cycles=cycles)


def test_cycles_are_closed_and_told_by_what_they_are() -> None:
    triangle = ((0.0, 0.1), (0.2, 0.0), (0.1, 0.3))
    far = ((900.0, 0.0), (901.0, 0.0))
    report = with_cycles(b.network(2, 1), ("real", "stable", triangle), ("real", "saddle", triangle), ("real", "stable", far),
                         ("continuum", "marginal", triangle))  # fmt: skip
    drawing = draw(report, phase="delay")
    curves = artists(drawing, "cycle")
    assert [len(c.get_xdata()) for c in curves] == [4, 4, 4]
    np.testing.assert_allclose(curves[0].get_xydata(), [*triangle, triangle[0]])
    assert [c.get_markerfacecolor() for c in curves][:2] == ["black", "white"]
    shown = {t.get_text() for t in words(drawing)}
    assert {"stable cycle", "unstable cycle", "cycle, one of a family"} <= shown
    rows = [row for row in drawing.data if "cycle" in row["what"]]
    assert [(row["what"], row["step"]) for row in rows][:4] == [
        ("stable cycle", 1),
        ("stable cycle", 2),
        ("stable cycle", 3),
        ("saddle cycle", 1),
    ]
    assert "1 cycle outside the axes." in drawing.caption
    assert not artists(draw(report, phase="stimulus"), "cycle")
    one = with_cycles(b.network(1, 1), ("real", "stable", ((0.1,), (0.4,))))
    (returned,) = artists(draw(one, phase="delay"), "cycle")
    np.testing.assert_allclose(returned.get_xydata(), [[0.1, 0.4], [0.4, 0.1], [0.1, 0.4]])


def test_steps_have_colour_in_the_panel_of_the_input_that_made_them(network: AnalysisReport) -> None:
    """Of 8 trials 40 steps long the first 13 inputs are of the phase "stimulus"; the first position has no step that leads to it."""
    counts = {"stimulus": (8 * 12, 8 * 27), "delay": (8 * 27, 8 * 12), "zero": (0, 8 * 39)}
    for phase, (own, others) in counts.items():
        drawing = draw(network, phase=phase)
        (coloured,), (traces,) = artists(drawing, "trajectories"), artists(drawing, "other steps")
        assert (len(coloured.get_segments()), len(traces.get_segments())) == (own, others)
        (ends,) = artists(drawing, "ends")
        assert len(ends.get_offsets()) == (8 if phase == "delay" else 0)
    without = {k: v for k, v in network.arrays.items() if k != "trajectories.phases"}
    free = draw(dataclasses.replace(network, arrays=without), phase="zero")
    assert len(artists(free, "trajectories")[0].get_segments()) == 8 * 39
    assert "light trace" not in free.caption and "light trace" in drawing.caption


def test_panels_are_of_the_inputs_with_most_steps(network: AnalysisReport) -> None:
    names = tuple(f"phase {i}" for i in range(6))
    arrays = dict(network.arrays)
    arrays["trajectories.phases"] = np.tile(np.repeat(np.arange(6), [1, 13, 1, 20, 1, 4]), (8, 1)).astype(np.int8)
    arrays["phase_inputs"] = np.zeros((7, 2))
    report = dataclasses.replace(
        network, arrays=arrays, settings={**network.settings, "inputs": ["zero", *names]}, task={**(network.task or {}), "phase_names": list(names)}
    )  # fmt: skip
    assert list(dict.fromkeys(row["phase"] for row in draw(report, arrows="2").data if row["what"] == "flow")) == [
        "phase 1", "phase 3", "phase 5"
    ]  # fmt: skip
    assert "Of 7 constant inputs the 3 with most steps" in draw(report).caption
    assert "that with most steps" in draw(report, view="3d").caption


@pytest.mark.parametrize("P", [0, 2, 5])
def test_three_axes(P: int) -> None:
    report = b.network(6, P, conditions=4)
    drawing = draw(report, view="3d", phase="delay")
    rows = [row for row in drawing.data if row["what"] == "trajectory"]
    assert all(np.isfinite(row["z"]) for row in rows) and len(drawing.figure.axes) == 1
    real = [p for p in report.fixed_points if p.kind == "real" and p.phase == "delay"]
    assert len([row for row in drawing.data if row["what"] in ("stable", "saddle", "unstable")]) == len(real) > 0
    planes = [a for a in drawing.figure.findobj() if str(a.get_gid()).startswith("boundary")]
    assert (len(planes) <= P and len(planes) > 0) if P == 2 else P or not planes
    assert ("switching planes not drawn" in drawing.caption) == (P == 5)
    with pytest.raises(UsageError, match="no three axes"):
        draw(b.network(2, 1), view="3d")


def test_a_plane_cuts_a_polygon_from_a_box() -> None:
    box = (0.0, 2.0, 0.0, 1.0, -1.0, 1.0)
    flat = _space._cut(np.array([0.0, 0, 1]), 0.0, box)
    assert {tuple(x) for x in flat.tolist()} == {(0, 0, 0), (2, 0, 0), (2, 1, 0), (0, 1, 0)}
    normal = np.array([1.0, 2, 1])
    six = _space._cut(normal, -2.0, box)
    assert len(six) >= 4
    np.testing.assert_allclose(six @ normal - 2, 0, atol=1e-12)
    around = np.cross(np.roll(six, -1, 0) - six, np.roll(six, -2, 0) - np.roll(six, -1, 0)) @ normal
    assert (around > 0).all() or (around < 0).all()  # convex, in order
    assert len(_space._cut(normal, -90.0, box)) == 0


@pytest.mark.parametrize("width", ["column", "full", "slide"])
@pytest.mark.parametrize("options", [{"axes": "slow"}, {"axes": "readout", "nullclines": "yes"}, {}], ids=str)
def test_portraits_have_no_defects(network: AnalysisReport, width: str, options: dict[str, str]) -> None:
    assert defects(draw(network, width, **options)) == []


@pytest.mark.parametrize("axes", ["slow", "readout", "pc"])
def test_boundaries_are_where_a_unit_is_zero(network: AnalysisReport, axes: str) -> None:
    from alrnn_cli.figures._axes import plane_of

    plane, drawing = plane_of(network, axes), draw(network, axes=axes, phase="delay")
    lines = [(unit, line) for unit in (3, 4, 5) for line in artists(drawing, f"boundary-{unit}")]
    assert lines
    for unit, line in lines:
        np.testing.assert_allclose(plane.lift(line.get_xydata())[:, unit], 0, atol=1e-9)
