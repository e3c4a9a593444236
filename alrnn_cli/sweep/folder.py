"""The folder that is a sweep: what was asked for, a folder for each cell, and how far it is.

FOLDER/sweep.toml               what was asked for last
FOLDER/cells/<id>/cell.json     the resolved configuration and the values on the axes
                  ckpt.safetensors, ckpt.analysis.json, log.txt
                  status.json   how the cell ended: there once it has
                  lease-N, end-N   attempts, see `leases`
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import config, store
from ..config import RunConfig
from ..errors import InputError, OutputExistsError
from . import leases
from .leases import Attempts, Lease
from .plan import Cell, Plan

CELL, STATUS = "cell.json", "status.json"
CELL_SCHEMA, STATUS_SCHEMA = "alrnn.cell/1", "alrnn.cell-status/1"
#: How a cell ended, and how it is until it has.
ENDED = ("finished", "diverged", "failed")


@dataclass(frozen=True)
class Place:
    """A cell's files."""

    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def checkpoint(self) -> Path:
        return self.path / "ckpt.safetensors"

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    @property
    def saved(self) -> int:
        """When the run was last saved on its way, in ns of the file server; 0 where it was not."""
        try:
            return store.resume_path(self.checkpoint).stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def cell(self) -> Cell:
        """Errors: InputError."""
        content = _read(self.path / CELL, CELL_SCHEMA)
        return Cell(self.id, run_of(content["config"]), content["axes"])

    def status(self) -> dict[str, Any] | None:
        """How the cell ended; None until it has. Errors: InputError."""
        path = self.path / STATUS
        return _read(path, STATUS_SCHEMA) if path.exists() else None

    def conclude(self, content: Mapping[str, Any]) -> bool:
        """Enter how the cell ended, once. Returns: False where another attempt has already."""
        return leases.write_once(self.path / STATUS, {"schema": STATUS_SCHEMA, **store.jsonable(dict(content))})


def attempts(folder: Path, names: Sequence[str]) -> Attempts:
    """Of a cell. names: of the files in its folder."""
    place = Place(folder)
    return leases.attempts(folder, names, place.saved if store.resume_path(place.checkpoint).name in names else 0)


def run_of(content: Mapping[str, Any]) -> RunConfig:
    """A stored configuration. Returns: RunConfig."""
    whole = config.completed(content)
    model, training = (config.SECTIONS[name](**whole[name]) for name in ("model", "training"))
    return RunConfig(whole["task"], dict(whole["task_options"]), model, training, whole["data"])


def _read(path: Path, schema: str) -> dict[str, Any]:
    import json

    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}).", "Remove the cell's folder to train it anew.") from None
    if content.get("schema") != schema:
        raise InputError(f"{path}: schema {content.get('schema')!r}, expected {schema!r}.", "Another version wrote it.")
    return content


@dataclass(frozen=True)
class Sweep:
    """An existing sweep folder."""

    path: Path

    @classmethod
    def open(cls, path: Path) -> Sweep:
        """Errors: InputError where the folder is no sweep."""
        path = Path(path)
        if not (path / "cells").is_dir():
            state = "no such folder" if not path.exists() else "not the folder of a sweep"
            raise InputError(f"{path}: {state}.", "Begin one: alrnn sweep --task addition --P 0,1,2 --out FOLDER")
        return cls(path)

    @classmethod
    def create(cls, path: Path, asked: Plan, found: Sequence[Cell], to_toml: Any) -> Sweep:
        """The folder with all cells of a plan; what is there stays. Errors: OutputExistsError for a folder of something else."""
        path = Path(path)
        if path.exists() and not (path / "cells").is_dir() and (not path.is_dir() or any(path.iterdir())):
            raise OutputExistsError(f"{path} is there and is no sweep.", "Choose another --out.")
        there = {entry.name for entry in os.scandir(path / "cells")} if (path / "cells").is_dir() else set()
        for cell in found:
            folder = path / "cells" / cell.id
            if cell.id not in there or not (folder / CELL).exists():
                content = {"schema": CELL_SCHEMA, "config": store.jsonable(cell.config.to_dict()), "axes": cell.axes}
                folder.mkdir(parents=True, exist_ok=True)
                leases.write_once(folder / CELL, content)
        store.write_atomic(path / "sweep.toml", to_toml(asked.to_dict()).encode())
        return cls(path)

    def place(self, cell: str) -> Place:
        return Place(self.path / "cells" / cell)

    def places(self) -> list[Place]:
        """All cells, by id."""
        return [
            Place(Path(e.path)) for e in sorted(os.scandir(self.path / "cells"), key=lambda e: e.name) if e.is_dir()
        ]

    def survey(self, cells: Iterable[str] | None = None, retries: int = 0) -> Survey:
        """How far each cell is. cells: ids, default all; retries: further attempts at one that failed."""
        now = leases.now_at(self.path / "cells")
        chosen = [p.id for p in self.places()] if cells is None else list(cells)
        states: dict[str, str] = {}
        tries: dict[str, Attempts] = {}
        for cell in chosen:
            folder = self.path / "cells" / cell
            names = os.listdir(folder)
            if STATUS in names:
                states[cell] = "ended"
                continue
            tries[cell] = found = attempts(folder, names)
            if found.failed > retries or found.abandoned >= leases.MOST_ABANDONED:
                states[cell] = "exhausted"
            elif found.last and not found.ended and leases.alive(folder, found.last, now):
                states[cell] = "running"
            else:
                states[cell] = "open"
        return Survey(states, tries)

    def workers(self) -> dict[str, int]:
        """Who is at work, and on how many cells."""
        survey = self.survey()
        names = [
            Lease(self.path / "cells" / cell, survey.tries[cell].last).owner()["worker"]
            for cell in survey.of("running")
        ]
        return {name: names.count(name) for name in sorted(set(names))}

    def claim(self, cells: Sequence[str], most: int, worker: str, retries: int = 0) -> Iterator[Lease]:
        """Up to `most` of these cells that nobody works on, each now ours, in their order."""
        found = self.survey(cells, retries)
        taken = 0
        for cell in cells:
            if taken == most:
                return
            if found.states[cell] != "open":
                continue
            place = self.place(cell)
            lease = leases.take(place.path, found.tries[cell].last + 1, worker, place.saved)
            if lease is None:
                continue
            if (lease.folder / STATUS).exists():  # ended between the two looks
                lease.end("done", "another attempt had finished")
                continue
            taken += 1
            yield lease

    def free(self, gone: Callable[[Mapping[str, Any]], bool], state: str, reason: str) -> int:
        """End the attempts of workers that are gone, without waiting for their leases to expire. gone: told of a lease's content.

        Returns: how many cells are free for it.
        """
        freed = 0
        for cell, tries in self.survey().tries.items():
            if not tries.last or tries.ended:
                continue
            lease = Lease(self.path / "cells" / cell, tries.last)
            if gone(lease.owner()):
                lease.end(state, reason)
                freed += 1
        return freed


@dataclass(frozen=True)
class Survey:
    """states: "ended", "exhausted" (failed as often as was allowed), "running" or "open", by cell; tries: of those not ended."""

    states: dict[str, str]
    tries: dict[str, Attempts]

    def of(self, state: str) -> list[str]:
        return [cell for cell, s in self.states.items() if s == state]
