"""The command line. Thin: parse, call, show. One file a command."""

from __future__ import annotations


def main() -> None:
    """Entry point of `alrnn`."""
    from .app import run

    run()
