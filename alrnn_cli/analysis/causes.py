"""How lesions are read, and what they showed in sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..records import Lesion, Linearised
from ..wording import join, number, plural

#: Units or modes that a sentence names.
_NAMED = 4


def by_unit(lesions: Sequence[Lesion]) -> dict[int, dict[str, Lesion]]:
    """The lesions of each PWL unit by their kind, the units whose switching matters most first. Returns: unit -> kind -> Lesion."""
    found: dict[int, dict[str, Lesion]] = {}
    for lesion in lesions:
        if lesion.unit is not None:
            found.setdefault(lesion.unit, {})[lesion.kind] = lesion
    return dict(sorted(found.items(), key=lambda item: severity(gentler(item[1])), reverse=True))


def gentler(own: dict[str, Lesion]) -> Lesion:
    """What becomes of a unit that does not switch at its best: the less harmful of linear and silent. own: its lesions by kind."""
    return min(own["linearise"], own["silence"], key=severity)


def severity(lesion: Lesion) -> tuple[int, float]:
    """How bad a lesion is, for comparing: what is worse first, then by the size of its change, divergence above all."""
    worse = {"better": -1, "none": 0, "unclear": 0, "worse": 1}[lesion.effect]
    size = abs(lesion.change) if lesion.change is not None else math.inf
    size = size if math.isfinite(size) else math.inf
    return worse, -size if worse < 0 else size


@dataclass(frozen=True)
class Controls:
    """Random directions of one rank. number: how many; mean: of the first metric, over those where it is finite (NaN without any);
    worst: the most harmful one."""

    number: int
    mean: float
    worst: Lesion


def controls(lesions: Sequence[Lesion], rank: int, metric: str) -> Controls | None:
    """What removing random directions of this rank does; None where that was not tried. Returns: Controls."""
    own = [x for x in lesions if x.kind == "random direction" and x.rank == rank]
    if not own:
        return None
    values = [x.score[metric] for x in own if x.score[metric] is not None and math.isfinite(x.score[metric])]
    return Controls(len(own), sum(values) / len(values) if values else math.nan, max(own, key=severity))


def sentences(
    lesions: Sequence[Lesion], linearised: Linearised | None, score: dict[str, float], chance: dict[str, float]
) -> list[str]:
    """Which units must switch, what removing slow modes does, and how many units may be linear together.

    score: of the model as it is, the metric that lesions are judged by first. Returns: list of str.
    """
    metric = next(iter(score), "")
    told = _Metric(metric, score.get(metric, math.nan), chance.get(metric))
    return [*_on_units(by_unit(lesions), told), *_on_modes(lesions, told), *_on_linearised(linearised)]


@dataclass(frozen=True)
class _Metric:
    name: str
    before: float
    chance: float | None

    @property
    def against(self) -> str:
        return "" if self.chance is None else f" (chance {number(self.chance)})"

    def change(self, lesion: Lesion) -> str:
        """ "raises mse from 6.7e-07 to 0.17"."""
        before, after = number(self.before), number(lesion.score[self.name])
        if before == after:
            return f"leaves {self.name} at {after}"
        return f"{'lowers' if lesion.change < 0 else 'raises'} {self.name} from {before} to {after}"


def _on_units(units: dict[int, dict[str, Lesion]], told: _Metric) -> list[str]:
    if not units:
        return []
    needed = [unit for unit, own in units.items() if gentler(own).effect == "worse"]
    if len(units) == 1:
        ((unit, own),) = units.items()
        verdict = "the computation uses its nonlinearity" if needed else "it need not switch on these trials"
        linear = own["linearise"]
        return [
            f"Silencing unit {unit} {told.change(own['silence'])}{told.against}, making it linear {told.change(linear)}: "
            f"{verdict}."
        ]
    spare = len(units) - len(needed)
    if not needed:
        return [
            f"Each of the {len(units):,} nonlinear units can be linear or silent without a clear loss in {told.name}."
        ]
    named = [f"{number(gentler(units[u]).score[told.name])} (unit {u})" for u in needed[:_NAMED]]
    rest = f", {len(needed) - _NAMED:,} more do less harm" if len(needed) > _NAMED else ""
    spared = f" Each of the other {spare:,} can be linear or silent by itself without a clear loss." if spare else ""
    which = f"{len(needed):,} of {plural(len(units), 'nonlinear unit')}"
    return [
        f"Switching is used in {which}: linear or silent, whichever is better, one at a time "
        f"{'it takes' if len(needed) == 1 else 'they take'} {told.name} from {number(told.before)} to {join(named)}{rest}"
        f"{told.against}.{spared}"
    ]


def _on_modes(lesions: Sequence[Lesion], told: _Metric) -> list[str]:
    modes = sorted((x for x in lesions if x.kind == "remove mode"), key=severity, reverse=True)
    if not modes:
        return []
    harmful = [x for x in modes if x.effect == "worse"]
    if not harmful:
        return [f"Removing any one of {plural(len(modes), 'slow mode')} is no clear loss in {told.name}."]
    worst, metric = harmful[0], told.name
    control = controls(lesions, worst.rank, metric)
    # A mode is what memory rests on where its loss is worse than that of any direction; being worse than before is not enough.
    special = [x for x in harmful if _beyond_random(lesions, x, metric)]
    shown = special or harmful[:1]
    others = [f"{x.target} to {number(x.score[metric])}" for x in shown[1:_NAMED]]
    listed = f", {join(others)}" if others else ""
    alone = len(modes) == 1
    if control is None:
        count = "" if alone else f"{len(harmful):,} of {plural(len(modes), 'slow mode')} do harm when removed: "
        text = f"{count}removing {worst.target} {told.change(worst)}{listed}."
        return [text[0].upper() + text[1:]]
    what = plural(control.number, control.worst.target.rpartition(" ")[0])
    random = f"{number(control.mean)} on average, {number(control.worst.score[metric])} at worst"
    if not special:
        text = f"removing {worst.target} {told.change(worst)}, no more harm than the worst of {what} ({random})."
        which = "" if alone else f"None of {plural(len(modes), 'slow mode')} stands out: "
        text = which + text
        return [text[0].upper() + text[1:]]
    count = "" if alone else f"{len(special):,} of {plural(len(modes), 'slow mode')}: "
    return [
        f"More harm than removing any of {what} ({random}) is done by {count}"
        f"removing {worst.target} {told.change(worst)}{listed}."
    ]


def _beyond_random(lesions: Sequence[Lesion], mode: Lesion, metric: str) -> bool:
    """Whether removing a mode harms more than removing any random direction of its rank does; true where none was tried."""
    control = controls(lesions, mode.rank, metric)
    return control is None or severity(mode) > severity(control.worst)


def _on_linearised(found: Linearised | None) -> list[str]:
    if found is None:
        return []
    total, taken, left = len(found.units) + len(found.remaining), len(found.units), len(found.remaining)
    if not total:
        return ["There is no nonlinear unit to make linear."]
    before, after = (number(x[found.metric]) for x in (found.before, found.after))
    allowed = f"while {found.metric} gets worse by at most {number(found.allowed)}"
    try_ = found.refused
    refused = ""
    if try_ is not None:
        word = "linear" if try_.bit else "silent"
        refused = f"the best next try, unit {try_.unit} {word}, gives {number(try_.score[found.metric])}"
    if not taken:
        which = "The only nonlinear unit" if total == 1 else f"None of the {total:,} nonlinear units"
        can = "cannot" if total == 1 else "can"
        return [f"{which} {can} be linear or silent {allowed}, from {before}: {refused}."]
    if not left:
        which = "The only nonlinear unit" if total == 1 else f"All {total:,} nonlinear units"
        together = "" if total == 1 else " together"
        return [f"{which} can be linear or silent{together} {allowed}: it goes from {before} to {after}."]
    names = f" ({join([str(u) for u in found.remaining])})" if left <= 2 * _NAMED else ""
    enough = f"{left:,} of {total:,} nonlinear units{names} {'is' if left == 1 else 'are'} enough {allowed}"
    return [
        f"{enough}: with the other {taken:,} linear or silent it goes from {before} to {after}; {refused}. "
        "A greedy search found this set; a smaller one may exist."
    ]
