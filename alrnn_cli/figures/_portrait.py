"""One panel of a phase portrait: one constant input of one report, in a plane."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from .. import dynamics
from ..records import AnalysisReport, Cycle, Parameters
from . import _plane, _trajectories, style
from ._marks import CYCLES, MARKS, cycle_kind, entry, kind
from ._nullclines import nullclines

_MOST_ARROWS = 4
_NULLCLINES = (style.VERMILION, style.BLUE)


def place(scene: _trajectories.Scene, z: Any) -> np.ndarray:
    """Where a state that stays is drawn, (d,). z: (M,)."""
    x = scene.plane.project(np.asarray(z, float))
    return np.repeat(x, 2) if scene.one_unit else x


def orbit(scene: _trajectories.Scene, cycle: Cycle) -> np.ndarray:
    """Where the points of a cycle are drawn, (period, d)."""
    x = scene.plane.project(np.asarray(cycle.points, float))
    return np.column_stack([x[:, 0], np.roll(x[:, 0], -1)]) if scene.one_unit else x


def view_of(report: AnalysisReport, scene: _trajectories.Scene) -> _plane.Box:
    """Limits that all panels of a report share: of trajectories, fixed points and cycles."""
    found = [place(scene, p.z) for p in report.fixed_points if p.z is not None and p.kind in ("real", "undetermined")]
    found += [x for cycle in report.cycles for x in orbit(scene, cycle)]
    return _plane.view(scene.cloud, np.array(found).reshape(-1, len(scene.names)))


class Portrait:
    """One constant input of one report."""

    def __init__(
        self, axes: Axes, report: AnalysisReport, scene: _trajectories.Scene, name: str, arrows: int, width: str, *,
        nullclines: bool,
    ) -> None:  # fmt: skip
        self.axes, self.scene, self.name, self.arrows, self.width = axes, scene, name, arrows, width
        self.nullclines = nullclines and not scene.one_unit
        self.params: Parameters = _plane.parameters(report)
        self.s = _plane.constant_input(report, name)
        self.points = [p for p in report.fixed_points if p.phase == name]
        self.cycles = [c for c in report.cycles if c.phase == name]
        # Listed on request only, but always counted; the first reports listed them and did not count.
        listed = sum(p.kind == "virtual" for p in self.points)
        self.virtual = report.fixed_point_counts.get(name, {"virtual": listed})["virtual"] or 0
        self.box = view_of(report, scene)
        self.notes: Counter[str] = Counter()
        self.entries: dict[str, Line2D] = {}
        self.scale = style.scale(width)

    def draw(self) -> list[dict[str, Any]]:
        self.axes.set(xlim=self.box[:2], ylim=self.box[2:], xlabel=self.scene.names[0], ylabel=self.scene.names[1])
        self.axes.locator_params(nbins=4)
        rows = self._map() if self.scene.one_unit else self._flow()
        _trajectories.paint(self.axes, self.scene, self.width, self.name)
        self._boundaries()
        return rows + self._nullclines() + self._continua() + self._drifts() + self._cycles() + self._fixed_points()

    def _map(self) -> list[dict[str, Any]]:
        """M = 1: the map z_t -> z_{t+1} and the diagonal."""
        x = np.linspace(self.box[0], self.box[1], 201)
        y = dynamics.step(self.params, x[:, None], self.s)[:, 0]
        (curve,) = self.axes.plot(x, y, color="black", lw=1.1 * self.scale, gid="map", zorder=2)
        dashed = {"color": style.GREY, "lw": 0.7 * self.scale, "ls": (0, (4, 2))}
        (diagonal,) = self.axes.plot(x, x, gid="diagonal", zorder=1, **dashed)  # type: ignore[arg-type]
        self.entries["one step under the input"] = curve
        self.entries["$z_{t+1} = z_t$"] = diagonal
        return [{"what": "map", "x": float(a), "y": float(b)} for a, b in zip(x, y, strict=True)]

    def _flow(self) -> list[dict[str, Any]]:
        """Displacement in one step on a grid: arrows of one length, the darker the faster."""
        if not self.arrows:
            return []
        x0, x1, y0, y1 = self.box
        edge = 0.5 / self.arrows
        gx, gy = (a + (b - a) * np.linspace(edge, 1 - edge, self.arrows) for a, b in ((x0, x1), (y0, y1)))
        at = np.stack(np.meshgrid(gx, gy), -1).reshape(-1, 2)
        moved = self.scene.plane.project(dynamics.step(self.params, self.scene.plane.lift(at), self.s)) - at
        seen = moved / np.array([x1 - x0, y1 - y0])  # direction as it looks in the panel
        speed = np.linalg.norm(seen, axis=1)
        moving = speed > 1e-9
        unit = seen[moving] / speed[moving, None]
        rank = np.sqrt(speed[moving] / speed.max()) if moving.any() else speed[moving]
        grey = 0.82 - 0.4 * rank
        self.axes.quiver(
            *at[moving].T, *(unit * 0.62 / self.arrows).T, color=np.repeat(grey[:, None], 3, 1), units="width",
            scale_units="width", scale=1, width=0.0045, headwidth=4, headlength=4, headaxislength=3.6, pivot="mid",
            zorder=1, gid="flow",
        )  # fmt: skip
        return [
            {"what": "flow", "x": float(a), "y": float(b), "dx": float(c), "dy": float(d)}
            for (a, b), (c, d) in zip(at, moved, strict=True)
        ]

    def _boundaries(self) -> None:
        P = self.params.P
        if self.scene.one_unit:
            upright = np.array([[0.0, self.box[2]], [0.0, self.box[3]]])
            lines = [(0, upright)] if P and self.box[0] < 0 < self.box[1] else []
        else:
            lines = _plane.boundaries(self.scene.plane, P, self.box)
        thin = len(lines) > 8
        for unit, ends in lines:
            (line,) = self.axes.plot(
                *ends.T, color="black", lw=(0.4 if thin else 0.9) * self.scale, ls=(0, (5, 2)),
                alpha=0.5 if thin else 0.9, zorder=2.5, gid=f"boundary-{unit}",
            )  # fmt: skip
            self.entries[f"boundary $z_{{{unit}}} = 0$" if P == 1 else "boundaries $z_i = 0$"] = line
        if P and not lines:
            self.notes["no_boundary"] += 1
        self.axes.set(xlim=self.box[:2], ylim=self.box[2:])

    def _nullclines(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        if not self.nullclines:
            return rows
        for k, lines in enumerate(nullclines(self.params, self.s, self.scene.plane, self.box)):
            for ends in lines:
                (line,) = self.axes.plot(
                    *ends.T,
                    color=_NULLCLINES[k],
                    lw=1.2 * self.scale,
                    ls=("-.", ":")[k],
                    zorder=2.7,
                    gid=f"nullcline-{k}",
                )
                self.entries[f"{'horizontal' if k == 0 else 'vertical'} position stays"] = line
                rows += [{"what": f"nullcline {'xy'[k]}", "x": float(x), "y": float(y)} for x, y in ends]
        self.axes.set(xlim=self.box[:2], ylim=self.box[2:])
        return rows

    def _cycles(self) -> list[dict[str, Any]]:
        """Points joined in their order."""
        rows: list[dict[str, Any]] = []
        for cycle in self.cycles:
            xy = orbit(self.scene, cycle)
            if not any(_plane.inside(x, self.box) for x in xy):
                self.notes["offscreen_cycles"] += 1
                continue
            name = cycle_kind(cycle)
            marker, face, words = CYCLES[name]
            self.axes.plot(
                *np.concatenate([xy, xy[:1]]).T, color="black", lw=0.7 * self.scale, zorder=5.5, gid="cycle", marker=marker,
                mfc=face, mec="black", mew=0.9 * self.scale, ms=5 * self.scale,
            )  # fmt: skip
            self.entries[words] = entry(marker, face, self.scale, ls="-", lw=0.7 * self.scale, color="black")
            rows += [
                {"what": f"{name} cycle", "bitcode": cycle.word, "step": k + 1, "x": float(x[0]), "y": float(x[1])}
                for k, x in enumerate(xy)
            ]
        return rows

    def _fixed_points(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for name, (marker, face, words) in MARKS.items():
            own = [p for p in self.points if kind(p) == name]
            seen = [(p, x) for p, x in ((p, place(self.scene, p.z)) for p in own) if _plane.inside(x, self.box)]
            self.notes["offscreen"] += len(own) - len(seen)
            if not seen:
                continue
            xy = np.array([x for _, x in seen])
            self.axes.scatter(
                xy[:, 0], xy[:, 1], s=30 * self.scale**2, marker=marker, facecolor=face,
                edgecolor="black", lw=0.9 * self.scale,
                zorder=6, gid=f"fixed-{name}", clip_on=False,
            )  # fmt: skip
            self.entries[words] = entry(marker, face, self.scale)
            rows += [
                {"what": name, "bitcode": p.bitcode, "x": float(x[0]), "y": float(x[1])} for p, x in seen
            ]  # fmt: skip
        self.notes["virtual"] += self.virtual
        return rows

    def _continua(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for point in (p for p in self.points if p.kind == "continuum" and p.meets_region is not False):
            self.notes["planes"] += len(point.directions) > 1
            lines = [] if self.scene.one_unit else _plane.continuum_lines(point, self.scene.plane, self.box)
            if self.scene.one_unit:
                low = max(self.box[0], 0.0) if point.bitcode == "1" else self.box[0]
                high = min(self.box[1], 0.0) if point.bitcode == "0" else self.box[1]
                lines = [np.array([[low, low], [high, high]])] if low < high else []
            self.notes["unseen_continua"] += not lines
            for ends in lines:
                self.axes.plot(*ends.T, color="white", lw=4.6 * self.scale, zorder=4.8, solid_capstyle="butt")
                (line,) = self.axes.plot(
                    *ends.T, color=style.VERMILION, lw=2.6 * self.scale, zorder=4.9, gid="continuum",
                    solid_capstyle="butt",
                )  # fmt: skip
                self.entries["line of fixed points"] = line
                rows += [{"what": "continuum", "bitcode": point.bitcode, "x": float(x), "y": float(y)} for x, y in ends]
        return rows

    def _drifts(self) -> list[dict[str, Any]]:
        """Where a subregion has no fixed point: the direction in which its states drift."""
        rows: list[dict[str, Any]] = []
        if self.scene.one_unit:
            return rows
        span = np.array([self.box[1] - self.box[0], self.box[3] - self.box[2]])
        drifting = [p for p in self.points if p.kind == "none" and p.drift is not None]
        for point in sorted(drifting, key=lambda p: not p.visited):
            along = self.scene.plane.basis @ np.asarray(point.drift, float)
            seen = along / span
            length = float(np.linalg.norm(seen))
            at = _trajectories.middle_of(self.scene.plane, self.box, point.bitcode)
            if at is None or length < 1e-9 or len(rows) >= _MOST_ARROWS:
                self.notes["unseen_drifts"] += 1
                continue
            half = 0.11 * span * seen / length
            self.axes.annotate(
                "", tuple(at + half), tuple(at - half), zorder=5, gid="drift",
                arrowprops={"arrowstyle": "-|>,head_width=0.3,head_length=0.6", "lw": 2.4 * self.scale,
                            "color": style.VERMILION, "shrinkA": 0, "shrinkB": 0},
            )  # fmt: skip
            self.entries["no fixed point: drift"] = Line2D(
                [], [], ls="none", marker=r"$\rightarrow$", color=style.VERMILION, ms=9 * self.scale, mew=0.6
            )
            rows.append({"what": "drift", "bitcode": point.bitcode, "x": float(at[0]), "y": float(at[1]),
                         "dx": float(along[0]), "dy": float(along[1]), "speed": point.drift_speed})  # fmt: skip
        return rows
