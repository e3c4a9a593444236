"""The page: what the record says, for a reader who has not read the paper, and nothing that a name could smuggle in."""

from __future__ import annotations

import dataclasses
import html.parser
import itertools
import re
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import alrnn_cli as alrnn
from alrnn_cli import figures, page, store
from alrnn_cli.config import resolve
from alrnn_cli.errors import InputError
from alrnn_cli.page.render import _typeset
from alrnn_cli.page.sections.provenance import train_command
from alrnn_cli.records import Checkpoint, CheckpointMeta, Influence
from tests.figures import builders as b

from .examples import HARM, SUMMARY, addition, hostile

VOID = {"meta", "link", "img", "br", "hr", "input"}


class Read(html.parser.HTMLParser):
    """A page taken apart: elements with their attributes, text by element, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, Any]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.headings: list[tuple[int, str]] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Any]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, Any]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag not in ("a", "b", "dfn", "span", "button"):
            self.words.append(" ")

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.words.append(data)
        if self.open and re.fullmatch(r"h\d", self.open[-1]):
            self.headings.append((int(self.open[-1][1]), data))

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, Any]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two quick figures stand for all."""
    monkeypatch.setattr(figures, "names", lambda: ["bitcodes", "loss"])


@pytest.fixture
def none(monkeypatch: pytest.MonkeyPatch) -> None:
    """No figures, where only words are looked at."""
    monkeypatch.setattr(figures, "names", list)


def made(*reports: Any, **more: Any) -> Read:
    return Read(page.make(reports, [f"m{i}.analysis.json" for i in range(len(reports))], **more))


def self_contained(read: Read) -> None:
    """Nothing is loaded, every reference stays in the page or is a link to a paper, and ids are unique."""
    ids = Counter(a["id"] for _, a in read.elements if "id" in a)
    assert [name for name, n in ids.items() if n > 1] == []
    for tag, attributes in read.elements:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            for reference in re.findall(r"url\(([^)]*)\)", value or ""):
                assert reference.startswith("#") and reference[1:] in ids
            if name == "href" and value.startswith("https:"):
                assert tag == "a" and value.startswith("https://arxiv.org/abs/")
            elif name in ("href", "src", "action", "data", "poster", "srcset", "formaction"):
                assert value == "data:," or value.startswith("data:image/png;base64,") or value[1:] in ids, (
                    tag,
                    name,
                    value[:60],
                )
            if name in ("aria-labelledby", "for"):
                assert value in ids
        assert tag not in ("iframe", "object", "embed", "base", "form", "foreignobject")
    assert len(read.all("script")) == len(read.all("style")) == 1
    policy = next(a["content"] for a in read.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert (
        policy.startswith("default-src 'none'")
        and "unsafe-inline'; img-src" in policy
        and "script-src 'sha256-" in policy
    )


def test_the_gate_of_the_closed_form_network_is_told_in_words(few: None) -> None:
    read = made(addition())
    self_contained(read)
    for sentence in (
        "In short: the switch of unit 1 works as a gate. It lets value through to answer at steps of “mask on” and shuts it out at steps of "
        "“mask off”. What was let in is kept until the end of the trial, and added up.",
        "Only the last, unit 1, is nonlinear",
        "Raising value by 1 at a step of “mask on” changes answer at the end of the trial by 1.00; at a step of “mask off” by 0.00",
        "up to a constant, answer is the sum of value over the steps of “mask on”.",
        "mse is 400 when it is always on and 1.2 when it is always off (as trained 0.01, chance 0.167)",
        "What comes out is off by 0.1 in a typical trial (the root of the mean squared error); a guess is off by 0.408.",
    ):
        assert sentence in read.text
    for left in ("mse is 6.7 × 10⁻⁷", "Of 2¹ = 2 linear subregions"):
        assert left in read.text
    # The mask is 1 at all marked steps: it adds a constant, and is no gate of its own.
    assert "Raising mask" not in read.text
    assert "1.000 ± 0.000 *" in read.text


def test_nothing_is_said_that_the_record_does_not_show(none: None) -> None:
    report = addition()
    no_influence = made(dataclasses.replace(report, influences=())).text
    assert "gate" not in no_influence and "Raising" not in no_influence and "What gets through" not in no_influence
    leaky = (
        Influence("mask off", 9, 3, ((0.6, 0.0),), ((0.0, 0.0),)),
        Influence("mask on", 9, 3, ((1.0, 0.0),), ((0.0, 0.0),)),
    )
    assert "gate" not in made(dataclasses.replace(report, influences=leaky)).text
    uneven = (
        Influence("mask off", 9, 3, ((0.0, 0.0),), ((0.0, 0.0),)),
        Influence("mask on", 9, 3, ((1.0, 0.0),), ((0.5, 0.0),)),
    )
    told = made(dataclasses.replace(report, influences=uneven)).text
    assert "works as a gate" in told and "nearly the same" not in told and "sum of value" not in told
    half = (
        Influence("mask off", 9, 3, ((0.0, 0.0),), ((0.0, 0.0),)),
        Influence("mask on", 9, 3, ((0.5, 0.0),), ((0.0, 0.0),)),
    )
    assert "answer is 0.500 times the sum of value" in made(dataclasses.replace(report, influences=half)).text
    one_region = dataclasses.replace(report, regions=report.regions[:1])
    assert "works as a gate" not in made(one_region).text


def test_order_headings_and_alternatives(few: None) -> None:
    report = dataclasses.replace(addition(), warnings=("Mind the gap.",))
    read = made(report)
    assert read.text.index("Mind the gap.") < read.text.index(SUMMARY[2])
    order = ["Summary", "The task: addition", "How well it does", "How it does it", "What it needs: lesions", "How it was trained", "All tables",
             "Where it comes from"]  # fmt: skip
    assert [text for level, text in read.headings if level == 2] == order
    levels = [level for level, _ in read.headings]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    captions = {a["id"] for a in read.all("figcaption")}
    labelled = [a["aria-labelledby"] for a in read.all("div") if a.get("role") == "img"]
    assert len(labelled) == 2 and set(labelled) == captions
    assert {"main", "nav", "aside"} <= {tag for tag, _ in read.elements}
    assert all(a.get("scope") in ("col", "row") for a in read.all("th"))


def test_a_word_is_explained_once_where_it_first_occurs(none: None) -> None:
    text = page.make([addition()], ["x"])
    read = Read(text)
    terms = re.findall(r"<dfn>([^<]+)</dfn>", text)
    assert max(Counter(terms).values()) == 1
    assert {
        "mse",
        "chance",
        "linear subregion, bitcode",
        "mode, slow mode",
        "influence",
        "gate",
        "lesion",
        "fixed point",
    } <= set(terms)
    first = read.text.index("linear subregions 2 are used")
    assert read.text.index("linear subregion, bitcode") == first + len("linear subregions 2 are used. ")


def test_hostile_names_stay_text() -> None:
    text = page.make([hostile()], [HARM[1] + ".analysis.json"])
    read = Read(text)
    self_contained(read)
    for name in HARM:
        assert name in "".join(read.words)
    assert not read.all("img")
    assert "taken" not in [a.get("id") for _, a in read.elements]


def test_hostile_models_beside_each_other(few: None) -> None:
    baseline = page.Baseline(HARM[0], HARM[2], HARM[0], {HARM[1]: 0.5})
    read = Read(page.make([hostile(), hostile()], [HARM[1], HARM[0]], [baseline]))
    self_contained(read)
    assert not read.all("img")


def test_same_report_same_page(few: None) -> None:
    assert page.make([addition()], ["a"]) == page.make([addition()], ["a"])


@pytest.mark.parametrize(
    "report",
    [b.network(3, 0), b.network(3, 3), b.network(1, 1), b.record(), b.record(P=40, M=60), b.many_regions(1200)],
    ids=["P=0", "P=M", "M=1", "empty", "P=40", "many"],
)
def test_whatever_the_report_holds(few: None, report: Any) -> None:
    self_contained(made(report))
    bare = dataclasses.replace(
        report, task=None, score={}, chance={}, arrays={}, provenance={}, complete={}, usage={}, settings={}
    )
    self_contained(made(bare))
    other = made(dataclasses.replace(bare, model={**report.model, "name": "gru", "piecewise_linear": False}))
    assert "A recurrent network of the kind gru" in other.text and "nonlinear" not in other.text


def test_numbers_that_are_none(none: None) -> None:
    report = addition()
    lost = [dataclasses.replace(x, change=None, standard_error=None, score={"mse": None}) for x in report.lesions]
    read = made(
        dataclasses.replace(report, lesions=tuple(lost), chance={}, history={"step": [1.0, None], "loss": [None, 0.1]})
    )
    self_contained(read)
    assert "None" not in read.text and "nan" not in read.text


def test_long_tables_say_what_they_leave_out(none: None) -> None:
    read = made(b.many_regions(500))
    assert "The first 400 of 500 rows; the analysis file has all." in read.text
    assert "Subregions (400 rows)" in read.text


def test_several_reports_are_indexed_and_compared(none: None) -> None:
    other = dataclasses.replace(addition(), score={"mse": 0.5})
    elsewhere = page.Baseline("gru", "gru of 8 units", "addition", {"mse": 0.25})
    foreign = page.Baseline("far", "lstm of 8 units", "copy", {"accuracy": 0.9})
    read = Read(page.make([addition(), other], ["runs/a.analysis.json", "runs/b.analysis.json"], [elsewhere, foreign]))
    self_contained(read)
    assert "2 models compared" in read.text
    links = [a["href"] for a in read.all("a") if a.get("href", "").endswith("top")]
    assert links == ["#m1-top", "#m2-top"] * 2  # in the contents and in the table
    assert len(read.all("article")) == 2
    rows = re.search(r"warnings (.*?) M: units", read.text)
    assert rows and rows[1].split()[:4] == ["a", "addition", "2", "1"]
    assert "gru addition – – 0.25" in rows[1] and "far copy" in rows[1]
    # Beside a model's own score stands what learned the same task, and nothing else.
    assert read.text.count("score this model chance gru") == 2
    levels = [level for level, _ in read.headings]
    assert levels[:3] == [1, 2, 3] and all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_no_report_is_refused() -> None:
    with pytest.raises(InputError, match="at least one report"):
        page.make([], [])


def test_numbers_as_in_print() -> None:
    assert (
        _typeset("6.66e-07 and 1e+3, 2^24 of -0.5, seed-3, x-1e-05.json")
        == "6.66 × 10⁻⁷ and 1 × 10³, 2²⁴ of −0.5, seed-3, x-1 × 10⁻⁵.json"
    )
    assert _typeset("5e07 0x2e-7f a1e-07 3-4 (λ) -1") == "5e07 0x2e-7f a1e-07 3-4 (λ) −1"


def test_the_command_that_trains_it_again() -> None:
    from alrnn_cli.cli import app

    given = {"P": 3, "M": 7, "readout_bias": False, "lr": 3e-4, "fresh": True, "target": 1e-3, "max_seconds": 2.5}
    config = resolve("addition", {"T": 12, "operation": "addition"}, [given], "some data/x.npz")
    line = train_command(config.to_dict(), "my model.safetensors")
    words = shlex.split(line)
    assert words[:2] == ["alrnn", "train"]
    import typer

    context = typer.main.get_command(app.app).commands["train"].make_context("train", words[2:])
    parsed = {k: v for k, v in context.params.items() if v is not None}
    for section in ("model", "training"):
        for name, value in config.to_dict()[section].items():
            assert value is None or parsed[name] == value, name
    assert (parsed["task"], str(parsed["out"]), parsed["data"]) == (
        "addition",
        "my model.safetensors",
        "some data/x.npz",
    )


def test_python_and_command_write_the_same_page(
    none: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from alrnn_cli.cli import app

    monkeypatch.chdir(tmp_path)
    store.save_analysis(tmp_path / "x.analysis.json", addition())
    meta = CheckpointMeta({"model": {"model": "gru", "M": 8}}, {"name": "addition"}, {"test": {"mse": 0.3}}, {}, "finished", "", 1, 1, {}, None,
                          "cpu", "cpu", 1, {})  # fmt: skip
    store.save_checkpoint(tmp_path / "gru.safetensors", Checkpoint({}, meta))
    with pytest.raises(SystemExit) as stop:
        app.run(["report", "--baseline", "gru.safetensors", "-o", "page.html", "-q"])
    assert stop.value.code == 0, capsys.readouterr().err
    assert "Wrote page.html" in capsys.readouterr().out
    written = (tmp_path / "page.html").read_text(encoding="utf8")
    assert alrnn.report("x.analysis.json", baselines=["gru.safetensors"], out=tmp_path / "again.html") == written
    assert (tmp_path / "again.html").read_text(encoding="utf8") == written
    assert "gru of 8 units" in Read(written).text
    for arguments in (
        ["report", "-o", "page.txt"],
        ["report", "x.analysis.json", "none.analysis.json"],
        ["report", "--baseline", "no.safetensors"],
    ):
        with pytest.raises(SystemExit) as stop:
            app.run(arguments)
        assert stop.value.code in (2, 3)
        assert len(capsys.readouterr().err.splitlines()) <= 2


@pytest.mark.slow
def test_all_figures_fit_in_three_megabytes() -> None:
    text = page.make([b.network(10, 6, conditions=4, n=64, T=400)], ["x"])
    self_contained(Read(text))
    assert text.count("<figure>") >= 5
    assert len(text) < 3e6


@pytest.mark.slow
def test_one_command_makes_a_page_for_each_task(tmp_path: Path) -> None:
    small = {"T": 6, "train": 40, "validation": 20, "test": 20}
    alrnn.train(
        "addition",
        task_options=small,
        M=4,
        P=1,
        batch=20,
        epochs=2.0,
        restarts=0,
        threads=1,
        out=tmp_path / "x.safetensors",
    )
    script = Path(__file__).parents[2] / "docs" / "make_reports.py"
    done = subprocess.run(
        [sys.executable, str(script), "x.safetensors", "--out", "pages"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "addition.html (" in done.stdout
    read = Read((tmp_path / "pages" / "addition.html").read_text(encoding="utf8"))
    self_contained(read)
    assert "What gets through" in read.text and "What it needs: lesions" in read.text
    assert (
        "alrnn analyze x.safetensors --lesions" in read.text
        and "alrnn train --task addition --task-opt T=6" in read.text
    )
    assert str(tmp_path) not in read.text
