"""What a page is made of. Plain text everywhere: the template escapes it; only `Picture.svg` is markup."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    block: ClassVar[str] = "paragraph"
    text: str


@dataclass(frozen=True)
class Note:
    """What a word means, where it first occurs."""

    block: ClassVar[str] = "note"
    term: str
    text: str


@dataclass(frozen=True)
class Listing:
    """Sentences one below the other, each with the notes that explain its words; numbered: they are steps of one story."""

    block: ClassVar[str] = "listing"
    items: tuple[tuple[str, tuple[Note, ...]], ...]
    numbered: bool = False


@dataclass(frozen=True)
class Facts:
    """Names and what they stand for."""

    block: ClassVar[str] = "facts"
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Cell:
    """text: as shown; value: what the table sorts by, a number or a text (none: the text shown); heading: whether it names its row;
    anchor: where on the page it leads."""

    text: str
    value: float | str = ""
    heading: bool = False
    anchor: str = ""

    @property
    def key(self) -> str:
        """`value` as the page's script reads it."""
        return (
            str(self.value).replace("inf", "Infinity")
            if isinstance(self.value, float)
            else str(self.value or self.text)
        )


@dataclass(frozen=True)
class Column:
    """name: heading; help: what it means, "" where that is plain; number: whether numbers stand in it."""

    name: str
    help: str = ""
    number: bool = False


@dataclass(frozen=True)
class Table:
    """caption: what it shows; note: what is left out; folded: to be opened by the reader."""

    block: ClassVar[str] = "table"
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    folded: bool = False


@dataclass(frozen=True)
class Picture:
    """svg: markup of our own making, safe as it is; caption: how the figure was made, its text alternative too."""

    block: ClassVar[str] = "picture"
    name: str
    svg: str
    caption: str


@dataclass(frozen=True)
class Code:
    """What can be typed into a shell or saved as a file."""

    block: ClassVar[str] = "code"
    text: str
    label: str


@dataclass(frozen=True)
class Citation:
    """Text in which "arXiv 2506.07919" becomes a link."""

    block: ClassVar[str] = "citation"
    text: str


Block: TypeAlias = Paragraph | Note | Listing | Facts | Table | Picture | Code | Citation


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it. anchor: unique within its article."""

    anchor: str
    title: str
    blocks: tuple[Block, ...] = ()
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True)
class Article:
    """One report. anchor: prefix of all its own; lead: what the model is and does, in a paragraph or two; warnings: before all else."""

    anchor: str
    title: str
    lead: tuple[str, ...]
    warnings: tuple[str, ...]
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Page:
    """One article, or several under an index that compares them."""

    title: str
    articles: tuple[Article, ...]
    index: tuple[Block, ...] = field(default=())
