"""From the content of a page to one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

from .content import Page

_FOLDER = Path(__file__).parent / "templates"
_POWER, _EXPONENT, _MINUS = (
    re.compile(r"\b2\^(\d+)"),
    re.compile(r"\b(\d+(?:\.\d+)?)e([-+]\d+)\b"),
    re.compile(r"(?<![\w.)])-(?=[\d.])"),
)
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_ARXIV = re.compile(r"arXiv[: ](\d{4}\.\d{4,5})")


def html(page: Page) -> str:
    """The page as HTML. Everything is escaped but the SVG of our own figures, and the policy in its head lets nothing be loaded."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"cited": _cited, "typeset": _typeset}
    style, script = (_text(name) for name in ("style.css", "page.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("page.html").render(
        page=page, style=Markup(style), script=Markup(script), digest=digest
    )


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf8")


def _typeset(text: str) -> str:
    """Numbers as they are set in print: 6.7 × 10⁻⁷ for 6.7e-07, 2⁵ for 2^5, − for the minus sign."""
    text = _EXPONENT.sub(lambda m: f"{m[1]} × 10{str(int(m[2])).translate(_RAISED)}", text)
    return _MINUS.sub("−", _POWER.sub(lambda m: f"2{m[1].translate(_RAISED)}", text))


def _cited(text: str) -> list[tuple[str, str]]:
    """A text in pieces, each with the address that it links to or "" ."""
    pieces, at = [], 0
    for found in _ARXIV.finditer(text):
        pieces += [(text[at : found.start()], ""), (found[0], f"https://arxiv.org/abs/{found[1]}")]
        at = found.end()
    return [piece for piece in [*pieces, (text[at:], "")] if piece[0]]
