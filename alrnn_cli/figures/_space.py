"""One panel of a phase portrait with three axes: trajectories, fixed points and cycles, and the planes where units switch."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from mpl_toolkits.mplot3d.art3d import Line3DCollection, Poly3DCollection

from ..records import AnalysisReport
from . import _plane, _trajectories, style
from ._marks import CYCLES, MARKS, cycle_kind, entry, kind
from ._portrait import orbit, place, view_of

_MOST_PLANES = 4  # more of them hide everything


class Solid:
    """One constant input of one report."""

    def __init__(self, axes: Any, report: AnalysisReport, scene: _trajectories.Scene, name: str, width: str) -> None:
        self.axes, self.scene, self.name, self.scale = axes, scene, name, style.scale(width)
        self.P = report.model["P"]
        self.points = [p for p in report.fixed_points if p.phase == name]
        self.cycles = [c for c in report.cycles if c.phase == name]
        self.box = view_of(report, scene)
        self.notes: Counter[str] = Counter()
        self.entries: dict[str, Line2D | Patch] = {}

    def draw(self) -> list[dict[str, Any]]:
        x, y, z = (name.removesuffix(" (state)") for name in self.scene.names)  # slanted labels have little room
        self.axes.set(xlim=self.box[:2], ylim=self.box[2:4], zlim=self.box[4:], xlabel=x, ylabel=y, zlabel=z)
        for axis in (self.axes.xaxis, self.axes.yaxis, self.axes.zaxis):
            axis.pane.set(facecolor="white", edgecolor=style.LIGHT)
            axis.labelpad = -4
            axis.set_tick_params(pad=-3)
        self.axes.grid(visible=False)
        self.axes.locator_params(nbins=4)
        self.axes.view_init(elev=22, azim=-58)
        self.axes.set_box_aspect(None, zoom=0.9)
        self._trajectories()
        self._planes()
        return self._marks()

    def _trajectories(self) -> None:
        scene = self.scene
        if not scene.count:
            return
        own, there = scene.under(self.name), np.isfinite(scene.x).all(-1)
        segments, good = np.stack([scene.x[:, :-1], scene.x[:, 1:]], 2), there[:, :-1] & there[:, 1:]
        for chosen, gid in ((good & ~own[:, 1:], "other steps"), (good & own[:, 1:], "trajectories")):
            trial, step = np.nonzero(chosen)
            colours = _trajectories.colours_of(scene, trial, step + 1) if gid == "trajectories" else "#d0d0d0"
            lines = Line3DCollection(list(segments[trial, step]), linewidths=0.8 * self.scale, colors=colours, gid=gid)
            self.axes.add_collection3d(lines, autolim=False)
        ends = scene.x[_trajectories.ends_of(scene, own)]
        self.axes.scatter(*ends.T, s=5 * self.scale**2, c="black", lw=0, depthshade=False, gid="ends")

    def _planes(self) -> None:
        """Where z_i = 0 cuts the box, for each PWL unit."""
        plane, M = self.scene.plane, len(self.scene.plane.origin)
        faces = {unit: _cut(plane.up[:, unit], float(plane.origin[unit]), self.box) for unit in range(M - self.P, M)}
        faces = {unit: face for unit, face in faces.items() if len(face)}
        if len(faces) > _MOST_PLANES:
            self.notes["many_planes"] += len(faces)
            return
        for unit, face in faces.items():
            self.axes.add_collection3d(
                Poly3DCollection([face], facecolor=(0.5, 0.5, 0.5, 0.16), edgecolor="black", lw=0.6 * self.scale, ls="--",
                                 gid=f"boundary-{unit}"), autolim=False)  # fmt: skip
            name = f"boundary $z_{{{unit}}} = 0$" if self.P == 1 else "boundaries $z_i = 0$"
            self.entries[name] = Patch(fc=(0.5, 0.5, 0.5, 0.16), ec="black", ls="--", lw=0.6 * self.scale)

    def _marks(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for cycle in self.cycles:
            xyz, name = orbit(self.scene, cycle), cycle_kind(cycle)
            marker, face, words = CYCLES[name]
            if not any(_plane.inside(x, self.box) for x in xyz):
                self.notes["offscreen_cycles"] += 1
                continue
            self.axes.plot(*np.concatenate([xyz, xyz[:1]]).T, color="black", lw=0.7 * self.scale, marker=marker, mfc=face, mec="black",
                           ms=5 * self.scale, gid="cycle")  # fmt: skip
            self.entries[words] = entry(marker, face, self.scale, ls="-", lw=0.7 * self.scale, color="black")
            rows += [
                {"what": f"{name} cycle", "bitcode": cycle.word, "step": k + 1, **_xyz(x)} for k, x in enumerate(xyz)
            ]
        for name, (marker, face, words) in MARKS.items():
            own = [(p, place(self.scene, p.z)) for p in self.points if kind(p) == name]
            seen = [(p, x) for p, x in own if _plane.inside(x, self.box)]
            self.notes["offscreen"] += len(own) - len(seen)
            if seen:
                self.axes.scatter(*np.array([x for _, x in seen]).T, s=30 * self.scale**2, marker=marker, facecolor=face,
                                  edgecolor="black", lw=0.9 * self.scale, depthshade=False, gid=f"fixed-{name}")  # fmt: skip
                self.entries[words] = entry(marker, face, self.scale)
                rows += [{"what": name, "bitcode": p.bitcode, **_xyz(x)} for p, x in seen]
        return rows


def _xyz(x: np.ndarray) -> dict[str, float]:
    return dict(zip("xyz", x.tolist(), strict=True))


def _cut(normal: np.ndarray, offset: float, box: _plane.Box) -> np.ndarray:
    """Corners (n, 3), in order around it, of the polygon that normal · x + offset = 0 cuts from the box; none where it misses it."""
    corners = np.array(list(product(box[:2], box[2:4], box[4:])))
    value = corners @ normal + offset
    found = [
        corners[i] + (corners[j] - corners[i]) * value[i] / (value[i] - value[j])
        for i, j in product(range(8), range(8))
        if i < j and (corners[i] != corners[j]).sum() == 1 and value[i] * value[j] < 0
    ]
    if len(found) < 3:
        return np.zeros((0, 3))
    span = np.array(box[1::2]) - np.array(box[::2])
    at = np.array(found)
    flat = (at - at.mean(0)) / span
    _, _, axes = np.linalg.svd(flat)
    return np.asarray(at[np.argsort(np.arctan2(flat @ axes[1], flat @ axes[0]))])
