"""How much nonlinearity a task needs: skill against P with 95 % intervals, and how sure the smallest P that is enough is.

A third panel, where `--train-sizes` was asked for: few ReLUs against all, by the number of training trials.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ..errors import InputError
from ..sweep.record import ProfileRecord
from ..sweep.samples import Size
from ..sweep.samples import paragraph as told_by_size
from ..sweep.verdict import Level, Verdict, paragraph
from . import style
from ._words import number, percent
from .drawing import Drawing

READS = "profile"
OPTIONS: tuple[tuple[str, str, str], ...] = ()


def draw(records: Sequence[ProfileRecord], labels: Sequence[str], width: str, options: Mapping[str, str]) -> Drawing:
    """The verdict. Errors: InputError for several profiles."""
    if len(records) != 1:
        raise InputError(
            f"Figure 'profile' shows one profile, got {len(records)}.", "For several: alrnn plot sweep FOLDERS"
        )
    (record,) = records
    found = record.verdict
    scale = style.scale(width)
    heights = [2.0, 0.8, *([1.7] if record.sizes else [])]
    figure = style.new(width, sum(heights) + 0.4)
    panels = list(figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0])
    _skill(panels[0], found, scale)
    _share(panels[1], found, scale)
    panels[1].sharex(panels[0])
    panels[0].tick_params(labelbottom=False)
    if record.sizes:
        _sizes(panels[2], record.sizes, scale)
    if found.linear_enough:
        title = f"{record.task}: the linear model is enough"
    else:
        title = f"{record.task}: {_units(found.minimal_P)} of {found.full_P} {'is' if found.minimal_P == 1 else 'are'} enough"
    figure.suptitle(title, x=0.01, ha="left")
    text = f"{paragraph(found)} {told_by_size(record.sizes)}".strip()
    return Drawing(figure, f"{_how(record)} {text}", _data(record))


def _units(P: int) -> str:
    return "1 ReLU" if P == 1 else f"{P} ReLUs"


def _skill(axes: Axes, found: Verdict, scale: float) -> None:
    """Mean skill of each P, its interval and its runs; chance, and the band that is enough."""
    x = np.arange(len(found.levels))
    best = max(level.skill for level in found.levels)
    axes.axhspan(best - found.tolerance, best, color=style.SKY, alpha=0.25, lw=0, zorder=0, gid="enough")
    axes.axhline(0, color=style.GREY, lw=0.8 * scale, ls=(0, (4, 2)), zorder=0.5, gid="chance")
    _means(axes, x, found.levels, style.BLUE, style.MARKERS[0], scale, "skill")
    k = [level.P for level in found.levels].index(found.minimal_P)
    axes.plot([k], [found.levels[k].skill], ls="none", marker="o", ms=8 * scale, mfc="none", mec=style.VERMILION, mew=1.2 * scale,
              zorder=4, gid="minimal")  # fmt: skip
    for at, level in enumerate(found.levels):
        if level.failed:
            axes.text(
                at,
                0.01,
                f"{level.failed}×",
                transform=axes.get_xaxis_transform(),
                ha="center",
                va="bottom",
                gid="failed",
            )
    axes.set(
        ylabel="skill", xlim=(-0.5, len(x) - 0.5), ylim=_limits([s for level in found.levels for s in level.skills])
    )
    axes.set_xticks(x, [str(level.P) for level in found.levels])
    style.letter(axes, "score of the test trials: 0 is chance, 1 perfect")


def _means(
    axes: Axes, x: np.ndarray, levels: Sequence[Level], color: str, marker: str, scale: float, gid: str, label: str = ""
) -> None:
    axes.plot(x, [level.skill for level in levels], color=color, marker=marker, ms=4 * scale, mew=0, lw=1.0 * scale, zorder=3,
              label=label, gid=gid)  # fmt: skip
    bars = np.array(
        [(at, level.low, level.high) for at, level in zip(x, levels, strict=True) if level.low is not None], float
    )
    axes.vlines(*bars.reshape(-1, 3).T, color=color, lw=1.6 * scale, zorder=2, gid=f"{gid}-intervals")
    dots = np.array([(at, s) for at, level in zip(x, levels, strict=True) for s in level.skills])
    shift = 0.08 if len(levels) > 1 else 0.02
    axes.plot(dots[:, 0] + shift, dots[:, 1], ls="none", marker="o", ms=1.8 * scale, mew=0, alpha=0.55, color=color, zorder=1.5,
              gid=f"{gid}-runs")  # fmt: skip


def _limits(skills: Sequence[float]) -> tuple[float, float]:
    """From a little below chance and the worst run to a little above a perfect score. A run may be far worse than chance: cut off."""
    return max(min(-0.08, min(skills) - 0.08), -0.6), 1.08


def _share(axes: Axes, found: Verdict, scale: float) -> None:
    """In which share of the resamples each P is the smallest that is enough."""
    shares = {found.minimal_P: found.probability} | {int(P): share for P, share in found.candidates.items()}
    y = [shares.get(level.P, 0.0) for level in found.levels]
    colors = [style.VERMILION if found.minimal_P == level.P else style.LIGHT for level in found.levels]
    axes.bar(range(len(y)), y, width=0.55, color=colors, zorder=2, gid="shares")
    for i, share in enumerate(y):
        if share:
            axes.text(i, share + 0.04, percent(share), ha="center", va="bottom", gid="share")
    axes.set(ylim=(0, 1.35), yticks=(0, 1), xlabel="P (ReLU units)", ylabel="share")
    style.letter(axes, "resamples of the seeds in which P is the answer")


def _sizes(axes: Axes, sizes: Sequence[Size], scale: float) -> None:
    x = np.arange(len(sizes))
    names = {0: "linear", sizes[0].sparse_P: "few", sizes[0].full_P: "all"}
    for k, P in enumerate(sorted(names)):
        levels = [next(level for level in size.levels if level.P == P) for size in sizes]
        _means(axes, x, levels, style.CATEGORIES[k], style.MARKERS[k], scale, f"P{P}", f"P = {P}")
    axes.axhline(0, color=style.GREY, lw=0.8 * scale, ls=(0, (4, 2)), zorder=0.5, gid="chance")
    for at, size in enumerate(sizes):
        if size.told:
            axes.text(at, 1.0, "∗", transform=axes.get_xaxis_transform(), ha="center", va="top", gid="told")
    skills = [s for size in sizes for level in size.levels for s in level.skills]
    axes.set(xlabel="training trials", ylabel="skill", xlim=(-0.5, len(x) - 0.5), ylim=_limits(skills))
    axes.set_xticks(x, [f"{size.train:,}" for size in sizes])
    axes.legend(loc="center right" if len(sizes) < 3 else "best")
    style.letter(axes, "on fixed training trials")


def _how(record: ProfileRecord) -> str:
    found = record.verdict
    said = [
        f"Skill is 1 - ({found.metric} - perfect) / (chance - perfect), chance {number(found.chance)}: means over seeds, 95 % percentile "
        f"bootstrap intervals (bars), runs (dots). Shaded: within {number(found.tolerance)} of the best."
    ]
    if record.sizes:
        said.append("∗: few and all ReLUs are told apart at that number of training trials.")
    return " ".join(said)


def _data(record: ProfileRecord) -> list[dict[str, Any]]:
    found = record.verdict
    shares = {found.minimal_P: found.probability} | {int(P): share for P, share in found.candidates.items()}
    rows: list[dict[str, Any]] = [{**_row(level), "share": shares.get(level.P, 0.0)} for level in found.levels]
    for size in record.sizes:
        rows += [{**_row(level), "train": size.train, "difference": size.difference} for level in size.levels]
    return rows


def _row(level: Level) -> dict[str, Any]:
    names = ("P", "n", "failed", "score", "skill", "low", "high")
    return {name: getattr(level, name) for name in names}
