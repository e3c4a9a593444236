"""Options that several commands share: one spelling, one meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from ..errors import UsageError

OUTPUT = "Output"

Json = Annotated[
    bool, typer.Option("--json", help="print one JSON object on stdout instead of text", rich_help_panel=OUTPUT)
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="say nothing but errors on stderr", rich_help_panel=OUTPUT)]
Debug = Annotated[bool, typer.Option("--debug", help="show the traceback of an error", rich_help_panel=OUTPUT)]
Data = Annotated[
    str | None,
    typer.Option("--data", help="file or folder of the task's data", metavar="PATH", rich_help_panel="Task"),
]


def pairs(texts: Sequence[str], flag: str) -> dict[str, str]:
    """["T=50", "train=100"] -> {"T": "50", "train": "100"}. Errors: UsageError for one without "=" or given twice."""
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"{flag} {text}: expected NAME=VALUE.", f"For example {flag} T=50")
        if name in found:
            raise UsageError(f"{flag} {name} is given twice.", "Give it once.")
        found[name] = value
    return found
