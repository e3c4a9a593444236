"""The IDX format of MNIST and its kin, packed by gzip or not."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError
from ...lazy import lazy

if TYPE_CHECKING:
    import numpy as np
else:
    np = lazy("numpy")

_LARGEST_CONTENT = 1 << 29  # bytes of one file, uncompressed; MNIST's largest has 47 million


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
