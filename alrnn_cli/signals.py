"""Signals that ask a long computation to save and stop."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any


class Signals:
    """SIGINT, SIGTERM and those in `also` set a flag that a loop reads after each step; a second Ctrl-C stops at once."""

    def __init__(self, *also: signal.Signals) -> None:
        self._which = (signal.SIGINT, signal.SIGTERM, *also)
        self._got = ""
        self._before: dict[signal.Signals, Any] = {}

    def reason(self) -> str:
        """The first signal's name, "" while there was none."""
        return self._got

    def __enter__(self) -> Signals:
        for which in self._which:
            self._before[which] = signal.signal(which, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for which, handler in self._before.items():
            signal.signal(which, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._got and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._got = self._got or signal.Signals(number).name
