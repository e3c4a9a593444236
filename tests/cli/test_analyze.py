"""What `alrnn analyze` shows of modes and exponents."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from alrnn_cli.cli.analyze import show
from alrnn_cli.records import Lesion

from ..analysis.systems import ADDITION, addition_trials, free, make, random_parameters, report, roll

TASK = {"input_names": ["value", "mask"], "output_names": ["answer"]}


def shown(found, capsys, monkeypatch, columns=140):
    monkeypatch.setenv("COLUMNS", str(columns))
    show(found)
    return capsys.readouterr().out


def test_the_gate_is_in_the_table_of_slow_modes(capsys, monkeypatch):
    text = shown(report(ADDITION, addition_trials(n=50), task=TASK), capsys, monkeypatch)
    table = text.split("Slow modes")[1].split("Fixed points")[0]
    assert "value → answer" in table and "mask → answer" in table
    rows = [line.split() for line in table.splitlines() if re.match(r"[01]  ", line)]
    off, on = ([*row[:3], *row[5:7]] for row in rows)
    assert off == ["0", "1", "marginal", "0", "0"] and on == ["1", "1", "marginal", "1", "1"]
    assert "line attractor (mask off)" in table and "leaves (mask off)" in table
    assert "Lyapunov" not in text


def test_a_mode_that_rounding_blurs_has_a_question_mark(capsys, monkeypatch):
    text = shown(report(make(0, [[1, 1], [0, 1]])), capsys, monkeypatch)
    assert re.search(r"\(P = 0\)\s+1 \?\s+marginal", text) and "rounding leaves its side of 1 open" in text


def test_lyapunov_exponents_are_shown_where_asked(capsys, monkeypatch):
    lozi = replace(make(1, [[0, 0.5, 0], [1, 1.7, -3.4], [1, 1.7, -3.4]], h=[0, 1, 1]), z0=np.full(3, 0.1))
    text = shown(report(lozi, free(lozi, T=500), lyapunov=True), capsys, monkeypatch)
    assert re.search(
        r"Lyapunov exponents per step: 0\.4\d+ ± 0\.\d+, -1\.1\d+ ± 0\.\d+, -∞ \(499 singular steps\)", text
    )
    assert "QR, 20 blocks; 400 steps of 1 trial, the first 20 %" in text
    linear = shown(report(make(0, [[0.5]]), lyapunov=True), capsys, monkeypatch)
    assert "Lyapunov exponents per step: -0.6931\n" in linear and "ln|λ| of the one Jacobian" in linear


@pytest.mark.parametrize("columns", [80, 120])
def test_eight_bits_four_phases_and_eleven_conditions_fit_the_screen(capsys, monkeypatch, columns):
    params = random_parameters(12, 8, 2, seed=0, scale=1.5)
    rng = np.random.default_rng(0)
    tasks = [f"condition {i:02}" for i in range(11)]
    trials = roll(
        params, rng.normal(size=(110, 20, 2)), conditions=np.arange(110) % 11, condition_names=tuple(tasks),
        phases=np.tile(np.arange(20) // 5, (110, 1)).astype(np.int8), phase_inputs=np.zeros((4, 2)),
        phase_names=("context", "stimulus", "delay", "response"),
    )  # fmt: skip
    found = report(params, trials, limits={"max_period": 1})
    text = shown(found, capsys, monkeypatch, columns)
    visited = text.split("Subregions visited")[1].split("visited; entropy")[0]
    by_condition = text.split("Subregions by condition")[1]
    assert "…" not in visited.replace("… and", "") + by_condition.split("Fixed points")[0]
    bitcodes = [r.bitcode for r in found.regions if r.visited]
    assert all(code in visited for code in bitcodes[:12])
    assert all(name in visited for name in (*trials.phase_names, "max |λ|"))
    assert ("slowest mode" in visited) == (columns == 120)
    header, *rows = by_condition.splitlines()[1:13]
    assert header.split()[3:] == bitcodes[: 6 if columns == 120 else 5]
    assert [row[:12] for row in rows] == tasks
    share = found.regions[0].frequency_by_condition[tasks[0]]
    assert rows[0].split()[3] == f"{100 * share:.1f}"
    assert max(map(len, text.splitlines())) <= columns


def test_parts_of_the_metric_stand_beside_each_unit_with_its_gentler_bit(capsys, monkeypatch):
    params = make(2, np.eye(3) * 0.5)

    def lesion(unit, kind, whole, **of):
        score = {"accuracy": whole, **{f"accuracy.{name}": value for name, value in of.items()}}
        return Lesion(
            target=f"unit {unit}", unit=unit, kind=kind, bit=kind == "linearise", score=score, change=whole - 0.9,
            standard_error=0.01, effect="worse", diverged=0,
        )  # fmt: skip

    lesions = (
        lesion(1, "linearise", 0.7, Go=0.8, Stop=0.6), lesion(1, "silence", 0.5, Go=0.11, Stop=0.12),
        lesion(1, "freeze", 0.5, Go=0.11, Stop=0.12),
        lesion(2, "linearise", 0.3, Go=0.13, Stop=0.14), lesion(2, "silence", 0.6, Go=0.25, Stop=0.95),
        lesion(2, "freeze", 0.6, Go=0.25, Stop=0.95),
    )  # fmt: skip
    found = report(params, score={"accuracy": 0.9, "mse": 1.0, "accuracy.Go": 1.0, "accuracy.Stop": 0.8})
    text = shown(replace(found, lesions=lesions), capsys, monkeypatch)
    table = text.split("Accuracy of each, by fixed unit")[1].splitlines()[1:4]
    assert [row.split() for row in table] == [
        ["none", "2", "1"], ["Go", "1", "0.25", "0.8"], ["Stop", "0.8", "0.95", "0.6"]
    ]  # fmt: skip
    whole = report(params, score={"accuracy": 0.9})
    assert "of each" not in shown(replace(whole, lesions=lesions), capsys, monkeypatch)
