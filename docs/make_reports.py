"""Analyze trained models and write one page for each task: python docs/make_reports.py addition.safetensors context.safetensors …

Runs `alrnn analyze X --lesions` beside each checkpoint, then `alrnn report`; the pages go to docs/reports/TASK.html, or to --out FOLDER.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from alrnn_cli import store

ALRNN = [sys.executable, "-c", "from alrnn_cli.cli import main; main()"]


def make(checkpoint: Path, folder: Path) -> Path:
    """The page of one checkpoint, named by its task; a model without one by its file. Errors: CalledProcessError."""
    task = (store.load_checkpoint(checkpoint).meta.task or {}).get("name") or checkpoint.stem
    page = folder.resolve() / f"{task}.html"
    for command in (
        ["analyze", checkpoint.name, "--lesions", "--quiet"],
        ["report", store.analysis_paths(Path(checkpoint.name))[0].name, "--out", str(page), "--quiet"],
    ):
        # Where the checkpoint is, so that the commands on the page name files and no folders of this machine.
        subprocess.run([*ALRNN, *command], cwd=checkpoint.resolve().parent, check=True, stdout=subprocess.DEVNULL)
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description="Analyze trained models and write one page for each.")
    parser.add_argument("checkpoints", nargs="+", type=Path, metavar="CHECKPOINT")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "reports", metavar="FOLDER")
    given = parser.parse_args()
    for checkpoint in given.checkpoints:
        page = make(checkpoint, given.out)
        sys.stdout.write(f"{page} ({page.stat().st_size / 1e6:.1f} MB)\n")


if __name__ == "__main__":
    main()
