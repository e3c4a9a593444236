"""What `alrnn sweep` shows: the plan, how far it is, and the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, UsageError, closest
from ..wording import plural
from .output import console, number, print_json, say, table
from .output import more as and_more

if TYPE_CHECKING:
    from ..sweep.folder import Sweep
    from ..sweep.plan import Cell, Plan
    from ..sweep.table import Row, Statistics

STATUS_SCHEMA, TABLE_SCHEMA, PLAN_SCHEMA = "alrnn.sweep-status/1", "alrnn.sweep-table/1", "alrnn.sweep-plan/1"
_ROWS = 60
_FORMATS = ("table", "csv", "markdown")


def show_plan(plan: Plan, cells: Sequence[Cell], workers: int, folder: Path, given: dict[str, Any]) -> None:
    """The cells, their number, and how long they will take."""
    from ..sweep.estimate import estimate
    from .train import to_toml

    say("Trying a few steps …", quiet=given["quiet"])
    seconds = estimate(cells, workers)
    if given["json"]:
        listed = [{"cell": c.id, **c.axes} for c in cells]
        print_json({"schema": PLAN_SCHEMA, "folder": str(folder), "plan": plan.to_dict(), "cells": listed, "workers": workers,
                    "seconds": seconds})  # fmt: skip
        return
    screen = console()
    names = list(dict.fromkeys(name for c in cells for name in c.axes))
    shown = table("", *[f">{name.removeprefix('task.')}" for name in names], "cell")
    for cell in cells[:_ROWS]:
        shown.add_row(*(_value(cell.axes.get(name)) for name in names), cell.id)
    screen.print(shown)
    and_more(len(cells), _ROWS)
    from .sweep import _clock

    screen.print(
        f"{plural(len(cells), 'cell')} in {folder}, about {_clock(seconds)} with {plural(workers, 'worker')}.",
        soft_wrap=True,
    )
    screen.print(f"[dim]{to_toml(plan.to_dict()).strip()}[/]" if given["debug"] else "", end="")


def show_status(folder: Path, given: dict[str, Any]) -> None:
    """How many cells are done, running, failed or open, and why those failed."""
    from ..sweep.folder import Sweep
    from ..sweep.table import rows

    sweep = Sweep.open(folder)
    found = rows(sweep, given["retries"])
    counts = Counter(row.state for row in found)
    states = ("finished", "diverged", "failed", "running", "open")
    bad = [row for row in found if row.state in ("failed", "diverged")]
    eta = _left(sweep, found)
    if given["json"]:
        print_json({"schema": STATUS_SCHEMA, "folder": str(folder), "cells": len(found), **{s: counts[s] for s in states},
                    "seconds_left": eta, "bad": [asdict(row) for row in bad]})  # fmt: skip
        return
    screen = console()
    told = ", ".join(f"{counts[s]:,} {s}" for s in states if counts[s])
    screen.print(f"{plural(len(found), 'cell')}: {told}", soft_wrap=True)
    if eta is not None:
        from .sweep import _clock

        screen.print(f"about {_clock(eta)} left at the present rate")
    if bad:
        screen.print()
        shown = table("What went wrong", "cell", "axes", "how", "why")
        for row in bad[:_ROWS]:
            shown.add_row(row.cell, _axes(row.axes), row.state, row.reason)
        screen.print(shown)
        and_more(len(bad), _ROWS)


def _left(sweep: Sweep, found: Sequence[Row]) -> float | None:
    """Seconds until all is done at the rate of the last ended cells; None where nothing runs or none has ended."""
    from ..sweep.folder import STATUS

    pending = sum(row.state in ("running", "open") for row in found)
    if not pending or not any(row.state == "running" for row in found):
        return None
    times = sorted(
        (sweep.place(row.cell).path / STATUS).stat().st_mtime for row in found if row.state in ("finished", "diverged")
    )
    recent = times[-20:]
    if len(recent) < 2 or recent[-1] <= recent[0]:
        return None
    return pending * (recent[-1] - recent[0]) / (len(recent) - 1)


def show_table(
    folder: Path, given: dict[str, Any], cells: Sequence[Row] | None = None, seconds: float | None = None
) -> None:
    """Statistics over seeds. cells: default all of the folder."""
    from ..sweep import table as tables
    from ..sweep.folder import Sweep

    if given["form"] not in _FORMATS:
        raise UsageError(
            f"--format {given['form']}: expected one of {', '.join(_FORMATS)}.", closest(given["form"], _FORMATS)
        )
    found = tables.rows(Sweep.open(folder), given["retries"]) if cells is None else cells
    found = tables.where(found, given["where"])
    if not found:
        raise InputError(f"{folder}: no cell is left to show.", "Loosen --where.")
    metric, direction = tables.metric_of(found, given["metric"])
    stats = tables.statistics(found, metric, direction)
    if given["sort"]:
        stats = tables.ordered(stats, given["sort"])
    if given["json"]:
        print_json({"schema": TABLE_SCHEMA, "folder": str(folder), "metric": metric, "direction": direction, "seconds": seconds,
                    "statistics": [asdict(s) for s in stats], "cells": [asdict(r) for r in found]})  # fmt: skip
        return
    if given["form"] == "csv":
        console().file.write(tables.as_csv(stats))
        return
    header, body = _pivoted(stats, given["pivot"]) if given["pivot"] else _plain(stats)
    if given["form"] == "markdown":
        console().file.write(_markdown(header, body))
        return
    screen = console()
    shown = table(f"{metric} on the test trials", *header)
    for line in body[:_ROWS]:
        shown.add_row(*line)
    screen.print(shown)
    and_more(len(body), _ROWS)
    screen.print(
        "[dim]Mean over seeds with its 95 % bootstrap interval. Failed: runs without a score, diverged ones among them.[/]"
    )


def _plain(stats: Sequence[Statistics]) -> tuple[list[str], list[list[str]]]:
    names = list(dict.fromkeys(k for s in stats for k in s.axes))
    pending = any(s.pending for s in stats)
    header = [
        *(f">{n.removeprefix('task.')}" for n in names),
        ">mean",
        ">95 % interval",
        ">median",
        ">best",
        ">runs",
        ">failed",
    ]
    header += [">to come"] if pending else []
    body = []
    for s in stats:
        line = [_value(s.axes.get(n)) for n in names]
        line += [
            number(s.mean),
            _interval(s),
            number(s.median),
            number(s.best),
            str(s.n),
            str(s.failed) if s.failed else "",
        ]
        body.append(line + ([str(s.pending)] if pending else []))
    return header, body


def _pivoted(stats: Sequence[Statistics], across: str) -> tuple[list[str], list[list[str]]]:
    from ..sweep.table import pivot

    lines, values = pivot(stats, across)
    names = list(dict.fromkeys(k for line in lines for k in line["axes"]))
    short = across.removeprefix("task.")
    header = [*(f">{n.removeprefix('task.')}" for n in names), *(f">{short} = {_value(v)}" for v in values)]
    body = []
    for line in lines:
        cells = [line["by"].get(v) for v in values]
        body.append([*(_value(line["axes"].get(n)) for n in names), *("" if s is None else _mean(s) for s in cells)])
    return header, body


def _mean(s: Statistics) -> str:
    return number(s.mean) if s.low is None else f"{number(s.mean)} [{_interval(s)}]"


def _interval(s: Statistics) -> str:
    return "" if s.low is None else f"{number(s.low)}, {number(s.high)}"


def _value(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)


def _axes(axes: dict[str, Any]) -> str:
    return " ".join(f"{k.removeprefix('task.')}={_value(v)}" for k, v in axes.items())


def _markdown(header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    names = [h.removeprefix(">") for h in header]
    rule = ["---:" if h.startswith(">") else "---" for h in header]
    lines = [names, rule, *body]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)
