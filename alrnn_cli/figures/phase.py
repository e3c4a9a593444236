"""Phase portrait: trajectories, exact flow, switching boundaries and fixed points in a plane, a panel for each input.

The flow is the map itself: a point of the plane is lifted into state space (all else at its mean), takes one step under
the panel's constant input, and is projected back. A model of one unit is shown as a return map.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .. import dynamics
from ..errors import UsageError, closest
from ..records import AnalysisReport, FixedPoint, Parameters
from . import _plane, _trajectories, style
from .drawing import Drawing, many, needs_subregions, whole

OPTIONS = (
    ("axes", "pc", "the plane: pc (first two principal components) or units:i,j"),
    ("phase", "", "one constant input by name instead of the first three"),
    ("trials", "30", "trajectories drawn"),
    ("arrows", "15", "arrows of the flow along each axis; 0 for none"),
)

_PANELS = 3
_MOST_ARROWS = 4
# kind -> (marker, face, what the legend says)
MARKS = {
    "stable": ("o", "black", "stable fixed point"),
    "marginal": ("s", style.LIGHT, "marginal fixed point"),
    "saddle": ("D", "white", "saddle"),
    "unstable": ("o", "white", "unstable fixed point"),
    "undetermined": ("X", style.LIGHT, "undetermined (at a boundary)"),
}


def draw(reports: Sequence[AnalysisReport], labels: Sequence[str], width: str, options: Mapping[str, str]) -> Drawing:
    """Phase portraits. Errors: InputError where parameters are missing; UsageError for a bad plane or phase."""
    needs_subregions("phase", reports)
    trials = whole("phase", "trials", options["trials"], 0)
    arrows = whole("phase", "arrows", options["arrows"], 0)
    panels = [(i, name) for i, report in enumerate(reports) for name in _inputs(report, options["phase"])]
    columns = _columns(width, [sum(i == k for k, _ in panels) for i in range(len(reports))])
    rows = -(-len(panels) // columns)
    side = style.WIDTHS[width] / style.scale(width) / columns
    figure = style.new(width, rows * min(0.85 * side, 2.6) + 0.65)
    grid = figure.subplots(rows, columns, squeeze=False)
    scenes = [_trajectories.scene(report, options["axes"], trials) for report in reports]
    data, notes, entries = [], Counter[str](), {}
    for k, (axes, (i, name)) in enumerate(zip(grid.flat, panels, strict=True)):
        head = {"report": labels[i], "phase": name}
        panel = _Panel(axes, reports[i], scenes[i], name, arrows, width)
        data += [{**head, **row} for row in panel.draw()]
        notes.update(panel.notes)
        entries.update(panel.entries)
        title = name if len(reports) == 1 else f"{labels[i]}: {name}"
        if k % columns:  # all panels of a report have the same limits
            axes.set_ylabel("")
            axes.tick_params(labelleft=False)
        if columns == 1 and k + 1 < len(panels) and panels[k + 1][0] == i:
            axes.set_xlabel("")
            axes.tick_params(labelbottom=False)
        style.letter(axes, f"input: {title}" if len(reports) == 1 else title)
    shown = [row for label, scene in zip(labels, scenes, strict=True) for row in _trajectories.rows(label, scene)]
    _legend(figure, grid, scenes, reports, entries, width)
    return Drawing(figure, _caption(reports, scenes, notes, options), shown + data)


def _inputs(report: AnalysisReport, asked: str) -> list[str]:
    known = list(report.settings.get("inputs", ()))
    known = known or list(dict.fromkeys(p.phase for p in report.fixed_points)) or ["zero"]
    if not asked:
        return known[:_PANELS]
    if asked not in known:
        raise UsageError(f"Figure 'phase': the report has no constant input {asked!r}.", closest(asked, known))
    return [asked]


def _columns(width: str, counts: list[int]) -> int:
    """Columns of the grid: never a hole in it."""
    most = 2 if width == "column" else 3
    return max(c for c in range(1, most + 1) if all(n % c == 0 for n in counts))


class _Panel:
    """One constant input of one report."""

    def __init__(
        self, axes: Axes, report: AnalysisReport, scene: _trajectories.Scene, name: str, arrows: int, width: str
    ) -> None:
        self.axes, self.scene, self.name, self.arrows, self.width = axes, scene, name, arrows, width
        self.params: Parameters = _plane.parameters(report)
        self.s = _plane.constant_input(report, name)
        self.points = [p for p in report.fixed_points if p.phase == name]
        # Listed on request only, but always counted; the first reports listed them and did not count.
        listed = sum(p.kind == "virtual" for p in self.points)
        self.virtual = report.fixed_point_counts.get(name, {"virtual": listed})["virtual"] or 0
        self.box = _plane.view(scene.cloud, self._shown_points(report))
        self.notes: Counter[str] = Counter()
        self.entries: dict[str, Line2D] = {}
        self.scale = style.scale(width)

    def _shown_points(self, report: AnalysisReport) -> np.ndarray:
        """Projected points of every panel, so that all panels of a report have the same limits."""
        found = [self._place(p) for p in report.fixed_points if p.z is not None and p.kind in ("real", "undetermined")]
        return np.array(found).reshape(-1, 2)

    def _place(self, point: FixedPoint) -> np.ndarray:
        x = self.scene.plane.project(np.asarray(point.z, float))
        return np.repeat(x, 2) if len(x) == 1 else x

    def draw(self) -> list[dict[str, Any]]:
        self.axes.set(xlim=self.box[:2], ylim=self.box[2:], xlabel=self.scene.names[0], ylabel=self.scene.names[1])
        self.axes.locator_params(nbins=4)
        rows = self._map() if self.scene.one_unit else self._flow()
        _trajectories.paint(self.axes, self.scene, self.width)
        self._boundaries()
        return rows + self._continua() + self._drifts() + self._fixed_points()

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

    def _fixed_points(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for kind, (marker, face, words) in MARKS.items():
            own = [p for p in self.points if _kind(p) == kind]
            seen = [(p, x) for p, x in ((p, self._place(p)) for p in own) if _plane.inside(x, self.box)]
            self.notes["offscreen"] += len(own) - len(seen)
            if not seen:
                continue
            xy = np.array([x for _, x in seen])
            self.axes.scatter(
                xy[:, 0], xy[:, 1], s=30 * self.scale**2, marker=marker, facecolor=face,
                edgecolor="black", lw=0.9 * self.scale,
                zorder=6, gid=f"fixed-{kind}", clip_on=False,
            )  # fmt: skip
            self.entries[words] = Line2D(
                [], [], ls="none", marker=marker, mfc=face, mec="black", mew=0.9 * self.scale, ms=5 * self.scale
            )
            rows += [
                {"what": kind, "bitcode": p.bitcode, "x": float(x[0]), "y": float(x[1])} for p, x in seen
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


def _kind(point: FixedPoint) -> str:
    """Which of MARKS a point gets; "" for none."""
    if point.z is None or not np.isfinite(np.asarray(point.z, float)).all():
        return ""
    if point.kind == "real":
        return point.stability if point.stability in MARKS else "unstable"
    return "undetermined" if point.kind == "undetermined" else ""


def _legend(
    figure: Figure, grid: Any, scenes: list[_trajectories.Scene], reports: Sequence[AnalysisReport],
    entries: dict[str, Line2D], width: str,
) -> None:  # fmt: skip
    for k, scene in enumerate(scenes):
        _trajectories.colourbar(figure, grid, scene, width, first=k == 0)
    entries = {**_trajectories.entries(scenes, reports, width), **entries}
    if not entries:
        return
    columns = 2 if width == "column" else 4
    figure.legend(
        list(entries.values()), list(entries), loc="outside lower center", ncols=min(columns, len(entries)),
        handlelength=2.0,
    )  # fmt: skip


def _caption(
    reports: Sequence[AnalysisReport],
    scenes: list[_trajectories.Scene],
    notes: Counter[str],
    options: Mapping[str, str],
) -> str:
    if all(scene.one_unit for scene in scenes):
        said = ["Return map of the single unit under each constant input, with the steps of the example trajectories."]
    else:
        said = [
            "Example trajectories and, in grey, the exact flow of one step under each panel's constant input "
            "(darker: faster; arrows show direction), in a plane through the mean state."
        ]
    drawn = " / ".join(str(scene.count) for scene in scenes)
    none = "The report holds no example trajectories."
    said.append(f"{drawn} trajectories, ending at the black dots." if any(s.count for s in scenes) else none)
    for report in reports:
        inputs = list(report.settings.get("inputs", ()))
        if not options["phase"] and len(inputs) > _PANELS:
            said.append(f"The first {_PANELS} of {len(inputs)} constant inputs; option phase=NAME shows another.")
    words = (
        ("offscreen", "{} outside the axes.", "fixed point"),
        ("virtual", "{} (outside their own subregion) not drawn.", "virtual fixed point"),
        ("planes", "{} of more than one dimension: only its axes are drawn.", "continuum of fixed points"),
        ("unseen_continua", "{} not crossing the view.", "continuum of fixed points"),
        ("unseen_drifts", "{} without a fixed point whose drift is not drawn.", "subregion"),
        ("no_boundary", "No switching boundary crosses {}.", "panel"),
    )
    said += [text.format(many(notes[key], noun).replace("continuum of fixed pointss", "continua of fixed points"))
             for key, text, noun in words if notes[key]]  # fmt: skip
    return " ".join(dict.fromkeys(said))
