"""Which linear subregion each trial is in at each step: trials by time, coloured by bitcode, grouped by condition.

Above it the phases: one strip where all trials share them, else trial by trial in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap, to_rgba
from matplotlib.figure import SubFigure
from matplotlib.patches import Patch

from ..dynamics import bits, code
from ..errors import InputError
from ..records import AnalysisReport
from . import _plane, style
from ._grey import distinct
from ._trajectories import spread
from ._words import apart, by_use, condition_name, n_visited, time_unit
from .drawing import Drawing, many, needs_subregions, whole

OPTIONS = (
    ("top", "7", "subregions with a colour of their own (at most 7); the rest is one grey, other"),
    ("trials", "64", "trials drawn, the conditions taken in turn"),
)

_OTHER = "#f0f0f0"  # lighter than every category, so that it is told from them in grey too
_NOWHERE = -1  # beyond a trial's end, or not finite
_STRIP = 0.16  # inches
_NAMED_GROUPS = 14


@dataclass(frozen=True)
class _Raster:
    """Trials in the order drawn. ranks: (n, T), subregion by falling use, top for all others, -1 for no state; codes: (n, T) bitcodes;
    phases: (n, T), -1 for none; trials, conditions: (n,); t: (T,) time; of: example trials in the report."""

    ranks: np.ndarray
    codes: list[list[str]]
    phases: np.ndarray
    trials: np.ndarray
    conditions: np.ndarray
    t: np.ndarray
    unit: str
    bitcodes: list[str]
    phase_names: list[str]
    of: int
    groups: list[tuple[str, int, int]]

    @property
    def shared(self) -> bool:
        """Whether all trials have the same phases for as long as they last."""
        inside = np.where(self.phases < 0, -1, self.phases)
        highest = inside.max(0)
        return bool(((inside < 0) | (inside == highest)).all())


def draw(reports: Sequence[AnalysisReport], labels: Sequence[str], width: str, options: Mapping[str, str]) -> Drawing:
    """Rasters of bitcodes. Errors: InputError where a report has no example trials; UsageError for a bad option."""
    needs_subregions("bitcode-raster", reports)
    top = min(whole("bitcode-raster", "top", options["top"], 1), len(style.CATEGORIES))
    trials = whole("bitcode-raster", "trials", options["trials"], 1)
    rasters = [_raster(report, top, trials) for report in reports]
    if all(n_visited(report) == 1 for report in reports):
        raise InputError(
            "All states are in one linear subregion: the raster would have one colour.",
            "A model with P > 0 may visit more: alrnn plot bitcodes",
        )
    heights = [_height(raster, width) + (0.15 if label else 0) for raster, label in zip(rasters, labels, strict=True)]
    figure = style.new(width, sum(heights))
    for part, raster, report, label in zip(style.parts(figure, heights), rasters, reports, labels, strict=True):
        _draw_one(part, raster, report, label, width)
    data = [row for raster, label in zip(rasters, labels, strict=True) for row in _rows(raster, label)]
    return Drawing(figure, _caption(rasters), data)


def _raster(report: AnalysisReport, top: int, trials: int) -> _Raster:
    z, conditions = _plane.states(report)
    there = np.isfinite(z).all(-1) if len(z) else np.zeros((0, 0), bool)
    keep = np.flatnonzero(there.any(1))
    if not len(keep):
        raise InputError(
            "The report has no example trial with a finite state.",
            "Analyze with some: alrnn analyze CHECKPOINT --trials 100",
        )
    keep = spread(keep, conditions, trials)
    keep = keep[np.argsort(conditions[keep], kind="stable")]
    T = int(np.flatnonzero(there[keep].any(0))[-1]) + 1
    there, z = there[keep, :T], z[keep, :T]
    used = [region.bitcode for region in by_use(report)]
    shown = used[:top]
    rank = {bitcode: i for i, bitcode in enumerate(shown)}
    on = bits(np.nan_to_num(z), report.model["P"])
    codes = [
        [code(b) if ok else "" for b, ok in zip(trial, good, strict=True)]
        for trial, good in zip(on, there, strict=True)
    ]
    ranks = np.array(
        [
            [rank.get(c, top) if ok else _NOWHERE for c, ok in zip(*row, strict=True)]
            for row in zip(codes, there, strict=True)
        ]
    )
    phases = np.asarray(report.arrays.get("trajectories.phases", np.full((len(conditions), T), -1)))[keep, :T]
    names = [str(name) for name in (report.task or {}).get("phase_names") or ()]
    step, unit = time_unit(report)
    own = conditions[keep]
    found = [(condition_name(report, int(c)), int((own < c).sum()), int((own <= c).sum())) for c in np.unique(own)]
    return _Raster(
        ranks, codes, np.where(there & (phases < len(names)), phases, -1), keep, own, np.arange(1, T + 1) * step, unit, shown, names,
        len(conditions), found,
    )  # fmt: skip


def _phase_inches(raster: _Raster) -> float:
    if not (raster.phases >= 0).any():
        return 0.0
    return _STRIP if raster.shared else max(0.35, 0.4 * _inches(raster))


def _inches(raster: _Raster) -> float:
    named = len(raster.groups) if 1 < len(raster.groups) <= _NAMED_GROUPS else 0
    return max(0.7, min(0.028 * len(raster.ranks), 2.0), 0.125 * named)


def _height(raster: _Raster, width: str) -> float:
    rows = -(-len(_used(raster)) // _columns(raster, width))
    if (raster.phases >= 0).any():
        rows += -(-len(np.unique(raster.phases[raster.phases >= 0])) // _phase_columns(raster, width))
    return 0.65 + _inches(raster) + _phase_inches(raster) + 0.15 * rows


def _phase_columns(raster: _Raster, width: str) -> int:
    inches = [0.058 * len(name) + 0.35 for name in raster.phase_names]
    room = style.WIDTHS[width] / style.scale(width) - 0.6
    return len(inches) if sum(inches) <= room else max(1, int(room / max(inches)))


def _used(raster: _Raster) -> list[int]:
    """Ranks that some state drawn has."""
    return [int(rank) for rank in np.unique(raster.ranks) if rank >= 0]


def _columns(raster: _Raster, width: str) -> int:
    longest = max(len(_name(raster, rank, width)) for rank in _used(raster))
    return max(1, int(style.WIDTHS[width] / style.scale(width) / (0.0585 * longest + 0.35)))


def _name(raster: _Raster, rank: int, width: str) -> str:
    if rank >= len(raster.bitcodes):
        return "other"
    return style.short_code(raster.bitcodes[rank], 12 if width == "column" else 20)


def _draw_one(part: SubFigure, raster: _Raster, report: AnalysisReport, label: str, width: str) -> None:
    part.suptitle(_title(raster, report, label), x=0.01, ha="left")
    inches = _phase_inches(raster)
    if inches:
        above, axes = part.subplots(2, 1, sharex=True, height_ratios=[inches, _inches(raster)])
        _phases(above, raster, _phase_columns(raster, width))
    else:
        axes = part.subplots()
    top = len(raster.bitcodes)
    colours = [*map(to_rgba, distinct(style.CATEGORIES[:top])), to_rgba(_OTHER)]
    colours += [to_rgba(_OTHER)] * (max(_used(raster)) + 1 - len(colours))
    _picture(axes, raster, np.where(raster.ranks < 0, np.nan, raster.ranks), colours, "bitcodes")
    axes.set_xlabel(f"time ({raster.unit})")
    _name_groups(axes, raster)
    bitcodes = {_name(raster, rank, width): Patch(fc=colours[rank], ec="black", lw=0.4) for rank in _used(raster)}
    font = {"family": "monospace", "size": style.FONTS[width]}
    part.legend(
        bitcodes.values(),
        bitcodes,
        loc="outside lower center",
        ncols=_columns(raster, width),
        handlelength=1.0,
        prop=font,
    )


def _picture(axes: Axes, raster: _Raster, values: np.ndarray, colours: list[Any], gid: str) -> None:
    """Rows of colour, NaN white, the first trial above."""
    step = raster.t[0]
    axes.imshow(
        np.ma.masked_invalid(values), cmap=ListedColormap(colours), norm=BoundaryNorm(np.arange(len(colours) + 1) - 0.5, len(colours)),
        aspect="auto", interpolation="nearest", extent=(step / 2, raster.t[-1] + step / 2, len(values) - 0.5, -0.5), gid=gid,
    )  # fmt: skip
    axes.tick_params(axis="y", length=0)


def _phases(axes: Axes, raster: _Raster, columns: int) -> None:
    """Shades of grey by phase."""
    used = np.unique(raster.phases[raster.phases >= 0])
    shades = [colormaps["Greys"](0.12 + 0.68 * k / max(len(used) - 1, 1)) for k in range(len(used))]
    values = np.full(raster.phases.shape, np.nan)
    for k, phase in enumerate(used):
        values[raster.phases == phase] = k
    if raster.shared:
        values = np.nanmax(np.where(np.isnan(values), -1, values), axis=0, keepdims=True)
        values = np.where(values < 0, np.nan, values)
    _picture(axes, raster, values, shades, "phases")
    axes.set_yticks([])
    axes.tick_params(axis="x", length=0, labelbottom=False)
    axes.set_ylabel("phase", rotation=0, ha="right", va="center")
    axes.spines[:].set_visible(not raster.shared)
    handles = [Patch(fc=c, ec="black", lw=0.4, label=raster.phase_names[p]) for p, c in zip(used, shades, strict=True)]
    axes.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, handlelength=1.0, borderpad=0.2
    )


def _name_groups(axes: Axes, raster: _Raster) -> None:
    """Conditions by name where there are some, else trials by number."""
    if len(raster.groups) == 1:
        axes.set_ylabel("trial")
        axes.locator_params(axis="y", nbins=5, integer=True)
        return
    n = len(raster.ranks)
    for _, start, _ in raster.groups[1:]:
        axes.axhline(start - 0.5, color="black", lw=0.6, gid="group")
    if len(raster.groups) > _NAMED_GROUPS:
        axes.set_ylabel(f"trials of {len(raster.groups)} conditions")
        axes.set_yticks([])
        return
    gap = 0.125 / _inches(raster) * n
    middles = [(start + end - 1) / 2 for _, start, end in raster.groups]
    axes.set_yticks(apart(middles, gap, -0.5, n - 0.5), [name for name, *_ in raster.groups])


def _title(raster: _Raster, report: AnalysisReport, label: str) -> str:
    seen = len(
        {
            c
            for row, ranks in zip(raster.codes, raster.ranks, strict=True)
            for c, r in zip(row, ranks, strict=True)
            if r >= 0
        }
    )
    total = n_visited(report)
    text = f"{many(seen, 'subregion')} in {many(len(raster.ranks), 'trial')}"
    if total > seen:
        text += f", of {total:,} in all"
    if len(raster.groups) > 1 and len(raster.groups) <= _NAMED_GROUPS:
        text += ", by condition"
    return f"{label}\n{text}" if label else text


def _rows(raster: _Raster, label: str) -> list[dict[str, Any]]:
    """A row for each stay in a subregion: trial, first and last step (from 1), bitcode, phase at its first step."""
    rows = []
    for i, (ranks, codes) in enumerate(zip(raster.ranks, raster.codes, strict=True)):
        keys = [None if r < 0 else c for r, c in zip(ranks, codes, strict=True)]
        start = 0
        for t in range(1, len(keys) + 1):
            if t < len(keys) and keys[t] == keys[start] and raster.phases[i, t] == raster.phases[i, start]:
                continue
            if keys[start] is not None:
                phase = int(raster.phases[i, start])
                rows.append({
                    "report": label, "row": i, "trial": int(raster.trials[i]), "condition": int(raster.conditions[i]),
                    "from_step": start + 1, "to_step": t, "bitcode": keys[start],
                    "phase": raster.phase_names[phase] if phase >= 0 else None,
                })  # fmt: skip
            start = t
    return rows


def _caption(rasters: Sequence[_Raster]) -> str:
    said = [
        "Linear subregion of the state at every step of example trials, by bitcode; below the most used ones' colours."
    ]
    if any(len(r.groups) > 1 for r in rasters):
        said.append("Trials are grouped by condition, with lines between.")
    if any(len(_used(r)) and max(_used(r)) >= len(r.bitcodes) for r in rasters):
        said.append("Light grey: all less used subregions.")
    if any(_phase_inches(r) for r in rasters):
        said.append(
            "Greys above: the phase of each step's input"
            + (", trial by trial." if any(not r.shared for r in rasters) else ".")
        )
    for r in rasters:
        if len(r.ranks) < r.of:
            said.append(f"{len(r.ranks)} of the report's {r.of} example trials.")
    if any((r.ranks < 0).any() for r in rasters):
        said.append("White: beyond a trial's end, or not finite.")
    return " ".join(dict.fromkeys(said))
