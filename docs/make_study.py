"""What a sweep found, as a table for a page: python docs/make_study.py FOLDER [--phase recall] [--save NAME.json]

For each combination over its seeds: every test metric (mean, and 95 % bootstrap interval of the mean), runs that did not end well, and
the median of the last gradient norms. Of runs that were analyzed (`alrnn sweep --analyze`) also the share of eigenvalues within 0.02 of
the unit circle, over the subregions by their use, and with --phase the Gini coefficient of the subregions' use in that phase.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from alrnn_cli import store
from alrnn_cli.sweep.folder import Place, Sweep
from alrnn_cli.sweep.table import Row, bootstrap, rows

_NEAR = 0.02


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--phase", default="", help="also the Gini coefficient of the subregions in this phase")
    parser.add_argument("--save", type=Path, help="keep the table and every run's numbers as JSON")
    given = parser.parse_args()
    sweep = Sweep(given.folder)
    runs = [told(row, sweep.place(row.cell), given.phase) for row in rows(sweep)]
    table = summarise(runs)
    sys.stdout.write(markdown(table))
    if given.save:
        text = json.dumps(
            store.jsonable({"sweep": (given.folder / "sweep.toml").read_text("utf8"), "table": table, "runs": runs}),
            indent=1,
        )
        store.write_atomic(given.save, (text + "\n").encode())


def told(row: Row, place: Place, phase: str) -> dict[str, Any]:
    """One run: its axes, state, scores and what its files say."""
    numbers: dict[str, float | None] = dict(row.scores)
    if place.checkpoint.exists():
        norms = store.load_checkpoint(place.checkpoint).meta.history.get("grad_norm") or [None]
        numbers["last gradient norm"] = norms[-1]
    path, _ = store.analysis_paths(place.checkpoint)
    if path.exists():
        report = store.load_analysis(path)
        used = [(r.frequency, [m.modulus for m in r.modes]) for r in report.regions if r.frequency]
        share = [f * np.mean(np.abs(np.array(moduli) - 1) <= _NEAR) for f, moduli in used]
        numbers["share of |λ| near 1"] = float(sum(share) / sum(f for f, _ in used))
        if phase:
            numbers[f"Gini in {phase}"] = report.usage[phase].gini_all_normalised
    return {"axes": row.axes, "state": row.state, "seconds": row.seconds, "numbers": numbers}


def summarise(runs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry for each combination of all axes but the seed."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for run in runs:
        groups.setdefault(tuple((k, v) for k, v in run["axes"].items() if k != "seed"), []).append(run)
    found = []
    for key, own in groups.items():
        well = [run["numbers"] for run in own if run["state"] == "finished"]
        numbers = {}
        for name in dict.fromkeys(name for one in well for name in one):
            x = np.array([one[name] for one in well if one.get(name) is not None], float)
            low, high = bootstrap(x) or (None, None)
            if name == "last gradient norm":
                numbers[name] = {"median": float(np.median(x))} if len(x) else {}
            elif len(x):
                numbers[name] = {"mean": float(x.mean()), "low": low, "high": high}
        found.append({"axes": dict(key), "runs": len(own), "not well": len(own) - len(well), "numbers": numbers})
    return found


def markdown(table: list[dict[str, Any]]) -> str:
    axes = [name for name in table[0]["axes"] if len({str(row["axes"][name]) for row in table}) > 1]
    names = list(dict.fromkeys(name for row in table for name in row["numbers"]))
    lines = ["| " + " | ".join([*axes, *names, "ended well"]) + " |", "|---" * (len(axes) + len(names) + 1) + "|"]
    for row in table:
        cells = [str(row["axes"][name]) for name in axes]
        cells += [shown(row["numbers"].get(name)) for name in names]
        lines.append("| " + " | ".join([*cells, f"{row['runs'] - row['not well']} of {row['runs']}"]) + " |")
    return "\n".join(lines) + "\n"


def shown(x: dict[str, float | None] | None) -> str:
    if not x:
        return "–"
    if "median" in x:
        return f"{x['median']:.2g}"
    return f"{x['mean']:.3g}" + ("" if x["low"] is None else f" ({x['low']:.3g} … {x['high']:.3g})")


if __name__ == "__main__":
    main()
