"""The command line as a user runs it, in a process of its own; forked from this one where that can be done, which saves the imports."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

import pytest

SETTINGS = {"NO_COLOR": "1", "COLUMNS": "100"}


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture(scope="session")
def warm():
    """Import once what commands import, so that forked ones have it."""
    import matplotlib.figure  # noqa: F401
    import torch  # noqa: F401

    import alrnn_cli.analysis.report
    import alrnn_cli.rollout
    import alrnn_cli.training.run  # noqa: F401


@pytest.fixture
def alrnn(tmp_path, request):
    """Run the command line in an empty folder. fresh: in a new interpreter instead of a fork."""

    def run(*args, timeout=120, env=None, cwd=tmp_path, fresh=False):
        env, args = {**os.environ, **SETTINGS, **(env or {})}, [str(a) for a in args]
        if fresh or sys.platform != "linux":
            return subprocess.run(
                [sys.executable, "-c", "from alrnn_cli.cli import main; main()", *args],
                cwd=cwd, capture_output=True, text=True, timeout=timeout, env=env,
            )  # fmt: skip
        request.getfixturevalue("warm")
        return forked(args, Path(cwd), env, timeout, request.getfixturevalue("tmp_path_factory").mktemp("streams"))

    return run


def forked(args: list[str], cwd: Path, env: dict[str, str], timeout: float, streams: Path) -> Done:
    out, err = streams / "out", streams / "err"
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = _in_child(args, cwd, env, out, err)
        finally:
            # Nothing of the test runner's may run in the child: no handlers, no other tests.
            os._exit(code)
    until = time.monotonic() + timeout
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return Done(os.waitstatus_to_exitcode(status), out.read_text("utf8"), err.read_text("utf8"))
        if time.monotonic() > until:
            os.kill(child, 9)
            os.waitpid(child, 0)
            raise subprocess.TimeoutExpired(args, timeout)
        time.sleep(0.005)


def _in_child(args: list[str], cwd: Path, env: dict[str, str], out: Path, err: Path) -> int:
    for number, path in ((0, os.devnull), (1, out), (2, err)):
        there = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(there, number)
        os.close(there)
    streams = [os.fdopen(number, mode, encoding="utf8") for number, mode in ((0, "r"), (1, "w"), (2, "w"))]
    sys.stdin, sys.stdout, sys.stderr = streams
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["-c", *args]
    code = 0
    try:
        from alrnn_cli.cli import main

        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code
