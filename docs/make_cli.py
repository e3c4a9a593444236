"""Write docs/cli.md from the commands' own declarations: python docs/make_cli.py. A test fails while it is out of date."""

from __future__ import annotations

import os
from pathlib import Path


def page() -> str:
    """The whole reference as Markdown."""
    os.environ["COLUMNS"] = "100"
    os.environ["NO_COLOR"] = "1"
    import typer

    from alrnn_cli.cli.app import app
    from alrnn_cli.cli.help import help_text

    root = typer.main.get_command(app)
    parts = [
        "# Command line\n\nMade from the code by `python docs/make_cli.py`.\n",
        f"```text\n{help_text(root, [])}```\n",
    ]
    parts += [f"## alrnn {name}\n\n```text\n{help_text(root, [name])}```\n" for name in root.commands]
    parts.append(EXIT_CODES)
    return "\n".join(parts)


EXIT_CODES = """## Exit codes

| code | meaning |
|---|---|
| 0 | done; or finished before with the same configuration |
| 1 | a bug: please report it |
| 2 | usage: the command line or a configuration asks for something impossible |
| 3 | an input is missing, corrupt or of another schema |
| 4 | the output is there and holds something else |
| 5 | the device or backend is not available here |
| 6 | training diverged; the last good state was kept |
| 7 | a `--require` condition does not hold |
| 8 | the machine failed: disk full, out of memory, no network |
| 9 | a sweep is done and some of its cells failed |
| 130, 143 | stopped by Ctrl-C, or by SIGTERM or another signal; everything was saved, `--resume` goes on |

Results go to stdout, everything else to stderr. With `--json`, stdout holds exactly one JSON object with a `schema` key;
an error is then one JSON line on stderr.
"""

if __name__ == "__main__":
    (Path(__file__).parent / "cli.md").write_text(page(), encoding="utf8")
