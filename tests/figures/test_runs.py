"""Figures of many runs: the numbers in them are the statistics of the rows, and what cannot be drawn is refused in one line."""

from __future__ import annotations

import numpy as np
import pytest

from alrnn_cli import figures
from alrnn_cli.errors import InputError, UsageError
from alrnn_cli.sweep import samples, verdict
from alrnn_cli.sweep.record import ProfileRecord, Record
from alrnn_cli.sweep.table import Row

from .builders import addition
from .complete import complete
from .layout import defects
from .test_figures import artists, texts


def row(score, state="finished", way="max", **axes):
    scores = {"acc": score} if state == "finished" else {}
    return Row(f"{axes}", axes, state, "", scores, 1.0, {"acc": way}, {"acc": 0.5})


def grid(P=(0, 1, 5), tau=(0.0, 0.1), seeds=3):
    rows = [
        row(0.5 + 0.08 * (p > 0) * (1 + t) + 0.01 * s, P=p, tau=t, seed=s) for p in P for t in tau for s in range(seeds)
    ]
    return Record("context", tuple(rows))


def test_sweep_shows_means_intervals_and_runs():
    drawn = figures.draw("sweep", [grid()])
    for k, tau in enumerate((0.0, 0.1)):
        (line,) = artists(drawn, f"line-{k}")
        assert line.get_ydata() == pytest.approx([0.51, 0.59 + 0.08 * tau, 0.59 + 0.08 * tau])
        (runs,) = artists(drawn, f"runs-{k}")
        assert len(runs.get_ydata()) == 9
        (bars,) = artists(drawn, f"interval-{k}")
        assert len(bars.get_segments()) == 3
    assert {"tau = 0", "tau = 0.1", "chance"} <= set(texts(drawn))
    assert [r["mean"] for r in drawn.data if r["line"] == "tau = 0"] == pytest.approx([0.51, 0.59, 0.59])
    assert "18 runs against P" in drawn.caption
    assert not defects(drawn)


def test_sweep_options():
    drawn = figures.draw("sweep", [grid()], options={"x": "tau", "where": "P=1,5", "lines": "1"})
    assert "The best 1 of 2 combinations are shown." in drawn.caption
    assert {"0", "0.1"} <= set(texts(drawn))
    for options, message in [
        ({"x": "lr"}, "'lr' does not vary"),
        ({"lines": "0"}, "expected 1 … 7"),
        ({"metric": "mse"}, "no run has it"),
        ({"where": "lr=1"}, "nothing varies that is called 'lr'"),
    ]:
        with pytest.raises(UsageError, match=message):
            figures.draw("sweep", [grid()], options=options)
    with pytest.raises(InputError, match="No run is left"):
        figures.draw("sweep", [grid()], options={"where": "P=77"})


def test_names_have_no_order_and_are_not_joined():
    record = Record("context", tuple(row(0.7, init=init, seed=s) for init in ("paper", "random") for s in range(3)))
    for drawn, style in ((figures.draw("sweep", [record]), "None"), (figures.draw("sweep", [grid()]), "-")):
        (line,) = artists(drawn, "line-0")
        assert line.get_linestyle() == style
        assert not defects(drawn)


def test_sweep_of_failed_single_and_unvaried_runs():
    rows = (
        row(0.9, P=0, seed=0),
        row(float("nan"), P=0, seed=1),
        row(0, "failed", P=1, seed=0),
        row(0, "running", P=2, seed=0),
    )
    drawn = figures.draw("sweep", [Record("t", rows)])
    assert [t.get_text() for t in artists(drawn, "failed")] == ["1×", "1×"]
    assert "2 runs failed or diverged" in drawn.caption and "1 run has not ended" in drawn.caption
    with pytest.raises(InputError, match="Nothing varies"):
        figures.draw("sweep", [Record("t", rows[:2])])
    with pytest.raises(InputError, match="No run has a finite acc"):
        figures.draw("sweep", [Record("t", (rows[1], rows[2]))])


def test_losses_over_decades_are_on_a_logarithmic_axis():
    rows = tuple(row(10.0**-p, way="min", P=p, seed=0) for p in range(4))
    drawn = figures.draw("sweep", [Record("addition", rows)])
    assert drawn.figure.axes[0].get_yscale() == "log" and "Logarithmic axis." in drawn.caption


def test_several_sweeps_are_lines():
    drawn = figures.draw("sweep", [grid(tau=(0.0,)), grid(tau=(0.0,))], labels=["first", "$econd"])
    assert {"first", r"\$econd"} <= set(texts(drawn))
    assert {r["line"] for r in drawn.data} == {"first", "$econd"}


def rows_at(scores, P):
    return [row(s, P=P, seed=i) for i, s in enumerate(scores)]


@pytest.fixture
def profiled():
    by_P = {0: rows_at([0.5, 0.52, 0.48], 0), 2: rows_at([0.98, 0.99, 0.97], 2), 10: rows_at([0.9, 0.8, 0.99], 10)}
    found = verdict.judge(by_P, "acc", "max", 0.5, 10, 0.05)
    sizes = tuple(samples.compare(n, by_P, 2, 10, "acc", "max", 0.5) for n in (100, 1000))
    return ProfileRecord("context", found, sizes)


def test_profile_shows_the_verdict(profiled):
    drawn = figures.draw("profile", [profiled])
    (line,) = artists(drawn, "skill")
    assert line.get_ydata() == pytest.approx([0.0, 0.96, 2 * np.mean([0.4, 0.3, 0.49])])
    (ring,) = artists(drawn, "minimal")
    assert ring.get_xdata() == [1]
    assert "context: 2 ReLUs of 10 are enough" in texts(drawn)
    assert sum(r["share"] for r in drawn.data if "share" in r) == pytest.approx(1.0)
    assert [r["train"] for r in drawn.data if "train" in r] == [100] * 3 + [1000] * 3
    assert not defects(drawn)
    with pytest.raises(InputError, match="got 2"):
        figures.draw("profile", [profiled, profiled])


def test_they_are_not_among_the_figures_of_an_analysis():
    assert {name for name in figures.names() if figures.reads(name) != "report"} == {"sweep", "profile"}
    report = complete(addition())
    assert not {"sweep", "profile"} & {name for name, _ in figures.draw_all([report])}
