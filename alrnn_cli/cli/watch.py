"""`alrnn train --watch`: loss and validation score as curves that grow in the terminal, above the bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..training.loop import Progress
from .charts import has_unicode
from .curves import Curve, axis, plot
from .output import number
from .progress import Bar

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

_WIDEST = 120  # columns
_LOSS, _SCORE = 8, 5  # rows of the curves where there is room
_OTHER = 6  # rows of titles, axis, bar, and what stood on the screen before
_LEAST = 3  # rows below which a curve says nothing


class Watch(Bar):
    """The bar with curves above it, drawn anew at most four times a second; they stay on the screen at the end."""

    seconds = 0.25

    def __init__(self, metric: str) -> None:
        from rich.live import Live

        super().__init__(metric)
        self._loss, self._score = Curve(), Curve()
        self._restarts: list[float] = []
        self._last: Progress | None = None
        self._span = (0.0, 0.0)
        # Drawn from `step` alone: a thread that refreshes would take its time from training.
        self._live = Live(console=self._bar.console, auto_refresh=False, vertical_overflow="crop")

    def __enter__(self) -> Watch:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._last is not None:
            self._live.update(self._curves(), refresh=True)
        self._live.stop()

    def step(self, p: Progress) -> None:
        if self._last is None:
            self._span = (p.step, p.step)
        elif p.restart != self._last.restart:
            self._restarts.append(p.step)
        self._last, self._span = p, (self._span[0], p.step)
        self._loss.add(p.step, p.loss)
        if p.evaluated:
            self._score.add(p.step, p.score)
        super().step(p)

    def show(self, p: Progress, rate: float) -> None:
        from rich.console import Group
        from rich.constrain import Constrain

        super().show(p, rate)
        # Room for the ^C that a terminal echoes: a bar that it broke in two would stand one line higher than it was drawn.
        self._live.update(Group(self._curves(), Constrain(self._bar, self._bar.console.width - 2)), refresh=True)

    def _told(self, p: Progress) -> str:
        """Beside the bar stands what no curve shows."""
        again = f"  attempt {p.restart + 1}" if p.restart else ""
        return f"lr {number(p.lr)}  |grad| {number(p.grad_norm)}{again}"

    def _curves(self) -> RenderableType:
        """Both curves under each other, as high as the terminal allows."""
        from rich.text import Text

        p, screen = self._last, self._bar.console
        assert p is not None
        width, room = min(screen.width, _WIDEST), screen.height - _OTHER
        loss = min(_LOSS, max(_LEAST, room * _LOSS // (_LOSS + _SCORE)))
        score = min(_SCORE, room - loss)
        rows = self._titled(f"loss {number(p.loss)}", self._loss, width, loss)
        if score >= _LEAST:
            rows += self._titled(
                f"validation {self.metric} {number(p.score)}, best {number(p.best)}", self._score, width, score
            )
        return Text("\n").join([*rows, axis(width, *self._span)])

    def _titled(self, title: str, curve: Curve, width: int, height: int) -> list[Text]:
        from rich.text import Text

        unicode = has_unicode(self._bar.console)
        drawn = (
            plot(curve.points, width, height, self._span, marks=self._restarts, unicode=unicode) if curve.points else []
        )
        return [Text(title, style="bold"), *drawn]
