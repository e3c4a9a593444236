"""Options that several commands share: one spelling, one meaning."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
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


def _use_cache(folder: Path | None) -> Path | None:
    """Make it the cache folder of this process and of those it starts."""
    if folder is not None:
        os.environ["ALRNN_CACHE"] = str(folder.expanduser().absolute())
    return folder


Cache = Annotated[
    Path | None,
    typer.Option("--cache", help="where downloaded and derived data are kept [$ALRNN_CACHE, else the platform's folder]",
                 metavar="FOLDER", rich_help_panel="Task", callback=_use_cache),
]  # fmt: skip


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
