"""The sections of an article, one file each, in the order of a reader's questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...records import AnalysisReport
from ..baseline import Baseline
from ..content import Picture, Section
from ..terms import Terms


@dataclass
class Case:
    """What sections are made from. pictures: all that could be drawn, by figure; shown: those that have their place."""

    report: AnalysisReport
    file: str
    pictures: Mapping[str, Picture]
    baselines: Sequence[Baseline]
    terms: Terms
    shown: set[str] = field(default_factory=set)

    def draw(self, *names: str) -> tuple[Picture, ...]:
        """The figures of these names that the report supports, each once in an article."""
        found = [n for n in names if n in self.pictures and n not in self.shown]
        self.shown.update(found)
        return tuple(self.pictures[n] for n in found)


def sections(case: Case) -> tuple[Section, ...]:
    """All sections that have something to say."""
    from . import causes, mechanism, provenance, score, summary, tables, task, training

    made = [m.section(case) for m in (summary, task, score, mechanism, causes, training, tables, provenance)]
    return tuple(section for section in made if section is not None)
