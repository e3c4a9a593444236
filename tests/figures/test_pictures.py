"""Figures look as they did. A wanted change: python -m tests.figures.pictures, look at the pictures, commit them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from matplotlib.testing.compare import compare_images

from alrnn_cli import figures

from . import builders as b
from .pictures import BASELINE, PICTURES, draw, versions, write

#: Root mean square difference of pixels, 0 to 255. Rounding of another processor moves a line by less than a pixel.
TOLERANCE = 2.0

MADE_WITH = json.loads((BASELINE / "versions.json").read_text(encoding="utf8"))
same_versions = pytest.mark.skipif(
    versions() != MADE_WITH, reason=f"letters are set otherwise: the pictures were made with {MADE_WITH}, here is {versions()}"
)  # fmt: skip


@same_versions
@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_looks_as_it_did(name: str, tmp_path: Path) -> None:
    made = tmp_path / f"{name}.png"
    write(draw(name), made)
    said = compare_images(str(BASELINE / f"{name}.png"), str(made), TOLERANCE)
    assert said is None, f"{said}\nIf that is meant: python -m tests.figures.pictures"


@same_versions
def test_one_share_that_changed_is_seen(tmp_path: Path) -> None:
    """The comparison would notice: one of 27 bars grows by four hundredths of the states."""
    report = b.many_regions()
    first = max(report.regions, key=lambda r: r.frequency)
    regions = tuple(dataclasses.replace(r, frequency=r.frequency + 0.04) if r is first else r for r in report.regions)
    made = tmp_path / "bitcodes.png"
    write(
        figures.draw("bitcodes", [dataclasses.replace(report, regions=regions)], width="full", options={"top": "8"}),
        made,
    )
    assert compare_images(str(BASELINE / "bitcodes.png"), str(made), TOLERANCE) is not None


def test_every_picture_is_there_and_small() -> None:
    files = sorted(BASELINE.glob("*.png"))
    assert [f.stem for f in files] == sorted(PICTURES)
    assert max(f.stat().st_size for f in files) < 80_000
