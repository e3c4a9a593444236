"""What a sweep and a profile have found, as their figures read it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import store
from ..errors import InputError
from .folder import Sweep
from .samples import Size
from .table import Row, rows
from .verdict import Level, Verdict

PROFILE, PROFILE_SCHEMA = "profile.json", "alrnn.profile/1"


@dataclass(frozen=True)
class Record:
    """task: its name; rows: all cells."""

    task: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class ProfileRecord:
    """task: its name; verdict: over P; sizes: the comparison at each number of training trials, empty where none was asked for."""

    task: str
    verdict: Verdict
    sizes: tuple[Size, ...]


def sweep(found: Sweep, retries: int = 0) -> Record:
    """All that came out. Errors: InputError for a damaged file or a sweep without cells."""
    place = next(iter(found.places()), None)
    if place is None:
        raise InputError(f"{found.path}: the sweep has no cells.")
    return Record(place.cell().config.task, tuple(rows(found, retries)))


def write_profile(folder: Path, content: dict[str, Any]) -> None:
    """Keep what a profile found beside its runs. Errors: InputError or MachineError if writing fails."""
    store.write_atomic(folder / PROFILE, (store.to_json(store.jsonable(content)) + "\n").encode())


def profile(folder: Path) -> ProfileRecord:
    """What a profile found last. Errors: InputError."""
    path = Path(folder) / PROFILE
    try:
        content = json.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read ({error}).", "Make it: alrnn profile --task NAME --out FOLDER"
        ) from None
    if not isinstance(content, dict) or content.get("schema") != PROFILE_SCHEMA:
        schema = content.get("schema") if isinstance(content, dict) else None
        raise InputError(f"{path}: schema {schema!r}, expected {PROFILE_SCHEMA!r}.", "Another version wrote it.")
    names = Verdict.__dataclass_fields__
    verdict = Verdict(**{**{k: content[k] for k in names}, "levels": _levels(content["levels"])})
    sizes = tuple(Size(**{**size, "levels": _levels(size["levels"])}) for size in content["sizes"])
    return ProfileRecord(content["task"], verdict, sizes)


def _levels(found: list[dict[str, Any]]) -> tuple[Level, ...]:
    return tuple(Level(**{**level, "skills": tuple(level["skills"])}) for level in found)
