"""Open a file in a window of the platform's own viewer, where there is a display."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

from .output import say


def has_display() -> bool:
    """Whether a window could be seen: a display server on Linux and BSD; elsewhere unless the session is a remote shell."""
    if sys.platform in ("win32", "darwin"):
        return "SSH_CONNECTION" not in os.environ
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def open_window(path: Path) -> None:
    """Show a picture, or a folder of them, and do not wait; one line on stderr says so where that cannot be done."""
    if not has_display():
        say(f"--show: there is no display here; open {path} where there is one.")
    elif typer.launch(str(path)) != 0:
        say(f"--show: no program was found that shows {path}.")
