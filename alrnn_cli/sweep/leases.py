"""Who works on what: files that only one worker can create, on any file system that workers share.

A cell's folder holds one file for each attempt, `lease-1`, `lease-2`, …, created exclusively, so that an attempt has one owner. The
owner touches its lease every few seconds. Where a lease has not been touched for a while its owner is gone, and the next number may be
taken: nothing is ever renamed or removed, so that two workers who both see an old lease compete for one new file. How an attempt ended
is `end-N` beside it. Clocks of different machines are not compared: all times are those of the file server.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import threading
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..errors import MachineError

#: Seconds between two signs of life, and without one after which an attempt counts as abandoned.
BEAT = 5.0
EXPIRY = 60.0
#: A cell that takes its workers with it as often as this, and gets no further, is given up: it would take them all.
MOST_ABANDONED = 8
#: How file systems say that they have no hard links.
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


@dataclass(frozen=True)
class Lease:
    """An attempt at a cell that is ours."""

    folder: Path
    number: int

    @property
    def path(self) -> Path:
        return self.folder / f"lease-{self.number}"

    def owner(self) -> dict[str, Any]:
        """What the worker said of itself: worker, pid, host, saved."""
        content: dict[str, Any] = json.loads(self.path.read_text(encoding="utf8"))
        return content

    @property
    def lost(self) -> bool:
        """Whether another worker has taken the cell because we seemed to be gone."""
        return (self.folder / f"lease-{self.number + 1}").exists()

    def beat(self) -> None:
        try:
            os.utime(self.path)
        except FileNotFoundError:
            return  # the sweep was removed under us; there is nobody to tell

    def end(self, state: str, reason: str) -> None:
        """Say how the attempt ended: "failed", "released" (to be gone on with by anyone), "abandoned" (its worker died) or "done"."""
        write_once(self.folder / f"end-{self.number}", {"state": state, "reason": reason})


def write_once(path: Path, content: dict[str, Any]) -> bool:
    """Create a file whole, or leave the one that is there. Returns: whether it is ours. Errors: MachineError without hard links."""
    scratch = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    scratch.write_text(json.dumps(content, sort_keys=True), encoding="utf8")
    try:
        os.link(scratch, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        raise MachineError(
            f"{path.parent}: the file system makes no hard links ({error.strerror}).",
            "Put the sweep's folder on another.",
        ) from None
    finally:
        scratch.unlink()
    return True


@dataclass(frozen=True)
class Attempts:
    """What the files in a cell's folder say. last: number of the last attempt, 0 for none; ended: how it ended, "" if it has not;
    failed: how many failed; abandoned: how many ended with their worker since the run last got further, the last one aside where
    nothing is known of it."""

    last: int
    ended: str
    failed: int
    abandoned: int


def attempts(folder: Path, names: Iterable[str], saved: int = 0) -> Attempts:
    """names: of the files in `folder`; saved: when the run was last saved, in any unit, as `take` was told."""
    last, ended, failed = 0, {}, 0
    for name in names:
        if name.startswith("lease-"):
            last = max(last, int(name.removeprefix("lease-")))
        elif name.startswith("end-"):
            state = json.loads((folder / name).read_text(encoding="utf8"))["state"]
            ended[int(name.removeprefix("end-"))] = state
            failed += state == "failed"
    deaths = [n for n in range(1, last + 1) if ended.get(n, "abandoned") == "abandoned" and (n < last or n in ended)]
    if deaths:
        began = [Lease(folder, n).owner()["saved"] for n in range(1, last + 1)]
        further = max((n for n, (a, b) in enumerate(pairwise([*began, saved]), 1) if a != b), default=0)
        deaths = [n for n in deaths if n > further]
    return Attempts(last, ended.get(last, ""), failed, len(deaths))


def now_at(folder: Path) -> float:
    """The file server's time; this machine's where we may only read."""
    probe = folder / f".clock-{uuid.uuid4().hex}"
    try:
        probe.touch()
    except PermissionError:
        return time.time()
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        return time.time()
    try:
        return probe.stat().st_mtime
    finally:
        probe.unlink()


def alive(folder: Path, number: int, now: float) -> bool:
    """Whether an attempt that has not ended shows signs of life."""
    try:
        return now - (folder / f"lease-{number}").stat().st_mtime < EXPIRY
    except FileNotFoundError:
        return False


def take(folder: Path, number: int, worker: str, saved: int = 0) -> Lease | None:
    """The attempt of this number, if nobody else has it. saved: as of `attempts`."""
    lease = Lease(folder, number)
    owner = {"worker": worker, "pid": os.getpid(), "host": _host(), "saved": saved}
    return lease if write_once(lease.path, owner) else None


class Heart:
    """Touches the leases it holds from a thread, until it is stopped."""

    def __init__(self) -> None:
        self._held: list[Lease] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="leases", daemon=True)

    def hold(self, leases: list[Lease]) -> None:
        self._held = list(leases)

    @property
    def lost(self) -> bool:
        return any(lease.lost for lease in self._held)

    def __enter__(self) -> Heart:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(BEAT):
            for lease in self._held:
                lease.beat()


def worker_name() -> str:
    """A name that no other worker has."""
    return f"{_host()}-{os.getpid()}-{int(time.time())}"


def _host() -> str:
    return platform.node() or "host"
