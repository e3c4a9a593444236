"""One page that explains a model, from its analysis report. A section is a file in `sections`, a word a line in `terms`."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import InputError
from ..records import AnalysisReport
from .baseline import Baseline

__all__ = ["Baseline", "make"]


def make(reports: Sequence[AnalysisReport], files: Sequence[str], baselines: Sequence[Baseline] = ()) -> str:
    """A self-contained HTML page of one report, or of several under an index that compares them.

    files: what each analysis file is called; baselines: other models' scores to set beside. The same reports give the same text.
    Errors: InputError where there is no report.
    """
    if not reports:
        raise InputError("A page needs at least one report.", "Make one: alrnn analyze CHECKPOINT")
    from .build import page
    from .render import html

    return html(page(reports, files, baselines))
