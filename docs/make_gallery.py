"""Analyze trained models and draw every figure of each: python docs/make_gallery.py addition.safetensors context.safetensors …

Runs `alrnn analyze X --lesions --lyapunov` beside each checkpoint, then `alrnn plot all` into docs/gallery/TASK, and writes
docs/gallery.md. What follows `--` goes to `alrnn analyze` (`-- --data FOLDER`).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from alrnn_cli import figures, store

ALRNN = [sys.executable, "-c", "from alrnn_cli.cli import main; main()"]
DOCS = Path(__file__).resolve().parent
_HEAD = """# Gallery

Every figure that `alrnn plot all` makes of one model of each task, with the caption that `--caption` writes. Made by
`python docs/make_gallery.py CHECKPOINTS`; [recipes](recipes.md) says how the models were trained.
"""


def make(checkpoint: Path, extra: list[str]) -> str:
    """The section of one checkpoint. Errors: CalledProcessError."""
    meta = store.load_checkpoint(checkpoint).meta
    task, model = (meta.task or {})["name"], meta.config["model"]
    target = DOCS / "gallery" / task
    report = store.analysis_paths(Path(checkpoint.name))[0].name
    run = {"cwd": checkpoint.resolve().parent, "check": True, "capture_output": True, "text": True}
    there = checkpoint.with_name(report)
    # An analysis that is newer than its checkpoint is taken as it is.
    if not there.exists() or there.stat().st_mtime < checkpoint.stat().st_mtime:
        subprocess.run([*ALRNN, "analyze", checkpoint.name, "--lesions", "--lyapunov", "--quiet", *extra], **run)
    started = time.monotonic()
    done = subprocess.run([*ALRNN, "plot", "all", report, "-o", str(target), "--format", "png", "--json"], **run)
    seconds = time.monotonic() - started
    made = json.loads(done.stdout)
    said = [f"\n## {task}, M = {model['M']}, P = {model['P']}\n", f"All figures in {seconds:.0f} s.\n"]
    for one in made["figures"]:
        name = one["figure"]
        alt = figures.summary(name).rstrip(".").replace("[", "(").replace("]", ")")
        said.append(f"### {name}\n\n![{alt}](gallery/{task}/{name}.png)\n\n{one['caption']}\n")
    if made["refused"]:
        said.append("Not made: " + " ".join(f"{name}: {why}" for name, why in made["refused"].items()) + "\n")
    return "\n".join(said)


def main() -> None:
    words = sys.argv[1:]
    cut = words.index("--") if "--" in words else len(words)
    sections = []
    for checkpoint in map(Path, words[:cut]):
        sections.append(make(checkpoint, words[cut + 1 :]))
        sys.stdout.write(f"{checkpoint}\n")
    store.write_atomic(DOCS / "gallery.md", (_HEAD + "".join(sections)).encode())


if __name__ == "__main__":
    main()
