"""`alrnn bench`: how fast this machine runs and trains AL-RNNs, and against what."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import UsageError, closest
from ..wording import plural
from .options import OUTPUT, Debug, Json, Quiet
from .output import console, print_json, say

if TYPE_CHECKING:
    from rich.table import Table

NAME = "bench"
HELP = """Measure the kernels on this machine: medians of rounds in which all take turns.

    alrnn bench
    alrnn bench --part scan --case addition,smnist
    alrnn bench --device cuda --json > h100.json
    alrnn bench --plot bench.png

Parts: scan, forward and backward against the published loop and torch's RNN, GRU and LSTM; step, a whole
training step; last, the chunked kernel where only the last state counts; members, many runs at once; scaling,
time against the number of steps and trials. Stop other work first.
"""

SCHEMA = "alrnn.bench/1"
PARTS = ("scan", "step", "last", "members", "scaling", "subregions")


def command(
    part: Annotated[str, typer.Option("--part", help="comma list of scan, step, last, members, scaling, subregions [all]",
                                      metavar="LIST", rich_help_panel="Bench")] = "",
    case: Annotated[str, typer.Option("--case", help="shapes to measure, a comma list of names; `all` for every one [all]",
                                      metavar="LIST", rich_help_panel="Bench")] = "all",
    repeats: Annotated[int, typer.Option("--repeats", help="rounds [7]", min=1, metavar="INT", rich_help_panel="Bench")] = 7,
    device: Annotated[str, typer.Option("--device", help="cpu or cuda [cpu]", metavar="NAME", rich_help_panel="Machine")] = "cpu",
    threads: Annotated[int, typer.Option("--threads", help="CPU threads (0: torch's own choice) [0]", min=0, metavar="INT",
                                         rich_help_panel="Machine")] = 0,
    tf32: Annotated[bool, typer.Option("--tf32", help="on a GPU, products in TF32", rich_help_panel="Machine")] = False,
    plot: Annotated[Path | None, typer.Option("--plot", help="also draw the comparison: .png, .svg or .pdf", metavar="FILE",
                                              rich_help_panel=OUTPUT)] = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Measure, and show tables or one JSON object."""
    parts = _chosen(part or ",".join(PARTS), PARTS, "--part")
    from ..bench import cases

    known = {c.name.replace(" ", "-"): c for c in cases.CASES}
    names = list(known) if case == "all" else _chosen(case, tuple(known), "--case")
    if plot is not None and "scan" not in parts:
        raise UsageError("--plot draws the part scan, which is not measured.", "Add scan to --part.")
    result = _measure(
        parts, [known[n] for n in names], repeats, device, threads, tf32, lambda text: say(text, quiet=quiet)
    )
    if plot is not None:
        from ..bench.plot import draw

        draw(result, plot)
        say(f"Wrote {plot}", quiet=quiet)
    if json:
        print_json(result)
    else:
        show(result)


def _chosen(text: str, known: tuple[str, ...], flag: str) -> list[str]:
    names = [n.strip() for n in text.split(",") if n.strip()]
    for name in names:
        if name not in known:
            raise UsageError(f"{flag} {name}: expected some of {', '.join(known)}.", closest(name, known))
    return names


def _measure(
    parts: list[str], chosen: list[Any], repeats: int, device: str, threads: int, tf32: bool, tell: Any
) -> dict[str, Any]:
    import torch

    from .. import kernels
    from ..bench import cases, machine, measure, subregions
    from ..training.run import device_of, use_tf32

    where = device_of(device)
    if threads:
        torch.set_num_threads(threads)
    if tf32:
        use_tf32(where)
    ours = kernels.resolve("auto", where)
    backends = list(dict.fromkeys([ours, "torch", "reference"]))
    result: dict[str, Any] = {"schema": SCHEMA, "machine": machine.describe(where), "repeats": repeats, "backend": ours}
    todo: dict[str, list[tuple[str, Any]]] = {
        "scan": [(c.name, lambda c=c: measure.scan(c, backends, repeats, where)) for c in chosen],
        "step": [(c.name, lambda c=c: measure.step(c, repeats, where)) for c in chosen],
        "last": [(c.name, lambda c=c: measure.last(c, repeats, where)) for c in cases.LAST] if ours == "cpu" else [],
        "members": [
            (c.name, lambda c=c: measure.members(c, cases.MEMBERS, repeats, where))
            for c in chosen
            if c.name in cases.GROUPED
        ],
        "scaling": [(axis, lambda axis=axis: measure.scaling(axis, ours, repeats, where)) for axis in ("T", "B")],
        "subregions": [(f"P = {P}", lambda P=P: subregions.subregions(P, repeats)) for P in subregions.SIZES],
    }
    for part in parts:
        result[part] = []
        for name, run in todo[part]:
            tell(f"measuring {part}: {name}")
            result[part].append(run())
    if result.get("scan"):
        result["summary"] = {
            kind: measure.geometric_mean([row["times_faster"][kind] for row in result["scan"]])
            for kind in measure.RIVALS
        }
    return result


def show(result: dict[str, Any]) -> None:
    """Tables on stdout."""
    screen = console()
    m = result["machine"]
    screen.print(
        f"{m['processor']}, {plural(m['threads'], 'thread')}, torch {m['torch']}; medians of {result['repeats']} rounds"
    )
    for part in PARTS:
        rows = result.get(part)
        if rows:
            screen.print()
            screen.print(_TABLES[part](rows))
            sys.stdout.flush()
    if "summary" in result:
        text = ", ".join(f"{kind} {x:.1f}" for kind, x in result["summary"].items())
        screen.print(f"\nTimes faster, geometric mean over the shapes: {text}", soft_wrap=True)


def _table(title: str, *columns: str) -> Table:
    from rich.table import Table

    table = Table(title=title, box=None, pad_edge=False, header_style="dim", title_justify="left", title_style="bold")
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i == 0 else "right", no_wrap=True)
    return table


def _ms(seconds: dict[str, float]) -> str:
    return f"{seconds['median'] * 1e3:.3g}"


def _name(row: dict[str, Any]) -> str:
    """The case, with its shape (B, T, M, P, K) where the screen is wide enough."""
    shape = f" ({row['B']}, {row['T']}, {row['M']}, {row['P']}, {row['K']})"
    return f"{row['case']}{shape if console().width >= 110 else ''}"


def _scan(rows: list[dict[str, Any]]) -> Table:
    rivals = [n for n in rows[0]["times_faster"] if n != "reference"]
    table = _table("Forward and backward: ms, and times faster than", "shape", "ms", "of peak", *rivals)
    for row in rows:
        own = row["seconds"][row["backend"]]
        table.add_row(_name(row), _ms(own), f"{row['of_peak']:.0%}", *(f"{row['times_faster'][n]:.1f}" for n in rivals))
    return table


def _step(rows: list[dict[str, Any]]) -> Table:
    table = _table("A whole training step", "shape", "backend", "ms", "published ms", "times faster")
    for row in rows:
        seconds = row["seconds"]
        table.add_row(
            _name(row),
            row["backend"],
            _ms(seconds["alrnn"]),
            _ms(seconds["published loop"]),
            f"{row['times_faster']:.1f}",
        )
    return table


def _last(rows: list[dict[str, Any]]) -> Table:
    table = _table("Only the last state", "shape", "auto", "dense ms", "chunked ms", "times faster")
    for row in rows:
        auto = f"chunks of {row['chunk']}" if row["chunk"] else "dense"
        seconds = row["seconds"]
        table.add_row(_name(row), auto, _ms(seconds["cpu"]), _ms(seconds["chunked"]), f"{row['times_faster']:.2f}")
    return table


def _members(rows: list[dict[str, Any]]) -> Table:
    counts = list(rows[0]["seconds_per_member"])
    table = _table("A training step of E members: ms for each member", "shape", *(f"E = {E}" for E in counts))
    for row in rows:
        table.add_row(_name(row), *(f"{row['seconds_per_member'][E] * 1e3:.3g}" for E in counts))
    return table


def _scaling(rows: list[dict[str, Any]]) -> Table:
    table = _table("Time against size (M = 50, P = 2, K = 2); slope 1 is linear", "", "ms by size", "slope")
    for row in rows:
        sizes = "  ".join(f"{n}: {_ms(t)}" for n, t in row["seconds"].items())
        table.add_row(row["axis"], sizes, f"{row['slope']:.2f}")
    return table


def _subregions(rows: list[dict[str, Any]]) -> Table:
    table = _table(
        f"Fixed points of all subregions, M = {rows[0]['M']}", "P", "subregions", "real", "s", "µs each", "times faster"
    )
    for row in rows:
        seconds = f"{row['seconds']['alrnn']['median']:.3g}" + ("" if row["complete"] else " (not complete)")
        each = f"{row['microseconds_each']:.2g}"
        table.add_row(
            str(row["P"]), f"{row['subregions']:,}", str(row["real"]), seconds, each, f"{row['times_faster']:.1f}"
        )
    return table


_TABLES = {
    "scan": _scan,
    "step": _step,
    "last": _last,
    "members": _members,
    "scaling": _scaling,
    "subregions": _subregions,
}
