"""What a page is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from engine.charts.theme import Chart


@dataclass(frozen=True)
class Text:
    """A paragraph; `quiet` ones explain rather than tell."""

    kind: ClassVar[str] = "text"
    words: str
    quiet: bool = False


@dataclass(frozen=True)
class Figure:
    """A chart under its title."""

    kind: ClassVar[str] = "figure"
    chart: Chart


@dataclass(frozen=True)
class Table:
    """Rows under headings; the columns in `numbers` are aligned to the right."""

    kind: ClassVar[str] = "table"
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: frozenset[int] = frozenset()
    caption: str = ""


@dataclass(frozen=True)
class KeyFigure:
    """A number worth remembering, what it is, and a plain sentence about it."""

    value: str
    name: str
    sentence: str


@dataclass(frozen=True)
class Terms:
    """Words and what they mean here."""

    kind: ClassVar[str] = "terms"
    rows: Sequence[tuple[str, str]]


Block: TypeAlias = Text | Figure | Table | Terms


@dataclass(frozen=True)
class Section:
    """A part of the page: an anchor, a question as its title, the answer first."""

    anchor: str
    title: str
    answer: str
    blocks: Sequence[Block] = field(default_factory=tuple)
