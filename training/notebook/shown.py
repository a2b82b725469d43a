"""What a notebook cell shows: words, tables and charts, each whole without the page around it.

Charts are pictures with their title inside: where notebooks are displayed as files, SVG within
HTML is often left out, and a picture is not.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from engine.charts.theme import FONT, INK, MUTED, PAPER, Chart
from training.report.blocks import Block, Figure, Section, Table, Terms, Text

TITLE_SIZE, WORDS_SIZE, LINE = 17, 13, 20
MARGIN = 14
# Letters of the title and of the words below that fit into one line of the usual width.
TITLE_LETTERS, WORDS_LETTERS = 78, 104
_ROOT = re.compile(r"<svg\b[^>]*>")
# The paper is always light, and not every viewer of pictures knows variables.
_VARIABLE = re.compile(r"var\(--[\w-]+, (#[0-9a-f]{6})\)")
_SIZE = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')


@dataclass(frozen=True)
class Words:
    """A paragraph, or a heading."""

    words: str
    heading: bool = False

    def _repr_markdown_(self) -> str:
        return f"## {self.words}" if self.heading else self.words

    def __repr__(self) -> str:
        return self.words


@dataclass(frozen=True)
class Grid:
    """Rows under headings; the columns in `numbers` are aligned to the right."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: frozenset[int] = frozenset()

    def _repr_html_(self) -> str:
        head = "".join(
            _cell("th", each, at in self.numbers) for at, each in enumerate(self.headings)
        )
        body = "".join(
            "<tr>"
            + "".join(_cell("td", each, at in self.numbers) for at, each in enumerate(row))
            + "</tr>"
            for row in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def __repr__(self) -> str:
        return "\n".join(" | ".join(row) for row in (self.headings, *self.rows))


@dataclass(frozen=True)
class Picture:
    """A chart with its title and how to read it, on paper of its own."""

    chart: Chart

    def _repr_svg_(self) -> str:
        size = _SIZE.search(self.chart.svg)
        width, height = (float(size[1]), float(size[2])) if size else (700.0, 400.0)
        texts = list(_texts(self.chart))
        top = MARGIN + LINE * len(texts) + MARGIN / 2
        whole = (width + 2 * MARGIN, top + height + MARGIN)
        lines = "".join(
            _line(words, number, heading=heading) for number, (words, heading) in enumerate(texts)
        )
        drawing = _ROOT.sub(
            f'<svg x="{MARGIN}" y="{top:g}" width="{width:g}" height="{height:g}" '
            f'viewBox="0 0 {width:g} {height:g}">',
            _VARIABLE.sub(r"\1", self.chart.svg),
            count=1,
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole[0]:g}" height="{whole[1]:g}" '
            f'viewBox="0 0 {whole[0]:g} {whole[1]:g}" role="img" '
            f'aria-label="{escape(self.chart.title, quote=True)}">'
            f'<rect width="100%" height="100%" fill="{PAPER}"/>{lines}{drawing}</svg>'
        )

    def __repr__(self) -> str:
        return f"{self.chart.title} {self.chart.subtitle}".strip()


def told(section: Section) -> Iterator[Words | Grid | Picture]:
    """A section of a report, piece by piece, for `display(*told(section))`."""
    yield Words(section.title, heading=True)
    yield Words(section.answer)
    for block in section.blocks:
        yield from _shown(block)


def _shown(block: Block) -> Iterator[Words | Grid | Picture]:
    match block:
        case Text():
            yield Words(block.words)
        case Figure():
            yield Picture(block.chart)
        case Table():
            if block.caption:
                yield Words(block.caption)
            yield Grid(block.headings, block.rows, block.numbers)
        case Terms():
            yield Grid(("", ""), block.rows)


def _cell(tag: str, words: str, number: bool) -> str:
    return f'<{tag} style="text-align:{"right" if number else "left"}">{escape(words)}</{tag}>'


def _texts(chart: Chart) -> Iterator[tuple[str, bool]]:
    """The lines above a drawing, and whether each is of the title."""
    for words in textwrap.wrap(chart.title, TITLE_LETTERS):
        yield words, True
    for words in textwrap.wrap(chart.subtitle, WORDS_LETTERS):
        yield words, False


def _line(words: str, number: int, *, heading: bool) -> str:
    size, weight, colour = (TITLE_SIZE, 600, INK) if heading else (WORDS_SIZE, 400, MUTED)
    return (
        f'<text x="{MARGIN}" y="{MARGIN + LINE * (number + 0.7):g}" fill="{colour}" '
        f'font-family="{FONT}" font-size="{size}" font-weight="{weight}">{escape(words)}</text>'
    )
