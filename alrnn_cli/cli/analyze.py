"""`alrnn analyze`: from a checkpoint to an analysis, on the screen and in two files."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .conditions import show_conditions
from .glance import ROWS, show_glance
from .lesions import show_lesions, show_linearised
from .modes import show_lyapunov, show_slow_modes
from .options import OUTPUT, Cache, Data, Debug, Json, Quiet
from .output import console, fitted, more, number, say
from .output import table as table_of
from .points import show_continuation, show_cycles, show_fixed_points
from .series import Progress, show_series

if TYPE_CHECKING:
    from ..records import AnalysisReport, Region

NAME = "analyze"
HELP = """Take a trained model apart: subregions, modes, fixed points.

    alrnn analyze ckpt.safetensors
    alrnn analyze ckpt.safetensors --lesions --linearise-until 0.01
    alrnn analyze ckpt.safetensors --json | jq .summary
    alrnn analyze ckpt.safetensors --trajectories states.npz
    alrnn analyze ckpt-*.safetensors ckpt.safetensors   (what changed during training: see train --save-every)

Writes X.analysis.json and X.analysis.safetensors beside the checkpoint; `alrnn plot` reads them.
"""

POINTS = "Fixed points and cycles"


def command(
    checkpoint: Annotated[list[Path], typer.Argument(help="what `alrnn train` or `import` wrote; several of one run: also what changed "
                                                     "in between", metavar="CHECKPOINT...")],
    data: Data = None,
    cache: Cache = None,
    trials: Annotated[
        int | None, typer.Option("--trials", help="test trials to run the model on [500], or free runs [64]", min=1, metavar="INT",
                                 rich_help_panel="Analysis")
    ] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", help="of a free run, for a model without a task [1000 steps]", min=1, metavar="INT",
                                 rich_help_panel="Analysis")
    ] = None,
    transient: Annotated[
        int | None, typer.Option("--transient", help="steps of a free run that are left out before those [0 steps]", min=0,
                                 metavar="INT", rich_help_panel="Analysis")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="of the initial states of a free run [0]", min=0, metavar="INT",
                                 rich_help_panel="Analysis")
    ] = None,
    trajectories: Annotated[
        Path | None, typer.Option("--trajectories", help="analyze the states in this .npz or .safetensors file instead",
                                  metavar="FILE", rich_help_panel="Analysis")
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", help="one more constant input for fixed points and cycles: 0.5,0 or mask=1 (repeatable)",
                     metavar="VALUES", rich_help_panel=POINTS),
    ] = None,
    input_sweep: Annotated[
        list[str] | None,
        typer.Option("--input-sweep", help="follow fixed points along one input: mask=0:1:0.05; the others stay at --input, or 0",
                     metavar="NAME=GRID", rich_help_panel=POINTS),
    ] = None,
    max_period: Annotated[
        int, typer.Option("--max-period", help="longest cycle looked for [10]", min=1, metavar="INT", rich_help_panel=POINTS)
    ] = 10,
    virtual: Annotated[
        bool, typer.Option("--virtual", help="list virtual fixed points too (else only counted)", rich_help_panel=POINTS)
    ] = False,
    budget: Annotated[
        int,
        typer.Option("--budget", help="time for the search of fixed points, a third as much for cycles; what is left open is told [30]",
                     min=0, metavar="SECONDS", rich_help_panel=POINTS),
    ] = 30,
    lesions: Annotated[
        bool, typer.Option("--lesions", help="also fix each nonlinear unit's bit and remove each slow mode, and score the task again",
                           rich_help_panel="Analysis")
    ] = False,
    linearise_until: Annotated[
        float | None,
        typer.Option("--linearise-until", help="also make nonlinear units linear, one by one, while the score gets worse by at most "
                     "this much, in its own units", metavar="FLOAT", rich_help_panel="Analysis"),
    ] = None,
    save_reduced: Annotated[
        Path | None,
        typer.Option("--save-reduced", help="write the model that --linearise-until finds as a checkpoint", metavar="FILE",
                     rich_help_panel=OUTPUT),
    ] = None,
    compat: Annotated[
        str | None, typer.Option("--compat", help="also the transition matrix as published code defines it: alrnn-dsr", metavar="NAME",
                                 rich_help_panel="Analysis")
    ] = None,
    lyapunov: Annotated[
        bool, typer.Option("--lyapunov", help="Lyapunov exponents along the trials; takes longer than all else",
                           rich_help_panel="Analysis")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="the JSON file to write [CHECKPOINT's name].analysis.json", metavar="FILE",
                     rich_help_panel=OUTPUT),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Roll the model out, analyze, write the files, show the report."""
    from .. import store
    from ..config import AnalysisConfig
    from ..errors import OutputExistsError, UsageError
    from ..reduction import check, save_reduction

    limits = {"max_period": max_period, "budget": budget}
    asked = AnalysisConfig(
        tuple(inputs or ()),
        input_sweep[0] if input_sweep else None,
        virtual,
        lesions,
        linearise_until,
        compat,
        lyapunov,
        limits,
    )
    reduced = check(save_reduced, linearise_until)
    if input_sweep and (len(input_sweep) > 1 or len(inputs or ()) > 1):
        raise UsageError(
            f"--input-sweep {input_sweep[0]}: one sweep, and at most one --input at which the other inputs stay.",
            "Run twice.",
        )
    from ..series import analyze, in_order

    listed = in_order(checkpoint)
    last = listed[-1].path
    target, _ = store.analysis_paths(last if out is None else out)
    if out is not None and not str(out).endswith(".analysis.json"):
        raise UsageError(f"--out {out}: must end in .analysis.json.", f"For example {out.stem}.analysis.json")
    if target.exists() and not store.is_analysis(target):
        raise OutputExistsError(f"{target} is there and is not an analysis.", "Choose another --out.")
    from ..material import Request  # loads scipy: only once the files are known to be checkpoints

    request = Request(data, trials, steps, transient, seed, trajectories)
    line = shlex.join(["alrnn", *sys.argv[1:]])
    report = analyze(listed, request, asked, command=line, on_checkpoint=Progress(quiet=quiet))
    store.save_analysis(target, report)
    if reduced is not None:
        save_reduction(reduced, last, report)
    if json:
        sys.stdout.write(target.read_text(encoding="utf8"))
        return
    show(report, charts=not quiet)
    _, arrays = store.analysis_paths(target)
    also = "" if reduced is None else f", and the reduced model to {reduced}"
    console().print(f"\nWrote {target} and {arrays.name}{also}", soft_wrap=True)
    say(f"Next: alrnn plot {'bitcodes' if report.piecewise_linear else 'loss'}", quiet=quiet)


def show(report: AnalysisReport, *, charts: bool = True) -> None:
    """The report on stdout: the summary first, then charts where asked for, then tables."""
    from rich.text import Text

    screen = console()
    for line in report.warnings:
        screen.print(Text(f"! {line}", style="yellow"))
    for line in report.summary:
        screen.print(Text(f"• {line}"))
    if not report.piecewise_linear:
        show_lyapunov(report)
        return
    charted = charts and show_glance(report)
    _show_subregions(report, shares=not charted)
    for part in (
        show_slow_modes, show_lyapunov, show_lesions, show_linearised, show_conditions, show_fixed_points, show_cycles,
        show_continuation, show_series,
    ):  # fmt: skip
        part(report)


def _show_subregions(report: AnalysisReport, *, shares: bool) -> None:
    """Which subregions are used, and how states move between them. shares: with those of all states."""
    from ..wording import steps

    screen = console()
    phases = [name for name in report.usage if name != "all"]
    lag = report.lag
    by_phase = [f">{p} +{lag}" if lag else f">{p}" for p in phases]
    table = table_of(
        "Subregions visited", "bitcode", *[">all"] * shares, *by_phase, ">stay", ">max |λ|", "stability", "slowest mode"
    )
    visited = [r for r in report.regions if r.visited]
    for r in visited[:ROWS]:
        own = r.frequency_after_phase if lag else r.frequency_by_phase
        cells = [*[r.frequency] * shares, *(own.get(p) for p in phases)]
        table.add_row(
            r.bitcode or "(P = 0)",
            *("–" if x is None else f"{100 * x:.1f} %" for x in cells),
            "–" if r.dwell_mean is None else f"{r.dwell_mean:,.3g}",
            f"{r.spectral_radius:.4f}",
            r.stability,
            _slowest(r),
        )
    screen.print()
    screen.print(fitted(table, optional=2))
    more(len(visited), ROWS)
    u = report.usage["all"]
    possible = f" of {u.n_possible:,}" if u.n_possible is not None else f" of 2^{report.model['P']}"
    screen.print(
        f"[dim]{u.n_visited}{possible} visited; entropy {number(u.entropy)} nats, effective number "
        f"{number(u.effective_number)}, Gini {number(u.gini_all)} (normalised {number(u.gini_all_normalised)})[/]"
    )
    if lag and report.phase_lag is not None:
        told = report.phase_lag.information
        screen.print(
            f"[dim]+{lag}: {steps(lag)} after the phase's input, where phase and subregion share {number(told[lag])} nats "
            f"({number(told[0])} at once)[/]"
        )
    t = report.transitions
    if t is not None and report.model["P"] and t.n_steps:
        classes = f"{len(t.recurrent)} recurrent class{'' if len(t.recurrent) == 1 else 'es'}"
        rate = "" if t.entropy_rate is None else f", entropy rate {number(t.entropy_rate)} nats a step"
        screen.print(
            f"[dim]Stay: mean steps in a row. {t.n_pairs:,} pairs of successive subregions, {t.n_steps - t.n_stays:,} switches "
            f"in {t.n_steps:,} steps; {classes}{rate}[/]"
        )


def _slowest(region: Region) -> str:
    """The mode nearest |λ| = 1, in steps."""
    if not region.modes:
        return "–"
    mode = min(region.modes, key=lambda m: abs(m.modulus - 1))
    if mode.timescale is None:
        return "marginal"
    turn = "" if mode.period is None else f", period {mode.period:,.3g}"
    return f"{'grows, ' if mode.kind == 'growing' else ''}{mode.timescale:,.4g} steps{turn}"
