"""`alrnn report`: one page that explains a model, from its analysis."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import OUTPUT, Debug, Json, Quiet
from .output import console, print_json, say
from .plot import only_report

NAME = "report"
HELP = """Write one HTML page that explains a model: in words, figures and tables.

    alrnn report
    alrnn report ckpt.analysis.json -o report.html
    alrnn report ckpt.analysis.json --baseline gru.safetensors
    alrnn report P0.analysis.json P1.analysis.json      (side by side, then each)

The page is one file that loads nothing from anywhere. Without a report, the only *.analysis.json in this folder
is taken.
An existing page is replaced. It has more to tell after `alrnn analyze --lesions`.
"""
SCHEMA = "alrnn.page/1"


def command(
    reports: Annotated[
        list[Path] | None, typer.Argument(help="what `alrnn analyze` wrote", metavar="REPORTS...")
    ] = None,
    baseline: Annotated[
        list[Path] | None,
        typer.Option("--baseline", help="a checkpoint of another model, whose test scores are set beside; repeatable",
                     metavar="CHECKPOINT", rich_help_panel="Page"),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="the page [report.html]", metavar="FILE", rich_help_panel=OUTPUT)
    ] = Path("report.html"),
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Write the page."""
    from ..errors import UsageError

    if out.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--out {out}: must end in .html.", f"For example {out.stem or 'report'}.html")
    from .. import api

    paths = reports or [only_report("explain")]
    page = api.report(*paths, out=out, baselines=baseline or ())
    size = len(page.encode())
    if json:
        print_json({"schema": SCHEMA, "file": str(out), "bytes": size, "reports": [str(p) for p in paths]})
        return
    console().print(f"Wrote {out}", soft_wrap=True)
    say(f"{size / 1e6:.1f} MB, in one file: open it in a browser, print it, or send it.", quiet=quiet)
