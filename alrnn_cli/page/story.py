"""How a model does what it does, step by step, as far as its report shows it. Every sentence rests on numbers of the record."""

from __future__ import annotations

from collections.abc import Sequence

from ..analysis.causes import by_unit, gentler
from ..records import AnalysisReport, SlowMode
from ..wording import join, number, percent, plural, steps
from . import words
from .gates import Channel, channels, differing, dominant

#: Influences that are told.
_TOLD = 2


def story(report: AnalysisReport) -> list[str]:
    """The steps, in order: the parts, when they switch, what gets through, how long it stays, what is needed, what comes out."""
    found = [c for c in channels(report) if c.units or c.even]
    return [
        *_parts(report),
        *_switching(report),
        *_gate(report, found),
        *_sum(report, found),
        *_memory(report),
        *_needed(report),
        *_outcome(report),
    ]


def gist(report: AnalysisReport) -> str:
    """The gate in a sentence or two, "" where none was found."""
    found = channels(report)
    if not found or not found[0].units:
        return ""
    c, (inputs, outputs) = found[0], words.channels(report)
    end = " What was let in is kept until the end of the trial, and added up." if c.even and c.alone else ""
    return (
        f"In short: {_keeper(c)} works as a gate. It lets {inputs[c.input]} through to {outputs[c.output]} at steps of “{c.open}” and "
        f"shuts it out at steps of “{c.shut}”.{end}"
    )


def _parts(report: AnalysisReport) -> list[str]:
    if not report.piecewise_linear:
        return []
    M, P = report.model["M"], report.model["P"]
    head = (
        f"The network's state is {plural(M, 'number')}, one a unit. At every step each unit becomes a weighted sum of all units and "
        "inputs."
    )
    if not P:
        return [
            f"{head} None of the units is nonlinear: the whole network is one linear map, and all it can do is weigh and add."
        ]
    if P == 1:
        who, passes, switches = f"Only the last, unit {M - 1}, is", "it passes its activity", "That one switch is"
    else:
        who = "All of them are" if P == M else f"The last {P} (units {M - P} to {M - 1}) are"
        passes, switches = "each passes its activity", f"These {P} switches are"
    return [
        f"{head} {who} nonlinear: {passes} on to the others where it is above 0, and nothing where it is below. {switches} all that "
        "keeps the network from being linear."
    ]


def _switching(report: AnalysisReport) -> list[str]:
    """When the switches are thrown."""
    P, own, used = report.model["P"], dominant(report), report.usage.get("all")
    if not P or used is None or not used.n_visited:
        return []
    told = f"In these trials the states use {plural(used.n_visited, 'subregion')}."
    if P == 1 and report.units:
        told = f"In these trials unit {report.units[0].unit} is on in {percent(report.units[0].on)} of all states."
    thrown = differing(report, [code for code, _ in own.values()])
    if not thrown:
        return [told]
    pieces = []
    for phase, (code, share) in own.items():
        where = f"{percent(share)} of the states are in {words.name_of(report, code)}"
        if len(thrown) == 1:
            bit = code[thrown[0] - report.model["M"] + P]
            where = f"it is {'on' if bit == '1' else 'off'} (in {percent(share)} of cases)"
        pieces.append(f"{words.after(report, phase)} {where}")
    late = plural(report.lag, "step")
    why = f" That is {late} late because the input must pass through other units first." if report.lag else ""
    who = f"the switch of unit {thrown[0]}" if len(thrown) == 1 else f"the switches of {plural(len(thrown), 'unit')}"
    return [f"{told} The task throws {who}: {join(pieces)}.{why}"]


def _keeper(channel: Channel) -> str:
    units = channel.units
    return f"the switch of unit {units[0]}" if len(units) == 1 else f"a set of {len(units)} switches"


def _gate(report: AnalysisReport, found: Sequence[Channel]) -> list[str]:
    """What the switches let through."""
    inputs, outputs = words.channels(report)
    trials = plural(max((i.n_trials for i in report.influences), default=0), "trial")
    told = []
    for c in found[:_TOLD]:
        places = words.decimals(c.open_mean, 3)
        a, b = (words.fixed(x, places) for x in (c.open_mean, c.shut_mean))
        source, output = inputs[c.input], outputs[c.output]
        text = (
            f"Raising {source} by 1 at a step of “{c.open}” changes {output} at the end of the trial by {a}; at a step of “{c.shut}” by "
            f"{b} (means over {trials}). That is the influence of {source} on {output}."
        )
        if c.units:
            when = f"open {words.after(report, c.open)}, shut {words.after(report, c.shut)}"
            text += f" So {_keeper(c)} works as a gate: {when}."
        told.append(text)
    return told


def _sum(report: AnalysisReport, found: Sequence[Channel]) -> list[str]:
    """What becomes of what was let in."""
    c = next((c for c in found if c.even), None)
    if c is None:
        return []
    inputs, outputs = words.channels(report)
    mean, spread = (words.fixed(x, words.decimals(c.open_mean, 4)) for x in (c.open_mean, c.open_spread))
    told = (
        f"The influence is nearly the same at all steps of “{c.open}”, early or late ({mean} ± {spread}): what was let in is not lost, "
        "and no step counts more than another. Once in, values only meet weights and sums, so their effects add"
    )
    if not c.alone:
        return [f"{told}."]
    factor = words.fixed(c.open_mean, words.decimals(c.open_mean, 3))
    times = "" if float(factor) == 1 else f"{factor} times "
    return [
        f"{told}: up to a constant, {outputs[c.output]} is {times}the sum of {inputs[c.input]} over the steps of “{c.open}”."
    ]


def _memory(report: AnalysisReport) -> list[str]:
    """What carries it to the end."""
    used = next((r.bitcode for r in report.regions if r.visited), None)
    storing = [m for m in report.modes if m.role == "storing" and m.trusted and m.bitcode == used]
    if used is None or not storing:
        return []
    slow = min(storing, key=lambda m: abs(complex(*m.eigenvalue) - 1))
    long = max((x.horizon for x in report.line_attractors if x.phase == "zero"), default=None)
    if slow.timescale is None:
        time = "does not fade at all"
    elif slow.kind == "growing":
        time = f"grows e-fold in {steps(slow.timescale)}"
    else:
        time = f"fades with a timescale of {steps(slow.timescale)}"
    trial = "" if long is None else f"; a trial has {steps(long)}"
    where = f"{words.name_of(report, used)}, the most used" if used else words.name_of(report, used)
    told = f"Between switches the memory is in slow modes. The slowest that stores a value in {where}, {time}{trial}."
    return [told + _moving(report, used, slow)]


def _moving(report: AnalysisReport, used: str, slow: SlowMode) -> str:
    """That what is stored moves, where it does: a picture of a trial shows an answer that is right at the end only."""
    lines = [x for x in report.line_attractors if x.verdict == "moving line" and x.bitcode == used]
    if not any(x.eigenvalue == slow.eigenvalue[0] for x in lines):
        return ""
    return (
        " What is stored does not rest: all values move alike, so that their differences are kept, and the answer is right at the "
        "step at which it is asked for, not on the way there."
    )


def _needed(report: AnalysisReport) -> list[str]:
    """What lesions say of the switches."""
    metric, units = words.metric_of(report), by_unit(report.lesions)
    needed = [unit for unit, own in units.items() if gentler(own).effect == "worse"]
    if not units:
        return []
    if not needed:
        spare = f"any one unit can stop switching without a clear loss in {metric}"
        return [f"The test by lesion finds no switch that is needed by itself: {spare}."]
    first = units[needed[0]]
    on, off = (words.said(first[kind].score.get(metric)) for kind in ("linearise", "silence"))
    chance = report.chance.get(metric)
    against = "" if chance is None else f", chance {number(chance)}"
    as_is = words.said(report.score.get(metric))
    scores = f"{metric} is {on} when it is always on and {off} when it is always off (as trained {as_is}{against})"
    if len(units) == 1:
        return [f"The test by lesion agrees that the switch of unit {needed[0]} is needed: {scores}."]
    return [
        f"The test by lesion finds {len(needed):,} of {len(units):,} switches needed, that of unit {needed[0]} above all: {scores}."
    ]


def _outcome(report: AnalysisReport) -> list[str]:
    """How near the answer comes."""
    metric = words.metric_of(report)
    chance = report.chance.get(metric)
    if metric != "mse" or chance is None or report.score[metric] is None:
        return []
    error, guess = number(report.score[metric] ** 0.5), number(chance**0.5)
    return [
        f"What comes out is off by {error} in a typical trial (the root of the mean squared error); a guess is off by {guess}."
    ]
