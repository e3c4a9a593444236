"""The command line. Thin: parse, call, show. One file a command."""

from __future__ import annotations


def main() -> None:
    """Entry point of `alrnn`."""
    import gc

    # Thousands of objects are made while the parser is built and none goes away: looking for garbage costs a tenth of it.
    gc.disable()
    from .app import run

    run()
