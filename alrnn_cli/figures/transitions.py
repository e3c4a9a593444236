"""Which linear subregion follows which: a graph of the most used ones, or the matrix of probabilities.

Nodes stand on an ellipse, in the order that keeps those next to each other that follow each other. An arrow's probability is that of
the next subregion when the present one is left; how often a step stays is told at the node. The matrix has both in one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyArrowPatch, Patch, RegularPolygon

from ..errors import InputError
from ..records import AnalysisReport
from . import style
from ._words import apart, by_use, n_visited, percent
from .drawing import Drawing, many, needs_subregions, one_of, whole

OPTIONS = (
    ("form", "graph", "graph, or matrix of the probabilities of all steps"),
    ("top", "10", "subregions shown one by one (at most 16, in a wide matrix more); the rest is one node, other"),
    ("least", "5", "smallest probability of an arrow, in percent of the steps that leave"),
    ("log", "no", "yes: logarithmic colours of the matrix"),
)

_MOST = {"column": 16, "full": 32, "slide": 24}
_MOST_NODES = 16
_COLOURS = {"stable": style.BLUE, "marginal": style.YELLOW, "unstable": style.VERMILION}
_SHARES = (1.0, 0.5, 0.1)  # arrows in the legend
_FRAME = {"column": 0.75, "full": 0.6, "slide": 0.6}  # inches that title and legend of a graph take


@dataclass(frozen=True)
class _Graph:
    """Subregions by falling use, the last one "other" (bitcode None) where there are more than shown.

    counts: (r, r) int64, steps from row to column; shares: (r,) of states; merged: number of subregions in "other".
    """

    bitcodes: list[str | None]
    shares: np.ndarray
    stability: list[str | None]
    counts: np.ndarray
    merged: int
    uncertain: int

    @property
    def probability(self) -> np.ndarray:
        """(r, r) of all steps; NaN in the row of a subregion that no step was seen to follow."""
        total = self.counts.sum(1, keepdims=True)
        return np.where(total > 0, self.counts / np.maximum(total, 1), np.nan)

    @property
    def leaving(self) -> np.ndarray:
        """(r, r) of the steps that leave, 0 on the diagonal."""
        switches = self.counts * (1 - np.eye(len(self.counts), dtype=int))
        return np.asarray(switches / np.maximum(switches.sum(1, keepdims=True), 1))

    def name(self, i: int, longest: int) -> str:
        code = self.bitcodes[i]
        return f"other ({self.merged:,})" if code is None else style.short_code(code, longest)


def draw(reports: Sequence[AnalysisReport], labels: Sequence[str], width: str, options: Mapping[str, str]) -> Drawing:
    """Graphs or matrices. Errors: InputError without transitions or with one subregion only; UsageError for a bad option."""
    needs_subregions("transitions", reports)
    form = one_of("transitions", "form", options["form"], ("graph", "matrix"))
    log = one_of("transitions", "log", options["log"], ("no", "yes")) == "yes"
    top = min(whole("transitions", "top", options["top"], 1), _MOST_NODES if form == "graph" else _MOST[width])
    least = whole("transitions", "least", options["least"], 0) / 100
    graphs = [_graph(report, top) for report in reports]
    if all(len(graph.bitcodes) == 1 for graph in graphs):
        raise InputError(
            "All states are in one linear subregion: there is no transition to draw.",
            "A model with P > 0 may visit more: alrnn plot bitcodes",
        )
    heights = [_height(graph, form, width) for graph in graphs]
    figure = style.new(width, sum(heights))
    for part, graph, report, label in zip(style.parts(figure, heights), graphs, reports, labels, strict=True):
        part.suptitle(_title(report, graph, label), x=0.01, ha="left")
        if form == "graph":
            _draw_graph(part, graph, least, width)
        else:
            _draw_matrix(part, graph, log, width)
    data = [row for graph, label in zip(graphs, labels, strict=True) for row in _rows(graph, label)]
    return Drawing(figure, _caption(graphs, form, least, log), data)


def _graph(report: AnalysisReport, top: int) -> _Graph:
    edges = report.arrays.get("transitions.edges")
    if edges is None:
        raise InputError(
            "The report has no array transitions.edges.", "Analyze the checkpoint again: alrnn analyze CHECKPOINT"
        )
    used = by_use(report)
    if not used:
        raise InputError(
            "The report counts no visited subregion: there is nothing to draw.",
            "Analyze with trials whose states are finite: alrnn analyze CHECKPOINT --trials 100",
        )
    shown, merged = used[:top], n_visited(report) - len(used[:top])
    rank = {region.bitcode: i for i, region in enumerate(shown)}
    size = len(shown) + (merged > 0)
    # Edges count the visited subregions in the order of the report; whatever is not shown is "other".
    place = np.array([rank.get(region.bitcode, size - 1) for region in report.regions if region.visited])
    counts = np.zeros((size, size), np.int64)
    for start, end, count in np.asarray(edges, np.int64).reshape(-1, 3):
        i, j = (place[k] if k < len(place) else size - 1 for k in (start, end))
        counts[i, j] += count
    shares = [region.frequency for region in shown]
    return _Graph(
        [region.bitcode for region in shown] + [None] * (merged > 0),
        np.array(shares + [max(0.0, 1 - sum(shares))] * (merged > 0)),
        [region.stability for region in shown] + [None] * (merged > 0),
        counts, merged, sum(not region.trusted for region in shown),
    )  # fmt: skip


def _height(graph: _Graph, form: str, width: str) -> float:
    size = len(graph.bitcodes)
    if form == "matrix":
        return 1.35 + 0.13 * max(size, 6) + (0.0 if width == "column" else 0.3)
    return _FRAME[width] + min(max(1.1, 0.34 * size), 2.9)


def _title(report: AnalysisReport, graph: _Graph, label: str) -> str:
    steps, stays = int(graph.counts.sum()), int(np.trace(graph.counts))
    if report.transitions is not None:
        steps, stays = report.transitions.n_steps, report.transitions.n_stays
    text = many(n_visited(report), "subregion")
    if steps:
        text += (
            f", {many(steps - stays, 'switch')[:-1] + 'es' if steps - stays != 1 else '1 switch'} in {steps:,} steps"
        )
    return f"{label}\n{text}" if label else text


def circle_order(weight: np.ndarray) -> np.ndarray:
    """The order on a circle that keeps heavy links short: swaps of two from the order given, as long as one helps.

    Minimises Σ_ij w_ij sin(π |p_i - p_j| / n), p the places. weight: (n, n), symmetric. Returns: (n,), the node at each place.
    """
    n = len(weight)
    chord = np.sin(np.pi * np.abs(np.subtract.outer(np.arange(n), np.arange(n))) / max(n, 1))
    order = np.arange(n)
    best = float((weight * chord).sum())
    improved = True
    while improved:
        improved = False
        for i in range(n):
            for j in range(i + 1, n):
                other = order.copy()
                other[[i, j]] = other[[j, i]]
                cost = float((weight[np.ix_(other, other)] * chord).sum())
                if cost < best - 1e-12:
                    order, best, improved = other, cost, True
    return order


def _draw_graph(part: SubFigure, graph: _Graph, least: float, width: str) -> None:
    axes = part.subplots()
    axes.set_axis_off()
    size, scale = len(graph.bitcodes), style.scale(width)
    longest = {"column": 10, "full": 20, "slide": 16}[width]
    leaving = graph.leaving
    order = circle_order(leaving + leaving.T)
    # Everything in inches at the font of column width, so that nodes, arrows and words keep their proportions.
    across = style.WIDTHS[width] / scale - 0.1
    down = _height(graph, "graph", width) - _FRAME[width]
    words = 0.0585 * max(max(len(graph.name(i, longest)) for i in range(size)), 11) + 0.1
    node = min(0.2, 1.1 / size + 0.06)
    ry = down / 2 - node
    rx = min(across / 2 - words - node - 0.1, 1.5 * ry if size > 2 else 1.0)
    angle = np.pi / 2 - 2 * np.pi * (np.arange(size) + 0.5) / size
    at = np.zeros((size, 2))
    at[order] = np.stack([rx * np.cos(angle), ry * np.sin(angle)], 1)
    if size == 2:
        at[:, 1] = 0
    side = rx + node + words + 0.1
    axes.set(xlim=(-side, side), ylim=(-down / 2 - 0.03, down / 2 + 0.03), aspect="equal")
    nodes = [_node(axes, graph, i, at[i], node) for i in range(size)]
    for i, j in sorted(zip(*np.nonzero(leaving), strict=True), key=lambda ij: leaving[ij]):
        if leaving[i, j] >= least:
            axes.add_patch(FancyArrowPatch(
                at[i], at[j], patchA=nodes[i], patchB=nodes[j], shrinkA=0, shrinkB=1, arrowstyle="-|>",
                connectionstyle=f"arc3,rad={0.25 if size == 2 else 0.14}", zorder=1, gid=f"edge-{i}-{j}",
                mutation_scale=7 * scale, **_line(leaving[i, j], scale),
            ))  # fmt: skip
    _name_nodes(axes, graph, at, longest, node, width)
    _legend(part, graph, leaving[leaving >= least].max(initial=0.0), width)


def _line(share: float, scale: float) -> dict[str, Any]:
    """How an arrow of this probability looks: thicker and darker the more likely."""
    return {"lw": (0.5 + 2.2 * share) * scale, "color": colormaps["Greys"](0.35 + 0.6 * share)}


def _node(axes: Axes, graph: _Graph, i: int, at: np.ndarray, largest: float) -> Patch:
    """A node whose area goes with its share: circle, square or triangle by stability, hatched for the rest."""
    radius = max(largest * np.sqrt(graph.shares[i] / max(graph.shares.max(), 1e-12)), 0.04)
    stability = graph.stability[i]
    look: dict[str, Any] = {"ec": "black", "lw": 0.6, "zorder": 3, "gid": f"node-{i}"}
    x, y = float(at[0]), float(at[1])
    if stability is None:
        patch: Patch = Circle((x, y), radius, fc="white", hatch="//////", **look)
    elif stability == "stable":
        patch = Circle((x, y), radius, fc=_COLOURS[stability], **look)
    else:
        corners = 4 if stability == "marginal" else 3
        patch = RegularPolygon(
            (x, y),
            corners,
            radius=1.2 * radius,
            orientation=np.pi / corners if corners == 4 else 0,
            fc=_COLOURS[stability],
            **look,
        )
    axes.add_patch(patch)
    return patch


def _name_nodes(axes: Axes, graph: _Graph, at: np.ndarray, longest: int, node: float, width: str) -> None:
    """Bitcode, share of states and share of steps that stay, in two columns beside the ellipse."""
    probability = graph.probability
    line = 1.25 / 72 * style.FONTS["column"]
    low, high = axes.get_ylim()
    edge = np.abs(at[:, 0]).max() + node + 0.08
    for right in (False, True):
        own = [i for i in range(len(at)) if (at[i, 0] >= 0) == right]
        own.sort(key=lambda i: at[i, 1])
        places = apart([float(at[i, 1]) for i in own], 2.3 * line, low + 1.1 * line, high - 1.1 * line)
        for i, y in zip(own, places, strict=True):
            stay = probability[i, i]
            stays = "" if np.isnan(stay) else f"  ↻ {percent(float(stay))}"
            x, sign = (edge, 1) if right else (-edge, -1)
            font: dict[str, Any] = {
                "ha": "left" if right else "right",
                "fontsize": style.FONTS[width],
                "gid": "node name",
            }
            axes.text(x, y + 0.01, graph.name(i, longest), va="bottom", family="monospace", **font)
            axes.text(x, y - 0.01, percent(float(graph.shares[i])) + stays, va="top", **font)
            axes.plot([at[i, 0], x - 0.03 * sign], [at[i, 1], y], color=style.GREY, lw=0.4 * style.scale(width), zorder=0,
                      ls=(0, (1, 2)))  # fmt: skip


def _legend(part: SubFigure, graph: _Graph, most: float, width: str) -> None:
    scale = style.scale(width)
    look: dict[str, Any] = {"ls": "none", "mec": "black", "mew": 0.6, "ms": 5 * scale}
    markers = {"stable": "o", "marginal": "s", "unstable": "^"}
    handles: list[Any] = [
        Line2D([], [], marker=markers[kind], color=colour, label=kind, **look)
        for kind, colour in _COLOURS.items()
        if kind in graph.stability
    ]
    handles.append(
        Line2D([], [], ls="none", marker="$↻$", color="black", mew=0.1, ms=5 * scale, label="steps that stay")
    )
    handles += [
        Line2D([], [], label=percent(share) + (" of exits" if share == _SHARES[-1] else ""), **_line(share, scale))
        for share in _SHARES
        if most > 0
    ]
    columns = 3 if width == "column" else len(handles)
    part.legend(handles=handles, loc="outside lower center", ncols=columns, handlelength=1.4, handletextpad=0.5)


def _draw_matrix(part: SubFigure, graph: _Graph, log: bool, width: str) -> None:
    axes = part.subplots()
    probability = np.ma.masked_invalid(graph.probability)
    shown = np.ma.masked_where(probability.filled(0) <= 0, probability)
    smallest = float(shown.min()) if shown.count() else 0.1
    norm = LogNorm(min(smallest, 0.1), 1) if log else Normalize(0, 1)
    image = axes.imshow(shown, cmap=style.SCALE, norm=norm, aspect="auto", gid="matrix")
    size = len(graph.bitcodes)
    longest = {"column": 8, "full": 12, "slide": 12}[width]
    names = [graph.name(i, longest) for i in range(size)]
    font: dict[str, Any] = {"family": "monospace", "fontsize": style.FONTS[width]}
    axes.set_xticks(range(size), names, rotation=90, **font)
    axes.set_yticks(range(size), names, **font)
    axes.tick_params(length=0)
    axes.set(xlabel="to", ylabel="from")
    axes.spines[:].set_visible(True)
    bar = part.colorbar(image, ax=axes, label="probability (per step)", aspect=28)
    bar.outline.set_linewidth(0.5)  # type: ignore[operator]
    if size <= (5 if width == "column" else 8):
        for i, j in np.ndindex(size, size):
            if shown[i, j] is not np.ma.masked:
                light = norm(float(shown[i, j])) > 0.6
                axes.text(j, i, percent(float(shown[i, j])).replace(" ", "\u2009"), ha="center", va="center", gid="cell",
                          color="black" if light else "white", fontsize=style.FONTS[width])  # fmt: skip


def _rows(graph: _Graph, label: str) -> list[dict[str, Any]]:
    """A row for each node ("to" is None) and each pair of successive subregions; bitcode None is "other"."""
    probability, leaving = graph.probability, graph.leaving

    def name(i: int) -> str | None:
        code = graph.bitcodes[i]
        return "other" if code is None else code

    rows: list[dict[str, Any]] = [
        {"report": label, "what": "node", "from": name(i), "to": None, "count": int(graph.counts[i].sum()),
         "frequency": float(graph.shares[i]), "stability": graph.stability[i], "probability": None, "when_leaving": None}
        for i in range(len(graph.bitcodes))
    ]  # fmt: skip
    rows += [
        {"report": label, "what": "transition", "from": name(i), "to": name(j), "count": int(graph.counts[i, j]),
         "frequency": None, "stability": None, "probability": float(probability[i, j]),
         "when_leaving": None if i == j else float(leaving[i, j])}
        for i, j in zip(*np.nonzero(graph.counts), strict=True)
    ]  # fmt: skip
    return rows


def _caption(graphs: Sequence[_Graph], form: str, least: float, log: bool) -> str:
    if form == "graph":
        said = [
            "Linear subregions by bitcode and what follows what, from one step of a trial to the next. Percentages: share of states, and "
            "(↻) of the steps from there that stay. Area: share of states; shape and colour: stability of the subregion's own map. "
            "Arrows: probability of the next subregion when one is left, thicker and darker the larger."
        ]
        hidden = sum(int(((g.leaving > 0) & (g.leaving < least)).sum()) for g in graphs)
        if hidden:
            said.append(f"{many(hidden, 'pair')} of less than {100 * least:g} % not drawn.")
    else:
        said = [
            "Probability of the linear subregion at the next step (column) given the present one (row), counted over all trials; "
            "the diagonal is staying. White: not seen." + (" Logarithmic colours." if log else "")
        ]
    for graph in graphs:
        if graph.merged:
            said.append(f"Other: the {many(graph.merged, 'less used subregion')} together.")
        if graph.uncertain:
            said.append(f"Stability is uncertain to rounding in {graph.uncertain}.")
    return " ".join(dict.fromkeys(said))
