"""Files that tasks read: where they are cached, how they are downloaded, and the IDX format of MNIST and its kin."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import os
import sys
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from ..errors import AlrnnError, InputError, MachineError
from ..lazy import lazy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

_TIMEOUT = 30.0  # seconds without a byte from the server
_CHUNK = 1 << 16
_LARGEST_CONTENT = 1 << 29  # bytes of one file, uncompressed; MNIST's largest has 47 million

Notify = Callable[[str], None]


@dataclass(frozen=True)
class RemoteFile:
    """A file on the mirrors.

    name: as on the server; size: bytes to transfer, roughly; md5: of the uncompressed content.
    """

    name: str
    size: int
    md5: str


def cache_dir() -> Path:
    """The folder for downloads: $ALRNN_CACHE, else the platform's own cache folder with `alrnn` in it.

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


def md5(content: bytes) -> str:
    """Hex md5 of `content`: a checksum against damage, not a signature."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def read_content(path: Path) -> bytes:
    """The bytes of a file, unpacked where they begin like gzip, whatever the file is called.

    Errors: InputError for an unreadable or damaged file, or one that unpacks to more than 512 MiB.
    """
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else path.open("rb") as file:
            content = file.read(_LARGEST_CONTENT + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{path}: damaged gzip file ({error}).", "It was probably cut off when copied: copy or download it again."
        ) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).", "Check the path and its permissions.") from None
    if len(content) > _LARGEST_CONTENT:
        raise InputError(
            f"{path}: larger than {_LARGEST_CONTENT >> 20} MiB uncompressed.",
            "Give the files of MNIST or a dataset like it.",
        )
    return bytes(content)


def parse_idx(content: bytes, ndim: int, path: Path) -> np.ndarray:
    """The array in an IDX file of unsigned bytes.

    IDX: two zero bytes, the type (8: unsigned byte), the number of dimensions, each dimension as a big-endian
    4-byte integer, then the values, last dimension fastest. Returns: uint8 with `ndim` dimensions.
    Errors: InputError that says what differs.
    """
    again = "It may be cut off or another file: copy or download it again."
    head = 4 + 4 * ndim
    if len(content) < head:
        raise InputError(f"{path}: {len(content)} bytes, too short for an IDX header of {head} bytes.", again)
    if content[:3] != b"\x00\x00\x08":
        raise InputError(
            f"{path}: not an IDX file of unsigned bytes: starts with {content[:4].hex(' ')}, "
            f"expected 00 00 08 {ndim:02x}.",
            again,
        )
    if content[3] != ndim:
        raise InputError(
            f"{path}: an IDX file of {content[3]} dimensions, expected {ndim}.",
            "Images have 3 dimensions and labels 1: are two files swapped?",
        )
    shape = tuple(int(x) for x in np.frombuffer(content, ">u4", ndim, offset=4))
    size = 1
    for extent in shape:
        size *= extent
    if len(content) - head != size:
        words = " × ".join(f"{x:,}" for x in shape)
        raise InputError(
            f"{path}: the header announces {words} = {size:,} bytes, but {len(content) - head:,} follow it.", again
        )
    return np.frombuffer(content, np.uint8, offset=head).reshape(shape)


def fetch(file: RemoteFile, mirrors: Sequence[str], folder: Path, notify: Notify) -> bytes:
    """The uncompressed content of `file`, from `folder`, or from the first mirror that delivers it intact.

    A copy in `folder` counts only if its hash is right; a damaged one is replaced. A download is checked before it gets
    its name, so that an interrupted one is never taken for the file. notify: is told, before anything is transferred,
    what is downloaded, from where, how large it is, where it goes, and how to do without.
    Errors: MachineError where no mirror delivers, or the file cannot be written.
    """
    path = folder / file.name
    if path.is_file():
        try:
            content = read_content(path)
        except InputError:
            content = b""
        if md5(content) == file.md5:
            return content
    failures = []
    for mirror in mirrors:
        url = mirror.rstrip("/") + "/" + file.name
        notify(f"Downloading {url} ({_size(file.size)}) to {folder}. To use files you have instead: --data FOLDER.")
        try:
            return _download(url, file, path)
        except _TransferError as error:
            failures.append(f"{url}: {error}")
    raise MachineError(
        f"Could not download {file.name}. " + "; ".join(failures) + ".",
        "Check the network and try again, or point to a folder that holds the files: --data FOLDER.",
    )


class _TransferError(Exception):
    """One mirror did not deliver; the message says why."""


def _size(n: int) -> str:
    return f"{n / 1e6:.1f} MB" if n >= 100_000 else f"{n / 1e3:.1f} kB"


def _download(url: str, file: RemoteFile, path: Path) -> bytes:
    """Transfer `url` beside `path`, check the content, and only then give it the name. Returns: the content."""
    packed = _transfer(url, cap=2 * file.size + (1 << 16))
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(packed)
            content = _checked(temporary, file)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise MachineError(
            f"{path}: cannot be written ({error.strerror}).",
            "Free some space, set ALRNN_CACHE to a folder you can write to, or use --data FOLDER.",
        ) from None
    return content


def _checked(path: Path, file: RemoteFile) -> bytes:
    try:
        content = read_content(path)
    except AlrnnError:
        raise _TransferError("delivered a damaged file") from None
    if md5(content) != file.md5:
        raise _TransferError(f"delivered other content (md5 {md5(content)}, expected {file.md5})")
    return content


def _transfer(url: str, cap: int) -> bytes:
    """The bytes behind `url`, at most `cap` of them. Errors: _TransferError."""
    request = urllib.request.Request(url, headers={"User-Agent": "alrnn"})
    parts: list[bytes] = []
    got = 0
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:
            announced = response.headers.get("Content-Length")
            while chunk := response.read(_CHUNK):
                parts.append(chunk)
                got += len(chunk)
                if got > cap:
                    raise _TransferError(f"delivered more than {_size(cap)}")
    except urllib.error.HTTPError as error:
        error.close()
        raise _TransferError(f"HTTP {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise _TransferError(str(error.reason)) from None
    except (OSError, http.client.HTTPException) as error:
        raise _TransferError(str(error) or type(error).__name__) from None
    if announced is not None and announced.isdigit() and int(announced) != got:
        raise _TransferError(f"broke off after {got:,} of {int(announced):,} bytes")
    return b"".join(parts)
