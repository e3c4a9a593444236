"""Collect the commands, run one, and turn every error into a line and an exit code."""

from __future__ import annotations

import functools
import gc
import sys
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

import typer

from .. import __version__
from ..errors import AlrnnError, ExitCode, MachineError
from . import analyze, bench, data, demo, import_, plot, profile, report, sweep, tasks, train, worker
from .encoding import be_lenient
from .help import help_text
from .output import show_error

app = typer.Typer(
    help="Train almost-linear RNNs, take them apart, and show what is inside.",
    add_completion=True,
    # Rich help takes a second import of half the program; ours is drawn in help.py.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _collecting(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the garbage collector on again, which `main` turns off while the parser is built."""

    @functools.wraps(command)
    def run_it(**given: Any) -> None:
        gc.enable()
        command(**given)

    return run_it


for _module in (train, analyze, plot, report, sweep, profile, worker, tasks, data, demo, bench, import_):
    app.command(_module.NAME, help=_module.HELP)(_collecting(_module.command))


def run(arguments: list[str] | None = None) -> None:
    """Run one command line and exit. arguments: without the program's name; default sys.argv."""
    args = sys.argv[1:] if arguments is None else arguments
    sys.exit(int(_run(args)))


def _run(args: list[str]) -> int:
    words = args[: args.index("--")] if "--" in args else args
    debug, as_json = "--debug" in words, "--json" in words
    be_lenient(as_json=as_json)
    if "--version" in words[:1]:
        sys.stdout.write(f"alrnn {__version__}\n")
        return ExitCode.OK
    root = typer.main.get_command(app)
    # Before parsing: help must not need valid arguments, and parsing costs more than half of its time.
    if not words or "-h" in words or "--help" in words:
        sys.stdout.write(help_text(root, words))
        return ExitCode.OK
    try:
        root.main(args=args, prog_name="alrnn", standalone_mode=False)
    except AlrnnError as error:
        if debug:
            raise
        show_error(error, as_json=as_json)
        return error.code
    except MemoryError:
        if debug:
            raise
        shown = MachineError("Out of memory.", "Use a smaller --batch, --M or fewer trials.")
        show_error(shown, as_json=as_json)
        return shown.code
    except BrokenPipeError:
        # The reader of our output went away (`alrnn … | head`): nothing left to say, and nothing to say it to.
        sys.stderr.close()
        return ExitCode.OK
    except KeyboardInterrupt:
        show_error(AlrnnError("Interrupted."), as_json=as_json)
        return ExitCode.INTERRUPTED
    except typer.Exit as stop:
        return stop.exit_code
    except Exception as error:
        if debug:
            raise
        return _unexpected(error, as_json)
    return ExitCode.OK


#: what other programs call an option
_MEANT = {
    "--learning-rate": "--lr", "--batch-size": "--batch", "--output": "--out", "--hidden": "--M", "--hidden-size": "--M",
    "--num-epochs": "--epochs", "--steps": "--max-steps", "--lambda": "--tau", "--p": "--P", "--m": "--M", "--gpu": "--device",
}  # fmt: skip


def _similar(option: str, known: list[str], otherwise: str) -> str:
    """A hint that names the option most like it; the dashes that all begin with do not count."""
    bare = {o.lstrip("-"): o for o in known}
    near = get_close_matches(option.lstrip("-"), bare, n=1)
    return f"Did you mean {bare[near[0]]!r}?" if near else otherwise


def _parser_message(error: Any) -> str:
    """What the parser says, in our words where it speaks of its own."""
    message: str = error.format_message()
    head, found, tail = message.partition("Input should be ")
    return f"{head}expected {tail.split(',')[0]}." if found else message


def _unexpected(error: Exception, as_json: bool) -> int:
    """Usage errors of the parser, out of memory in disguise, and bugs."""
    parser_error = typer.BadParameter.__mro__[2]  # ClickException of the vendored click, which must not be imported
    if isinstance(error, parser_error):
        where = getattr(error, "ctx", None)
        path = where.command_path if where is not None else "alrnn"
        message, hint = _parser_message(error), f"See {path} --help"
        if option := getattr(error, "option_name", ""):
            known = [o for p in where.command.params for o in p.opts] if where is not None else []
            message = f"{path} has no option {option}."
            meant = _MEANT.get(option)
            hint = f"Did you mean {meant!r}?" if meant in known else _similar(option, known, hint)
        show_error(AlrnnError(message, hint), as_json=as_json, code=ExitCode.USAGE)
        return ExitCode.USAGE
    if isinstance(error, RuntimeError) and "not enough memory" in str(error).lower():
        shown: AlrnnError = MachineError("Out of memory.", "Use a smaller --batch, --M or fewer trials.")
    else:
        shown = AlrnnError(
            f"This is a bug in alrnn: {type(error).__name__}: {error}".splitlines()[0],
            "Run the command again with --debug for the traceback, and report it.",
        )
    show_error(shown, as_json=as_json)
    return shown.code
