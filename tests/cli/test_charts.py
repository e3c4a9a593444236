"""Pictures made of characters, and what `alrnn analyze` shows of them."""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
from rich.console import Console

from alrnn_cli.cli import charts
from alrnn_cli.cli.analyze import show

from ..analysis.systems import ADDITION, addition_trials, make, random_parameters, report, roll
from ..figures.builders import mode


def dots(lines):
    """Every dot of a braille picture as (x, y), from its characters."""
    order = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]  # of bits 0 to 7
    return {
        (2 * i + dx, 4 * j + dy)
        for j, line in enumerate(lines)
        for i, c in enumerate(line)
        for k, (dx, dy) in enumerate(order)
        if c != " " and (ord(c) - 0x2800) >> k & 1
    }


def test_braille_has_every_dot_at_its_place():
    rng = np.random.default_rng(0)
    placed = {(int(x), int(y)) for x, y in zip(rng.integers(0, 20, 60), rng.integers(0, 16, 60), strict=True)}
    canvas = charts.Canvas(10, 4, unicode=True)
    for x, y in placed:
        canvas.dot(x + 0.4, y + 0.4)
    canvas.dot(-0.1, 0), canvas.dot(20, 0), canvas.dot(0, 16)  # outside
    lines = canvas.lines()
    assert dots(lines) == placed and {len(line) for line in lines} == {10} and len(lines) == 4


def test_a_line_has_no_hole_and_ascii_says_where_in_its_cell():
    canvas = charts.Canvas(8, 4, unicode=True)
    canvas.line(0, 15, 15, 0)
    assert dots(canvas.lines()) == {(i, 15 - i) for i in range(16)}
    plain = charts.Canvas(3, 1, unicode=False)
    plain.dot(0, 0), plain.dot(2, 3), plain.dot(4, 1), plain.dot(5, 2)
    assert plain.lines() == ["'.:"]


@pytest.mark.parametrize(("share", "expected"), [
    (0, "    "), (1, "████"), (0.5, "██  "), (17 / 32, "██▏ "), (1e-9, "▏   "), (23 / 32, "██▉ "), (31.6 / 32, "████"),
])  # fmt: skip
def test_bars_count_eighths(share, expected):
    assert charts.bar(share, 4, unicode=True) == expected
    assert len(charts.bar(share, 4, unicode=False)) == 4 and charts.bar(share, 4, unicode=False).isascii()


def test_bars_fit_their_width_and_stand_in_line():
    lines = [t.plain for t in charts.bars([("01", 0.75), ("9 more", 0.2496), ("1", 0.0004)], 40, unicode=True)]
    assert [len(line) for line in lines] == [40, 40, 40]
    assert [re.sub(r"[▏▎▍▌▋▊▉█]+", "|", line).split() for line in lines] == [
        ["01", "|", "75.0", "%"], ["9", "more", "|", "25.0", "%"], ["1", "|", "<0.1", "%"]
    ]  # fmt: skip
    eighths = [sum("▏▎▍▌▋▊▉█".find(c) + 1 for c in line) for line in lines]
    assert eighths[0] == 8 * (40 - 6 - 6 - 3) and eighths[1] == round(eighths[0] * 0.2496 / 0.75) and eighths[2] == 1


def test_a_spectrum_has_the_circle_its_eigenvalues_and_letters_for_the_slow_ones():
    values = [0.99, 0.5, 0.9j, -0.9j, -1.0]
    drawn = charts.spectrum([mode(complex(v)) for v in values], unicode=True)
    rows = [t.plain for t in drawn.picture]
    assert len(rows) == 11 and {len(row) for row in rows} == {23}
    middle = len(rows) // 2
    assert rows[middle].rstrip()[-1] == "b" and rows[middle].lstrip()[0] == "a"  # |λ| = 1 before 0.99
    assert rows[middle][11] == "+" and rows[middle].count("•") == 1
    assert [i for i, row in enumerate(rows) if "c" in row] == [1, 9] and rows[1].index("c") == rows[9].index("c") == 11
    assert [t.plain for t in drawn.legend] == ["a  |λ| = 1, period 2", "b  99.5 steps", "c  9.491 steps, period 4"]
    x, y = np.array(sorted(dots([re.sub("[^\u2800-\u28ff]", " ", row) for row in rows]))).T
    radius = np.hypot(x + 0.5 - 23, y + 0.5 - 22)
    assert np.ptp(radius) < 2 and abs(radius.mean() - 20) < 1  # a circle of |λ| = 1 where the view reaches to 1.1


def test_a_spectrum_says_what_it_leaves_out_and_counts_what_a_letter_hides():
    drawn = charts.spectrum([mode(complex(v)) for v in (0.99, 0.985, 0.98, 30.0)], unicode=False)
    assert [t.plain for t in drawn.legend] == ["a  99.5 steps (+ 2)", "1 beyond |λ| = 1.6 not drawn"]
    assert all(t.plain.isascii() for t in drawn.picture)
    assert not charts.spectrum([mode(0.1)], unicode=True).legend


def shown(found, capsys, monkeypatch, columns, **options):
    monkeypatch.setenv("COLUMNS", str(columns))
    show(found, **options)
    return capsys.readouterr().out


TASK = {"input_names": ["value", "mask"], "output_names": ["answer"]}


def test_analyze_shows_shares_as_bars_or_as_a_column(capsys, monkeypatch):
    found = report(ADDITION, addition_trials(n=50), task=TASK)
    text = shown(found, capsys, monkeypatch, 80)
    assert "λ in subregion 0 " in text and "λ in subregion 1" not in text
    for region in found.regions:
        assert re.search(rf" {region.bitcode}  [█▏▎▍▌▋▊▉]+ +{100 * region.frequency:.1f} %\n", text)
    header = next(line for line in text.splitlines() if line.startswith("bitcode"))
    assert " all " not in header
    assert "λ in subregion 1" in shown(found, capsys, monkeypatch, 120)
    quiet = shown(found, capsys, monkeypatch, 80, charts=False)
    assert "█" not in quiet and "λ in" not in quiet
    assert " all " in next(line for line in quiet.splitlines() if line.startswith("bitcode"))


def test_one_map_has_a_spectrum_and_no_bars(capsys, monkeypatch):
    text = shown(report(make(0, [[0.9, 0], [0, 0.5]])), capsys, monkeypatch, 80)
    assert "λ in the linear map" in text and "█" not in text and "Share of states" not in text
    assert "a  9.491 steps" in text


@pytest.mark.parametrize("columns", [50, 80, 120])
def test_many_subregions_with_long_bitcodes_fit_the_screen(capsys, monkeypatch, columns):
    params = random_parameters(24, 20, 2, seed=0, scale=1.5)
    rng = np.random.default_rng(0)
    found = report(params, roll(params, rng.normal(size=(40, 20, 2))), limits={"max_period": 1, "budget": 1})
    text = shown(found, capsys, monkeypatch, columns)
    chart = text.split("λ in subregion #1")[1].split("Subregions visited")[0]
    assert ("λ in subregion #2" in chart) == (columns == 120)
    assert max(map(len, chart.splitlines())) <= columns
    assert "Share of states, by rank" in chart
    assert re.findall(r"#(\d+) +[█▏▎▍▌▋▊▉]", chart) == [str(i) for i in range(1, 13)]
    others = found.usage["all"].n_visited - 12
    share = 1 - sum(r.frequency for r in [r for r in found.regions if r.visited][:12])
    assert re.search(rf"{others:,} more +[█▏▎▍▌▋▊▉]+ +{100 * share:.1f} %", chart)


def test_analyze_on_an_ascii_terminal(capsys):
    found = report(ADDITION, addition_trials(n=20), task=TASK)
    code = (
        "import pickle, sys; from alrnn_cli.cli.encoding import be_lenient; from alrnn_cli.cli.analyze import show;"
        "be_lenient(as_json=False); show(pickle.load(sys.stdin.buffer))"
    )
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "COLUMNS": "80"}
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(found), capture_output=True, env=env)
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode("ascii")
    assert "* Of 2^1 = 2 linear subregions" in text and "l in subregion 0" in text
    assert re.search(r"0  #{10,} +\d+\.\d %", text)


def test_json_in_ascii_is_the_same_json(alrnn):
    plain = alrnn("tasks", "--json", env={"PYTHONIOENCODING": "ascii"}, fresh=True)
    assert plain.returncode == 0, plain.stderr
    assert plain.stdout.isascii() and json.loads(plain.stdout) == json.loads(alrnn("tasks", "--json").stdout)


def test_encodings_are_told_apart(tmp_path):
    for encoding, expected in (("utf-8", True), ("latin-1", False), ("utf-16", True)):
        with open(tmp_path / "x", "w", encoding=encoding) as file:
            assert charts.has_unicode(Console(file=file)) is expected
