"""Write a figure: the same bytes every time, and never half a file."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, MachineError, UsageError
from . import style
from .base import Drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Formats by extension, each with the metadata that would otherwise hold the time.
_METADATA: dict[str, dict[str, Any]] = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}


def save(figure: Figure | Drawing, path: Path | str) -> None:
    """Write `figure` to `path` as PNG, SVG or PDF, by its extension; fonts are embedded, no date is stored.

    The file appears under its name only when it is complete. Errors: UsageError for another extension; InputError where
    it cannot be written; MachineError when the disk is full.
    """
    path = Path(path)
    kind = path.suffix.lower().removeprefix(".")
    if kind not in _METADATA:
        got = f"unknown extension {path.suffix!r}" if path.suffix else "no extension"
        raise UsageError(f"Cannot save the figure as {path}: {got}.", "End the name in .png, .svg or .pdf.")
    drawn = figure.figure if isinstance(figure, Drawing) else figure
    buffer = BytesIO()
    with style.context():
        drawn.savefig(buffer, format=kind, metadata=_METADATA[kind])
    _write(path, buffer.getvalue())


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(temporary, 0o666 & ~umask)  # mkstemp makes files private
            os.replace(temporary, path)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise MachineError(f"No space left to write {path}.", "Free some space and run the same command.") from error
        raise InputError(f"Cannot write {path}: {error.strerror}.", "Choose another place.") from error
