"""Where trials end: the final states of example trials in two coordinates, by condition, target or subregion.

The first principal components show whether what the trials must be told apart by is laid out in the state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ..dynamics import bits, code
from ..errors import InputError
from ..records import AnalysisReport
from . import _axis, _plane, style
from ._words import by_use, condition_name, percent
from .drawing import Drawing, many, needs_subregions, one_of, whole

OPTIONS = (
    ("x", "pc:1", "what of the state: pc:i (principal component, from 1), unit:i or output:i (from 0)"),
    ("y", "pc:2", "the same upwards"),
    ("colour", "auto", "condition, target (of the first output), bitcode, or auto: condition, else target"),
    ("step", "last", "which state of each trial: last, or a step from 1"),
)

_MOST_NAMED = 14  # groups with a mark of their own


@dataclass(frozen=True)
class _Latents:
    """States of one report. x, y: (n,); trials: (n,) their numbers; values: (n,) what colours them, a group's number or a quantity;
    groups: the groups' names, empty for a quantity; by: what that is."""

    x: np.ndarray
    y: np.ndarray
    names: tuple[str, str]
    trials: np.ndarray
    steps: np.ndarray
    values: np.ndarray
    groups: list[str]
    by: str
    tells: str

    @property
    def marked(self) -> bool:
        return 1 <= len(self.groups) <= _MOST_NAMED


def draw(reports: Sequence[AnalysisReport], labels: Sequence[str], width: str, options: Mapping[str, str]) -> Drawing:
    """Final states. Errors: InputError where a report has no example trials; UsageError for a bad option."""
    colour = one_of("latents", "colour", options["colour"], ("auto", "condition", "target", "bitcode"))
    step = None if options["step"] == "last" else whole("latents", "step", options["step"], 1)
    found = [_latents(report, options, colour, step) for report in reports]
    heights = [
        2.9 + 0.15 * _legend_rows(latents, width) + (0.15 if label else 0)
        for latents, label in zip(found, labels, strict=True)
    ]
    figure = style.new(width, sum(heights))
    for part, latents, label in zip(style.parts(figure, heights), found, labels, strict=True):
        _draw_one(part, latents, label, width, step)
    data = [row for latents, label in zip(found, labels, strict=True) for row in _rows(latents, label)]
    return Drawing(figure, _caption(found, reports, step), data)


def _latents(report: AnalysisReport, options: Mapping[str, str], colour: str, step: int | None) -> _Latents:
    z, conditions = _plane.states(report)
    there = np.isfinite(z).all(-1) if len(z) else np.zeros((0, 0), bool)
    steps = np.where(there.any(1), there.shape[1] - 1 - there[:, ::-1].argmax(1), -1) if len(z) else np.zeros(0, int)
    if step is not None:
        steps = np.where(there[:, step - 1], step - 1, -1) if len(z) and step <= there.shape[1] else np.full(len(z), -1)
    trials = np.flatnonzero(steps >= 0)
    if not len(trials):
        what = "final state" if step is None else f"state at step {step}"
        raise InputError(
            f"No example trial in the report has a finite {what}.",
            "Analyze with some: alrnn analyze CHECKPOINT --trials 100",
        )
    state = z[trials, steps[trials]]
    conditions = conditions[trials]
    if colour == "auto":
        colour = "condition" if len(np.unique(conditions)) > 1 or _target(report, trials) is None else "target"
    values, groups, by = _colours(report, colour, trials, state, conditions)
    across = _axis.axis(report, options["x"], "latents", "x")
    one = report.model["M"] == 1 and options["y"] == "pc:2"
    up = None if one else _axis.axis(report, options["y"], "latents", "y")
    y = trials.astype(float) if up is None else up(state)
    names = (across.name, "trial" if up is None else up.name)
    return _Latents(
        across(state), y, names, trials, steps[trials] + 1, values, groups, by, _tells(report) if step is None else ""
    )


def _tells(report: AnalysisReport) -> str:
    """What last states have to do with conditions, over all trials: how much of their variance, and how much their subregions tell."""
    said = []
    explained = report.states.by_condition if report.states is not None else None
    if explained is not None:
        shares = f"{percent(explained.share)} of their variance over {many(explained.n_trials, 'trial')}"
        said.append(f"Conditions explain {shares} ({percent(explained.chance)} by chance).")
    last = report.condition_information.get("last")
    if last is not None and last.entropy > 0:
        share, chance = percent(last.share), percent(last.chance / last.entropy)
        said.append(f"The subregion alone tells {share} of the condition ({chance} by chance).")
    return " ".join(said)


def _target(report: AnalysisReport, trials: np.ndarray) -> np.ndarray | None:
    """Each trial's last target that counts: classes (n,) int, or the first output's value (n,) float; None where there is none."""
    targets = report.arrays.get("trajectories.targets")
    if targets is None or len(targets) <= trials.max():
        return None
    targets = np.asarray(targets)[trials]
    classes = bool(np.issubdtype(targets.dtype, np.integer))
    if targets.ndim == (2 if classes else 3):  # one at every step
        mask = np.asarray(report.arrays["trajectories.mask"], bool)[trials][:, : targets.shape[1]]
        if not mask.any(1).all():
            return None
        last = mask.shape[1] - 1 - mask[:, ::-1].argmax(1)
        targets = targets[np.arange(len(targets)), last]
    values = targets if classes else targets[:, 0].astype(float) if targets.shape[1] else np.full(len(targets), np.nan)
    return values if classes or np.isfinite(values).all() else None


def _colours(
    report: AnalysisReport, colour: str, trials: np.ndarray, state: np.ndarray, conditions: np.ndarray
) -> tuple[np.ndarray, list[str], str]:
    """What tells the states apart. Returns: values (n,), the groups' names (none for a quantity), and what it is called."""
    if colour == "bitcode":
        needs_subregions("latents", [report])
        codes = [code(row) for row in bits(state, report.model["P"])]
        order = {region.bitcode: i for i, region in enumerate(by_use(report))}
        there = sorted(set(codes), key=lambda c: (order.get(c, len(order)), c))
        return np.array([there.index(c) for c in codes]), [style.short_code(c, 11) for c in there], "subregion"
    if colour == "target":
        target = _target(report, trials)
        if target is None:
            raise InputError(
                "The report's example trials have no target each.", "Colour by another: --option colour=condition"
            )
        names = [str(n) for n in (report.task or {}).get("output_names") or ()]
        if np.issubdtype(target.dtype, np.integer):
            classes = [int(c) for c in np.unique(target)]
            called = [names[c] if 0 <= c < len(names) else f"class {c}" for c in classes]
            return np.searchsorted(classes, target), called, "target"
        return target, [], f"target of {names[0]}" if names and report.model["N"] > 1 else "target"
    there_c = [int(c) for c in np.unique(conditions)]
    return np.searchsorted(there_c, conditions), [condition_name(report, c) for c in there_c], "condition"


def _mark(k: int) -> dict[str, Any]:
    """Colour and marker of a group: no two of 49 are alike."""
    n = len(style.CATEGORIES)
    return {"color": style.CATEGORIES[k % n], "marker": style.MARKERS[(k + k // n) % n]}


def _draw_one(part: SubFigure, latents: _Latents, label: str, width: str, step: int | None) -> None:
    axes = part.subplots()
    scale = style.scale(width)
    look: dict[str, Any] = {"s": 17 * scale**2, "lw": 0.4 * scale, "ec": "white", "zorder": 3, "clip_on": False}
    if latents.marked:
        for k in range(len(latents.groups)):
            own = latents.values == k
            axes.scatter(latents.x[own], latents.y[own], gid=f"group-{k}", **_mark(k), **look)
    else:
        _scale(part, axes, latents, look)
    _limits(axes, latents)
    axes.set(xlabel=latents.names[0], ylabel=latents.names[1])
    text = many(len(latents.x), "final state") if step is None else f"{many(len(latents.x), 'state')} at step {step}"
    by = f" by {latents.by}" if latents.groups[1:] or not latents.groups else ""
    part.suptitle(f"{label}\n{text}{by}" if label else text + by, x=0.01, ha="left")
    if latents.marked and len(latents.groups) > 1:
        handles = _handles(latents, scale)
        part.legend(handles=handles, loc="outside lower center", ncols=_columns(latents, width), handletextpad=0.2)


def _scale(part: SubFigure, axes: Axes, latents: _Latents, look: Mapping[str, Any]) -> None:
    """Colours on a scale: of a quantity, or of the number of a group where there are too many for marks."""
    low, high = float(latents.values.min()), float(latents.values.max())
    norm = Normalize(low, high if high > low else low + 1)
    dots = axes.scatter(
        latents.x,
        latents.y,
        c=latents.values,
        cmap=colormaps[style.SCALE],
        norm=norm,
        marker="o",
        gid="quantity",
        **look,
    )
    what = f"{latents.by} (number)" if latents.groups else latents.by
    bar = part.colorbar(dots, ax=axes, label=what, aspect=28)
    bar.outline.set_linewidth(0.5)  # type: ignore[operator]
    bar.locator = MaxNLocator(5, integer=bool(latents.groups))
    bar.update_ticks()


def _limits(axes: Axes, latents: _Latents) -> None:
    """All points with a margin, also where they are all the same."""
    for values, setter in ((latents.x, axes.set_xlim), (latents.y, axes.set_ylim)):
        low, high = float(values.min()), float(values.max())
        margin = 0.06 * (high - low) or 0.5 * max(abs(high), 1e-3)
        setter(low - margin, high + margin)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=latents.names[1] == "trial"))


def _handles(latents: _Latents, scale: float) -> list[Line2D]:
    return [
        Line2D([], [], ls="none", mec="white", mew=0.4 * scale, ms=4.6 * scale, label=name, **_mark(k))
        for k, name in enumerate(latents.groups)
    ]


def _columns(latents: _Latents, width: str) -> int:
    longest = max(map(len, latents.groups))
    return max(1, min(7, int((style.WIDTHS[width] / style.scale(width) - 0.1) / (0.058 * longest + 0.36))))


def _legend_rows(latents: _Latents, width: str) -> int:
    return -(-len(latents.groups) // _columns(latents, width)) if latents.marked and len(latents.groups) > 1 else 0


def _rows(latents: _Latents, label: str) -> list[dict[str, Any]]:
    return [
        {"report": label, "trial": int(t), "step": int(s), "x": float(x), "y": float(y),
         "by": latents.by, "group": latents.groups[int(v)] if latents.groups else None, "value": float(v)}
        for t, s, x, y, v in zip(latents.trials, latents.steps, latents.x, latents.y, latents.values, strict=True)
    ]  # fmt: skip


def _caption(found: Sequence[_Latents], reports: Sequence[AnalysisReport], step: int | None) -> str:
    first = found[0]
    which = (
        "The last state of each example trial" if step is None else f"The state of each example trial at step {step}"
    )
    said = [f"{which}, {first.names[0].split(' (')[0]} against {first.names[1].split(' (')[0]}."]
    if any("PC" in name for latents in found for name in latents.names):
        said.append("Principal components of all states of all trials.")
    for latents, report in zip(found, reports, strict=True):
        examples = len(report.arrays.get("trajectories.z", ()))
        if len(latents.x) < examples:
            said.append(
                f"{len(latents.x)} of {many(examples, 'example trial')}: the others have no finite state there."
            )
        if len(latents.groups) > _MOST_NAMED:
            said.append(f"{len(latents.groups)} groups, coloured by their number.")
    said += [latents.tells for latents in found if latents.tells and latents.by == "condition"]
    return " ".join(dict.fromkeys(said))
