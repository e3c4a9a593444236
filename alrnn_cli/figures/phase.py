"""Phase portrait: trajectories, exact flow, switching boundaries and fixed points in a plane, a panel for each input.

The flow is the map itself: a point of the plane is lifted into state space (all else at its mean), takes one step under
the panel's constant input, and is projected back. Trajectories have colour at the steps that were made under the panel's input. A
model of one unit is shown as a return map.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ..errors import UsageError, closest
from ..records import AnalysisReport
from . import _trajectories, style
from ._portrait import Portrait
from ._space import Solid
from .drawing import Drawing, many, needs_subregions, one_of, whole

OPTIONS = (
    ("axes", "pc", "pc or pc:i,j (components, from 1), units:i,j (from 0), slow or slow:BITCODE (modes of a subregion), readout or "
                   "readout:i,j (outputs)"),
    ("phase", "", "one constant input by name instead of the three that trials spend most steps under"),
    ("trials", "20", "trajectories drawn, the conditions taken in turn"),
    ("arrows", "15", "arrows of the flow along each axis; 0 for none"),
    ("nullclines", "auto", "where a coordinate does not change in a step: auto (where the plane is the whole state), yes, no"),
    ("view", "2d", "3d: three axes instead of a plane, one constant input, no flow"),
)  # fmt: skip

_PANELS = 3


def draw(reports: Sequence[AnalysisReport], labels: Sequence[str], width: str, options: Mapping[str, str]) -> Drawing:
    """Phase portraits. Errors: InputError where parameters are missing; UsageError for a bad plane or phase."""
    needs_subregions("phase", reports)
    trials = whole("phase", "trials", options["trials"], 0)
    arrows = whole("phase", "arrows", options["arrows"], 0)
    lines = one_of("phase", "nullclines", options["nullclines"], ("auto", "yes", "no"))
    solid = one_of("phase", "view", options["view"], ("2d", "3d")) == "3d"
    most = 1 if solid else _PANELS
    panels = [(i, name) for i, report in enumerate(reports) for name in _inputs(report, options["phase"], most)]
    columns = _columns(width, [sum(i == k for k, _ in panels) for i in range(len(reports))])
    rows = -(-len(panels) // columns)
    side = style.WIDTHS[width] / style.scale(width) / columns
    figure = style.new(width, rows * (0.8 * min(side, 4.0) if solid else min(0.85 * side, 2.6)) + 0.65)
    grid = figure.subplots(rows, columns, squeeze=False, subplot_kw={"projection": "3d"} if solid else {})
    scenes = [_trajectories.scene(report, options["axes"], trials, 3 if solid else 2) for report in reports]
    data: list[dict[str, Any]] = []
    notes, entries = Counter[str](), dict[str, Line2D | Patch]()
    for k, (axes, (i, name)) in enumerate(zip(grid.flat, panels, strict=True)):
        if solid:
            panel: Portrait | Solid = Solid(axes, reports[i], scenes[i], name, width)
        else:
            wanted = lines == "yes" or (lines == "auto" and reports[i].model["M"] == 2)
            panel = Portrait(axes, reports[i], scenes[i], name, arrows, width, nullclines=wanted)
        head = {"report": labels[i], "phase": name}
        data += [{**head, **row} for row in panel.draw()]
        notes.update(panel.notes)
        entries.update(panel.entries)
        title = name if len(reports) == 1 else f"{labels[i]}: {name}"
        if not solid:
            _share_axes(axes, k, columns, lower=k + 1 < len(panels) and panels[k + 1][0] == i)
        style.letter(axes, f"input: {title}" if len(reports) == 1 else title)
    shown = [row for label, scene in zip(labels, scenes, strict=True) for row in _trajectories.rows(label, scene)]
    _legend(figure, grid, scenes, reports, entries, width)
    return Drawing(figure, _caption(reports, scenes, [name for _, name in panels], notes, options), shown + data)


def _share_axes(axes: Axes, k: int, columns: int, *, lower: bool) -> None:
    """Numbers only at the outer panels: all of a report have the same limits. lower: whether the next panel is of the same report."""
    if k % columns:
        axes.set_ylabel("")
        axes.tick_params(labelleft=False)
    if columns == 1 and lower:
        axes.set_xlabel("")
        axes.tick_params(labelbottom=False)


def _inputs(report: AnalysisReport, asked: str, most: int) -> list[str]:
    """The constant input asked for, else those that trials spend most steps under, in the report's order."""
    known = list(report.settings.get("inputs", ()))
    known = known or list(dict.fromkeys(p.phase for p in report.fixed_points)) or ["zero"]
    if asked:
        if asked not in known:
            raise UsageError(f"Figure 'phase': the report has no constant input {asked!r}.", closest(asked, known))
        return [asked]
    # Of the first position there is no step to draw.
    phases = np.asarray(report.arrays.get("trajectories.phases", np.zeros((0, 0))))[:, 1:]
    names = [str(name) for name in (report.task or {}).get("phase_names") or ()]
    spent = {name: int((phases == k).sum()) for k, name in enumerate(names)}
    chosen = sorted(known, key=lambda name: -spent.get(name, 0))[:most]
    return [name for name in known if name in chosen]


def _columns(width: str, counts: list[int]) -> int:
    """Columns of the grid: never a hole in it."""
    most = 2 if width == "column" else 3
    return max(c for c in range(1, most + 1) if all(n % c == 0 for n in counts))


def _legend(
    figure: Figure, grid: Any, scenes: list[_trajectories.Scene], reports: Sequence[AnalysisReport],
    entries: dict[str, Line2D | Patch], width: str,
) -> None:  # fmt: skip
    for k, scene in enumerate(scenes):
        _trajectories.colourbar(figure, grid, scene, width, first=k == 0)
    every = {**_trajectories.entries(scenes, reports, width), **entries}
    if not every:
        return
    columns = 2 if width == "column" else 4
    figure.legend(
        list(every.values()), list(every), loc="outside lower center", ncols=min(columns, len(every)),
        handlelength=2.0,
    )  # fmt: skip


def _caption(
    reports: Sequence[AnalysisReport],
    scenes: list[_trajectories.Scene],
    panels: Sequence[str],
    notes: Counter[str],
    options: Mapping[str, str],
) -> str:
    if all(scene.one_unit for scene in scenes):
        said = ["Return map of the single unit under each constant input, with the steps of the example trajectories."]
    elif options["view"] == "3d":
        said = [
            "Example trajectories in three axes through the mean state, with the fixed points of one constant input."
        ]
    else:
        said = [
            "Example trajectories and, in grey, the exact flow of one step under each panel's constant input "
            "(darker: faster; arrows show direction), in a plane through the mean state."
        ]
    if options["axes"].startswith("slow"):
        said.append(
            "Axes: the modes' own coordinates lᵀ(z - mean), l their left eigenvectors; the flow is of points along them."
        )
    drawn = " / ".join(str(scene.count) for scene in scenes)
    none = "The report holds no example trajectories."
    said.append(f"{drawn} trajectories, ending at the black dots." if any(s.count for s in scenes) else none)
    if any(not scene.under(name).all() for scene in scenes for name in panels):
        said.append("In colour the steps made under a panel's input, as a light trace all others.")
    for report in reports:
        inputs, shown = list(report.settings.get("inputs", ())), 1 if options["view"] == "3d" else _PANELS
        if not options["phase"] and len(inputs) > shown:
            said.append(
                f"Of {len(inputs)} constant inputs {'that' if shown == 1 else f'the {shown}'} with most steps of the trials; "
                "option phase=NAME shows another."
            )
    words = (
        ("offscreen", "{} outside the axes.", "fixed point"),
        ("offscreen_cycles", "{} outside the axes.", "cycle"),
        ("virtual", "{} (outside their own subregion) not drawn.", "virtual fixed point"),
        ("planes", "{} of more than one dimension: only its axes are drawn.", "continuum of fixed points"),
        ("unseen_continua", "{} not crossing the view.", "continuum of fixed points"),
        ("unseen_drifts", "{} without a fixed point whose drift is not drawn.", "subregion"),
        ("no_boundary", "No switching boundary crosses {}.", "panel"),
        ("many_planes", "{} not drawn: they would hide the rest.", "switching plane"),
    )
    said += [text.format(many(notes[key], noun).replace("continuum of fixed pointss", "continua of fixed points"))
             for key, text, noun in words if notes[key]]  # fmt: skip
    return " ".join(dict.fromkeys(said))
