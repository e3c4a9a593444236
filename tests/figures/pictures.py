"""Six pictures as they were when somebody last looked at them, in `baseline/`.

`python -m tests.figures.pictures` makes them anew, with the versions they depend on. Look at each before you commit it.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import matplotlib
from matplotlib import ft2font

from alrnn_cli import figures
from alrnn_cli.figures import style
from alrnn_cli.records import AnalysisReport, Cycle

from . import builders as b
from .complete import complete

BASELINE = Path(__file__).parent / "baseline"
_DPI = 80  # enough to see a label move, and small


def versions() -> dict[str, str]:
    """What decides how letters and lines are set: matplotlib (a third number changes nothing) and its FreeType."""
    return {
        "matplotlib": ".".join(matplotlib.__version__.split(".")[:2]),
        "freetype": str(ft2font.__freetype_version__),
    }


def _portrait() -> AnalysisReport:
    """Two units, all of the state in the plane, and a cycle."""
    report = b.network(2, 2, seed=1, conditions=3)
    points = ((-0.4, 0.3), (0.2, 0.6), (0.4, -0.2))
    cycle = Cycle("delay", (0.0, 0.0), 3, "real", "01.11.10", points, 0.2, 0.0, 0.0, "stable", "node", 0, (), True)
    return dataclasses.replace(report, cycles=(cycle,))


# figure -> (report, width, options)
PICTURES = {
    "bitcodes": (b.many_regions, "full", {"top": "8"}),
    "eigenvalues": (lambda: complete(b.network(8, 3)), "column", {}),
    "phase": (_portrait, "full", {"arrows": "9"}),
    "trial": (b.addition, "column", {"trial": "1"}),
    "transitions": (lambda: complete(b.network(6, 3)), "column", {}),
    "lesions": (lambda: complete(b.network(6, 3)), "column", {}),
}


def draw(name: str) -> figures.Drawing:
    make, width, options = PICTURES[name]
    return figures.draw(name, [make()], width=width, options=options)


def write(drawing: figures.Drawing, path: Path) -> None:
    with style.context_of(drawing.figure):
        drawing.figure.savefig(path, dpi=_DPI, metadata={"Software": None})


if __name__ == "__main__":
    BASELINE.mkdir(exist_ok=True)
    for name in PICTURES:
        write(draw(name), BASELINE / f"{name}.png")
        print(BASELINE / f"{name}.png")
    (BASELINE / "versions.json").write_text(json.dumps(versions(), indent=1) + "\n", encoding="utf8")
