"""`alrnn sweep`: train a grid of runs into a folder, say how far it is, and show what came out."""

from __future__ import annotations

import inspect
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import config as configuration
from ..errors import AlrnnError, ExitCode, StoppedError, UsageError, closest
from ..wording import plural
from .options import OUTPUT, Cache, Data, Debug, Json, Quiet, pairs
from .output import say
from .train import METAVARS, PANELS, to_toml

if TYPE_CHECKING:
    from ..sweep.plan import Cell, Plan

NAME = "sweep"
HELP = """Train many runs of one question into a folder.

    alrnn sweep --task addition --P 0,1,2,5,10 --seeds 5
    alrnn sweep --task context --P 0:4:1 --tau 0,0.1 --seeds 3 --analyze --out context
    alrnn sweep --config sweep.toml --dry-run
    alrnn sweep --config sweep.toml --executor slurm --workers 32 --slurm partition=gpu,time=02:00:00,gpus=1
    alrnn sweep status FOLDER
    alrnn sweep table FOLDER --where P=1,2 --pivot tau

Any option of `alrnn train` takes a list, 0,1,2, or a range, 0:50:5 (stop included); so does --task-opt T=50,100.
The folder is the sweep: a cell is never trained twice, more values train the new cells only, and a sweep that
was stopped or killed goes on when the command is given again. Other machines help with `alrnn worker FOLDER`.
"""

SCHEMA = "alrnn.sweep/1"
_ACTIONS = ("status", "table")
_MACHINE = "Machine"
_GRID = "Grid"
_TABLE = "Table"

_LEADING: dict[str, tuple[Any, Any]] = {
    "action": (Annotated[str | None, typer.Argument(help="status or table; without one, train", metavar="ACTION",
                                                    show_default=False)], None),
    "folder": (Annotated[Path | None, typer.Argument(help="of an existing sweep", metavar="FOLDER", show_default=False)], None),
    "task": (Annotated[str | None, typer.Option("--task", help="what to learn; `alrnn tasks` lists them", metavar="NAME",
                                                rich_help_panel=_GRID)], None),
    "task_opt": (Annotated[list[str], typer.Option("--task-opt", help="an option of the task, repeatable: T=50,100",
                                                   metavar="NAME=VALUES", rich_help_panel=_GRID)], []),
    "data": (Data, None),
    "cache": (Cache, None),
    "seeds": (Annotated[str | None, typer.Option("--seeds", help="how many, or which: 5, or 0,1,7 [1]", metavar="SEEDS",
                                                 rich_help_panel=_GRID)], None),
    "config": (Annotated[Path | None, typer.Option("--config", help="the grid from TOML or JSON, with lists, exclude and include",
                                                   metavar="FILE", rich_help_panel=_GRID)], None),
    "recipe": (Annotated[str | None, typer.Option("--recipe", help="default: what solves the task; paper: as published [default]",
                                                  metavar="NAME", rich_help_panel=_GRID)], None),
}  # fmt: skip

_TRAILING: dict[str, tuple[Any, Any]] = {
    "executor": (Annotated[str, typer.Option("--executor", help="local: processes here; slurm: jobs of a cluster; "
                                             "none: only make the folder, for `alrnn worker` [local]",
                                             metavar="NAME", rich_help_panel=_MACHINE)], "local"),
    "workers": (Annotated[int, typer.Option("--workers", help="processes (0: one for each core), or jobs [0]", min=0, metavar="INT",
                                            rich_help_panel=_MACHINE)], 0),
    "slurm": (Annotated[list[str], typer.Option("--slurm", help="with --executor slurm: options of sbatch, repeatable: "
                                                "partition=gpu,time=02:00:00", metavar="NAME=VALUE,…",
                                                rich_help_panel=_MACHINE)], []),
    "wait": (Annotated[bool, typer.Option("--wait", help="with --executor slurm: stay until all is done",
                                          rich_help_panel=_MACHINE)], False),
    "stack": (Annotated[int, typer.Option("--stack", help="most runs that train as one (0: by their number) [0]", min=0, metavar="INT",
                                          rich_help_panel=_MACHINE)], 0),
    "shard": (Annotated[str | None, typer.Option("--shard", help="work on every 16th cell from the 3rd only: 3/16", metavar="I/N",
                                                 rich_help_panel=_MACHINE)], None),
    "device": (Annotated[str, typer.Option("--device", help="cpu or cuda [cpu]", metavar="NAME", rich_help_panel=_MACHINE)], "cpu"),
    "backend": (Annotated[str, typer.Option("--backend", help="kernel, as of `alrnn train` [auto]", metavar="NAME",
                                            rich_help_panel=_MACHINE)], "auto"),
    "threads": (Annotated[int, typer.Option("--threads", help="CPU threads a worker (0: its share of the cores) [0]", min=0,
                                            metavar="INT", rich_help_panel=_MACHINE)], 0),
    "retries": (Annotated[int, typer.Option("--retries", help="further attempts at a run that fails [0]", min=0, metavar="INT",
                                            rich_help_panel=_MACHINE)], 0),
    "out": (Annotated[Path | None, typer.Option("--out", "-o", help="the sweep's folder [sweep-TASK]", metavar="FOLDER",
                                                rich_help_panel=OUTPUT)], None),
    "analyze": (Annotated[bool, typer.Option("--analyze", help="analyze every run as well", rich_help_panel=OUTPUT)], False),
    "trials": (Annotated[int, typer.Option("--trials", help="with --analyze: test trials [200]", min=1, metavar="INT",
                                           rich_help_panel=OUTPUT)], 200),
    "dry_run": (Annotated[bool, typer.Option("--dry-run", help="list the cells, estimate the time, and stop",
                                             rich_help_panel=OUTPUT)], False),
    "metric": (Annotated[str | None, typer.Option("--metric", help="what to show [the task's first]", metavar="NAME",
                                                  rich_help_panel=_TABLE)], None),
    "where": (Annotated[list[str], typer.Option("--where", help="only these, repeatable: P=1,2", metavar="NAME=VALUES",
                                                rich_help_panel=_TABLE)], []),
    "sort": (Annotated[str | None, typer.Option("--sort", help="by an axis or a statistic; -mean for the largest first", metavar="NAME",
                                                rich_help_panel=_TABLE)], None),
    "pivot": (Annotated[str | None, typer.Option("--pivot", help="one axis from left to right", metavar="NAME",
                                                 rich_help_panel=_TABLE)], None),
    "form": (Annotated[str, typer.Option("--format", help="table, csv or markdown [table]", metavar="NAME",
                                         rich_help_panel=_TABLE)], "table"),
    "json": (Json, False),
    "quiet": (Quiet, False),
    "debug": (Debug, False),
}  # fmt: skip


class FailedCellsError(AlrnnError):
    """A sweep is done, and some of its cells failed."""

    code = ExitCode.SWEEP


def command(**given: Any) -> None:
    """Train a grid, or show one. The signature is made from the configuration's own fields."""
    action, folder = given["action"], given["folder"]
    if action is None:
        _train(given)
        return
    if action not in _ACTIONS:
        raise UsageError(f"alrnn sweep {action}: expected status or table.", closest(action, _ACTIONS, otherwise=""))
    if folder is None:
        raise UsageError(f"alrnn sweep {action}: which sweep?", f"For example: alrnn sweep {action} sweep-addition")
    from . import sweep_screens

    show = sweep_screens.show_status if action == "status" else sweep_screens.show_table
    show(folder, given)


def asked(given: dict[str, Any]) -> Plan:
    """The plan that the options mean. Errors: UsageError, InputError."""
    from ..sweep.plan import TASK, plan

    grid = {name: given[name] for name in configuration.options() if name != "seed" and given.get(name) is not None}
    grid |= {TASK + name: value for name, value in pairs(given["task_opt"], "--task-opt").items()}
    return plan(
        given["task"],
        grid,
        seeds_given=given["seeds"],
        data=given["data"],
        recipe=given["recipe"],
        file=given["config"],
    )


def _train(given: dict[str, Any]) -> None:
    from ..sweep.plan import cells as cells_of
    from . import sweep_jobs

    sbatch = sweep_jobs.check(given)
    wanted = asked(given)
    cells = _shard(cells_of(wanted), given["shard"])
    from ..sweep.pool import cores

    workers = min(given["workers"] or len(cores()), len(cells))
    folder = given["out"] or Path(f"sweep-{wanted.task}")
    if given["dry_run"]:
        from . import sweep_screens

        sweep_screens.show_plan(wanted, cells, workers, folder, given)
        return
    from ..sweep import folder as folders

    sweep = folders.Sweep.create(folder, wanted, cells, to_toml)
    ids = [cell.id for cell in cells]
    watch = Watch(sweep, ids, given)
    left, started, stopped = len(ids) - len(watch.ended()), time.monotonic(), ""
    if given["executor"] == "none":
        sweep_jobs.show_folder(sweep, len(ids), left, given)
        return
    if left and given["executor"] == "slurm":
        jobs = sweep_jobs.start(sweep, left, sbatch, given)
        if not given["wait"]:
            sweep_jobs.show(sweep, jobs, left, given)
            return
        sweep_jobs.wait(sweep, jobs, ids, watch, given)
    elif left:
        stopped = _here(sweep, ids, workers, left, watch, given)
    _conclude(sweep, ids, stopped, time.monotonic() - started, given)


def _here(sweep: Any, ids: list[str], workers: int, left: int, watch: Watch, given: dict[str, Any]) -> str:
    """Train on this machine. Returns: why it stopped, "" where all is done."""
    from ..signals import Signals
    from ..sweep.pool import run
    from ..sweep.slurm import WARNINGS
    from ..sweep.work import Job
    from .sweep_jobs import stack_of

    job = Job(
        device=given["device"], backend=given["backend"], threads=given["threads"], stack=stack_of(len(ids), workers, given),
        analyze=given["trials"] if given["analyze"] else 0, retries=given["retries"], wait=workers == 1,
    )  # fmt: skip
    say(f"{sweep.path}: {plural(len(ids), 'cell')}, {left:,} to do, {plural(workers, 'worker')}.", quiet=given["quiet"])
    with Signals(*WARNINGS) as signals:
        return run(sweep.path, job, workers, ids, stop=signals.reason, watch=watch)


def _conclude(sweep: Any, ids: list[str], stopped: str, seconds: float, given: dict[str, Any]) -> None:
    """The table. Errors: StoppedError; FailedCellsError where cells failed or diverged."""
    from ..sweep.table import rows
    from . import sweep_screens

    if stopped:
        raise StoppedError(
            f"Stopped by {stopped}; everything is saved.",
            "Give the same command again to go on.",
            terminated=stopped != "SIGINT",
        )
    found = rows(sweep, given["retries"], ids)
    if any(row.directions for row in found):
        sweep_screens.show_table(sweep.path, given, found, seconds)
    if pending := sum(row.state in ("running", "open") for row in found):
        say(
            f"{plural(pending, 'cell')} of {len(ids):,} with other workers: alrnn sweep status {sweep.path}",
            quiet=given["quiet"],
        )
    failed = [row for row in found if row.state in ("failed", "diverged")]
    if failed:
        raise FailedCellsError(
            f"{len(failed):,} of {plural(len(ids), 'cell')} failed; {failed[0].cell} {failed[0].state}: {failed[0].reason}",
            f"All of them: alrnn sweep status {sweep.path}",
        )


def _shard(cells: list[Cell], text: str | None) -> list[Cell]:
    if text is None:
        return cells
    first, slash, many = text.partition("/")
    if not slash or not first.isdecimal() or not many.isdecimal() or not 1 <= int(first) <= int(many):
        raise UsageError(f"--shard {text}: expected I/N with 1 <= I <= N.", "For example --shard 3/16")
    own = cells[int(first) - 1 :: int(many)]
    if not own:
        raise UsageError(f"--shard {text}: there are only {len(cells)} cells.", "Use fewer shards.")
    return own


class Watch:
    """A line on stderr about every ten seconds, and when all is done."""

    def __init__(self, sweep: Any, ids: list[str], given: dict[str, Any]) -> None:
        self._sweep, self._ids, self._quiet, self._retries = sweep, ids, given["quiet"], given["retries"]
        self._started = self._last = time.monotonic()
        self._before = len(self.ended())

    def ended(self) -> list[str]:
        survey = self._sweep.survey(self._ids, self._retries)
        return [*survey.of("ended"), *survey.of("exhausted")]

    def __call__(self) -> None:
        now = time.monotonic()
        if self._quiet or now - self._last < 10:
            return
        self._last, done = now, len(self.ended())
        rate = (done - self._before) / (now - self._started)
        left = f", about {_clock((len(self._ids) - done) / rate)} left" if rate > 0 else ""
        say(f"{done:,} of {len(self._ids):,} cells done{left}")


def _clock(seconds: float) -> str:
    minutes, hours = round(seconds / 60), seconds / 3600
    return f"{seconds:.0f} s" if seconds < 100 else f"{minutes} min" if minutes < 100 else f"{hours:.1f} h"


def _signature() -> inspect.Signature:
    """The command's parameters: fixed ones, and a grid for every field of the configuration."""
    declared: dict[str, tuple[Any, Any]] = dict(_LEADING)
    for section, cls in configuration.SECTIONS.items():
        for name, option in configuration.options().items():
            if not hasattr(cls, name) or name == "seed":
                continue
            choices = f": {', '.join(option.metadata['choices'])}" if option.metadata["choices"] else ""
            shown = METAVARS[str(option.type)] or "BOOL"
            help_ = f"{option.metadata['help']}{choices}"
            declared[name] = (
                Annotated[
                    str | None,
                    typer.Option(configuration.flag(name), help=help_, metavar=f"{shown},…", rich_help_panel=PANELS[section]),
                ],
                None,
            )  # fmt: skip
    declared |= _TRAILING
    positional = {"action", "folder"}
    kinds = inspect.Parameter
    return inspect.Signature(
        [
            inspect.Parameter(
                n,
                kinds.POSITIONAL_OR_KEYWORD if n in positional else kinds.KEYWORD_ONLY,
                default=default,
                annotation=kind,
            )
            for n, (kind, default) in declared.items()
        ]
    )


command.__signature__ = _signature()  # type: ignore[attr-defined]
command.__annotations__ = {p.name: p.annotation for p in command.__signature__.parameters.values()}  # type: ignore[attr-defined]
