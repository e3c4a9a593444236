"""Where it all comes from, and the commands that make it again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from ... import config
from ...wording import plural
from .. import words
from ..content import Block, Cell, Code, Column, Facts, Paragraph, Section
from . import Case


def section(case: Case) -> Section:
    report = case.report
    told = report.provenance
    checkpoint = dict(told.get("checkpoint") or {})
    imported = dict(checkpoint.get("imported") or {})
    rows = [
        ("Checkpoint", report.source.get("file", "")),
        ("Its sha256", report.source.get("sha256", "")),
        ("It is", ": ".join(str(checkpoint[k]) for k in ("status", "reason") if checkpoint.get(k))),
        ("Imported from", ", ".join(f"{k}: {v}" for k, v in sorted(imported.items()))),
        ("Trained with", _versions(told.get("checkpoint_versions"))),
        (
            "Trained on",
            ", ".join(
                f"{k} {checkpoint[k]}" for k in ("device", "backend", "threads") if checkpoint.get(k) is not None
            ),
        ),
        ("Data", checkpoint.get("data_fingerprint") or ""),
        ("Analysis", case.file),
        ("Analysed with", _versions(told.get("versions"))),
        ("Analysed at", told.get("time") or ""),
        ("Schema", report.schema),
    ]
    blocks: list[Block] = [Facts(tuple((name, str(value)) for name, value in rows if value))]
    commands = _commands(case, checkpoint.get("status"))
    if commands:
        blocks += [Paragraph("To make it again:"), Code("\n".join(commands), "commands")]
    settings = [*_flat(told.get("config") or {}), *_flat({"analysis": report.settings})]
    cells = ((Cell(name, heading=True), Cell(value, value)) for name, value in settings)
    blocks += words.there(words.table("Settings", (Column("setting"), Column("value")), cells, folded=True))
    seeds = checkpoint.get("seeds")
    if seeds:
        drawn = ", ".join(f"{name} {value}" for name, value in sorted(seeds.items()))
        blocks.append(Paragraph(f"{plural(len(seeds), 'seed').capitalize()}: {drawn}."))
    return Section("provenance", "Where it comes from", tuple(blocks))


def _versions(found: Mapping[str, str] | None) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted((found or {}).items()))


def _commands(case: Case, status: str | None) -> list[str]:
    """train (where that is how the checkpoint was made), analyze and report, as they would be typed."""
    told = case.report.provenance
    made = ["finished", "interrupted", "diverged"]
    found = (
        [train_command(told["config"], case.report.source.get("file", ""))]
        if status in made and told.get("config")
        else []
    )
    if told.get("command"):
        found.append(str(told["command"]))
    return [*found, shlex.join(["alrnn", "report", case.file])] if found else []


def train_command(content: Mapping[str, Any], out: str) -> str:
    """The command line that trains with a resolved configuration, every setting of it spelt out."""
    words_ = ["alrnn", "train", "--task", str(content["task"])]
    for name, value in content.get("task_options", {}).items():
        words_ += ["--task-opt", f"{name}={_value(value)}"]
    if content.get("data") is not None:
        words_ += ["--data", str(content["data"])]
    for section_ in config.SECTIONS:
        for name, value in content.get(section_, {}).items():
            if isinstance(value, bool):
                words_.append(config.flag(name) if value else "--no-" + config.flag(name)[2:])
            elif value is not None:
                words_ += [config.flag(name), _value(value)]
    return shlex.join([*words_, "--out", out])


def _value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _flat(content: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, value in content.items():
        if isinstance(value, Mapping):
            rows += _flat(value, f"{prefix}{name}.")
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list) else _value(value)
            rows.append((f"{prefix}{name}", "–" if value is None else text))
    return rows
