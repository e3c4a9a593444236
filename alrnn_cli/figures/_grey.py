"""Colours that stay apart where a page is printed in black: the same hues, their lightness moved."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import to_rgb

from ._words import apart

_DARKEST, _LIGHTEST = 8.0, 82.0  # CIE L*


def lightness(colour: str) -> float:
    """CIE L* of a colour, 0 (black) to 100 (white): what is left of it in grey."""
    Y = float(_linear(colour) @ _WEIGHTS)
    return 116 * Y ** (1 / 3) - 16 if Y > 216 / 24389 else 24389 / 27 * Y


def distinct(colours: Sequence[str], gap: float = 12.0) -> list[tuple[float, float, float]]:
    """The colours in their order, with lightness at least `gap` apart and as near to their own as that allows.

    There is room for seven. One that must be darker is mixed with black, a lighter one with white, so that it keeps its hue.
    """
    own = [lightness(c) for c in colours]
    order = sorted(range(len(own)), key=own.__getitem__)
    moved = dict(zip(order, apart([own[i] for i in order], gap, _DARKEST, _LIGHTEST), strict=True))
    return [_with_lightness(colour, moved[i]) for i, colour in enumerate(colours)]


_WEIGHTS = np.array([0.2126, 0.7152, 0.0722])  # of sRGB's red, green and blue in luminance


def _linear(colour: str) -> np.ndarray:
    """Amounts of light, from sRGB values."""
    x = np.asarray(to_rgb(colour), float)
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def _with_lightness(colour: str, wanted: float) -> tuple[float, float, float]:
    light = _linear(colour)
    Y, aim = float(light @ _WEIGHTS), ((wanted + 16) / 116) ** 3 if wanted > 8 else wanted * 27 / 24389
    light = light * aim / Y if aim <= Y else light + (1 - light) * (aim - Y) / (1 - Y)
    x = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    red, green, blue = np.clip(x, 0, 1).tolist()
    return red, green, blue
