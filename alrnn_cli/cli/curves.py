"""Curves made of characters, of a series that is still growing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .charts import Canvas
from .output import number

if TYPE_CHECKING:
    from rich.text import Text

_MOST = 512  # points kept of a series; a terminal has fewer columns of dots
_GUTTER = 10  # characters left of a curve: the numbers at its ends, and its axis
_DECADE = 20.0  # a positive curve that covers such a factor has a logarithmic axis


class Curve:
    """A series in bounded memory: means over stretches of `size` values, which doubles when there are too many of them."""

    def __init__(self) -> None:
        self.size = 1
        self._whole: list[tuple[float, float]] = []
        self._open: list[float] = [0.0, 0.0, 0.0]  # sums of x and y over the stretch in hand, and their number

    def add(self, x: float, y: float) -> None:
        """One more value; those that are not finite are left out."""
        if not math.isfinite(y):
            return
        self._open = [self._open[0] + x, self._open[1] + y, self._open[2] + 1]
        if self._open[2] == self.size:
            self._whole.append(self._mean())
            self._open = [0.0, 0.0, 0.0]
        if len(self._whole) == _MOST:
            pairs = zip(self._whole[::2], self._whole[1::2], strict=True)
            self._whole = [((a + c) / 2, (b + d) / 2) for (a, b), (c, d) in pairs]
            self.size *= 2

    def _mean(self) -> tuple[float, float]:
        x, y, n = self._open
        return x / n, y / n

    @property
    def points(self) -> list[tuple[float, float]]:
        """(x, y) means in order."""
        return self._whole + ([self._mean()] if self._open[2] else [])


def plot(
    points: Sequence[tuple[float, float]], columns: int, rows: int, span: tuple[float, float], *,
    marks: Sequence[float] = (), unicode: bool,
) -> list[Text]:  # fmt: skip
    """The points joined by a line, the largest and the smallest y beside it, a dotted upright line at each of `marks`.

    columns, rows: of the whole in characters; span: x at the left and at the right end.
    """
    from rich.text import Text

    wide, tall = 2 * (columns - _GUTTER), 4 * rows
    low, high = min(y for _, y in points), max(y for _, y in points)
    scale = math.log if low > 0 and high > _DECADE * low else float
    bottom, top = scale(low), scale(high)

    def x(value: float) -> float:
        return (value - span[0]) / ((span[1] - span[0]) or 1.0) * (wide - 1)

    def y(value: float) -> float:
        return (top - scale(value)) / (top - bottom) * (tall - 1) if top > bottom else tall / 2

    curve, dotted = (Canvas(columns - _GUTTER, rows, unicode=unicode) for _ in range(2))
    at = [(x(a), y(b)) for a, b in points]
    for before, after in zip(at, at[1:] or at, strict=False):
        curve.line(*before, *after)
    for mark in marks:
        for j in range(0, tall, 2):
            dotted.dot(x(mark), j)
    ends = {0: number(high), rows - 1: number(low)} if top > bottom else {rows // 2: number(low)}
    made = []
    for j, (drawn, behind) in enumerate(zip(curve.lines(), dotted.lines(), strict=True)):
        line = Text(f"{ends.get(j, ''):>{_GUTTER - 2}} {'│' if unicode else '|'}", style="dim")
        for c, d in zip(drawn, behind, strict=True):
            line.append(c if c != " " else d, style="cyan" if c != " " else "dim")
        made.append(line)
    return made


def axis(columns: int, first: float, last: float) -> Text:
    """The line below a curve: at which steps it begins and ends."""
    from rich.text import Text

    left, right = f"step {first:,.0f}", f"{last:,.0f}"
    return Text(" " * _GUTTER + left + right.rjust(columns - _GUTTER - len(left)), style="dim")
