"""`alrnn train --watch`: curves in a terminal, lines elsewhere."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import select
import struct
import sys
import termios
import time

import numpy as np
import pytest
from rich.console import Console

from alrnn_cli.cli import progress
from alrnn_cli.cli.curves import Curve, axis, plot
from alrnn_cli.cli.watch import Watch
from alrnn_cli.training.loop import Progress

from .test_charts import dots
from .test_contract import TINY

LONG = [*TINY, "--epochs", "200000", "--max-seconds", "100"]


def drawn(lines):
    """Dots of a picture whose axis and numbers are cut off."""
    return dots([re.sub("[^\u2800-\u28ff]", " ", t.plain[10:]) for t in lines])


def test_a_curve_keeps_means_in_bounded_memory():
    curve = Curve()
    for i in range(5000):
        curve.add(i, 3.0 * i)
    assert len(curve.points) <= 512
    x, y = np.array(curve.points).T
    np.testing.assert_allclose(y, 3 * x)
    assert (np.diff(x) > 0).all() and curve.size == 16
    assert x[-1] > 4980
    curve.add(5000, float("nan")), curve.add(5001, float("inf"))
    assert np.isfinite(curve.points).all()


def test_a_curve_goes_through_its_points():
    lines = plot([(0, 0.0), (10, 1.0), (20, 0.5)], 50, 6, (0, 20), unicode=True)
    assert {len(t.plain) for t in lines} == {50}
    at = drawn(lines)
    assert {(0, 23), (39, 0), (79, 11)} <= at and {x for x, _ in at} == set(range(80))
    assert [t.plain[:10].split() for t in lines] == [["1", "│"], *[["│"]] * 4, ["0", "│"]]
    assert axis(50, 1, 4740).plain == " " * 10 + "step 1" + " " * 29 + "4,740"


def test_curves_over_decades_are_logarithmic_and_flat_ones_in_the_middle():
    at = drawn(plot([(0, 1.0), (1, 0.01), (2, 0.0001)], 30, 5, (0, 2), unicode=True))
    assert {(0, 0), (39, 19)} <= at and min(abs(x - 19.5) + abs(y - 9.5) for x, y in at) <= 1
    flat = plot([(0, 0.5), (9, 0.5)], 30, 5, (0, 9), unicode=True)
    assert {y for _, y in drawn(flat)} == {10} and flat[2].plain.split()[0] == "0.5"
    ascii_ = plot([(0, 1.0), (9, 0.5)], 30, 5, (0, 9), marks=[4], unicode=False)
    assert all(t.plain.isascii() for t in ascii_)
    marked = drawn(plot([(0, 0.5), (9, 0.5)], 30, 5, (0, 9), marks=[9], unicode=True)) - drawn(flat)
    assert {x for x, _ in marked} == {39} and {y for _, y in marked} >= {0, 2, 4, 16, 18}


def at(step, **rest):
    fields = {"step": step, "attempt_step": step, "total": 10**6, "epoch": 0.0, "loss": 1 / step, "score": 0.5, "best": 0.4, "lr": 1e-3,
              "grad_norm": 1.0, "T": 10, "restart": 0, "evaluated": step % 10 == 0}  # fmt: skip
    return Progress(**fields | rest)


def test_no_more_than_four_pictures_a_second_and_the_last_stays(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=80, height=24, highlight=False)
    monkeypatch.setattr(progress, "console", lambda **_: terminal)
    with Watch("mse") as watch:
        for step in range(1, 1001):  # for ten seconds
            clock[0] += 0.01
            watch.step(at(step, restart=step // 600, attempt_step=step % 600 or 1))
    text = screen.getvalue()
    pictures = text.count("validation mse")
    assert 30 <= pictures <= 41
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text[text.rindex("loss 0.001") :])
    assert "validation mse 0.5, best 0.4" in last and "step 1" in last and last.rstrip().endswith("1,000")
    assert "steps/s" not in last and "attempt 2" in text
    assert len([line for line in last.splitlines() if line.strip()]) == 16


@pytest.mark.parametrize(("height", "titles"), [(24, 2), (14, 2), (9, 1)])
def test_curves_give_way_in_low_terminals(monkeypatch, height, titles):
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=60, height=height, highlight=False)
    monkeypatch.setattr(progress, "console", lambda **_: terminal)
    with Watch("mse") as watch:
        watch.step(at(10))
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue()).split("steps/s")[0]
    assert ("loss 0.1" in text) + ("validation mse" in text) == titles
    assert len(text.splitlines()) <= height - 1


def terminal(args, cwd, columns=80, rows=24, **env):
    """Start the command line with a pseudo-terminal for all streams. Returns: pid, the terminal's other end."""
    pid, end = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        keep = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
        os.execve(sys.executable, [sys.executable, "-c", "from alrnn_cli.cli import main; main()", *args],
                  {**keep, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **env})  # fmt: skip
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    return pid, end


def read(end, until=None, seconds=60.0):
    """What appears on the terminal, until it closes or holds `until`."""
    text, deadline = b"", time.monotonic() + seconds
    while time.monotonic() < deadline and not (until and until in text):
        if select.select([end], [], [], 0.1)[0]:
            try:
                text += os.read(end, 65536)
            except OSError:  # closed
                break
    return text


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_ctrl_c_leaves_the_curves_the_cursor_and_a_run_to_resume(tmp_path):
    pid, end = terminal(["train", *LONG, "--watch", "-o", "x.safetensors"], tmp_path)
    text = read(end, b"steps/s")
    began = time.monotonic()
    text += read(end, seconds=2.0)
    seconds = time.monotonic() - began
    os.write(end, b"\x03")
    text += read(end)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(end)
    shown = text.decode().replace("^C", "")  # the terminal's echo of the key, wherever in a sequence it falls
    assert status == 130, shown[-2000:]
    assert "Stopped by SIGINT" in shown and (tmp_path / "x.resume.safetensors").exists()
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1  # the cursor is hidden and comes back
    pictures = shown.count("validation mse")
    assert 2 <= pictures <= 4 * seconds + 4
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r", "\n")
    assert re.search("[\u2801-\u28ff]", plain)
    assert not [line for line in plain.split("\n") if len(line) > 80]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("setting", [{"PYTHONIOENCODING": "ascii"}, {"TERM": "dumb"}])
def test_terminals_that_cannot_draw_it_all(tmp_path, setting):
    pid, end = terminal(["train", *TINY, "--watch"], tmp_path, **setting)
    shown = read(end).decode()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, shown
    os.close(end)
    assert not re.search("[\u2800-\u28ff]", shown)
    assert ("validation mse" in shown) == (setting == {"PYTHONIOENCODING": "ascii"})


def test_lines_where_there_is_no_terminal_and_the_same_checkpoint(alrnn, tmp_path):
    watched = alrnn("train", *TINY, "--watch", "-o", "a.safetensors")
    assert watched.returncode == 0, watched.stderr
    assert re.search(r"step 4/4  loss .* steps/s", watched.stderr)
    assert not re.search("[\u2800-\u28ff]", watched.stdout + watched.stderr)
    assert alrnn("train", *TINY, "-q", "-o", "b.safetensors").returncode == 0
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    refused = alrnn("train", *TINY, "--watch", "-q", "-o", "c.safetensors")
    assert refused.returncode == 2 and "--quiet forbids it" in refused.stderr
