"""What was found, in sentences that can be quoted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..records import AnalysisReport, FixedPoint, Mode, Region, SlowMode
from ..records.metrics import parts
from ..wording import SPELT, join, near_one, number, percent, plural, steps
from .causes import sentences as about_causes
from .census import Census
from .fixed_points import Input
from .lines import leading
from .modes import nearest_to_one

#: Subregions that a sentence names.
_NAMED = 4
#: Largest distance between two computations of one eigenvalue.
_SAME = 1e-6
#: Largest share of variance that is told.
_WHOLE = 1.05
#: Transient growth of a stable subregion that is told.
_GROWS = 10.0
#: Steps of a trial below which its Lyapunov exponents depend on how it begins.
_SHORT = 200
#: |λ - 1| of a mode that is said to store a value: it loses less than 10 % a step.
_STORES = 0.1


@dataclass(frozen=True)
class Findings:
    """What the sentences are made from: the report without them, and what it does not hold. census: virtual fixed points included."""

    report: AnalysisReport
    census: Census
    inputs: Sequence[Input]
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]

    @property
    def P(self) -> int:
        return self.report.model["P"]

    @property
    def regions(self) -> tuple[Region, ...]:
        return self.report.regions

    @property
    def trials(self) -> str:
        return plural(self.report.settings["trials"], "trial")


def summarise(
    report: AnalysisReport,
    census: Census,
    inputs: Sequence[Input],
    input_names: tuple[str, ...],
    output_names: tuple[str, ...],
) -> tuple[str, ...]:
    """All sentences: score, usage, phases, modes and what they hold, lesions, fixed points, cycles. Returns: tuple of str."""
    found = Findings(report, census, inputs, input_names, output_names)
    tellers = (
        _score,
        _usage,
        _units,
        _phases,
        _modes,
        _lines,
        _normality,
        _lyapunov,
        _causes,
        _fixed_points,
        _sweep,
        _cycles,
    )
    return tuple(sentence for tell in tellers for sentence in tell(found))


def _score(found: Findings) -> list[str]:
    return about_score(found.report)


def _lyapunov(found: Findings) -> list[str]:
    return about_lyapunov(found.report)


def _causes(found: Findings) -> Sequence[str]:
    return about_causes(found.report.lesions, found.report.linearised, found.report.score, found.report.chance)


def _name(found: Findings, bitcode: str) -> str:
    """A subregion's name in a sentence: its bitcode, or its rank by use where that is too long to read."""
    if not bitcode:
        return "the one linear region"
    if len(bitcode) <= SPELT:
        return f"subregion {bitcode}"
    for rank, region in enumerate(found.regions, 1):
        if region.bitcode == bitcode and region.visited:
            return f"subregion #{rank}"
    return f"one never visited ({bitcode.count('1')} of {len(bitcode)} bits set)"


def about_score(report: AnalysisReport) -> list[str]:
    """A sentence for each metric, beside what chance gives."""
    sentences = []
    score, chance = report.score, report.chance
    for metric, own in parts(score).items():
        against = "" if chance.get(metric) is None else f"; chance is {number(chance[metric])}"
        sentences.append(
            f"On {plural(report.settings['trials'], 'trial')} {metric} is {number(score[metric])}{against}."
        )
        if own:
            listed = join([f"{number(score[name])} in {part}" for part, name in own.items()])
            known = sorted({chance[name] for name in own.values() if name in chance})
            range_ = " to ".join(number(x) for x in ([known[0], known[-1]] if len(known) > 1 else known))
            sentences.append(f"Of these {metric} is {listed}{f'; chance is {range_}' if range_ else ''}.")
    return sentences


def _visited(found: Findings) -> list[Region]:
    return [r for r in found.regions if r.visited]


def _usage(found: Findings) -> list[str]:
    total = found.report.usage["all"]
    if not total.n_states or total.effective_number is None:
        return ["There are no states to count."]
    states = f"{plural(total.n_states, 'state')} of {found.trials}"
    if found.P == 0:
        return [f"With P = 0 the model is linear: all {states} obey one linear map."]
    top = _visited(found)[:_NAMED]
    possible = f"2^{found.P}" + (f" = {total.n_possible:,}" if total.n_possible and found.P < 40 else "")
    shares = join([f"{percent(r.frequency)} in {_name(found, r.bitcode)}" for r in top])
    rest = "" if len(top) == total.n_visited else f", the rest in {total.n_visited - len(top):,} more"
    numbered = " (numbered by use)" if found.P > SPELT else ""
    sentences = [
        f"Of {possible} linear subregions{numbered} {total.n_visited:,} are used by the {states}: {shares}{rest}."
    ]
    if total.n_visited > 1:
        sentences.append(
            f"That is as diverse as {number(total.effective_number)} subregions used equally often "
            f"(entropy {number(total.entropy or 0.0)} nats)."
        )
    return sentences


def _units(found: Findings) -> list[str]:
    """Which units never switch, so that fewer nonlinear ones may do."""
    still = [u for u in found.report.units if u.role != "switching"]
    if not still:
        return []
    told = []
    for role in ("always on", "always off"):
        which = [str(u.unit) for u in still if u.role == role]
        if which:
            named = (
                f"unit{'s' if len(which) > 1 else ''} {join(which)}" if len(which) <= 2 * _NAMED else f"{len(which):,}"
            )
            told.append(f"{named} {'are' if len(which) > 1 else 'is'} {role}")
    switch = len(found.report.units) - len(still)
    return [
        f"{switch:,} of {plural(len(found.report.units), 'nonlinear unit')} switch{'es' if switch == 1 else ''}; "
        f"{join(told)}, effectively linear on these trials."
    ]


def _phases(found: Findings) -> list[str]:
    """The dominant subregion of each phase, and what being in a phase means."""
    if found.P == 0:
        return []
    told = []
    when = f"{steps(found.report.lag)} after" if found.report.lag else "with"
    for name in (n for n in found.report.usage if n != "all"):
        shares = [(r.frequency_after_phase.get(name) or 0.0, r.bitcode) for r in found.regions]
        share, bitcode = max(shares, key=lambda s: s[0], default=(0.0, ""))
        if share > 0.5:
            told.append(f'{when} "{name}" {percent(share)} of states are in {_name(found, bitcode)}')
        elif share:
            told.append(f'{when} "{name}" {_name(found, bitcode)} is the most used ({percent(share)} of states)')
    if not told:
        return []
    text = join(told)
    if found.report.lag:
        return [
            f"{text[0].upper()}{text[1:]}: phase and subregion are most closely tied {steps(found.report.lag)} after the state "
            "that the phase's input made."
        ]
    return [
        f"{text[0].upper()}{text[1:]}.",
        "A state z_t is counted under the phase of s_t, the input that produced it; "
        "its subregion decides which linear map takes it to z_(t+1).",
    ]


def _modes(found: Findings) -> list[str]:
    """The slow mode of each of the most used subregions."""
    sentences = []
    for region in _visited(found)[:_NAMED]:
        if (
            len(region.modes) == found.report.model["M"]
        ):  # a list cut short may lack the mode that the sentence is about
            slow = describe_mode(nearest_to_one(region.modes))
            sentences.append(
                f"In {_name(found, region.bitcode)} the mode with |λ| nearest 1 {slow}.{_role(found, region)}"
            )
    return sentences


def _role(found: Findings, region: Region) -> str:
    """What the mode that `_modes` tells of carries and passes on, as a sentence after a space; "" where there is nothing to say."""
    mode = _slowest(found, region)
    if mode is None or mode.gain is None:
        return ""
    share = "" if _line(found, region) else _share(mode)
    told = share and f" It carries {share} there"
    K, N = len(found.input_names), len(found.output_names)
    if not 0 < K * N <= _NAMED or (len(mode.gain), len(mode.gain[0])) != (N, K):
        return f"{told}." if told else ""
    gains = join(
        [
            f"{number(mode.gain[i][k])} from {found.input_names[k]} to {found.output_names[i]}"
            for i in range(N)
            for k in range(K)
        ]
    )
    head = f"{told}; its" if told else " Its"
    return f"{head} gain is {gains}."


def _slowest(found: Findings, region: Region) -> SlowMode | None:
    """The slow mode that `_modes` tells of, if it is one and to be trusted."""
    re, im = nearest_to_one(region.modes).eigenvalue
    own = [m for m in found.report.modes if m.bitcode == region.bitcode and m.trusted]
    mode = min(own, key=lambda m: abs(complex(*m.eigenvalue) - complex(re, abs(im))), default=None)
    if mode is None or abs(complex(*mode.eigenvalue) - complex(re, abs(im))) > _SAME:
        return None
    return mode


def _share(mode: SlowMode) -> str:
    """ "97.0 % of the variance", or "" where that is not known or no share of a whole: oblique modes overlap, and far beyond 1 a
    share says how oblique this one is, not what it carries."""
    share = mode.variance_share
    return "" if share is None or share > _WHOLE else f"{percent(share)} of the variance"


def _line(found: Findings, region: Region) -> str:
    """What becomes of the values that a subregion's slowest mode stores, in a sentence; "" where it stores none."""
    mode = _slowest(found, region) if len(region.modes) == found.report.model["M"] else None
    line = None if mode is None else leading(found.report.line_attractors, mode)
    if mode is None or line is None or line.verdict not in ("line attractor", "moving line", "drifts", "forgets"):
        return ""
    under = "Under zero input" if line.phase == "zero" else f'Under "{line.phase}"'
    name = _name(found, region.bitcode)
    growing = "growing e-fold in " if mode.kind == "growing" else "timescale "
    time = "no decay" if mode.timescale is None else f"{growing}{steps(mode.timescale)}"
    share = _share(mode)
    far = percent(line.relative_displacement or 0.0)
    long = f"in the {steps(line.horizon)} " + ("of a trial" if line.phase == "zero" else "that a trial spends under it")
    if line.verdict == "line attractor":
        carries = f", that carries {share}" if share else ""
        return (
            f"{under} {name} has a line attractor, {time}{carries}: a value moves by at most {far} of its range {long}."
        )
    aside = ", ".join(x for x in (time, share) if x)
    if line.verdict == "moving line":
        return (
            f"{under} the values that {name} stores ({aside}) all move alike, by up to {far} of their range {long}; the distances "
            f"between them change by {percent(abs(line.stretch - 1))}."
        )
    return (
        f"{under} the values that {name} stores ({aside}) do not stay: they move by up to {far} of their range {long}."
    )


def _lines(found: Findings) -> list[str]:
    """Whether the most used subregions keep what they store."""
    return [told for region in _visited(found)[:_NAMED] if (told := _line(found, region))]


def _normality(found: Findings) -> list[str]:
    """What the eigenvalues of a stable subregion do not say: how far a perturbation grows before it decays."""
    return [
        f"{_name(found, r.bitcode).capitalize()} is stable but far from normal: a perturbation can grow "
        f"{number(r.normality.growth)}-fold in {steps(r.normality.growth_step)} before it decays."
        for r in _visited(found)[:_NAMED]
        if r.stability == "stable" and r.normality is not None and r.normality.growth >= _GROWS
    ]


def about_lyapunov(report: AnalysisReport) -> list[str]:
    """A sentence on the largest exponent, where exponents were asked for."""
    if report.lyapunov is None:
        return []
    largest, error = report.lyapunov.exponents[0], report.lyapunov.standard_errors[0]
    if largest is None:
        return ["All Lyapunov exponents are -infinity: along the trials every difference between states is lost."]
    sure = abs(largest) > 2 * (error or 0.0) and abs(largest) > _SAME
    act = "part" if largest > 0 else "come together"
    meaning = f"neighbouring states {act} e-fold in {steps(1 / abs(largest))}" if sure else "not to be told from 0"
    plus = "" if not error else f" ± {number(error)}"
    dimension = report.lyapunov.kaplan_yorke
    told = f"; the Kaplan-Yorke dimension is {number(dimension)}" if dimension else ""
    lyapunov = report.lyapunov
    each = lyapunov.n_steps / max(lyapunov.n_trials, 1)
    # A basis forgets where it began within a few of the times in which directions part.
    short = (
        f" It is one of trials that end after {steps(round(each))}, which the error does not cover."
        if each < _SHORT
        else ""
    )
    return [
        f"Along the trials the largest Lyapunov exponent is {number(largest)}{plus} per step: {meaning}{told}.{short}"
    ]


def describe_mode(mode: Mode) -> str:
    """What a mode does and how long it takes, as the rest of a sentence that begins with the mode.

    Returns: "has λ = 0.99980: it stores a value, with a timescale of 4,999 steps", and the like.
    """
    marginal = mode.kind == "marginal"
    re = mode.eigenvalue[0]
    value, modulus = (near_one(round(x)) if marginal else near_one(x) for x in (re, mode.modulus))
    if mode.kind == "instant":
        return "has λ = 0: it forgets within one step"
    if mode.period is None:
        head = f"has λ = {value}: "
        act = "stores a value" if abs(re - 1) <= _STORES else "forgets"
    elif mode.period == 2:
        head = f"has λ = {value}: "
        act = "changes sign at every step (period 2 steps)"
    else:
        head = f"is a pair with |λ| = {modulus}: "
        act = f"rotates with a period of {steps(mode.period)}"
    if marginal or mode.timescale is None:
        return f"{head}it {act} without decay"
    if mode.kind == "growing":
        if mode.period is None and abs(re - 1) <= _STORES:
            # A value held for fewer steps than the growth takes is stored all the same.
            return f"{head}it stores a value, growing e-fold in {steps(mode.timescale)}"
        if mode.period is None:
            return f"{head}it grows e-fold in {steps(mode.timescale)}"
        return f"{head}it {act} and grows e-fold in {steps(mode.timescale)}"
    return f"{head}it {act}, with a timescale of {steps(mode.timescale)}"


def _fixed_points(found: Findings) -> list[str]:
    """One sentence for each constant input: which fixed points there are."""
    sentences = []
    few = 2**found.P <= _NAMED
    for given in found.inputs:
        points = [p for p in found.census.points if p.phase == given.name and (few or p.kind != "virtual")]
        counts = found.census.counts[given.name]
        virtual, told = counts["virtual"], sum(n or 0 for kind, n in counts.items() if kind != "virtual")
        under = f"Under {_input(given, found.input_names)}"
        if not told and not few:
            none = "no subregion has a fixed point of its own"
            left = "no fixed point was found; not every subregion could be examined"
            sentences.append(f"{under} {none if virtual is not None or found.census.complete else left}.")
            continue
        if len(points) <= _NAMED:
            under += ": " + "; ".join(f"{_name(found, p.bitcode)} has {_one(p)}" for p in points)
        else:
            under += f", of {plural(2**found.P, 'subregion')}: {join(_kinds(points, counts))}"
        if virtual is None and not found.census.complete:
            under += "; not every subregion could be examined"
        elif virtual and not few:
            under += f"; in the {plural(virtual, 'other')} the fixed point of the map lies outside (virtual)"
        sentences.append(f"{under}.")
    return sentences


def _sweep(found: Findings) -> list[str]:
    """How many fixed points there are along an input, and where that or their stability changes."""
    c = found.report.continuation
    if c is None:
        return []
    low, high = min(c.real), max(c.real)
    count = plural(high, "real fixed point") if low == high else f"{low:,} to {plural(high, 'real fixed point')}"
    verb = "is" if low == high == 1 else "are"
    name = f"input {c.input}" if c.input.isdecimal() else c.input
    along = f"Along {name} from {number(c.values[0])} to {number(c.values[-1])}"
    many = f"{along} there {verb} {'' if c.complete else 'at least '}{count}"
    told = []
    for event in c.collisions[:_NAMED]:
        (off, on), (off_is, on_is) = (_name(found, b) for b in event.bitcodes), event.stability
        at = f"at {number(event.at)} (unit {event.unit})"
        if event.kind == "passes":
            held = f"stays {off_is}" if off_is == on_is else f"is {off_is} in the former and {on_is} in the latter"
            told.append(f"{at} one passes between {off} and {on}, and {held}")
        elif event.kind == "undetermined":
            told.append(f"{at} what happens is undetermined")
        else:
            what = "are born" if event.kind == "birth" else "vanish"
            told.append(f"{at} two {what}, one {off_is} in {off} and one {on_is} in {on}")
    more = len(c.collisions) - len(told)
    rest = f"; {plural(more, 'more event')}" if more > 0 else ""
    return [f"{many}{': ' if told else ''}{'; '.join(told)}{rest}."]


def _cycles(found: Findings) -> list[str]:
    """One sentence for each constant input that has cycles; one that there are none where that is known."""
    cycles, complete = found.report.cycles, found.report.complete
    longest = found.report.settings["max_period"]
    if longest < 2 or not found.P:
        return []
    if not cycles:
        return (
            [f"There are no cycles of up to {steps(longest)} under any of these inputs."] if complete["cycles"] else []
        )
    sentences = []
    for given in found.inputs:
        own = [c for c in cycles if c.phase == given.name]
        if not own:
            continue
        least = "" if complete["cycles"] else "at least "
        by_period = Counter(c.period for c in own).most_common()
        told = join([f"{n:,} of period {period}" for period, n in sorted(by_period)])
        stable = sum(c.stability == "stable" for c in own)
        sentences.append(
            f"Under {_input(given, found.input_names)} there {'is' if len(own) == 1 else 'are'} {least}{plural(len(own), 'cycle')} "
            f"of up to {steps(longest)}: {told}; {stable or 'none'} {'is' if stable < 2 else 'are'} stable."
        )
    return sentences


def _input(given: Input, names: tuple[str, ...]) -> str:
    if given.name == "zero":
        return "zero input"
    K = len(given.value)
    if not 0 < K <= _NAMED or len(names) != K:
        return f'the constant input of "{given.name}"'
    values = ", ".join(f"{n} = {number(float(v))}" for n, v in zip(names, given.value, strict=True))
    return f'the constant input of "{given.name}" ({values})'


_SHAPES = {1: "a line", 2: "a plane"}


def _one(point: FixedPoint) -> str:
    """What one subregion has, as the rest of a sentence."""
    if point.kind == "real":
        return f"a real fixed point ({point.stability} {point.rotation})"
    if point.kind == "virtual":
        return "none of its own (that of its map lies outside: virtual)"
    if point.kind == "undetermined":
        return "one too close to a switching plane to place"
    if point.kind == "continuum":
        where = {True: "reaching into it", False: "outside itself", None: "too close to a switching plane to tell"}
        return f"{_SHAPES.get(len(point.directions), 'a continuum')} of fixed points, {where[point.meets_region]}"
    besides = "" if point.drift_steady else ", faster with every step"
    return f"none (its map drifts by {number(point.drift_speed or 0.0)} per step{besides})"


def _kinds(points: Sequence[FixedPoint], counts: Mapping[str, int | None]) -> list[str]:
    """How many subregions have which kind, with what matters about each. counts: of all, listed or not; none virtual."""
    told = []
    if real := [p for p in points if p.kind == "real"]:
        stability = join([f"{n:,} {word}" for word, n in Counter(p.stability for p in real).most_common()])
        told.append(f"{counts['real']:,} with a real fixed point ({stability})")
    if counts["undetermined"]:
        told.append(f"{counts['undetermined']:,} with one too close to a switching plane to tell")
    if continua := [p for p in points if p.kind == "continuum"]:
        shapes = join(sorted({_SHAPES.get(len(p.directions), "a continuum") for p in continua}))
        inside = sum(p.meets_region is True for p in continua)
        told.append(f"{len(continua):,} with {shapes} of fixed points ({inside:,} of them reaching into the subregion)")
    if drifting := [p for p in points if p.kind == "none"]:
        speeds = [p.drift_speed for p in drifting if p.visited and p.drift_speed is not None]
        speeds = speeds or [p.drift_speed for p in drifting if p.drift_speed is not None]
        low, high = number(min(speeds)), number(max(speeds))
        told.append(
            f"{len(drifting):,} without any (drifting by {low if low == high else f'{low} to {high}'} per step)"
        )
    return told
