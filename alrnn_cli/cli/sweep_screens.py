"""What `alrnn sweep` shows: the plan, how far it is, and the table."""

from __future__ import annotations

import re
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
    from rich.table import Table

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
    eta, workers = _left(sweep, found), sweep.workers()
    if given["json"]:
        print_json({"schema": STATUS_SCHEMA, "folder": str(folder), "cells": len(found), **{s: counts[s] for s in states},
                    "workers": workers, "seconds_left": eta, "bad": [asdict(row) for row in bad]})  # fmt: skip
        return
    screen = console()
    told = ", ".join(f"{counts[s]:,} {s}" for s in states if counts[s])
    screen.print(f"{plural(len(found), 'cell')}: {told}", soft_wrap=True)
    if eta is not None:
        from .sweep import _clock

        screen.print(f"about {_clock(eta)} left at the present rate")
    if workers:
        screen.print()
        shown = table("At work", "worker", ">cells")
        for name, cells in list(workers.items())[:_ROWS]:
            shown.add_row(name, str(cells))
        screen.print(shown)
        and_more(len(workers), _ROWS)
    if bad:
        screen.print()
        screen.print(_wrong(bad))
    if counts["open"] and not workers:
        say(f"Nobody is at work on it: alrnn worker {folder}", quiet=given["quiet"])


def _wrong(bad: Sequence[Row]) -> Table:
    """What went wrong, a line for each reason; numbers in it may differ from cell to cell."""
    kinds: dict[tuple[str, str], list[Row]] = {}
    for row in bad:
        kinds.setdefault((row.state, re.sub(r"\d+", "#", row.reason)), []).append(row)
    shown = table("What went wrong", ">cells", "how", "why", "in common", "for example")
    for (state, _), own in sorted(kinds.items(), key=lambda item: -len(item[1])):
        same = [
            f"{k.removeprefix('task.')}={_value(v)}" for k, v in own[0].axes.items() if all(r.axes[k] == v for r in own)
        ]
        shown.add_row(f"{len(own):,}", state, own[0].reason, " ".join(same), own[0].cell)
    return shown


def _left(sweep: Sweep, found: Sequence[Row]) -> float | None:
    """Seconds until all is done at the rate of the last ended cells; None where nothing runs or few have ended."""
    from ..sweep.folder import STATUS
    from ..sweep.leases import now_at

    pending = sum(row.state in ("running", "open") for row in found)
    if not pending or not any(row.state == "running" for row in found):
        return None
    times = sorted(
        (sweep.place(row.cell).path / STATUS).stat().st_mtime for row in found if row.state in ("finished", "diverged")
    )
    recent = times[-20:]
    if len(recent) < 2:
        return None
    # Until now, not until the last of them: cells that take longer than those did shall show.
    return pending * (now_at(sweep.path / "cells") - recent[0]) / (len(recent) - 1)


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
        body.append(line + ([str(s.pending or "")] if pending else []))
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


def _markdown(header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    names = [h.removeprefix(">") for h in header]
    rule = ["---:" if h.startswith(">") else "---" for h in header]
    lines = [names, rule, *body]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)
