"""The sentences of the record, each word explained where it first occurs."""

from __future__ import annotations

from ..content import Section
from . import Case


def section(case: Case) -> Section | None:
    listing = case.terms.listing(case.report.summary)
    return None if listing is None else Section("summary", "Summary", (listing,))
