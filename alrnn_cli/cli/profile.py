"""`alrnn profile`: how much nonlinearity a task needs."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import config as configuration
from ..errors import StoppedError, UsageError
from . import sweep
from .options import OUTPUT
from .output import console, number, print_json, say, table
from .train import to_toml

if TYPE_CHECKING:
    from ..sweep.plan import Plan
    from ..sweep.samples import Size
    from ..sweep.table import Row
    from ..sweep.verdict import Verdict

NAME = "profile"
HELP = """Find the smallest P that solves a task, with the linear model and chance beside it.

    alrnn profile --task addition
    alrnn profile --task context --M 10 --tolerance 0.02 --max-seeds 8
    alrnn profile --task custom --data mytask.npz --P 0,1,2,4,8
    alrnn profile --task context --train-sizes 100,300,1000,3000

A sweep over P that goes where the answer lies: it halves the gap below the smallest P that is enough, and adds
seeds while resampling them gives other answers. Enough is a mean skill within the tolerance of the best; skill is 0
at chance, 1 for a perfect score, and 0 for a run that fails. The runs are kept in a sweep's folder; the same
command goes on with them, and `alrnn plot profile FOLDER` draws the answer. With --train-sizes the answer is then
compared with P = M on fixed sets of so many training trials, in as many steps as the recipe takes.
"""

_SEARCH = "Search"
#: Seeds of a comparison by training trials at first: a bootstrap interval of three is too narrow, above all where one fails.
_SEEDS = 5
#: The task option that says how many training trials there are.
TRAIN = "task.train"

_OWN: dict[str, tuple[Any, Any]] = {
    "P": (Annotated[str | None, typer.Option("--P", help="values to begin with [0,1,2,5,10,20 below M, and M]", metavar="INT,…",
                                             rich_help_panel=_SEARCH)], None),
    "tolerance": (Annotated[float, typer.Option("--tolerance", help="skill that an answer may be below the best [0.05]", min=0, max=1,
                                                metavar="NUM", rich_help_panel=_SEARCH)], 0.05),
    "confidence": (Annotated[float, typer.Option("--confidence", help="share of resamples that must agree [0.95]", min=0, max=1,
                                                 metavar="NUM", rich_help_panel=_SEARCH)], 0.95),
    "min_seeds": (Annotated[int, typer.Option("--min-seeds", help="seeds at first [3]", min=1, metavar="INT",
                                              rich_help_panel=_SEARCH)], 3),
    "max_seeds": (Annotated[int, typer.Option("--max-seeds", help="seeds where there is doubt [10]", min=1, metavar="INT",
                                              rich_help_panel=_SEARCH)], 10),
    "train_sizes": (Annotated[str | None, typer.Option("--train-sizes", help="training trials at which to compare few ReLUs with P = M",
                                                       metavar="INT,…", rich_help_panel=_SEARCH)], None),
}  # fmt: skip
#: Options of a sweep that mean nothing here.
_NOT = {
    "action",
    "folder",
    "seeds",
    "shard",
    "executor",
    "slurm",
    "wait",
    "dry_run",
    "where",
    "sort",
    "pivot",
    "form",
    "analyze",
    "trials",
    "config",
}


def command(**given: Any) -> None:
    """Search, then show the verdict."""
    from ..sweep import record
    from ..sweep.profile import Search, first_levels, profile
    from ..sweep.samples import compare_all

    if given["max_seeds"] < given["min_seeds"]:
        raise UsageError(f"--max-seeds {given['max_seeds']} is below --min-seeds {given['min_seeds']}.", "Raise it.")
    search = Search(given["tolerance"], given["confidence"], given["min_seeds"], given["max_seeds"])
    levels = given.pop("P")
    wanted = sweep.asked({**given, "P": None, "seeds": "1", "config": None})
    if wanted.axes:
        name = next(iter(wanted.axes))
        raise UsageError(f"{configuration.flag(name)}: alrnn profile varies P alone.", "For a grid: alrnn sweep")
    M, metric, direction, chance = _facts(wanted, given["metric"])
    sizes = _sizes(given.pop("train_sizes"), wanted)
    first = first_levels(M) if levels is None else _levels(levels, wanted.task)
    folder = given["out"] or Path(f"profile-{wanted.task}")
    runner = _Runner(wanted, folder, given)
    say(f"{metric}: chance is {number(chance)}. Runs are kept in {folder}.", quiet=given["quiet"])
    found = profile(first, M, metric, direction, chance, search, runner, lambda v: say(_line(v), quiet=given["quiet"]))
    by_size = compare_all(
        sizes if found.minimal_P != M else (), found.minimal_P, M, metric, direction, chance,
        min(max(search.first_seeds, _SEEDS), search.most_seeds), search.most_seeds, runner.on,
        lambda size: say(_size_line(size), quiet=given["quiet"]),
    )  # fmt: skip
    words = _words(found, by_size, asked=bool(sizes))
    content = {"schema": record.PROFILE_SCHEMA, "task": wanted.task, "folder": str(folder), **asdict(found),
               "sizes": [asdict(size) for size in by_size], "summary": words}  # fmt: skip
    record.write_profile(folder, content)
    if given["json"]:
        print_json(content)
        return
    _show(found, by_size, words)


def _facts(wanted: Plan, metric: str | None) -> tuple[int, str, str, float]:
    """M, and the metric with its direction and chance level. Errors: UsageError."""
    from ..errors import closest
    from ..sweep.plan import cells
    from ..sweep.work import task_of

    run = cells(wanted)[0].config
    task = task_of(run, {})
    name = metric or next(iter(task.metrics))
    if name not in task.metrics:
        raise UsageError(f"--metric {name}: task {task.name!r} has none.", closest(name, list(task.metrics)))
    if task.chance.get(name) is None:
        raise UsageError(f"--metric {name}: its chance level is not known.", "Choose another metric.")
    return run.model.M, name, task.metrics[name], task.chance[name]


def _sizes(text: str | None, wanted: Plan) -> list[int]:
    """Numbers of training trials, in rising order. Errors: UsageError."""
    from .. import tasks
    from ..sweep.plan import TASK, cells, values
    from ..sweep.work import task_of

    if text is None:
        return []
    if TRAIN.removeprefix(TASK) not in {o.name for o in tasks.get(wanted.task).options}:
        raise UsageError(
            f"--train-sizes: task {wanted.task!r} has no option for its number of training trials.", "Leave it out."
        )
    found = sorted(values(TRAIN, text, wanted.task))
    if found[0] < 1:
        raise UsageError(f"--train-sizes {text}: expected numbers of trials, at least 1.")
    # A generated set is as large as it is told to be, and 0 stands for all that the data have.
    run = cells(wanted)[0].config
    if not run.task_options[TRAIN.removeprefix(TASK)] and found[-1] > (there := task_of(run, {}).size("train")):
        raise UsageError(f"--train-sizes {text}: the data have {there:,} training trials.", "Give fewer.")
    return found


def _levels(text: str, task: str) -> list[int]:
    from ..sweep.plan import values

    return sorted({0, *values("P", text, task)})


def _size_line(size: Size) -> str:
    words = {
        "sparse": f"P = {size.sparse_P} is better than P = {size.full_P}",
        "full": f"P = {size.full_P} is better than P = {size.sparse_P}",
    }
    return f"{size.train:,} training trials: {words.get(size.told, 'not told apart')}"


def _words(found: Verdict, sizes: Sequence[Size], *, asked: bool) -> str:
    from ..sweep import samples
    from ..sweep.verdict import paragraph

    more = samples.paragraph(sizes)
    if asked and not sizes:
        more = "The answer is all units, so there is nothing to compare by training trials."
    return f"{paragraph(found)} {more}".strip()


def _line(v: Verdict) -> str:
    return f"P = {v.minimal_P} is the smallest that is enough in {100 * v.probability:.0f} % of resamples"


class _Runner:
    """Trains cells of the search in the sweep's folder."""

    def __init__(self, wanted: Plan, folder: Path, given: dict[str, Any]) -> None:
        self._wanted, self._folder, self._given = wanted, folder, given

    def on(self, train: int, pairs: Sequence[tuple[int, int]]) -> list[Row]:
        """Likewise, on a fixed set of so many training trials, in as many steps as the recipe takes."""
        from ..sweep.plan import cells
        from ..sweep.work import task_of

        run = cells(self._wanted)[0].config
        usual = task_of(run, {}).size("train")
        batch = run.training.batch
        longer = -(-usual // batch) / -(-train // batch)
        training = {
            "epochs": run.training.epochs * longer,
            "eval_every": run.training.eval_every * longer,
            "fresh": False,
            "curriculum": 0.0,
        }
        return self._run(
            replace(self._wanted, settings=self._wanted.settings | training, axes={TRAIN: (train,)}), pairs
        )

    def __call__(self, pairs: Sequence[tuple[int, int]]) -> list[Row]:
        return self._run(self._wanted, pairs)

    def _run(self, wanted: Plan, pairs: Sequence[tuple[int, int]]) -> list[Row]:
        from ..signals import Signals
        from ..sweep.folder import Sweep
        from ..sweep.plan import cells
        from ..sweep.pool import cores, run
        from ..sweep.table import rows
        from ..sweep.work import Job

        given = self._given
        asked = replace(
            wanted, axes={**wanted.axes, "P": tuple(sorted({P for P, _ in pairs}))}, seeds=tuple(sorted({seed for _, seed in pairs}))
        )  # fmt: skip
        by_pair = {(c.axes["P"], c.axes["seed"]): c for c in cells(asked)}
        chosen = [by_pair[pair] for pair in pairs]
        made = Sweep.create(self._folder, asked, chosen, to_toml)
        ids = [c.id for c in chosen]
        open_ = made.survey(ids, given["retries"]).of("open")
        if open_:
            workers = min(given["workers"] or len(cores()), len(open_))
            stack = given["stack"] or max(1, min(16, -(-len(open_) // (2 * workers))))
            job = Job(given["device"], given["backend"], given["threads"], stack, 0, given["retries"], workers == 1)
            with Signals() as signals:
                stopped = run(self._folder, job, workers, ids, stop=signals.reason, watch=sweep.Watch(made, ids, given))
            if stopped:
                raise StoppedError(
                    f"Stopped by {stopped}; everything is saved.", "Give the same command again to go on.",
                    terminated=stopped == "SIGTERM",
                )  # fmt: skip
        by_id = {row.cell: row for row in rows(made, given["retries"])}
        return [by_id[cell] for cell in ids]


def _show(found: Verdict, sizes: Sequence[Size], words: str) -> None:
    screen = console()
    shown = table(
        f"{found.metric} on the test trials, by P", ">P", ">mean", ">skill", ">95 % interval", ">runs", ">failed", ""
    )
    for level in found.levels:
        interval = "" if level.low is None else f"{number(level.low)}, {number(level.high)}"
        mark = "the smallest that is enough" if found.minimal_P == level.P else ""
        failed = str(level.failed) if level.failed else ""
        shown.add_row(str(level.P), number(level.score), number(level.skill), interval, str(level.n), failed, mark)
    screen.print(shown)
    if sizes:
        screen.print()
        columns = [f">P = {level.P}" for level in sizes[0].levels]
        shown = table(
            "mean skill, by training trials", ">trials", *columns, ">difference", ">95 % interval", ">seeds", "better"
        )
        for size in sizes:
            interval = "" if size.low is None else f"{number(size.low)}, {number(size.high)}"
            better = {"sparse": f"P = {size.sparse_P}", "full": f"P = {size.full_P}"}.get(size.told, "–")
            shown.add_row(f"{size.train:,}", *(number(level.skill) for level in size.levels), number(size.difference), interval,
                          str(size.levels[0].n), better)  # fmt: skip
        screen.print(shown)
    screen.print()
    screen.print(words)


def _signature() -> inspect.Signature:
    """A sweep's parameters without those that mean nothing here, and the search's own."""
    theirs = {n: p for n, p in sweep.command.__signature__.parameters.items() if n not in _NOT}  # type: ignore[attr-defined]
    leading = {n: p for n, p in theirs.items() if n in ("task", "task_opt", "data", "cache", "recipe")}
    own = {
        n: inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for n, (kind, default) in _OWN.items()
    }
    rest = {n: p for n, p in theirs.items() if n not in leading and n not in own}
    out = Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="the folder of the runs [profile-TASK]", metavar="FOLDER", rich_help_panel=OUTPUT
        ),
    ]
    rest["out"] = rest["out"].replace(annotation=out)
    metric = Annotated[
        str | None,
        typer.Option("--metric", help="what decides [the task's first]", metavar="NAME", rich_help_panel=_SEARCH),
    ]
    rest["metric"] = rest["metric"].replace(annotation=metric)
    return inspect.Signature([*leading.values(), *own.values(), *rest.values()])


command.__signature__ = _signature()  # type: ignore[attr-defined]
command.__annotations__ = {p.name: p.annotation for p in command.__signature__.parameters.values()}  # type: ignore[attr-defined]
