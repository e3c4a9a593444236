"""Example trajectories in a plane: their projection, their colours, and the legend that explains them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..dynamics import bits, parse_code
from ..records import AnalysisReport
from . import _plane, style
from ._axes import plane_of
from ._words import condition_name, time_unit

_TRACE = "#d0d0d0"
_NAMED = 6  # so many conditions get a colour and a legend entry each


@dataclass(frozen=True)
class Scene:
    """What all panels of a report share.

    x: (n, T, d) positions, NaN on padding (for one unit: z_t and z_{t+1}); conditions: (n,); phases: (n, T), of the input that made
    each position, -1 for none, with phase_names; cloud: (m, d) finite positions; colour_by: "condition", "number" (many
    conditions), "time" or "" (no trajectories).
    """

    plane: _plane.Plane
    names: tuple[str, ...]
    x: np.ndarray
    conditions: np.ndarray
    phases: np.ndarray
    phase_names: tuple[str, ...]
    cloud: np.ndarray
    colour_by: str
    one_unit: bool
    dt: float
    time: str

    @property
    def count(self) -> int:
        return len(self.x)

    def under(self, phase: str) -> np.ndarray:
        """Which positions were made by an input of this phase, (n, T) bool; all where the trials have no phases."""
        if not (self.phases >= 0).any():
            return np.ones(self.x.shape[:2], bool)
        number = self.phase_names.index(phase) if phase in self.phase_names else len(self.phase_names)
        return np.asarray(self.phases == number)


def scene(report: AnalysisReport, axes: str, trials: int, d: int = 2) -> Scene:
    """Project the first `trials` trajectories that have a finite state, onto d axes. Errors: UsageError, InputError for bad axes."""
    plane = plane_of(report, axes, d)
    z, conditions = _plane.states(report)
    keep = np.flatnonzero(np.isfinite(z).all(-1).any(1)) if len(z) else np.zeros(0, int)
    keep = spread(keep, conditions, trials)
    phases = np.asarray(report.arrays.get("trajectories.phases", np.full((len(z), z.shape[1]), -1)))[keep, : z.shape[1]]
    z, conditions = z[keep], conditions[keep]
    one_unit = len(plane.basis) == 1
    x = plane.project(z)
    if one_unit:
        x = np.concatenate([x[:, :-1], x[:, 1:]], -1)
        phases = phases[:, 1:]
    names = ("$z_t$ (state)", "$z_{t+1}$ (state)") if one_unit else plane.names
    cloud = x.reshape(-1, x.shape[-1])
    several = len(np.unique(conditions))
    colour_by = "" if not len(x) else "time" if several <= 1 else "condition" if several <= _NAMED else "number"
    dt, unit = time_unit(report)
    phase_names = tuple(map(str, (report.task or {}).get("phase_names") or ()))
    finite = cloud[np.isfinite(cloud).all(-1)]
    return Scene(plane, names, x, conditions, phases, phase_names, finite, colour_by, one_unit, dt, f"time ({unit})")


def spread(keep: np.ndarray, conditions: np.ndarray, trials: int) -> np.ndarray:
    """The first trials, taking the conditions in turn."""
    turn = np.zeros(len(keep), int)
    seen: dict[int, int] = {}
    for k, trial in enumerate(keep):
        condition = int(conditions[trial])
        turn[k] = seen[condition] = seen.get(condition, -1) + 1
    return np.sort(keep[np.argsort(turn, kind="stable")[:trials]])


def condition_colours(scene: Scene) -> dict[int, Any]:
    """Colour of every condition."""
    there = [int(c) for c in np.unique(scene.conditions)]
    if scene.colour_by == "condition":
        return {c: style.CATEGORIES[k] for k, c in enumerate(there)}
    scale = colormaps[style.SCALE]
    return {c: scale(0.92 * k / max(len(there) - 1, 1)) for k, c in enumerate(there)}


def colours_of(scene: Scene, trial: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Colours (m, 4) of positions, by trial and step (from 0)."""
    if scene.colour_by == "time":
        return np.asarray(colormaps[style.SCALE](time_scale(scene)((step + 1) * scene.dt)))
    colours = condition_colours(scene)
    return np.array([to_rgba(colours[int(scene.conditions[i])]) for i in trial]).reshape(-1, 4)


def paint(axes: Axes, scene: Scene, width: str, phase: str) -> None:
    """Draw the trajectories into one panel: in colour the steps made under the panel's phase, the others as a grey trace below."""
    if not scene.count:
        return
    size = style.scale(width)
    own, there = scene.under(phase), np.isfinite(scene.x).all(-1)
    alpha = 0.9 if scene.count <= 10 or not own.all() else 0.65
    if scene.one_unit:
        size = 6 * size**2
        for chosen, order, gid in ((there & ~own, 2.9, "other steps"), (there & own, 3.0, "trajectories")):
            trial, step = np.nonzero(chosen)
            colours = _TRACE if gid == "other steps" else colours_of(scene, trial, step)
            axes.scatter(
                scene.x[trial, step, 0],
                scene.x[trial, step, 1],
                s=size,
                lw=0,
                alpha=alpha,
                zorder=order,
                c=colours,
                gid=gid,
            )
        return
    segments, good = np.stack([scene.x[:, :-1], scene.x[:, 1:]], 2), there[:, :-1] & there[:, 1:]
    others = LineCollection(list(segments[good & ~own[:, 1:]]), linewidths=0.5 * size, colors=_TRACE, zorder=0.8,
                            gid="other steps")  # fmt: skip
    trial, step = np.nonzero(good & own[:, 1:])
    lines = LineCollection(list(segments[trial, step]), linewidths=0.8 * size, alpha=alpha, zorder=3, gid="trajectories",
                           capstyle="round", colors=colours_of(scene, trial, step + 1))  # fmt: skip
    axes.add_collection(others, autolim=False)
    axes.add_collection(lines, autolim=False)
    ends = scene.x[ends_of(scene, own)]
    axes.scatter(ends[:, 0], ends[:, 1], s=5 * size**2, c="black", lw=0, zorder=3.5, gid="ends")


def ends_of(scene: Scene, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(trials, steps) of last positions, of trials that end under the phase whose positions are `own`."""
    there = np.isfinite(scene.x).all(-1)
    last = there.shape[1] - 1 - np.argmax(there[:, ::-1], axis=1)
    trial = np.flatnonzero(own[np.arange(len(last)), last])
    return trial, last[trial]


def time_scale(scene: Scene) -> Normalize:
    """Colour scale from the first to the last step."""
    return Normalize(scene.dt, max(scene.x.shape[1], 2) * scene.dt)


def colourbar(figure: Figure, grid: Any, scene: Scene, width: str, *, first: bool) -> None:
    """What colour means where it is a scale; one bar for the figure."""
    if scene.colour_by not in ("time", "number") or not first:
        return
    if scene.colour_by == "time":
        norm, text = time_scale(scene), scene.time
    else:
        norm, text = Normalize(float(scene.conditions.min()), float(scene.conditions.max())), "condition (number)"
    bar = figure.colorbar(
        ScalarMappable(norm, style.SCALE),
        ax=list(np.ravel(grid)),
        label=text,
        aspect=28 * len(grid),
        pad=0.02 if scene.x.shape[-1] == 2 else 0.16,  # beside the label of the third axis
    )
    bar.outline.set_linewidth(0.5)  # type: ignore[operator]


def entries(scenes: Sequence[Scene], reports: Sequence[AnalysisReport], width: str) -> dict[str, Line2D]:
    """Legend entries: conditions by name, and the dots that end trajectories."""
    found: dict[str, Line2D] = {}
    for scene, report in zip(scenes, reports, strict=True):
        if scene.colour_by == "condition":
            for c, colour in condition_colours(scene).items():
                found.setdefault(condition_name(report, c), Line2D([], [], color=colour, lw=1.4 * style.scale(width)))
    if any(scene.count and not scene.one_unit for scene in scenes):
        dot = Line2D([], [], ls="none", marker="o", color="black", mew=0, ms=2.2 * style.scale(width))
        found["end of a trajectory"] = dot
    return found


def middle_of(plane: _plane.Plane, box: _plane.Box, bitcode: str) -> np.ndarray | None:
    """A point in view well inside a subregion: nearest the middle of what is seen of it, (2,), or None."""
    gx, gy = (a + (b - a) * np.linspace(0.13, 0.87, 38) for a, b in (box[:2], box[2:]))
    at = np.stack(np.meshgrid(gx, gy), -1).reshape(-1, 2)
    own = at[(bits(plane.lift(at), len(bitcode)) == parse_code(bitcode)).all(-1)]
    if not len(own):
        return None
    span = np.array([box[1] - box[0], box[3] - box[2]])
    return np.asarray(own[np.argmin(np.linalg.norm((own - own.mean(0)) / span, axis=1))])


def rows(label: str, scene: Scene) -> list[dict[str, Any]]:
    """Every plotted state: its trial, step (from 1), condition and position."""
    trial, step = np.nonzero(np.isfinite(scene.x).all(-1))
    return [
        {"report": label, "phase": None, "what": "trajectory", "trial": int(i), "step": int(t) + 1,
         "condition": int(scene.conditions[i]), **dict(zip("xyz", scene.x[i, t].tolist(), strict=False))}
        for i, t in zip(trial, step, strict=True)
    ]  # fmt: skip
