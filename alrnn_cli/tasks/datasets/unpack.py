"""Archives from elsewhere: their regular files, written inside the cache folder and nowhere else."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import itertools
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any

from ...errors import InputError
from .files import Notify, cache_dir, digest
from .locks import alone, hidden, remove, settle, writing

LARGEST = 16 << 30  # bytes of all files of one archive
MOST = 250_000  # entries of one archive
_CHUNK = 1 << 20
# What the readers of archives raise for bytes that are none, found by damaging archives at random as well.
_DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, OSError, ValueError),
    *(OverflowError, NotImplementedError),
)


def unpacked(dataset: str, name: str, hash: str) -> Path:
    """Where the files of the archive called `name` with that hash ("sha256:…") are, or would be."""
    stem = name
    while (suffix := PurePosixPath(stem).suffix.lower()) in (".tar", ".gz", ".tgz", ".xz", ".txz", ".bz2", ".zip"):
        stem = stem[: -len(suffix)]
    return cache_dir() / dataset / "unpacked" / f"{stem}-{hash.rpartition(':')[2][:12]}"


def extract(archive: Path, dataset: str, say: Notify, *, hash: str = "") -> Path:
    """The folder of the cache with the files of a tar (plain, gzip, xz, bzip2) or zip, unpacked there once.

    dataset: whose folder in the cache; hash: of the archive where it is known ("sha256:…"), else its sha256 is computed, so
    that another content never meets an old folder. Any link, device file, absolute path or `..`, more than 250,000
    entries or 16 GiB refuses the archive as a whole, and nothing of it stays.
    Returns: DATASET/unpacked/STEM-HASH. Errors: InputError for an archive that is damaged or refused, MachineError where the folder
    cannot be written.
    """
    if not archive.is_file():
        raise InputError(f"{archive}: no such archive.", "Give the path of a tar or zip file.")
    target = unpacked(dataset, archive.name, hash or digest(archive))
    if target.is_dir():
        return target
    with alone(target, say), writing(target):
        if not target.is_dir():
            say(f"Unpacking {archive} to {target}.")
            work = hidden(target, "unpacking")
            remove(work)
            work.mkdir()
            try:
                _write(archive, work)
                settle(work, target)
            except BaseException:
                remove(work)
                raise
    return target


def _write(archive: Path, folder: Path) -> None:
    """Write the archive's files into an empty folder. Errors: InputError; OSError where they cannot be written."""
    total = 0
    made: set[Path] = {folder}
    coming = entries(archive)
    for count in itertools.count():
        with reading(archive):
            entry = next(coming, None)
        if entry is None:
            break
        if count >= MOST:
            raise _refused(archive, f"more than {MOST:,} entries")
        name, content = entry
        inside = _inside(name, archive)
        if content is None:
            continue  # folders are made as files need them
        with _naming(archive, inside):
            path = folder / inside
            if path.parent not in made:
                path.parent.mkdir(parents=True, exist_ok=True)
                made.add(path.parent)
            file = path.open("xb")
        with file:
            while True:
                with reading(archive):
                    piece = content.read(_CHUNK)
                if not piece:
                    break
                total += len(piece)
                if total > LARGEST:
                    raise _refused(archive, f"more than {LARGEST >> 30} GiB unpacked")
                file.write(piece)
            if not hasattr(os, "sync"):
                file.flush()
                os.fsync(file.fileno())
    if hasattr(os, "sync"):
        os.sync()  # once for all: a hundred thousand single ones take minutes


@contextmanager
def reading(archive: Path) -> Iterator[None]:
    """For `entries`, and for reading what it yields: whatever goes wrong within is the archive's fault. Errors: InputError."""
    try:
        yield
    except _DAMAGE as error:
        # Damage makes its readers go to places in the file that there cannot be.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            why, hint = f"cannot be read ({error.strerror})", "Check the path and its permissions."
        else:
            why = f"no tar or zip, or a damaged one ({error})"
            hint = "It may have been cut off when copied: copy or download it again."
        raise InputError(f"{archive}: {why}.", hint) from None


@contextmanager
def _naming(archive: Path, path: PurePosixPath) -> Iterator[None]:
    """Errors: InputError where the name of an entry, or two of them, is why it cannot be made."""
    try:
        yield
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise _refused(archive, f"two entries that are in each other's way ({path})") from None
    except (OSError, UnicodeEncodeError) as error:
        if isinstance(error, OSError) and error.errno not in (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ):
            raise
        raise _refused(archive, f"a name that cannot be given to a file here ({str(path)!r})") from None


def entries(archive: Path) -> Iterator[tuple[str, IO[bytes] | None]]:
    """Names and contents (None for a folder) of an archive's entries, in its order. Errors: InputError for any other kind of entry."""
    with archive.open("rb") as raw:
        head = raw.read(6)
        raw.seek(0)
        if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
            yield from _zip(archive, raw)
            return
        openers: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
        opener = next((o for start, o in openers.items() if head.startswith(start)), None)
        with raw if opener is None else opener(raw) as plain:
            yield from _tar(archive, plain)


def _tar(archive: Path, plain: IO[bytes]) -> Iterator[tuple[str, IO[bytes] | None]]:
    measured = _Measured(plain)
    with tarfile.open(fileobj=measured, mode="r:") as tar:
        while (entry := tar.next()) is not None:
            if entry.isdir():
                yield entry.name, None
            elif entry.isreg() and not entry.issparse():
                content = tar.extractfile(entry)
                assert content is not None  # of a regular file there is one
                yield entry.name, content
            else:
                kinds = {"issym": "a link", "islnk": "a link", "isdev": "a device file", "issparse": "a sparse file"}
                kind = next(
                    (word for test, word in kinds.items() if getattr(entry, test)()), "an unknown kind of entry"
                )
                raise _refused(archive, f"{kind} ({entry.name})")
            tar.members = []  # type: ignore[attr-defined]  # it would keep all of them
    if not measured.last or measured.last.strip(b"\0"):  # tarfile takes a damaged header for the end
        raise tarfile.ReadError("it ends without the mark of an end")


def _zip(archive: Path, raw: IO[bytes]) -> Iterator[tuple[str, IO[bytes] | None]]:
    with zipfile.ZipFile(raw) as file:
        for entry in file.infolist():
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if entry.flag_bits & 1:
                raise _refused(archive, f"an encrypted file ({entry.filename})")
            if entry.is_dir():
                yield entry.filename, None
            elif kind in (0, stat.S_IFREG):
                with file.open(entry) as content:
                    yield entry.filename, content
            else:
                word = "a link" if kind == stat.S_IFLNK else "a device file"
                raise _refused(archive, f"{word} ({entry.filename})")


class _Measured(io.RawIOBase):
    """A stream that refuses what no honest tar asks of it: headers read whole into memory that are as large as files."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.last = b""

    def read(self, n: int = -1) -> bytes:
        if not 0 <= n <= _CHUNK:
            raise tarfile.ReadError(f"a header of {n:,} bytes")
        self.last = self._stream.read(n)
        return self.last

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()


def _inside(name: str, archive: Path) -> PurePosixPath:
    """The entry's path relative to where it is unpacked. Errors: InputError where it leads elsewhere, on any system."""
    path = PurePosixPath(name)
    outside = path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or PureWindowsPath(name).drive
    if outside:
        raise _refused(archive, f"a path that leads out of its folder ({name!r})")
    return path


def _refused(archive: Path, why: str) -> InputError:
    return InputError(
        f"{archive}: not unpacked, for it holds {why}.",
        "Get the archive from its publisher, or unpack it yourself: --data FOLDER.",
    )
