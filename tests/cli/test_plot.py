"""`alrnn plot`: all figures of a report into a folder, the plotted numbers, options listed, a window asked for."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

import alrnn_cli as api
from alrnn_cli import figures, store
from alrnn_cli.cli import plot, window
from alrnn_cli.errors import ExitCode

from ..figures import builders as b


@pytest.fixture
def report(tmp_path):
    """A report without a training history."""
    store.save_analysis(tmp_path / "x.analysis.json", b.network(3, 2))
    return "x.analysis.json"


def test_all_makes_what_the_report_supports_and_says_what_not_and_why(alrnn, tmp_path, report):
    done = alrnn("plot", "all", "--data", "numbers", "--caption")
    assert done.returncode == 0, done.stderr
    made = {p.stem for p in (tmp_path / "figures").glob("*.pdf")}
    assert {"bitcodes", "eigenvalues", "phase", "trial"} <= made and "loss" not in made
    assert [line.split(".")[0] for line in done.stderr.splitlines() if line.startswith("loss")] == ["loss: not drawn"]
    assert {n for n in figures.names() if figures.reads(n) == "report"} == made | {
        line.split(":")[0] for line in done.stderr.splitlines()
    }
    for kind, folder in (("txt", "figures"), ("csv", "numbers")):
        assert {p.stem for p in (tmp_path / folder).glob(f"*.{kind}")} == made
    told = json.loads(alrnn("plot", "all", report, "-o", "f", "--format", "png", "--json").stdout)
    assert told["schema"] == "alrnn.plots/1" and "no training history" in told["refused"]["loss"]
    assert {f["figure"] for f in told["figures"]} == made
    assert all((tmp_path / f["file"]).read_bytes().startswith(b"\x89PNG") for f in told["figures"])


def test_all_fails_where_nothing_can_be_drawn(alrnn, tmp_path):
    store.save_analysis(tmp_path / "x.analysis.json", b.record())
    done = alrnn("plot", "all")
    assert done.returncode == ExitCode.INPUT and "No figure could be drawn" in done.stderr
    assert not (tmp_path / "figures").exists()


def test_the_plotted_numbers_as_csv_are_those_of_the_report(alrnn, tmp_path, report):
    assert alrnn("plot", "bitcodes", "--data", "x.csv", "--format", "svg").returncode == 0
    assert (tmp_path / "bitcodes.svg").exists()
    rows = list(csv.DictReader((tmp_path / "x.csv").read_text().splitlines()))
    shares = {row["bitcode"]: float(row["frequency"]) for row in rows if row["panel"] == "all"}
    assert shares == {r.bitcode: r.frequency for r in b.network(3, 2).regions}


def test_rows_of_several_kinds_share_one_table():
    drawing = figures.Drawing(None, "", [{"a": 0.1, "b": None}, {"b": 'x,"y"', "c": 2}])
    assert figures.table(drawing) == 'a,b,c\n0.1,,\n,"x,""y""",2\n'


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["all", "-o", "x.pdf"], "it is a folder"),
        (["all", "--data", "x.csv"], "it is a folder"),
        (["all", "--option", "top=3"], "--option is for one figure"),
        (["all", "--list"], "no options"),
        (["bitcodes", "--data", "x.txt"], "are written as .csv"),
        (["bitcodes", "-o", "x.png", "--format", "pdf"], "does not end in .pdf"),
        (["bitcodes", "--format", "jpg"], "expected pdf, svg or png"),
        (["bitcodes", "--task-data", "x"], "without --task"),
        (["trial", "--task", "smnist", "--data", "mnist"], "The task's own files: --task-data mnist"),
        (["al"], "'all'"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_what_does_not_go_together_is_refused(alrnn, report, args, words):
    done = alrnn("plot", *args)
    assert done.returncode == ExitCode.USAGE and words in done.stderr and done.stdout == ""


def test_options_are_listed_with_their_defaults(alrnn):
    for name in figures.names():
        shown = alrnn("plot", name, "--list").stdout
        told = json.loads(alrnn("plot", name, "--list", "--json").stdout)
        assert told["options"] == {o: {"default": d, "help": h} for o, d, h in figures.options(name)}
        assert all(option in shown for option in told["options"])


def test_pictures_are_vector_graphics_with_embedded_fonts(alrnn, tmp_path, report):
    assert alrnn("plot", "eigenvalues").returncode == 0
    pdf = (tmp_path / "eigenvalues.pdf").read_bytes()
    assert b"/FontFile2" in pdf and b"/Type3" not in pdf


def test_a_window_is_opened_where_there_is_a_display(alrnn, tmp_path, report, monkeypatch, capsys):
    done = alrnn("plot", "bitcodes", "--show", env={"DISPLAY": "", "WAYLAND_DISPLAY": ""})
    assert (
        done.returncode == 0
        and done.stderr == "--show: there is no display here; open bitcodes.pdf where there is one.\n"
    )
    opened: list[str] = []
    monkeypatch.setattr(window.sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(window.typer, "launch", lambda path: opened.append(path) or len(opened) - 1)
    window.open_window(Path("a.pdf"))
    assert opened == ["a.pdf"] and capsys.readouterr().err == ""
    window.open_window(Path("a.pdf"))
    assert "no program was found that shows a.pdf" in capsys.readouterr().err


def test_reports_of_one_name_are_told_apart_by_their_folders():
    names = ["a/ckpt.analysis.json", "b/ckpt.analysis.json", "b/last.analysis.json"]
    assert plot.labels_of([Path(n) for n in names]) == ["a/ckpt", "b/ckpt", "b/last"]
    assert plot.labels_of([Path("a/x.analysis.json"), Path("b/y.analysis.json")]) == ["x", "y"]
    assert plot.labels_of([Path("x.analysis.json")] * 2) == ["x", "x"]


def test_python_does_the_same(tmp_path):
    report = b.network(3, 2)
    drawing = api.plot("bitcodes", report, out=tmp_path / "x.svg", data=tmp_path / "x.csv", top=2)
    assert (tmp_path / "x.csv").read_text() == figures.table(drawing)
    made = api.plot_all(report, out=tmp_path / "all", format="svg")
    assert sorted(p.stem for p in (tmp_path / "all").iterdir()) == sorted(made) and "loss" not in made
