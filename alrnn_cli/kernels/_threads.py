"""Several cores on one compiled function.

The function is called on every thread with the same numbers; the threads share out the work by a counter among them. Two
ways to get the threads:

- torch's own OpenMP team, where its library can be called (Linux). Its threads keep watching for work for milliseconds after
  each of torch's operations, and any other thread would have to fight them for the cores.
- Python threads, elsewhere and in a forked child, where the parent's OpenMP team is lost and would hang (torch's own large
  operations do hang there, unless the child sets torch to one thread).
"""

from __future__ import annotations

import ctypes
import os
import threading
from pathlib import Path
from typing import Any

import torch


class _Worker:
    """A thread that makes one call each time `go` is released."""

    def __init__(self) -> None:
        self.go, self.done = threading.Lock(), threading.Lock()
        self.go.acquire()
        self.done.acquire()
        self.call: tuple[Any, Any] | None = None
        threading.Thread(target=self._loop, daemon=True, name="alrnn-kernel").start()

    def _loop(self) -> None:
        while True:
            self.go.acquire()
            assert self.call is not None
            function, numbers = self.call
            function(numbers)
            self.done.release()


class Team:
    """Threads that call a C function void(int64 *numbers) at the same time, the caller's own among them."""

    def __init__(self) -> None:
        self._openmp = _openmp()
        self._start()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._in_child)

    def _start(self) -> None:
        self._workers: list[_Worker] = []
        self._free = threading.Lock()

    def _in_child(self) -> None:
        self._openmp = None
        self._start()

    def run(self, function: Any, numbers: Any, threads: int) -> None:
        """Call the ctypes function `function` with the array `numbers` on `threads` threads, and wait for all.

        A second caller from another thread meets busy workers and does its work alone.
        """
        if threads <= 1:
            function(numbers)
        elif self._openmp is not None:
            self._openmp(function, numbers, threads, 0)
        elif self._free.acquire(blocking=False):
            try:
                self._together(function, numbers, threads)
            finally:
                self._free.release()
        else:
            function(numbers)

    def _together(self, function: Any, numbers: Any, threads: int) -> None:
        while len(self._workers) < threads - 1:
            self._workers.append(_Worker())
        busy: list[_Worker] = []
        interrupt: BaseException | None = None
        try:
            for worker in self._workers[: threads - 1]:
                worker.call = (function, numbers)
                busy.append(worker)
                worker.go.release()
            function(numbers)
        except BaseException as error:
            interrupt = error
        while busy:
            # Ctrl-C may come here; memory that a worker still writes to must not be given up.
            try:
                busy[-1].done.acquire()
                busy.pop()
            except BaseException as error:
                interrupt = error
        if interrupt is not None:
            raise interrupt


def _openmp() -> Any:
    """GOMP_parallel of the OpenMP library that torch runs on, or None: void(void (*f)(void *), void *, unsigned, unsigned)."""
    if os.name != "posix":
        return None
    beside = (Path(torch.__file__).parent / "lib").glob("lib*omp*.so*")
    names = [str(p) for p in sorted(beside) if p.name.startswith(("libgomp", "libiomp", "libomp"))]
    for name in (*names, None):
        try:
            function = ctypes.CDLL(name).GOMP_parallel
        except (OSError, AttributeError):
            continue
        function.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint)
        function.restype = None
        return function
    return None


team = Team()
