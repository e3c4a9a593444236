import os
import subprocess
import sys

import pytest


@pytest.fixture
def alrnn(tmp_path):
    """Run the command line in a process of its own, in an empty folder."""

    def run(*args, timeout=120, env=None, **kwargs):
        return subprocess.run(
            [sys.executable, "-c", "from alrnn_cli.cli import main; main()", *map(str, args)],
            cwd=kwargs.pop("cwd", tmp_path), capture_output=True, text=True, timeout=timeout,
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": "100", **(env or {})}, **kwargs,
        )  # fmt: skip

    return run
