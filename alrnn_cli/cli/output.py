"""Where words go: results to stdout, everything else to stderr."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ..errors import AlrnnError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def show_error(error: AlrnnError, *, as_json: bool, code: int | None = None) -> None:
    """One line on stderr that says what is wrong and one that says what to do; with --json one JSON line."""
    code = error.code if code is None else code
    if as_json:
        import json

        line = {"schema": "alrnn.error/1", "error": error.message, "hint": error.hint, "exit_code": int(code)}
        sys.stderr.write(json.dumps(line, ensure_ascii=False) + "\n")
        return
    sys.stderr.write(f"alrnn: {error.message}\n")
    if error.hint:
        sys.stderr.write(f"       {error.hint}\n")


def say(text: str, *, quiet: bool = False) -> None:
    """A line of status on stderr."""
    if not quiet:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def print_json(value: Any) -> None:
    """Exactly one JSON object on stdout."""
    from ..store import to_json

    sys.stdout.write(to_json(value, indent=1) + "\n")


def console(*, stderr: bool = False) -> Console:
    """A rich console; it honours NO_COLOR, and writes plain text into a pipe or file."""
    from rich.console import Console

    class Quiet(Console):
        def on_broken_pipe(self) -> None:  # rich would end the program as if it had failed
            raise BrokenPipeError

    return Quiet(stderr=stderr, highlight=False)


def number(value: float | None, digits: int = 3) -> str:
    """A number short enough for a table: 0.998, 2.8e-06, 1.2e+04, – for None."""
    if value is None or value != value:
        return "–"
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return f"{value:.{digits}g}"
    return f"{value:.{max(0, digits - 2)}e}"


def table(title: str, *columns: str) -> Table:
    """A table without lines; a column whose name begins with ">" is set to the right."""
    from rich.table import Table

    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    for name in columns:
        made.add_column(name.removeprefix(">"), justify="right" if name.startswith(">") else "left")
    return made


def fitted(made: Table, optional: int) -> Table:
    """The table without as many of its last `optional` columns as the screen has no room for."""
    screen = console()
    while optional and screen.measure(made, options=screen.options.update(max_width=10_000)).maximum > screen.width:
        made.columns.pop()
        optional -= 1
    return made


def more(n: int, shown: int) -> None:
    """A line that says how many rows are not on the screen."""
    if n > shown:
        console().print(f"[dim]… and {n - shown:,} more[/]")
