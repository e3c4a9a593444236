"""Several checkpoints of one training run: what each is like, which fixed points change in between, and where the loss jumps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ..records import AnalysisReport, Bifurcation, LossJumps, Mode, Region, SeriesPoint
from ..wording import join, near_one, number, plural
from .bifurcations import Follower
from .jumps import MADS, line_up, loss_changes, restart_at
from .modes import nearest_to_one

#: What a bifurcation is called in a sentence, for one and for several.
_CALLED = {
    "appears": ("fixed point appears", "fixed points appear"),
    "vanishes": ("fixed point vanishes", "fixed points vanish"),
    "stability": ("changes stability", "change stability"),
    "border collision": ("passes into another subregion", "pass into another subregion"),
    "fold": ("pair meets on a switching plane (a fold)", "pairs meet on a switching plane (folds)"),
}


@dataclass(frozen=True)
class Series:
    """points: one a checkpoint, by step; bifurcations: by step; loss_jumps: None where the history tells nothing of them."""

    points: tuple[SeriesPoint, ...]
    bifurcations: tuple[Bifurcation, ...]
    loss_jumps: LossJumps | None


class SeriesBuilder:
    """Takes the reports one after the other and keeps of each what the series needs."""

    def __init__(self, history: Mapping[str, Sequence[float | None]]) -> None:
        """history: of the whole run, as far as the checkpoints know it."""
        self._history, self._changes = history, loss_changes(history)
        self._followers: dict[str, Follower] = {}
        self._points: list[SeriesPoint] = []
        self._bifurcations: list[Bifurcation] = []

    def add(self, report: AnalysisReport, step: int) -> None:
        """The report of the next checkpoint, which holds the parameters of `step`."""
        restart = restart_at(self._history, step)
        anew = bool(self._points) and self._points[-1].restart != restart
        change, jump = None, None
        if self._points and not anew:
            change, jump = self._changes.between(self._points[-1].step, step)
        if anew:  # other parameters, with fixed points of their own
            self._followers = {}
        complete = report.complete["fixed_points"] and _all_listed(report)
        for name in report.settings["inputs"]:
            follower = self._followers.setdefault(name, Follower(name, report.model["M"]))
            found = follower.look(step, [p for p in report.fixed_points if p.phase == name], complete)
            self._bifurcations += [self._with_loss(event) for event in found]
        self._points.append(_point(report, step, restart, complete, change, jump))

    def _with_loss(self, event: Bifurcation) -> Bifurcation:
        change, jump = self._changes.between(event.from_step, event.to_step)
        return replace(event, loss_change=change, loss_jump=jump)

    def finish(self) -> Series:
        """All that was seen."""
        points, events = tuple(self._points), tuple(self._bifurcations)
        intervals = list(pairwise(points))
        bifurcates = [any(e.from_step < b.step and e.to_step > a.step for e in events) for a, b in intervals]
        return Series(points, events, line_up(bifurcates, [b.loss_jump for _, b in intervals], self._changes.threshold))


def with_series(report: AnalysisReport, series: Series) -> AnalysisReport:
    """The last checkpoint's report with what the series adds to it."""
    return replace(
        report,
        series=series.points,
        bifurcations=series.bifurcations,
        loss_jumps=series.loss_jumps,
        summary=(*report.summary, *sentences(series)),
        settings={**report.settings, "loss_jump_deviations": MADS},
    )


def _all_listed(report: AnalysisReport) -> bool:
    """Whether the list holds every fixed point that was found."""
    listed = Counter((p.phase, p.kind) for p in report.fixed_points)
    return all(
        listed[phase, kind] == n  # type: ignore[index]
        for phase, counts in report.fixed_point_counts.items()
        for kind, n in counts.items()
        if kind != "virtual"
    )


def _point(
    report: AnalysisReport, step: int, restart: int, complete: bool, change: float | None, jump: bool | None
) -> SeriesPoint:
    used = report.usage["all"]
    visited = [r for r in report.regions if r.visited]
    slowest = _slowest([r for r in visited if len(r.modes) == report.model["M"]])  # a list cut short may lack it
    counts: dict[str, dict[str, int]] = {name: {} for name in report.settings["inputs"]}
    for p in report.fixed_points:
        if p.kind != "virtual" and p.phase in counts:
            label = f"{p.kind} {p.stability}" if p.stability else p.kind
            counts[p.phase][label] = counts[p.phase].get(label, 0) + 1
    return SeriesPoint(
        step=step,
        restart=restart,
        file=report.source.get("file", ""),
        sha256=report.source.get("sha256", ""),
        score=report.score,
        spectral_radius=max((r.spectral_radius for r in visited), default=None),
        slowest=slowest[1] if slowest else None,
        slowest_bitcode=slowest[0] if slowest else None,
        n_visited=used.n_visited,
        entropy=used.entropy,
        effective_number=used.effective_number,
        fixed_points=counts,
        complete=complete,
        loss_change=change,
        loss_jump=jump,
    )


def _slowest(visited: Sequence[Region]) -> tuple[str, Mode] | None:
    """The mode with |λ| nearest 1 of some subregions, with its subregion's bitcode; of equal ones the more used one's."""
    found = [(r.bitcode, nearest_to_one(r.modes)) for r in visited]
    return min(found, key=lambda pair: abs(pair[1].modulus - 1), default=None)


def sentences(series: Series) -> list[str]:
    """How the run went, what its fixed points did, and whether that goes with jumps of the loss. Returns: list of sentences."""
    first, last = series.points[0], series.points[-1]
    scores = [
        f"{name} from {number(value)} to {number(last.score[name])}"
        for name, value in first.score.items()
        if name in last.score
    ]
    radius = []
    if first.spectral_radius is not None and last.spectral_radius is not None:
        radius = [f"the largest |λ| visited from {near_one(first.spectral_radius)} to {near_one(last.spectral_radius)}"]
    visited = f"subregions visited from {first.n_visited:,} to {last.n_visited:,}"
    told = [
        f"Over {len(series.points):,} checkpoints, from step {first.step:,} to step {last.step:,}, "
        f"{join([*scores, *radius, visited])}."
    ]
    kinds = Counter(e.kind for e in series.bifurcations)
    counted = join([f"{n:,} {_CALLED[kind][n > 1]}" for kind, n in kinds.most_common()])
    if not series.bifurcations:
        told.append(
            "No fixed point that could be placed appears, vanishes, changes stability or changes its subregion."
        )
    else:
        told.append(
            f"From checkpoint to checkpoint there are {plural(len(series.bifurcations), 'bifurcation')}: {counted}."
        )
    if doubt := sum(not e.complete for e in series.bifurcations):
        told.append(
            f"Of these, {doubt:,} follow a search that was not complete: a point may have been there and not been found."
        )
    if jumps := series.loss_jumps:
        told.append(_jumps(jumps))
    return told


def _jumps(found: LossJumps) -> str:
    n, other = found.n_intervals, found.n_intervals - found.with_jump
    if not found.with_jump:
        return f"The loss does not jump in any of {plural(n, 'interval')} between checkpoints."
    rest = f" and {found.with_bifurcation - found.with_both:,} of the {other:,} others" if other else ""
    return (
        f"The loss jumps in {found.with_jump:,} of {plural(n, 'interval')} between checkpoints; {found.with_both:,} of these"
        f"{rest} have a bifurcation (by chance as many or more: p = {number(found.p_value)})."
    )
