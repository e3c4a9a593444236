"""What a sweep found, as a table for a page: python docs/make_study.py FOLDER [--phase recall] [--save NAME.json]

For each combination over its seeds: every test metric (mean, and 95 % bootstrap interval of the mean), runs that did not end well, and
the median of the last gradient norms. Of runs that were analyzed (`alrnn sweep --analyze`) also the share of eigenvalues within 0.02 of
the unit circle, over the subregions by their use, and with --phase the Gini coefficient of the subregions' use in that phase.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from alrnn_cli import store
from alrnn_cli.analysis.slow import SLOW
from alrnn_cli.sweep.folder import Place, Sweep
from alrnn_cli.sweep.table import Row, Statistics, rows, statistics

_NORM, _NEAR = "last gradient norm", "share of |λ| near 1"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--phase", default="", help="also the Gini coefficient of the subregions in this phase")
    parser.add_argument("--save", type=Path, help="keep the grid and every run's numbers as JSON")
    given = parser.parse_args()
    sweep = Sweep(given.folder)
    runs = [told(row, sweep.place(row.cell), given.phase) for row in rows(sweep)]
    names = list(dict.fromkeys(name for run in runs for name in run.scores))
    found = {name: statistics(runs, name, "min") for name in names}
    sys.stdout.write(markdown(runs, found))
    if given.save:
        grid = (given.folder / "sweep.toml").read_text(encoding="utf8")
        kept = [{"axes": r.axes, "state": r.state, "seconds": r.seconds, "numbers": r.scores} for r in runs]
        store.write_atomic(given.save, (store.to_json({"sweep": grid, "runs": kept}, indent=1) + "\n").encode())


def told(row: Row, place: Place, phase: str) -> Row:
    """The run with what its files say beside its scores."""
    numbers = dict(row.scores)
    if row.state == "finished":
        numbers[_NORM] = store.load_checkpoint(place.checkpoint).meta.history["grad_norm"][-1]
    path, _ = store.analysis_paths(place.checkpoint)
    if path.exists():
        report = store.load_analysis(path)
        used = [(r.frequency, np.array([m.modulus for m in r.modes])) for r in report.regions if r.frequency]
        near = sum(f * (np.abs(moduli - 1) <= SLOW).mean() for f, moduli in used)
        numbers[_NEAR] = float(near / sum(f for f, _ in used))
        if phase:
            numbers[f"Gini in {phase}"] = report.usage[phase].gini_all_normalised
    return replace(row, scores=numbers)


def markdown(runs: list[Row], found: dict[str, list[Statistics]]) -> str:
    """A row for each combination, a column for each number."""
    axes = [name for name in runs[0].axes if name != "seed" and len({str(run.axes[name]) for run in runs}) > 1]
    lines = ["| " + " | ".join([*axes, *found, "ended well"]) + " |", "|---" * (len(axes) + len(found) + 1) + "|"]
    for own in zip(*found.values(), strict=True):
        cells = [str(own[0].axes[name]) for name in axes] + [shown(s) for s in own]
        well = max(s.n for s in own)
        lines.append("| " + " | ".join([*cells, f"{well} of {well + own[0].failed + own[0].pending}"]) + " |")
    return "\n".join(lines) + "\n"


def shown(s: Statistics) -> str:
    if s.mean is None or s.median is None:
        return "–"
    if s.metric == _NORM:
        return f"{s.median:.2g}"
    return f"{s.mean:.3g}" + ("" if s.low is None else f" ({s.low:.3g} … {s.high:.3g})")


if __name__ == "__main__":
    main()
