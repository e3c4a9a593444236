"""Which inputs count in one phase of the task and not in another, and whose switches tell the two phases apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..records import AnalysisReport, Influence

#: Share of a phase's states from which on one subregion is the phase's own.
_OWN = 0.9
#: An input is kept out where its influence is this part of the largest at most, and let in evenly where it spreads less.
_SHUT, _EVEN = 0.1, 0.05


@dataclass(frozen=True)
class Channel:
    """An input whose influence on an output depends on the phase. open, shut: phases of the largest and of the smallest; units: whose
    switches differ between the two (none: the phases have no subregions of their own, or share one); alone: whether nothing else that
    varies reaches the output."""

    input: int
    output: int
    open: str
    shut: str
    open_mean: float
    open_spread: float
    shut_mean: float
    units: tuple[int, ...]
    alone: bool

    @property
    def even(self) -> bool:
        """Whether all open steps count alike, wherever they are in the trial."""
        return self.open_spread <= _EVEN * abs(self.open_mean)


def channels(report: AnalysisReport) -> list[Channel]:
    """The strongest first. An input that is the same at all open steps, or whose influence there has no clear sign, is none."""
    by_phase = [i for i in report.influences if i.phase != "all"]
    found = []
    for output, source in np.ndindex(report.model["N"], report.model["K"]):
        sizes = [abs(i.mean[output][source]) for i in by_phase]
        if len(sizes) < 2 or min(sizes) > _SHUT * max(sizes):
            continue
        most, least = by_phase[int(np.argmax(sizes))], by_phase[int(np.argmin(sizes))]
        mean, spread = most.mean[output][source], most.spread[output][source]
        if constant(report, source, most) or spread > abs(mean):
            continue
        shut = least.mean[output][source]
        units = _between(report, most.phase, least.phase)
        alone = _alone(report, by_phase, most, output, source)
        found.append(Channel(source, output, most.phase, least.phase, mean, spread, shut, units, alone))
    return sorted(found, key=lambda c: -abs(c.open_mean))


def constant(report: AnalysisReport, source: int, of: Influence) -> bool:
    """Whether an input is one and the same value at all steps of a phase, in the trials that the report keeps."""
    s, phases = report.arrays.get("trajectories.s"), report.arrays.get("trajectories.phases")
    known = [str(x) for x in (report.task or {}).get("phase_names") or ()]
    if s is None or phases is None or of.phase not in known:
        return False
    here = s[..., source][phases == known.index(of.phase)]
    return bool(len(here)) and bool((here == here[0]).all())


def dominant(report: AnalysisReport) -> dict[str, tuple[str, float]]:
    """Each phase's own subregion and its share, where one has nearly all of the phase's states. Returns: phase -> (bitcode, share)."""
    found = {}
    for phase in (name for name in report.usage if name != "all"):
        shares = {
            r.bitcode: (r.frequency_after_phase if report.lag else r.frequency_by_phase).get(phase)
            for r in report.regions
        }
        share, bitcode = max(((share or 0.0, bitcode) for bitcode, share in shares.items()), default=(0.0, ""))
        if share >= _OWN:
            found[phase] = (bitcode, share)
    return found


def differing(report: AnalysisReport, codes: Sequence[str]) -> tuple[int, ...]:
    """Numbers of the units whose bit is not the same in all of these bitcodes."""
    first = report.model["M"] - report.model["P"]
    return tuple(first + i for i, bits in enumerate(zip(*codes, strict=True)) if len(set(bits)) > 1)


def _between(report: AnalysisReport, one: str, other: str) -> tuple[int, ...]:
    own = dominant(report)
    return differing(report, [own[one][0], own[other][0]]) if one in own and other in own else ()


def _alone(report: AnalysisReport, by_phase: Sequence[Influence], most: Influence, output: int, source: int) -> bool:
    """Whether every other input, and this one in other phases, is constant or without influence on the output."""
    limit = _SHUT * abs(most.mean[output][source])
    return all(
        (i is most and k == source)
        or max(abs(i.mean[output][k]), i.spread[output][k]) <= limit
        or constant(report, k, i)
        for i in by_phase
        for k in range(report.model["K"])
    )
