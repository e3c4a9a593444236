"""The page as a browser has it: nothing loaded, nothing complained of, tables that sort, and no barrier that axe knows of.

Needs Chromium, and npm for axe; without them these tests skip. The browser runs on a folder of its own and is told to ask nobody.
"""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alrnn_cli import figures, page

from .browser import PROGRAM, Browser
from .examples import addition, hostile

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="needs Chromium")
AXE = "axe-core@4.14.1"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    opened = Browser()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One report with many subregions; two beside each other; one whose names mean harm. Two figures stand for all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "names", lambda: ["bitcodes", "loss"])
        warned = dataclasses.replace(addition(), warnings=("Something to know.",))
        folder = tmp_path_factory.mktemp("pages")
        texts = {
            "one": page.make([warned], ["addition.analysis.json"]),
            "two": page.make(
                [addition(), addition()], ["a", "b"], [page.Baseline("gru", "gru of 8 units", "addition", {"mse": 0.2})]
            ),
            "hostile": page.make([hostile()], ["x"]),
        }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf8")
    return {name: folder / f"{name}.html" for name in texts}


@pytest.mark.parametrize("name", ["one", "two", "hostile"])
def test_nothing_is_loaded_said_or_run(browser: Browser, pages: dict[str, Path], name: str) -> None:
    browser.open(pages[name], width=390)
    assert browser.run("document.readyState") == "complete"
    assert browser.said == []
    assert [a for a in browser.asked if a != "data:,"] == [pages[name].as_uri()]
    assert browser.run("document.title") != "taken"
    assert browser.run("document.documentElement.scrollWidth") <= 390  # tables and code scroll within themselves


def test_what_a_name_could_run_is_refused(browser: Browser, pages: dict[str, Path], tmp_path: Path) -> None:
    """The second line: where escaping failed, the page's own policy lets no other script run and nothing be fetched."""
    text = pages["one"].read_text(encoding="utf8")
    taken = "<script>document.title='taken'</script><img src='http://127.0.0.1:9/x.png'><b onclick=\"document.title='taken'\" id=b>"
    (tmp_path / "taken.html").write_text(text.replace("</main>", f"{taken}</main>"), encoding="utf8")
    browser.open(tmp_path / "taken.html")
    browser.run("document.getElementById('b').click()")
    assert browser.run("document.title") == "How a network does addition"
    told = [
        next((w for w in ("inline script", "event handler", "img-src") if w in message), message)
        for message in browser.said
    ]
    assert set(told) == {"inline script", "event handler", "img-src"}


_TABLE = "[...document.querySelectorAll('table')].find(t => t.caption.textContent === 'History')"


def column(browser: Browser, heading: str) -> list[str]:
    """The texts of one column of the history."""
    return list(browser.run(
        f"(() => {{ const t = {_TABLE}; const i = [...t.tHead.rows[0].cells].findIndex(c => c.textContent === '{heading}');"
        "return [...t.tBodies[0].rows].map(r => r.cells[i].textContent) })()"
    ))  # fmt: skip


def test_tables_sort_by_mouse_and_by_keyboard(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["one"])
    as_made = column(browser, "loss")
    button = f"[...{_TABLE}.querySelectorAll('button')].find(b => b.textContent === 'loss')"
    state = f"{button}.parentElement.getAttribute('aria-sort')"
    assert browser.run(state) is None
    browser.run(f"{_TABLE}.closest('details').open = true; {button}.click()")
    raw = addition().history["loss"]
    order = sorted(range(len(raw)), key=lambda i: raw[i])
    assert column(browser, "loss") == [as_made[i] for i in order] != as_made
    assert column(browser, "step") == [f"{50 * (i + 1):,}" for i in order]  # rows move as a whole
    browser.run(f"{button}.focus()")
    browser.press("Enter", 13)
    assert browser.run(state) == "descending"
    assert column(browser, "loss") == [as_made[i] for i in reversed(order)]
    browser.press("Tab", 9)
    assert browser.run("document.activeElement.textContent") == "penalty"
    assert browser.run(f"{_TABLE}.querySelectorAll('[aria-sort]').length") == 1


def test_on_paper_all_is_open_and_nothing_is_navigation(
    browser: Browser, pages: dict[str, Path], tmp_path: Path
) -> None:
    browser.open(pages["one"])
    browser.pdf(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
    assert browser.run("[...document.querySelectorAll('details')].every(d => d.open)") is True


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """axe's script, from npm."""
    if shutil.which("npm") is None:
        pytest.skip("needs npm")
    folder = tmp_path_factory.mktemp("axe")
    done = subprocess.run(["npm", "pack", "--silent", AXE], cwd=folder, capture_output=True, text=True, timeout=120)
    packed = list(folder.glob("*.tgz"))
    if done.returncode or not packed:
        pytest.skip(f"npm cannot fetch {AXE}")
    with tarfile.open(packed[0]) as file:
        script = file.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode()


@pytest.mark.parametrize(("name", "width", "dark"), [("one", 390, True), ("one", 1200, False), ("two", 1200, True)])
def test_axe_finds_no_barrier(
    browser: Browser, pages: dict[str, Path], axe: str, name: str, width: int, dark: bool
) -> None:
    browser.open(pages[name], width=width, dark=dark)
    assert browser.run("matchMedia('(prefers-color-scheme: dark)').matches") is dark
    browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    browser.run(axe + "; 0")
    found: list[dict[str, Any]] = browser.run(
        "axe.run().then(r => [r.passes.length, r.violations.map(v => [v.id, v.nodes.map(n => n.html.slice(0, 120) + n.failureSummary)])])"
    )
    assert found[0] > 20
    assert found[1] == []
