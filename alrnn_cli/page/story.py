"""How a model does what it does, step by step, as far as its report shows it. Every sentence rests on numbers of the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..wording import join, number, percent, plural, steps
from ..records import AnalysisReport, Influence, Lesion
from . import words

#: Share of a phase's states from which on one subregion is the phase's own.
_OWN = 0.9
#: An input counts as kept out where its influence is this part of the largest at most, and as let in evenly where it spreads less.
_SHUT, _EVEN = 0.1, 0.05
#: Influences that are told.
_TOLD = 2


@dataclass(frozen=True)
class Channel:
    """An input whose influence on an output depends on the phase. open, shut: phases of the largest and the smallest."""

    input: int
    output: int
    open: str
    shut: str
    open_mean: float
    open_spread: float
    shut_mean: float
    shut_spread: float

    @property
    def even(self) -> bool:
        """Whether all open steps count alike, wherever they are in the trial."""
        return self.open_spread <= _EVEN * abs(self.open_mean)


def story(report: AnalysisReport) -> list[str]:
    """The steps, in order: the parts, when they switch, what gets through, how long it stays, what is needed, what comes out."""
    channels = channels_of(report)
    tellers = (
        _parts(report),
        _switching(report),
        _gate(report, channels),
        _sum(report, channels),
        _memory(report),
        _needed(report),
    )
    return [*(sentence for told in tellers for sentence in told), *_outcome(report)]


def _parts(report: AnalysisReport) -> list[str]:
    M, P = report.model["M"], report.model["P"]
    head = f"The network's state is {plural(M, 'number')}, one a unit. At every step each unit becomes a weighted sum of all units and inputs."
    if not P:
        return [
            f"{head} None of the units is nonlinear: the whole network is one linear map, and what it can do is weigh and add."
        ]
    who = (
        f"Only the last, unit {M - 1}, is"
        if P == 1
        else "All units are"
        if P == M
        else f"The last {P} (units {M - P} to {M - 1}) are"
    )
    passes = "it passes" if P == 1 else "each passes"
    return [
        f"{head} {who} nonlinear: {passes} its value on to the next step where it is above 0, and nothing where it is below. "
        f"{'That one switch is' if P == 1 else f'These {P} switches are'} all that keeps the network from being linear."
    ]


def _dominant(report: AnalysisReport) -> dict[str, tuple[str, float]]:
    """Each phase's own subregion and its share, where one has nearly all of the phase's states."""
    found = {}
    for phase in (name for name in report.usage if name != "all"):
        shares = [
            ((r.frequency_after_phase if report.lag else r.frequency_by_phase).get(phase) or 0.0, r.bitcode)
            for r in report.regions
        ]
        most, bitcode = max(shares, default=(0.0, ""))
        if most >= _OWN:
            found[phase] = (bitcode, most)
    return found


def _switches(report: AnalysisReport, codes: Sequence[str]) -> list[int]:
    """Numbers of the units whose bit is not the same in all of these bitcodes."""
    first = report.model["M"] - report.model["P"]
    return [first + i for i, bits in enumerate(zip(*codes, strict=True)) if len(set(bits)) > 1]


def _switching(report: AnalysisReport) -> list[str]:
    """When the switches are thrown."""
    P, own = report.model["P"], _dominant(report)
    if not P:
        return []
    used = report.usage.get("all")
    switching = [u for u in report.units if u.role == "switching"]
    if P == 1 and switching:
        what = f"unit {switching[0].unit} is on in {percent(switching[0].on)} of all states"
    elif used is not None:
        never = f", and {plural(len(report.units) - len(switching), 'unit')} never switch{'es' if len(report.units) - len(switching) == 1 else ''}"
        what = (
            f"the states use {plural(used.n_visited, 'subregion')}{never if len(switching) < len(report.units) else ''}"
        )
    else:
        return []
    told = f"In these trials {what}."
    thrown = (
        _switches(report, [code for code, _ in own.values()]) if len({code for code, _ in own.values()}) > 1 else []
    )
    if not thrown:
        return [told]
    if len(thrown) == 1:
        place = thrown[0] - (report.model["M"] - P)
        pieces = [
            f"{words.after(report, phase)} it is {'on' if code[place] == '1' else 'off'} (in {percent(most)} of cases)"
            for phase, (code, most) in own.items()
        ]
        who = f"The task throws the switch of unit {thrown[0]}"
    else:
        pieces = [
            f"{words.after(report, phase)} {percent(most)} of the states are in {words.name_of(report, code)}"
            for phase, (code, most) in own.items()
        ]
        who = f"The task throws the switches of {plural(len(thrown), 'unit')}"
    why = (
        f" The switch is thrown {plural(report.lag, 'step')} late because the input must pass through other units first."
        if report.lag
        else ""
    )
    return [f"{told} {who}: {join(pieces)}.{why}"]


def channels_of(report: AnalysisReport) -> list[Channel]:
    """Inputs that count in one phase and not in another, the strongest first. Inputs that never change within a phase are left out."""
    by_phase = [i for i in report.influences if i.phase != "all"]
    if len(by_phase) < 2:
        return []
    means = np.array([i.mean for i in by_phase])
    spreads = np.array([i.spread for i in by_phase])
    found = []
    for output, source in np.ndindex(means.shape[1:]):
        sizes = np.abs(means[:, output, source])
        most, least = int(sizes.argmax()), int(sizes.argmin())
        if sizes[least] > _SHUT * sizes[most] or constant(report, source, by_phase[most]):
            continue
        at = [(float(means[j, output, source]), float(spreads[j, output, source])) for j in (most, least)]
        found.append(Channel(source, output, by_phase[most].phase, by_phase[least].phase, *at[0], *at[1]))
    return sorted(found, key=lambda c: -abs(c.open_mean))


def constant(report: AnalysisReport, source: int, of: Influence) -> bool:
    """Whether an input is one and the same value at all steps of a phase, in the trials that the report keeps."""
    s, phases = report.arrays.get("trajectories.s"), report.arrays.get("trajectories.phases")
    known = [str(x) for x in (report.task or {}).get("phase_names") or ()]
    if s is None or phases is None or of.phase not in known:
        return False
    here = s[..., source][phases == known.index(of.phase)]
    return bool(len(here)) and bool((here == here.flat[0]).all())


def gist(report: AnalysisReport) -> str:
    """The gate in a sentence or two, "" where none was found."""
    channels = channels_of(report)
    if not channels or not (who := _gatekeeper(report, channels[0])):
        return ""
    c, (inputs, outputs) = channels[0], _names(report)
    end = ""
    if c.even and _alone(report, c):
        end = " What was let in is kept until the end of the trial, and added up."
    return (
        f"In short: {who} works as a gate. It lets {inputs[c.input]} through to {outputs[c.output]} at steps of “{c.open}” and shuts it out at steps of "
        f"“{c.shut}”.{end}"
    )


def _gatekeeper(report: AnalysisReport, channel: Channel) -> str:
    """Whose switch tells a channel's open phase from its shut one, "" where these have no subregions of their own."""
    own = _dominant(report)
    if channel.open not in own or channel.shut not in own or own[channel.open][0] == own[channel.shut][0]:
        return ""
    thrown = _switches(report, [own[channel.open][0], own[channel.shut][0]])
    return f"the switch of unit {thrown[0]}" if len(thrown) == 1 else f"a set of {len(thrown)} switches"


def _gate(report: AnalysisReport, channels: Sequence[Channel]) -> list[str]:
    """What the switches let through."""
    if not channels:
        return []
    inputs, outputs = _names(report)
    told = []
    for c in channels[:_TOLD]:
        places = words.decimals(c.open_mean, 3)
        a, b = (words.fixed(x, places) for x in (c.open_mean, c.shut_mean))
        told.append(
            f"Raising {inputs[c.input]} by 1 at a step of “{c.open}” changes {outputs[c.output]} at the end of the trial by {a}; at a step of "
            f"“{c.shut}” by {b} (means over {plural(_trials(report), 'trial')}). That is the influence of {inputs[c.input]} on {outputs[c.output]}."
        )
    c = channels[0]
    if who := _gatekeeper(report, c):
        told[0] += f" So {who} works as a gate: open {words.after(report, c.open)}, shut {words.after(report, c.shut)}."
    return told


def _sum(report: AnalysisReport, channels: Sequence[Channel]) -> list[str]:
    """What becomes of what was let in."""
    even = next((c for c in channels if c.even), None)
    if even is None:
        return []
    inputs, outputs = _names(report)
    places = words.decimals(even.open_mean, 4)
    mean, spread = (words.fixed(x, places) for x in (even.open_mean, even.open_spread))
    told = (
        f"The influence is nearly the same at all steps of “{even.open}”, early or late ({mean} ± {spread}): what was let in is not lost, and no "
        "step counts more than another. Once in, values only meet weights and sums, so their effects add"
    )
    if not _alone(report, even):
        return [f"{told}."]
    times = (
        ""
        if abs(even.open_mean - 1) <= _EVEN
        else f"{words.fixed(even.open_mean, words.decimals(even.open_mean, 3))} times "
    )
    return [
        f"{told}: up to a constant, {outputs[even.output]} is {times}the sum of {inputs[even.input]} over the steps of “{even.open}”."
    ]


def _alone(report: AnalysisReport, channel: Channel) -> bool:
    """Whether nothing that varies reaches the channel's output but its input in its open phase."""
    for i in report.influences:
        if i.phase == "all":
            continue
        for source, mean in enumerate(i.mean[channel.output]):
            itself = (i.phase, source) == (channel.open, channel.input)
            if not itself and abs(mean) > _SHUT * abs(channel.open_mean) and not constant(report, source, i):
                return False
    return True


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
    return [
        f"Between switches the memory is in slow modes. The slowest that stores a value in {words.name_of(report, used)}, the most used, {time}{trial}."
    ]


def _needed(report: AnalysisReport) -> list[str]:
    """What lesions say of the switch."""
    metric = words.metric_of(report)
    by_unit: dict[int, list[Lesion]] = {}
    for lesion in report.lesions:
        if lesion.unit is not None and lesion.kind in ("linearise", "silence"):
            by_unit.setdefault(lesion.unit, []).append(lesion)
    needed = [unit for unit, own in by_unit.items() if all(x.effect == "worse" for x in own)]
    if not by_unit:
        return []
    if not needed:
        return [
            f"The test by lesion finds no single switch that is needed: any one unit can stop switching without a clear loss in {metric}."
        ]
    own = {x.kind: x.score.get(metric) for x in by_unit[needed[0]]}
    scores = " and ".join(
        f"{metric} {number(v)} when it is always {'on' if k == 'linearise' else 'off'}"
        for k, v in own.items()
        if v is not None
    )
    chance = report.chance.get(metric)
    against = "" if chance is None else f", chance {number(chance)}"
    who = (
        f"the switch of unit {needed[0]}"
        if len(by_unit) == 1
        else f"{len(needed)} of {len(by_unit)} switches are needed, such as that of unit {needed[0]}"
    )
    need = (
        f"The test by lesion agrees that {who} is needed"
        if len(by_unit) == 1
        else f"The test by lesion finds that {who}"
    )
    return [f"{need}: {scores} (as trained {number(report.score[metric])}{against})."]


def _outcome(report: AnalysisReport) -> list[str]:
    """How near the answer comes."""
    metric = words.metric_of(report)
    chance = report.chance.get(metric)
    if metric != "mse" or chance is None:
        return []
    error, guess = report.score[metric] ** 0.5, chance**0.5
    return [
        f"What comes out is off by {number(error)} in a typical trial (the root of the mean squared error); a guess is off by {number(guess)}."
    ]


def _names(report: AnalysisReport) -> tuple[list[str], list[str]]:
    return words.names(report, "input", report.model["K"]), words.names(report, "output", report.model["N"])


def _trials(report: AnalysisReport) -> int:
    return max((i.n_trials for i in report.influences), default=0)
