"""One trial: inputs, states, output beside its target, bits.

Few channels are curves, many are rows of a picture. Steps are those that the recurrence sees; what is beyond the trial's own length
is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.patches import Patch

from ..dynamics import bits
from ..errors import InputError, UsageError, closest
from ..records import AnalysisReport
from . import style
from ._words import time_unit
from .drawing import Drawing, one_of, whole

OPTIONS = (
    ("trial", "0", "which of the report's example trials, from 0"),
    ("condition", "", "the first example trial of this condition instead"),
    ("scale", "all", "colours of the states: all (one scale) or each (every unit by its largest size)"),
)

_CURVES = 3  # so many channels are drawn as curves, more as rows of a picture
_NAMED_ROWS = 24  # a picture of more rows has numbers at a few of them
_ROW = 0.105  # inches that a row's name takes
_INCHES = {"phases": 0.16, "inputs": 0.62, "states": 1.05, "outputs": 0.7}


@dataclass(frozen=True)
class _Trial:
    """One example trial, cut to its length. s: (T, K); z: (T, M) or None; outputs: (T, N) or None; targets: (T,) classes, (T, N)
    values, NaN or -1 where a step does not count; phases: (T,), -1 for none; t: (T,) time."""

    number: int
    s: np.ndarray
    z: np.ndarray | None
    outputs: np.ndarray | None
    targets: np.ndarray
    phases: np.ndarray
    t: np.ndarray
    P: int
    names: Mapping[str, list[str]]
    condition: str
    unit: str

    @property
    def classes(self) -> bool:
        """Whether the target is one of N classes."""
        return self.targets.ndim == 1

    def answers(self) -> tuple[np.ndarray, str]:
        """What is shown of the outputs: themselves, or the classes' probabilities. Returns: (T, N), and what it is called."""
        assert self.outputs is not None
        if not self.classes:
            return self.outputs, "output"
        x = np.exp(self.outputs - self.outputs.max(-1, keepdims=True))
        return x / x.sum(-1, keepdims=True), "probability"


def draw(reports: Sequence[AnalysisReport], labels: Sequence[str], width: str, options: Mapping[str, str]) -> Drawing:
    """A trial of each report. Errors: InputError where a report has no example trials; UsageError for a bad option."""
    number = whole("trial", "trial", options["trial"], 0)
    each = one_of("trial", "scale", options["scale"], ("all", "each")) == "each"
    trials = [_trial(report, number, options["condition"]) for report in reports]
    heights = [0.55 + sum(_inches(trial).values()) + 0.08 * len(_panels(trial)) for trial in trials]
    figure = style.new(width, sum(heights))
    for part, trial, label in zip(style.parts(figure, heights), trials, labels, strict=True):
        _draw_one(part, trial, label, width, each)
    rows = [row for trial, label in zip(trials, labels, strict=True) for row in _rows(trial, label)]
    return Drawing(figure, _caption(trials, each), rows)


def _trial(report: AnalysisReport, number: int, condition: str) -> _Trial:
    arrays = {
        n.removeprefix("trajectories."): np.asarray(a)
        for n, a in report.arrays.items()
        if n.startswith("trajectories.")
    }
    if not len(arrays.get("s", ())):
        raise InputError(
            "The report has no example trials.", "Analyze with some: alrnn analyze CHECKPOINT --trials 100"
        )
    task = report.task or {}
    conditions = arrays.get("conditions", np.zeros(len(arrays["s"]), np.int64))
    called = [str(c) for c in task.get("condition_names") or ()]
    if condition:
        if condition not in called:
            raise UsageError(f"Figure 'trial': the report has no condition {condition!r}.", closest(condition, called))
        found = np.flatnonzero(conditions == called.index(condition))
        if not len(found):
            raise InputError(f"No example trial in the report is of condition {condition!r}.", "Analyze more trials.")
        number = int(found[0])
    if number >= len(arrays["s"]):
        raise UsageError(
            f"Figure 'trial': trial={number}, but the report has {len(arrays['s'])} example trials.",
            f"Use 0 to {len(arrays['s']) - 1}.",
        )
    T = int(arrays["lengths"][number]) if "lengths" in arrays else arrays["s"].shape[1]
    z, outputs = (arrays[name][number, :T].astype(float) if name in arrays else None for name in ("z", "outputs"))
    s = arrays["s"][number, :T].astype(float)
    N = outputs.shape[-1] if outputs is not None else report.model["N"]
    names = {
        "input": _named(task.get("input_names"), s.shape[-1], "channel"),
        "output": _named(task.get("output_names"), N, "output"),
        "state": [str(i) for i in range(report.model["M"])],
        "phase": [str(p) for p in task.get("phase_names") or ()],
    }
    own = int(conditions[number])
    step, unit = time_unit(report)
    return _Trial(
        number=number, s=s, z=z, outputs=outputs, targets=_targets(arrays, number, T),
        phases=arrays["phases"][number, :T] if "phases" in arrays else np.full(T, -1),
        t=np.arange(1, T + 1) * step, P=report.model["P"], names=names,
        condition=called[own] if len(called) > 1 and 0 <= own < len(called) else "",
        unit=f"time ({unit})",
    )  # fmt: skip


def _named(names: Any, count: int, otherwise: str) -> list[str]:
    given = [str(n) for n in names or ()]
    return given if len(given) == count else [f"{otherwise} {i}" for i in range(count)]


def _targets(arrays: Mapping[str, np.ndarray], number: int, T: int) -> np.ndarray:
    """The targets at the steps that count. One target a trial belongs to its last step."""
    targets = arrays["targets"][number]
    mask = arrays["mask"][number, :T].astype(bool)
    last_only = arrays["targets"].ndim == (1 if np.issubdtype(targets.dtype, np.integer) else 2)
    if last_only:
        mask = np.arange(T) == T - 1
        targets = np.broadcast_to(targets, (T, *targets.shape))
    targets = targets[:T]
    if np.issubdtype(targets.dtype, np.integer):
        return np.where(mask, targets, -1)
    return np.where(mask[:, None], targets.astype(float), np.nan)


def _panels(trial: _Trial) -> list[str]:
    there = {
        "phases": bool((trial.phases >= 0).any() and len(trial.names["phase"])),
        "inputs": trial.s.shape[-1] > 0,
        "states": trial.z is not None,
        "outputs": trial.outputs is not None or bool(_counted(trial).any()),
        "bits": trial.z is not None and trial.P > 0,
    }
    return [name for name, drawn in there.items() if drawn]


def _inches(trial: _Trial) -> dict[str, float]:
    """Height of each panel: as much as the names of its rows need."""
    own = {"bits": min(0.18 + 0.05 * trial.P, 0.6)}
    for name, channels, pictured in (
        ("inputs", trial.names["input"], len(trial.names["input"]) > _CURVES),
        ("outputs", trial.names["output"], trial.classes),
    ):
        if pictured and _spelt(channels):
            own[name] = max(_INCHES[name], _ROW * len(channels))
    return {name: (_INCHES | own)[name] for name in _panels(trial)}


def _spelt(channels: Sequence[str]) -> bool:
    """Whether the rows of a picture have their names beside them, rather than some of their numbers."""
    numbered = all(name.rsplit(" ", 1)[-1].isdigit() for name in channels)
    return len(channels) <= (10 if numbered else _NAMED_ROWS)


def _counted(trial: _Trial) -> np.ndarray:
    """(T,) bool: the steps with a target."""
    return trial.targets >= 0 if trial.classes else np.isfinite(trial.targets).any(-1)


def _draw_one(part: SubFigure, trial: _Trial, label: str, width: str, each: bool) -> None:
    panels = _panels(trial)
    grid = part.subplots(
        len(panels), 1, sharex=True, squeeze=False, height_ratios=list(_inches(trial).values())
    )[:, 0]  # fmt: skip
    title = "one trial" + (f": {trial.condition}" if trial.condition else "")
    handles: dict[str, Any] = {}
    for name, axes in zip(panels, grid, strict=True):
        if name == "phases":
            handles = _phases(axes, trial)
        elif name == "inputs":
            _channels(axes, trial, trial.s, trial.names["input"], "inputs", "input", width)
        elif name == "states":
            _states(axes, trial, width, each)
        elif name == "outputs":
            _outputs(axes, trial, width)
        else:
            _bits(axes, trial, width)
    part.align_ylabels(
        [axes for name, axes in zip(panels, grid, strict=True) if name in ("inputs", "states", "outputs")]
    )
    step = trial.t[0] if len(trial.t) else 1.0
    grid[-1].set(xlim=(step / 2, trial.t[-1] + step / 2), xlabel=trial.unit)
    part.suptitle(f"{label}\n{title}" if label else title, x=0.01, ha="left")
    if handles:
        part.legend(handles.values(), handles, loc="outside lower center", ncols=4, handlelength=1.0)


def _phases(axes: Axes, trial: _Trial) -> dict[str, Patch]:
    """A strip of one colour for each phase. Returns: legend entries."""
    handles = {}
    step = trial.t[0]
    starts = np.flatnonzero(np.diff(trial.phases, prepend=-2))
    for begin, end in zip(starts, [*starts[1:], len(trial.t)], strict=True):
        j = int(trial.phases[begin])
        if j < 0:
            continue
        colour = style.CATEGORIES[j % len(style.CATEGORIES)]
        axes.axvspan(trial.t[begin] - step / 2, trial.t[end - 1] + step / 2, color=colour, lw=0)
        handles[trial.names["phase"][j]] = Patch(color=colour, lw=0)
    axes.set_yticks([])
    axes.tick_params(axis="x", length=0)
    axes.spines[:].set_visible(False)
    axes.set_ylabel("phase", rotation=0, ha="right", va="center")
    order = [name for name in trial.names["phase"] if name in handles]
    return {name: handles[name] for name in order}


def _channels(axes: Axes, trial: _Trial, values: np.ndarray, names: list[str], what: str, one: str, width: str) -> None:
    """Curves for few channels, a picture for many."""
    if values.shape[-1] <= _CURVES:
        for k, name in enumerate(names):
            axes.plot(trial.t, values[:, k], color=style.CATEGORIES[k], lw=0.9 * style.scale(width), label=name,
                      drawstyle="steps-mid", gid=what)  # fmt: skip
        axes.set_ylabel(what)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.0)
        axes.locator_params(axis="y", nbins=3)
    else:
        _picture(axes, trial, values, names, what, one)


def _picture(axes: Axes, trial: _Trial, values: np.ndarray, names: list[str], what: str, called: str, *,
             low: float | None = None, high: float | None = None) -> None:  # fmt: skip
    """Rows of colour, the first channel above. values: (T, rows)."""
    step, rows = trial.t[0], values.shape[-1]
    extent = (step / 2, trial.t[-1] + step / 2, rows - 0.5, -0.5)
    finite = values[np.isfinite(values)]
    image = axes.imshow(
        np.ma.masked_invalid(values.T), aspect="auto", interpolation="nearest", extent=extent, cmap=style.SCALE, gid=what,
        vmin=finite.min(initial=np.inf) if low is None and len(finite) else low,
        vmax=finite.max(initial=-np.inf) if high is None and len(finite) else high,
    )  # fmt: skip
    if _spelt(names):
        axes.set_yticks(range(rows), names)
    else:
        axes.locator_params(axis="y", nbins=4, integer=True)
    axes.tick_params(axis="y", length=0)
    axes.set_ylabel(what)
    # Beside the axes, where legends are, so that all panels keep one width.
    bar = axes.figure.colorbar(image, cax=axes.inset_axes((1.03, 0.0, 0.03, 1.0)), label=called)
    bar.outline.set_linewidth(0.5)  # type: ignore[operator]
    bar.ax.locator_params(nbins=3)


def _states(axes: Axes, trial: _Trial, width: str, each: bool) -> None:
    assert trial.z is not None
    z, called = trial.z, "z"
    if each:
        with np.errstate(invalid="ignore"):
            largest = np.abs(z).max(0, initial=0)
        z, called = z / np.where(largest > 0, largest, 1), "z / max |z|"
    _channels(axes, trial, z, [f"unit {i}" for i in trial.names["state"]], "units", called, width)
    M = z.shape[-1]
    if M > _CURVES and 0 < trial.P < M:
        axes.axhline(M - trial.P - 0.5, color="white", lw=0.8 * style.scale(width), gid="first PWL unit")


def _outputs(axes: Axes, trial: _Trial, width: str) -> None:
    counted = _counted(trial)
    size = style.scale(width)
    if trial.classes:
        if trial.outputs is None:
            values, called = np.zeros((len(trial.t), len(trial.names["output"]))), "probability"
            axes.set_ylim(values.shape[1] - 0.5, -0.5)
            axes.set_yticks(range(values.shape[1]), trial.names["output"])
            axes.set_ylabel("target")
        else:
            values, called = trial.answers()
            _picture(axes, trial, values, trial.names["output"], "answer", called, low=0, high=1)
        axes.scatter(trial.t[counted], trial.targets[counted], s=9 * size**2, marker="o", facecolor="none",
                     edgecolor=style.VERMILION, lw=0.9 * size, gid="targets", zorder=4, label="target", clip_on=False)  # fmt: skip
        return
    shown = min(len(trial.names["output"]), len(style.CATEGORIES))
    for k in range(shown):
        colour = style.CATEGORIES[k]
        if trial.outputs is not None:
            axes.plot(trial.t, trial.outputs[:, k], color=colour, lw=0.9 * size, label=trial.names["output"][k],
                      gid="outputs")  # fmt: skip
        axes.plot(trial.t, trial.targets[:, k], color=colour, ls="none" if counted.sum() <= 20 else (0, (2, 1)),
                  marker="o" if counted.sum() <= 20 else "", mfc="none", ms=3.5 * size, lw=1.4 * size, gid="targets",
                  label=trial.names["output"][k] if trial.outputs is None else "target" if k == shown - 1 else None,
                  clip_on=False)  # fmt: skip
    axes.set_ylabel("output" if trial.outputs is not None else "target")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.0)
    axes.locator_params(axis="y", nbins=3)


def _bits(axes: Axes, trial: _Trial, width: str) -> None:
    """One row for each PWL unit, black where it is above zero."""
    assert trial.z is not None
    step, M = trial.t[0], trial.z.shape[-1]
    on = bits(np.nan_to_num(trial.z), trial.P)
    axes.imshow(on.T, aspect="auto", interpolation="nearest", cmap="binary", vmin=0, vmax=1, gid="bits",
                extent=(step / 2, trial.t[-1] + step / 2, M - 0.5, M - trial.P - 0.5))  # fmt: skip
    axes.locator_params(axis="y", nbins=min(4, trial.P), integer=True)
    if trial.P <= 4:
        axes.set_yticks(range(M - trial.P, M))
    axes.tick_params(axis="y", length=0)
    axes.set_ylabel("bits", rotation=0, ha="right", va="center")
    narrower = style.WIDTHS["column"] * style.scale(width) / style.WIDTHS[width]  # of letters, beside the axes
    axes.yaxis.set_label_coords(-(0.11 if len(str(M)) < 3 else 0.14) * narrower, 0.5)


def _rows(trial: _Trial, label: str) -> list[dict[str, Any]]:
    """Every plotted number: what, of which channel, at which step (from 1)."""
    tables: list[tuple[str, np.ndarray, Sequence[str]]] = [("input", trial.s, trial.names["input"])]
    if trial.z is not None:
        tables.append(("state", trial.z, trial.names["state"]))
        units = trial.names["state"][len(trial.names["state"]) - trial.P :]
        tables.append(("bit", bits(np.nan_to_num(trial.z), trial.P).astype(int), units))
    if trial.outputs is not None:
        values, called = trial.answers()
        tables.append((called, values, trial.names["output"]))
    targets = trial.targets[:, None] if trial.classes else trial.targets
    tables.append(("target", targets, ["class"] if trial.classes else trial.names["output"]))
    tables.append(("phase", trial.phases[:, None], ["number"]))
    return [
        {
            "report": label,
            "trial": trial.number,
            "step": t + 1,
            "what": what,
            "channel": name,
            "value": values[t, k].item(),
        }
        for what, values, names in tables
        for k, name in enumerate(names)
        for t in range(len(trial.t))
        if not (what == "target" and not _counted(trial)[t])
    ]


def _caption(trials: Sequence[_Trial], each: bool) -> str:
    first = trials[0]
    said = [f"Example trial {first.number} from top to bottom:"]
    parts = ["inputs"]
    if first.z is not None:
        parts.append("states of all units" + (", each divided by its largest size" if each else ""))
    if any(t.outputs is not None for t in trials):
        parts.append("outputs (as probabilities) with targets as circles" if first.classes else "outputs with targets")
    elif "outputs" in _panels(first):
        parts.append("targets")
    if any("bits" in _panels(t) for t in trials):
        parts.append("bits of the PWL units (black: above zero)")
    said[0] += " " + "; ".join(parts) + "."
    if any(t.z is not None and 0 < t.P < t.z.shape[-1] and t.z.shape[-1] > _CURVES for t in trials):
        said.append("PWL units are below the white line.")
    return " ".join(said)
