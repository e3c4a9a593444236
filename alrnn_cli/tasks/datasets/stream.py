"""Many small files of a dataset, from its folder or straight from its archive, which is never unpacked to disk for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from ...errors import InputError
from .unpack import entries, reading

_LARGEST = 1 << 28  # bytes of one file
_CHUNK = 1 << 20

Wanted = Callable[[str], object]


def members(path: Path, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    """(name, content) of each regular file that is wanted. Names are paths within `path`, "/" between their parts.

    wanted: asked for each name, once; the content of others is not kept. path: a folder, or an archive as of `extract`. An archive
    is read once from its beginning, in its own order; a folder in the order of names, its links left out.
    Errors: InputError where `path` is missing, unreadable, damaged, or an archive with anything but files and folders.
    """
    if path.is_dir():
        yield from _of_folder(path, wanted)
    elif path.exists():
        yield from _of_archive(path, wanted)
    else:
        raise InputError(f"--data {path}: no such file or folder.", "Give the dataset's folder or its tar.")


def _of_folder(folder: Path, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    for base, below, files in os.walk(folder):
        below.sort()
        for name in sorted(files):
            path = Path(base, name)
            inside = path.relative_to(folder).as_posix()
            if not wanted(inside) or path.is_symlink():
                continue
            try:
                with path.open("rb") as file:
                    yield inside, _whole(file, path)
            except OSError as error:
                raise InputError(
                    f"{path}: cannot be read ({error.strerror}).", "Check the path and its permissions."
                ) from None


def _of_archive(path: Path, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    with reading(path):
        for name, content in entries(path):
            if content is not None and wanted(name):
                yield name, _whole(content, f"{path}: {name}")


def _whole(file: IO[bytes], where: object) -> bytes:
    content = bytearray()
    while piece := file.read(_CHUNK):
        content += piece
        if len(content) > _LARGEST:
            raise InputError(f"{where}: larger than {_LARGEST >> 20} MiB.", "Is it a file of this dataset?")
    return bytes(content)
