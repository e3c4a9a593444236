"""Pictures made of characters: dots, bars, the eigenvalues of a subregion, curves.

Braille cells of 2 × 4 dots and eighths of a block where the terminal's encoding has them, ASCII elsewhere. Everything returns rich
texts and prints nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from ..records import Mode

_EIGHTHS = "▏▎▍▌▋▊▉█"
_BRAILLE = 0x2800  # the cell without dots
_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # of a dot: column, row from above


def has_unicode(screen: Console) -> bool:
    """Whether the terminal's encoding has braille and blocks."""
    return screen.encoding.lower().replace("-", "").startswith("utf")


class Canvas:
    """Dots in cells: `columns` × `rows` characters hold (2 columns) × (4 rows) dots, counted from the upper left corner."""

    def __init__(self, columns: int, rows: int, *, unicode: bool) -> None:
        self.columns, self.rows, self.unicode = columns, rows, unicode
        self._cells = [[0] * columns for _ in range(rows)]

    def dot(self, x: float, y: float) -> None:
        """Set the dot at (x, y); what is outside is left out."""
        i, j = math.floor(x), math.floor(y)
        if 0 <= i < 2 * self.columns and 0 <= j < 4 * self.rows:
            self._cells[j // 4][i // 2] |= _BITS[i % 2][j % 4]

    def line(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Dots from one point to the other, without a hole."""
        n = max(1, math.ceil(max(abs(x1 - x0), abs(y1 - y0))))
        for k in range(n + 1):
            self.dot(x0 + (x1 - x0) * k / n, y0 + (y1 - y0) * k / n)

    def lines(self) -> list[str]:
        """The rows as text, all of one length."""
        return ["".join(map(self._character, row)) for row in self._cells]

    def _character(self, dots: int) -> str:
        if self.unicode:
            return chr(_BRAILLE + dots) if dots else " "
        upper, lower = dots & 0x1B, dots & 0xE4  # two rows of dots each
        return ":" if upper and lower else "'" if upper else "." if lower else " "


def bar(share: float, width: int, *, unicode: bool) -> str:
    """A bar of `share` of the width; what is not 0 shows. Returns: width characters."""
    share = min(max(share, 0.0), 1.0)
    if not unicode:
        return ("#" * max(round(share * width), int(share > 0))).ljust(width)
    eighths = max(round(8 * share * width), int(share > 0))
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (_EIGHTHS[rest - 1] if rest else "")).ljust(width)


def bars(shares: Sequence[tuple[str, float]], width: int, *, unicode: bool) -> list[Text]:
    """A line for each (name, share): the name, a bar, the share in percent; the longest bar takes what room there is."""
    from rich.text import Text

    names = max((len(name) for name, _ in shares), default=0)
    told = [_percent(share) for _, share in shares]
    room = max(width - names - max(map(len, told), default=0) - 3, 4)
    most = max((share for _, share in shares), default=0.0) or 1.0
    numbers = max(map(len, told), default=0)
    return [
        Text.assemble(f"{name:<{names}}  ", (bar(share / most, room, unicode=unicode), "cyan"), f" {text:>{numbers}}")
        for (name, share), text in zip(shares, told, strict=True)
    ]


def _percent(share: float) -> str:
    """A share as "98.0 %"; what is not 0 is never "0.0 %"."""
    return "<0.1 %" if 0 < share < 0.0005 else f"{100 * share:.1f} %"


# A circle of 11 rows: with cells twice as high as wide it is round, and the real axis runs through the middle of a row.
_ROWS, _COLUMNS = 11, 23
_LETTERS = "abc"  # places of slow modes that are named
_FARTHEST = 1.6  # eigenvalues beyond this modulus are told, not drawn
_SLOW = 0.5  # |ln|λ|| beyond which a mode is not called slow


@dataclass(frozen=True)
class Spectrum:
    """picture: the unit circle and the eigenvalues; legend: the slowest mode under each letter and how many more are there, and what is
    not in the picture."""

    picture: list[Text]
    legend: list[Text]


def spectrum(modes: Sequence[Mode], *, unicode: bool) -> Spectrum:
    """The eigenvalues of one subregion in the unit circle, 1 at its right; letters where the slow ones are, the slowest first."""
    from rich.text import Text

    found = [(complex(*m.eigenvalue), m) for m in modes if None not in m.eigenvalue]
    found = [(value, m) for value, m in found if math.isfinite(value.real) and math.isfinite(value.imag)]
    limit = min(max(1.1, 1.06 * max((abs(value) for value, _ in found), default=0.0)), 1.06 * _FARTHEST)
    radius = 2 * _ROWS / limit  # of the unit circle, in dots

    def cell(value: complex) -> tuple[int, int]:
        above = math.floor((2 * _ROWS - radius * abs(value.imag)) / 4)
        # Mirrored, so that the two of a pair stand alike.
        row = above if value.imag >= 0 else _ROWS - 1 - above
        return row, math.floor((_COLUMNS + radius * value.real) / 2)

    canvas = Canvas(_COLUMNS, _ROWS, unicode=unicode)
    for k in range(720):
        angle = math.pi * k / 360
        canvas.dot(_COLUMNS + radius * math.cos(angle), 2 * _ROWS - radius * math.sin(angle))
    rows = [Text(line, style="dim") for line in canvas.lines()]
    marks = {cell(0j): ("+", "dim")}
    drawn = [(value, m) for value, m in found if abs(value) <= _FARTHEST]
    marks |= {cell(value): ("•" if unicode else "o", "cyan") for value, _ in drawn}
    legend = []
    for letter, own in zip(_LETTERS, _places(drawn, cell), strict=False):
        marks |= {cell(v): (letter, "bold yellow") for value, _ in own for v in (value, value.conjugate())}
        others = f" (+ {len(own) - 1})" if len(own) > 1 else ""
        legend.append(Text.assemble((letter, "bold yellow"), f"  {_wording(own[0][1])}", (others, "dim")))
    for (row, column), (character, colour) in marks.items():
        if 0 <= row < _ROWS and 0 <= column < _COLUMNS:
            rows[row] = Text.assemble(rows[row][:column], (character, colour), rows[row][column + 1 :])
    if len(drawn) < len(found):
        legend.append(Text(f"{len(found) - len(drawn)} beyond |λ| = {_FARTHEST} not drawn", style="dim"))
    return Spectrum(rows, legend)


def _places(
    drawn: list[tuple[complex, Mode]], cell: Callable[[complex], tuple[int, int]]
) -> list[list[tuple[complex, Mode]]]:
    """Slow modes that share a character, one of each conjugate pair; the place of the slowest first."""
    places: dict[tuple[int, int], list[tuple[complex, Mode]]] = {}
    slow = [(v, m) for v, m in drawn if m.modulus > 0 and abs(math.log(m.modulus)) < _SLOW and v.imag > -1e-12]
    for value, m in sorted(slow, key=lambda one: abs(math.log(one[1].modulus))):
        places.setdefault(cell(value), []).append((value, m))
    return list(places.values())


def _wording(mode: Mode) -> str:
    """A mode in few words: "323 steps", "grows, 549 steps, period 1,105"."""
    if mode.timescale is None:
        text = "|λ| = 1"
    else:
        text = ("grows, " if mode.kind == "growing" else "") + f"{mode.timescale:,.4g} steps"
    return text if mode.period is None else f"{text}, period {mode.period:,.4g}"
