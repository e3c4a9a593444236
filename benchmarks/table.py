"""A table of test scores over P (and other models) and seeds, each cell the mean over seeds with a 95 % bootstrap interval.

    python benchmarks/table.py multitask --P 0,1,2,4,8,16 --seeds 0:4:1 --require 'accuracy>=0.9' --out runs/multitask
    python benchmarks/table.py multitask --P 8 --out runs/long -- --task-opt periods=long --epochs 60
    python benchmarks/table.py speech --P 0,5 --models lstm,gru --out runs/speech -- --data digits.tar.gz

What follows `--` goes to `alrnn train`. One run after the other, one thread each; a run that is finished is not repeated, one that was
cut off goes on, so the command can be stopped and given again. Runs that end with an error, or do not meet --require, are named.
Writes table.md and table.json to --out, after every run.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import bootstrap

from alrnn_cli import store
from alrnn_cli.cli.train import holds, parse_requirement
from alrnn_cli.grid import numbers

_RESAMPLES = 10_000


def main() -> None:
    """Train what is missing, and write the table."""
    ours, extra = split(sys.argv[1:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task")
    parser.add_argument("--P", default="8", help="values of P, as 0,1,2 or 0:8:2 [8]")
    parser.add_argument("--models", default="", help="models beside the almost-linear RNN, as lstm,gru [none]")
    parser.add_argument("--seeds", default="0:4:1", help="seeds, likewise [0:4:1]")
    parser.add_argument("--require", default="", help="what a run must reach to count as a success: 'accuracy>=0.9'")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and table")
    given = parser.parse_args(ours)
    given.out.mkdir(parents=True, exist_ok=True)
    Ps, seeds = ([int(x) for x in numbers(text, "")] for text in (given.P, given.seeds))
    others = [name for name in given.models.split(",") if name]
    columns = {f"P = {P}": ["--P", str(P)] for P in Ps} | {name: ["--model", name] for name in others}
    runs: dict[str, dict[int, dict[str, Any]]] = {name: {} for name in columns}
    for seed in seeds:
        for name, chosen in columns.items():
            runs[name][seed] = trained(given.task, name, chosen, seed, given.out, extra)
            table = tabulate(runs, given.require)
            command = shlex.join(
                ["alrnn", "train", "--task", given.task, "--P", "P", "--seed", "SEED", "--threads", "1", *extra]
            )
            text = f"`{command}`\n\n{markdown(table)}"
            (given.out / "table.md").write_text(text, encoding="utf8")
            (given.out / "table.json").write_text(
                json.dumps({"command": command, **table}, indent=1) + "\n", encoding="utf8"
            )
    print(text)


def split(words: list[str]) -> tuple[list[str], list[str]]:
    """What stands before and after `--`."""
    cut = words.index("--") if "--" in words else len(words)
    return words[:cut], words[cut + 1 :]


def trained(task: str, name: str, chosen: list[str], seed: int, out: Path, extra: list[str]) -> dict[str, Any]:
    """One run: its test metrics, seconds per epoch and exit code, from disk where it was finished before."""
    kept = out / f"{name.replace(' = ', '')}-seed{seed}.json"
    if kept.exists():
        return json.loads(kept.read_text(encoding="utf8"))
    checkpoint = kept.with_suffix(".safetensors")
    command = [
        sys.executable, "-c", "from alrnn_cli.cli import main; main()", "train", "--task", task, *chosen, "--seed", str(seed),
        "--threads", "1", "--json", "-q", "--resume", "-o", str(checkpoint), *extra,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode in (2, 130, 143):
        sys.exit(f"{done.stderr}\n{shlex.join(command)}")
    found: dict[str, Any] = {"exit": done.returncode, "error": done.stderr.strip(), "metrics": {}}
    if done.returncode == 0:
        result = json.loads(done.stdout)
        epochs = store.load_checkpoint(checkpoint).meta.history["epoch"][-1]
        found |= {
            "metrics": result["metrics"]["test"],
            "seconds": result["seconds"],
            "seconds_per_epoch": result["seconds"] / epochs,
        }
    kept.write_text(json.dumps(found, indent=1) + "\n", encoding="utf8")
    return found


def tabulate(runs: dict[str, dict[int, dict[str, Any]]], require: str) -> dict[str, Any]:
    """For each column: every metric's mean and interval over the seeds that ended well, and which did not, or did not reach `require`."""
    cells = {}
    for column, by_seed in runs.items():
        ended = {seed: run for seed, run in by_seed.items() if not run["exit"]}
        if not by_seed:
            continue
        rows = [{**run["metrics"], "seconds per epoch": run["seconds_per_epoch"]} for run in ended.values()]
        names = list(rows[0]) if rows else []
        missed = [s for s, run in ended.items() if require and not holds(parse_requirement(require), run["metrics"])]
        cells[column] = {
            "seeds": list(by_seed),
            "failed": {str(seed): run["error"] for seed, run in by_seed.items() if run["exit"]},
            "missed": missed,
            "metrics": {name: interval([row[name] for row in rows]) for name in names},
        }
    return {"require": require, "columns": cells}


def interval(values: list[float]) -> dict[str, float]:
    """Mean over seeds, and the 95 % percentile bootstrap interval of the mean (the mean itself for a single seed)."""
    x = np.array(values)
    low = high = x.mean()
    if len(x) > 1:
        low, high = bootstrap((x,), np.mean, n_resamples=_RESAMPLES, method="percentile", rng=0).confidence_interval
    return {"mean": float(x.mean()), "low": float(low), "high": float(high)}


def markdown(table: dict[str, Any]) -> str:
    """The table for a page: a row for each metric, a column for each P and other model."""
    cells = table["columns"]
    names = next((list(cell["metrics"]) for cell in cells.values() if cell["metrics"]), [])
    lines = ["| | " + " | ".join(cells) + " |", "|---|" + "---|" * len(cells)]
    for name in names:
        shown = [cell["metrics"].get(name) for cell in cells.values()]
        lines.append(f"| {name} | " + " | ".join("–" if x is None else told(x) for x in shown) + " |")
    good = [
        f"{len(c['seeds']) - len(c['failed']) - len(c['missed'])} of {len(c['seeds'])}{named(c)}"
        for c in cells.values()
    ]
    lines.append(f"| {table['require'] or 'ended well'} | " + " | ".join(good) + " |")
    return "\n".join(lines) + "\n"


def told(x: dict[str, float]) -> str:
    return f"{x['mean']:.3g} ({x['low']:.3g} … {x['high']:.3g})"


def named(cell: dict[str, Any]) -> str:
    """The seeds that are not a success."""
    bad = [*map(str, cell["missed"]), *(f"{seed} (error)" for seed in cell["failed"])]
    return f"; not seed {', '.join(bad)}" if bad else ""


if __name__ == "__main__":
    main()
