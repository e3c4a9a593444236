"""Help pages, drawn from the commands' own declarations: an example first, then options in panels with defaults and units."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Any

_LEFT = 30  # columns for an option's spelling


def help_text(root: Any, words: Sequence[str]) -> str:
    """The help page of the command that `words` name, else of the program. root: the parser's command group."""
    name = next((w for w in words if not w.startswith("-")), None)
    command = root.commands.get(name) if name else None
    width = max(60, min(shutil.get_terminal_size((80, 24)).columns, 120))
    page = _program(root, width) if command is None else _command(name or "", command, width)
    return "\n".join(page) + "\n"


def _bold(text: str) -> str:
    plain = not sys.stdout.isatty() or os.environ.get("NO_COLOR")
    return text if plain else f"\033[1m{text}\033[0m"


def _program(root: Any, width: int) -> list[str]:
    lines = [root.help, "", _bold("Three commands, one folder"), ""]
    lines += [
        "  alrnn train --task addition --P 1",
        "  alrnn analyze ckpt.safetensors",
        "  alrnn plot bitcodes",
        "",
        _bold("Commands"),
        "",
    ]
    for name, command in root.commands.items():
        lines += _row(name, (command.help or "").split("\n")[0], width)
    lines += ["", _bold("Options"), ""]
    lines += _row("--version", "print the version", width)
    lines += _row("-h, --help", "show this page, or a command's: alrnn train --help", width)
    return lines


def _command(name: str, command: Any, width: int) -> list[str]:
    summary, _, rest = (command.help or "").partition("\n")
    lines = [summary, ""]
    if rest.strip():
        lines += [*textwrap.dedent(rest).strip("\n").split("\n"), ""]
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    usage = " ".join(f"[{p.metavar or p.name.upper()}]" for p in arguments)
    lines += [_bold("Usage"), "", f"  alrnn {name} {usage} [OPTIONS]".replace("  [", " ["), ""]
    panels: dict[str, list[Any]] = {}
    for p in command.params:
        if p.name == "help":
            continue
        title = "Arguments" if p in arguments else getattr(p, "rich_help_panel", None) or "Options"
        panels.setdefault(title, []).append(p)
    for title, params in panels.items():
        lines += [_bold(title), ""]
        for p in params:
            lines += _row(_spelling(p), p.help or "", width)
        lines.append("")
    return lines[:-1]


def _spelling(p: Any) -> str:
    if p.param_type_name == "argument":
        return p.metavar or p.name.upper()
    names = ", ".join(sorted([*p.opts, *p.secondary_opts], key=lambda o: (len(o) > 2, o in p.secondary_opts)))
    # Every option that takes a value declares its metavar; a flag has none.
    return f"{names} {p.metavar}" if p.metavar else names


def _row(left: str, right: str, width: int) -> list[str]:
    body = textwrap.wrap(right, width - _LEFT - 4) or [""]
    if len(left) > _LEFT - 2:
        return [f"  {left}", *(" " * (_LEFT + 2) + line for line in body)]
    return [f"  {left:<{_LEFT}}{body[0]}".rstrip(), *(" " * (_LEFT + 2) + line for line in body[1:])]
