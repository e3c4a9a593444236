"""What a remote file is, where the cache folder is, and what a file's hash is."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError

Notify = Callable[[str], None]


@dataclass(frozen=True)
class RemoteFile:
    """A file on the mirrors, and where it goes: DATASET/NAME in the cache folder.

    dataset: the folder; all files of a task are in one; name: of the file there; urls: of the same file, tried in this order;
    size: bytes; hash: of the file as transferred, "sha256:…" (or "md5:…" where nobody publishes better), lowercase hex;
    archive: whether it is a tar or zip of which the task reads the unpacked files (`fetch_unpacked`);
    content_md5: of the content a gzip file holds; a copy in the cache with that content counts however it was packed.
    """

    dataset: str
    name: str
    urls: tuple[str, ...]
    size: int
    hash: str
    archive: bool = False
    content_md5: str = ""


def cache_dir() -> Path:
    """The cache folder: $ALRNN_CACHE (which `--cache` sets), else the platform's own with `alrnn` in it.

    The platform's: ~/Library/Caches on macOS, %LOCALAPPDATA% on Windows, $XDG_CACHE_HOME or ~/.cache elsewhere.
    It is not created here.
    """
    if own := os.environ.get("ALRNN_CACHE"):
        return Path(own).expanduser()
    # A name, so that type checkers do not take the other platforms' branches for dead code.
    platform = str(sys.platform)
    if platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "alrnn"


def digest(path: Path) -> str:
    """Hex sha256 of a file's content, or of a folder's: the names and contents of its regular files, in order of their names.

    Names relative to the folder, with forward slashes; hidden files and links do not count.
    Errors: InputError where something cannot be read.
    """
    try:
        if not path.is_dir():
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        total = hashlib.sha256()
        for inner in sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink()):
            name = inner.relative_to(path)
            if any(part.startswith(".") for part in name.parts):
                continue
            with inner.open("rb") as file:
                total.update(hashlib.sha256(name.as_posix().encode()).digest())
                total.update(hashlib.file_digest(file, "sha256").digest())
        return total.hexdigest()
    except OSError as error:
        raise InputError(
            f"{error.filename or path}: cannot be read ({error.strerror}).", "Check the path and its permissions."
        ) from None
