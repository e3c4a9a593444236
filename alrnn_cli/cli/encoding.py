"""Output on a terminal, or into a file, whose encoding lacks our characters."""

from __future__ import annotations

import codecs
import sys
from typing import TextIO

# One character for one, so that tables stay straight.
_PLAIN = {"•": "*", "–": "-", "−": "-", "→": ">", "…": ".", "×": "x", "±": "~", "λ": "l", "Φ": "F", "∘": "o", "µ": "u"}


def be_lenient(*, as_json: bool) -> None:
    """Let stdout and stderr write what they can instead of failing: in text a like character or "?", in JSON an escape."""
    codecs.register_error("alrnn-text", _plain)
    codecs.register_error("alrnn-json", _escaped)
    for stream in (sys.stdout, sys.stderr):
        if not is_utf8(stream) and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="alrnn-json" if as_json else "alrnn-text")


def is_utf8(stream: TextIO) -> bool:
    """Whether it can hold every character. A stream without an encoding of its own (a captured one) can."""
    name = getattr(stream, "encoding", None)
    return not name or name.lower().replace("-", "").startswith("utf")


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(c, "?") for c in error.object[error.start : error.end]), error.end


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """As JSON spells it: \\uXXXX, two of them beyond U+FFFF."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4)), error.end
