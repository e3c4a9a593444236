"""Remote files: in the cache whole and checked, or downloaded there."""

from __future__ import annotations

from pathlib import Path

from .files import Notify, RemoteFile


def fetch(file: RemoteFile, say: Notify) -> Path:
    """The path of `file` in the cache folder, where it is intact, or after the first mirror has delivered it intact.

    say: is told, before anything is transferred, what is downloaded, from where, how large it is, where it goes, and how
    to do without. Nothing is downloaded where the file is there with the right hash.
    Errors: MachineError (exit code 8) where no mirror delivers, or the folder cannot be written.
    """
    raise NotImplementedError


def fetch_unpacked(file: RemoteFile, say: Notify) -> Path:
    """The folder with the unpacked files of the archive `file`; the archive itself is downloaded only where that is missing.

    Errors: as `fetch` and `extract`.
    """
    raise NotImplementedError
