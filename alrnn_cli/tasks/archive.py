"""Many small files of a dataset, from its folder or straight from its tar, which is never unpacked to disk."""

from __future__ import annotations

import lzma
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import InputError

_LARGEST = 1 << 28  # bytes of one file


Wanted = Callable[[str], object]


def members(path: Path, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    """(name, content) of each regular file that is wanted. Names are paths within `path`, "/" between their parts.

    wanted: asked for each name, once; the content of others is not read. path: a folder, or a tar, packed by gzip, bzip2 or xz or
    not at all. A tar is read once from its beginning, in its own order; a folder in the order of names. Links are never followed.
    Errors: InputError where `path` is missing, unreadable, damaged or neither.
    """
    if path.is_dir():
        yield from _of_folder(path, wanted)
    elif path.exists():
        yield from _of_tar(path, wanted)
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
                    content = file.read(_LARGEST + 1)
            except OSError as error:
                raise InputError(
                    f"{path}: cannot be read ({error.strerror}).", "Check the path and its permissions."
                ) from None
            yield inside, _capped(content, path)


def _of_tar(path: Path, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                if member.isreg() and wanted(member.name):
                    file = tar.extractfile(member)
                    assert file is not None  # it is a regular file
                    yield member.name, _capped(file.read(_LARGEST + 1), f"{path}: {member.name}")
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise InputError(
            f"{path}: not a tar, or a damaged one ({error}).",
            "It may have been cut off when copied: copy or download it again.",
        ) from None
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}).", "Check the path and its permissions."
        ) from None


def _capped(content: bytes, where: object) -> bytes:
    if len(content) > _LARGEST:
        raise InputError(f"{where}: larger than {_LARGEST >> 20} MiB.", "Is it a file of this dataset?")
    return content
