"""Errors that a user can act on, and the exit code each one ends the program with."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the shell sees. Scripts branch on these; they change only with a changelog entry."""

    OK = 0
    BUG = 1
    USAGE = 2
    INPUT = 3
    EXISTS = 4
    DEVICE = 5
    DIVERGED = 6
    REQUIRE = 7
    MACHINE = 8
    SWEEP = 9
    INTERRUPTED = 130
    TERMINATED = 143


class AlrnnError(Exception):
    """Something went wrong that we understand: `message` says what and where, `hint` what to do next.

    Both are one line each. The command line prints them without a traceback and exits with `code`.
    """

    code = ExitCode.BUG

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(AlrnnError):
    """The command line or the configuration asks for something impossible."""

    code = ExitCode.USAGE


class InputError(AlrnnError):
    """An input is missing, corrupt, of a wrong shape or of another schema."""

    code = ExitCode.INPUT


class OutputExistsError(AlrnnError):
    """The output file is there already and holds something else."""

    code = ExitCode.EXISTS


class DeviceError(AlrnnError):
    """The device or the kernel backend asked for is not available here."""

    code = ExitCode.DEVICE


class DivergedError(AlrnnError):
    """Loss or gradient became NaN or infinite; the last good state was kept."""

    code = ExitCode.DIVERGED


class RequirementError(AlrnnError):
    """A `--require` condition does not hold for the result."""

    code = ExitCode.REQUIRE


class MachineError(AlrnnError):
    """The machine failed us: disk full, out of memory, no network."""

    code = ExitCode.MACHINE


class StoppedError(AlrnnError):
    """A signal asked us to stop; everything was saved first."""

    code = ExitCode.INTERRUPTED

    def __init__(self, message: str, hint: str = "", *, terminated: bool = False) -> None:
        super().__init__(message, hint)
        if terminated:
            self.code = ExitCode.TERMINATED


def closest(word: str, known: list[str] | tuple[str, ...], *, otherwise: str | None = None) -> str:
    """A hint that names the closest known word; where none is close, `otherwise`, or all of them."""
    from difflib import get_close_matches

    near = get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]!r}?"
    if otherwise is not None:
        return otherwise
    return "Known: " + ", ".join(sorted(known)) + "."
