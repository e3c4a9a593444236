"""The figure of one trial: what is plotted is what the report holds, for every kind of target and number of channels."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import alrnn_cli as alrnn
from alrnn_cli import figures
from alrnn_cli.errors import InputError, UsageError
from alrnn_cli.records import AnalysisReport

from . import builders as b


def artists(drawing: figures.Drawing, gid: str) -> list[Any]:
    return [a for a in drawing.figure.findobj() if a.get_gid() == gid]


def values(drawing: figures.Drawing, what: str, channel: str) -> list[float]:
    return [row["value"] for row in drawing.data if row["what"] == what and row["channel"] == channel]


def made(M: int, P: int, K: int, targets: Any = None, mask: Any = None, lengths: Any = None, N: int = 1,
         conditions: Sequence[int] = (0, 0, 0)) -> AnalysisReport:  # fmt: skip
    """Three trials of 12 steps of a random network, with targets of any kind."""
    params = dataclasses.replace(b.random_parameters(M, P, K), D=np.eye(N, M), b=np.zeros(N))
    s = np.random.default_rng(1).normal(size=(3, 12, K))
    arrays = b.arrays(params, s, b.roll(params, s), lengths=lengths, conditions=np.array(conditions))
    if targets is not None:
        arrays |= {"trajectories.targets": targets, "trajectories.mask": mask}
    report = b.record(M=M, P=P, K=K, arrays=arrays, conditions=("left", "right"))
    return dataclasses.replace(report, task={**(report.task or {}), "dt": 5.0, "dt_unit": "ms"})


@pytest.mark.parametrize(("M", "P", "K"), [(1, 0, 0), (1, 1, 1), (2, 1, 2), (4, 4, 4), (9, 3, 5), (300, 40, 100)])
def test_all_sizes_show_all_there_is(M: int, P: int, K: int) -> None:
    report = made(M, P, K)
    drawing = figures.draw("trial", [report])
    drawing.figure.draw_without_rendering()
    there = {gid: bool(artists(drawing, gid)) for gid in ("inputs", "units", "outputs", "targets", "bits")}
    assert there == {"inputs": K > 0, "units": True, "outputs": True, "targets": True, "bits": P > 0}
    assert bool(artists(drawing, "first PWL unit")) == (M > 3 and 0 < P < M)
    z = report.arrays["trajectories.z"][0]
    np.testing.assert_array_equal(values(drawing, "state", str(M - 1)), z[:, M - 1])
    if P:
        np.testing.assert_array_equal(values(drawing, "bit", str(M - P)), z[:, M - P] > 0)
    assert values(drawing, "target", "output 0") == [report.arrays["trajectories.targets"][0, 0]]
    assert [row["step"] for row in drawing.data if row["what"] == "target"] == [12]


def test_classes_are_shown_as_probabilities_with_their_targets() -> None:
    labels, mask = np.tile(np.arange(12) % 3, (3, 1)), np.tile(np.arange(12) >= 9, (3, 1))
    report = made(6, 2, 5, labels, mask, N=3)
    drawing = figures.draw("trial", [report])
    x = report.arrays["trajectories.outputs"][0].astype(float)
    p = np.exp(x) / np.exp(x).sum(-1, keepdims=True)
    for k in range(3):
        np.testing.assert_allclose(values(drawing, "probability", f"output {k}"), p[:, k], rtol=1e-12)
    assert values(drawing, "target", "class") == [0, 1, 2]
    (dots,) = artists(drawing, "targets")
    np.testing.assert_array_equal(dots.get_offsets(), [[50, 0], [55, 1], [60, 2]])  # 5 ms a step


def test_what_is_beyond_the_trial_is_not_shown() -> None:
    report = made(3, 1, 2, lengths=np.array([7, 12, 12]))
    drawing = figures.draw("trial", [report])
    assert len(values(drawing, "state", "0")) == 7
    assert [row["step"] for row in drawing.data if row["what"] == "target"] == [7]


def test_targets_of_one_class_a_trial_stand_at_its_end() -> None:
    drawing = figures.draw("trial", [made(3, 1, 2, np.array([2, 0, 1]), np.zeros((3, 12), bool), N=3)])
    assert values(drawing, "target", "class") == [2]


def test_a_trial_is_chosen_by_number_or_condition() -> None:
    report = made(3, 1, 2, conditions=(0, 0, 1))
    second = figures.draw("trial", [report], options={"trial": "1"})
    np.testing.assert_array_equal(values(second, "state", "0"), report.arrays["trajectories.z"][1, :, 0])
    right = figures.draw("trial", [report], options={"condition": "right"})
    assert {row["trial"] for row in right.data} == {2}
    for options, said in [({"trial": "3"}, "has 3 example trials"), ({"condition": "up"}, "no condition 'up'")]:
        with pytest.raises(UsageError, match=said):
            figures.draw("trial", [report], options=options)
    with pytest.raises(InputError, match="No example trial"):
        figures.draw("trial", [made(3, 1, 2)], options={"condition": "right"})


def test_states_may_be_scaled_unit_by_unit() -> None:
    report = made(9, 3, 2)
    drawing = figures.draw("trial", [report], options={"scale": "each"})
    (picture,) = artists(drawing, "units")
    assert picture.get_array().shape == (9, 12)
    np.testing.assert_allclose(np.abs(picture.get_array()).max(1), 1, rtol=1e-6)
    assert "divided by its largest size" in drawing.caption


def test_states_that_are_not_finite_leave_holes() -> None:
    report = made(9, 3, 2)
    report.arrays["trajectories.z"][0, 5:] = np.nan
    drawing = figures.draw("trial", [report])
    drawing.figure.draw_without_rendering()
    (picture,) = artists(drawing, "units")
    assert picture.get_array().mask[:, 5:].all() and not picture.get_array().mask[:, :5].any()


def test_a_report_without_trials_is_refused() -> None:
    report = dataclasses.replace(made(3, 1, 2), arrays={})
    with pytest.raises(InputError, match="no example trials"):
        figures.draw("trial", [report])


def test_a_task_needs_no_model() -> None:
    report = alrnn.example("addition", {"T": 20})
    drawing = figures.draw("trial", [report], options={"trial": "3"})
    assert not artists(drawing, "units") and not artists(drawing, "bits")
    marked = np.array(values(drawing, "input", "mask")) == 1
    assert marked.sum() == 2
    np.testing.assert_allclose(
        values(drawing, "target", "answer"), [np.array(values(drawing, "input", "value"))[marked].sum()], rtol=1e-6
    )
    with pytest.raises(InputError, match="no visited subregion"):
        alrnn.plot("bitcodes", report)
