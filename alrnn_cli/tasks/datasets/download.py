"""Remote files: in the cache whole and checked, or downloaded there.

pooch transfers, tries again and checks the hash. What is added here: a transfer that broke off is continued, a file of another
size is refused before it is transferred, mirrors are tried in turn, and only one process downloads.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InputError, MachineError
from . import idx
from .files import Notify, RemoteFile, cache_dir
from .locks import alone, hidden, remove, settle, writing
from .unpack import extract, unpacked

if TYPE_CHECKING:
    import requests

_TIMEOUT = 30.0  # seconds without a byte from the server
_TRIES = 3  # at each mirror, for errors that may pass
_CHUNK = 1 << 16
_PLAIN_SECONDS = 10.0
_MAY_PASS = {408, 425, 429}  # of the codes 4xx: timed out, too early, too many

Progress = Callable[[int, int], None]


def fetch(file: RemoteFile, say: Notify, progress: Progress | None = None) -> Path:
    """The path of `file` in the cache folder, where it is intact, or after the first mirror has delivered it intact.

    say: is told, before anything is transferred, what is downloaded, from where, how large it is, where it goes, and how
    to do without; progress: is called with (bytes so far, bytes in all); without it `say` gets a line every ten seconds.
    Nothing is downloaded where the file is there with the right hash. Errors: MachineError (exit code 8) where no mirror delivers, or the
    folder cannot be written.
    """
    path = cache_dir() / file.dataset / file.name
    if is_intact(path, file):
        return path
    with alone(path, say), writing(path):
        if not is_intact(path, file):  # another process may have fetched it while we waited
            _download(path, file, say, progress or _lines(file, say))
    return path


def fetch_unpacked(file: RemoteFile, say: Notify, progress: Progress | None = None) -> Path:
    """The folder with the unpacked files of the archive `file`; the archive itself is downloaded only where that is missing.

    Errors: as `fetch` and `extract`.
    """
    folder = unpacked(file.dataset, file.name, file.hash)
    return folder if folder.is_dir() else extract(fetch(file, say, progress), file.dataset, say, hash=file.hash)


def is_intact(path: Path, file: RemoteFile) -> bool:
    """Whether the file at `path` is `file`, by its hash, or by its content's where that is known."""
    try:
        if path.stat().st_size == file.size:
            kind, _, expected = file.hash.partition(":")
            with path.open("rb") as opened:
                if (
                    hashlib.file_digest(opened, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()
                    == expected
                ):
                    return True
        return bool(file.content_md5) and idx.md5(idx.read_content(path)) == file.content_md5
    except (OSError, InputError):
        return False


def size(n: int) -> str:
    """Bytes in words: 4.5 kB, 84.1 MB, 2.4 GB."""
    for unit, word in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if n >= unit / 10:
            return f"{n / unit:.1f} {word}"
    return f"{n} bytes"


class _RefusedError(Exception):
    """A mirror will not deliver this file, however often it is asked; the message says why."""


def _download(path: Path, file: RemoteFile, say: Notify, progress: Progress) -> None:
    """Transfer into `.NAME.downloading` beside `path`, and from there to `path` once pooch has checked it.

    Where no mirror delivers, what has come so far stays there for the next time.
    """
    import pooch
    import requests

    pooch.get_logger().setLevel("ERROR")  # `say` has said it
    work = hidden(path, "downloading")
    work.mkdir(exist_ok=True)
    part = work / "part"
    for left in set(work.iterdir()) - {part}:
        remove(left)
    failures = []
    for url in file.urls:
        say(f"Downloading {url} ({size(file.size)}) to {path.parent}. To use files you have instead: --data PATH.")
        transfer = _Transfer(part, file, say, progress)
        mirror = pooch.create(
            work, "", registry={file.name: file.hash}, urls={file.name: url}, retry_if_failed=_TRIES - 1
        )
        try:
            mirror.fetch(file.name, downloader=transfer)
        except _RefusedError as error:
            failures.append(f"{url}: {error}")
        except requests.RequestException:
            failures.append(f"{url}: {transfer.failed}")
        except ValueError:  # pooch's, of a hash
            failures.append(f"{url}: {_other(file)}")
        else:
            settle(work / file.name, path)
            remove(work)
            return
    if not (part.exists() and part.stat().st_size):
        remove(work)
    raise MachineError(
        f"Could not download {file.name}. " + "; ".join(failures) + ".",
        f"Check the network and try again, put the file into {path.parent} yourself, or use data you have: --data PATH.",
    )


class _Transfer:
    """A downloader for pooch that adds to `part` what is missing of a file, and hands it over when it is whole."""

    def __init__(self, part: Path, file: RemoteFile, say: Notify, progress: Progress) -> None:
        self.part, self.file, self.say, self.progress = part, file, say, progress
        self.tries = 0
        self.failed = ""
        self.got = 0  # bytes
        self.fresh = True  # whether all of them are from this mirror
        self.came_at_once = False

    def __call__(self, url: str, output_file: str, _: Any) -> None:
        """Errors: requests.RequestException for what may pass, _RefusedError for what will not."""
        import pooch
        import requests

        self.tries += 1
        if self.came_at_once:  # and we are here again: its hash was wrong
            raise _RefusedError(_other(self.file))
        if self.tries > 1:
            why = self.failed or _other(self.file)
            self.say(f"{url}: {why}. Trying again ({self.tries} of {_TRIES}).")
        self.failed = ""
        with self.part.open("ab") as self.raw:
            before = self.got = self.raw.tell()
            self.fresh = before == 0
            if before != self.file.size:
                headers = {"User-Agent": "alrnn", "Accept-Encoding": "identity"}
                if before:
                    headers["Range"] = f"bytes={before}-"
                downloader = pooch.HTTPDownloader(
                    chunk_size=_CHUNK, timeout=_TIMEOUT, headers=headers, hooks={"response": self._judge}
                )
                try:
                    downloader(url, self, None)
                    if self.got < self.file.size:
                        raise requests.ConnectionError("the connection was closed")
                except requests.RequestException as error:
                    broken = f"broke off after {self.got:,} of {self.file.size:,} bytes, " if self.got > before else ""
                    self.failed = broken + _words(error)
                    raise
            self.raw.flush()
            os.fsync(self.raw.fileno())
        self.came_at_once = self.fresh
        os.replace(self.part, output_file)

    def write(self, chunk: bytes) -> None:
        """Take what came (pooch writes into this object as if it were a file)."""
        self.got += len(chunk)
        if self.got > self.file.size:
            self._begin_anew()
            raise _RefusedError(f"delivered more than the expected {self.file.size:,} bytes")
        self.raw.write(chunk)
        self.progress(self.got, self.file.size)

    def flush(self) -> None:
        """Nothing: the file is flushed once, at its end."""

    def _judge(self, response: requests.Response, **_: Any) -> None:
        """Look at the head of an answer before its body is read."""
        import requests

        if response.is_redirect:
            return
        code = response.status_code
        if code == 416:  # nothing there to continue with: what we have is of something else
            self._begin_anew()
            raise requests.ConnectionError("cannot be continued")
        if 400 <= code < 500 and code not in _MAY_PASS:
            raise _RefusedError(f"HTTP {code} {response.reason}")
        response.raise_for_status()
        if self.got and not response.headers.get("Content-Range", "").startswith(f"bytes {self.got}-"):
            self._begin_anew()
            if code == 206:
                raise requests.ConnectionError("cannot be continued")
        announced = response.headers.get("Content-Length", "")
        if announced.isdigit() and self.got + int(announced) != self.file.size:
            raise _RefusedError(f"announces {self.got + int(announced):,} bytes, expected {self.file.size:,}")

    def _begin_anew(self) -> None:
        self.raw.truncate(0)
        self.got, self.fresh = 0, True


def _other(file: RemoteFile) -> str:
    return f"delivered other content (expected {file.hash})"


def _words(error: BaseException) -> str:
    """The reason at the bottom of a chain of exceptions, in a few words."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP {error.response.status_code} {error.response.reason}"
    deepest: BaseException | None = error
    found = error
    while deepest is not None:
        if isinstance(deepest, TimeoutError):
            return f"no answer for {_TIMEOUT:.0f} s"
        found = deepest
        deepest = deepest.__cause__ or deepest.__context__
    return getattr(found, "strerror", None) or str(found) or type(found).__name__


def _lines(file: RemoteFile, say: Notify) -> Progress:
    """A line about every ten seconds."""
    began = last = time.monotonic()

    def progress(got: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _PLAIN_SECONDS:
            say(f"{file.name}: {size(got)} of {size(total)} after {now - began:.0f} s")
            last = now

    return progress
