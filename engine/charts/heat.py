"""Tables of coloured cells with their numbers in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from engine.charts.theme import ON_STEPS, PAPER, STEPS, WIDTH, Chart, draw, step_of, table

CELL_HEIGHT = 30
SMALL_CELL = 46


@dataclass(frozen=True)
class Cell:
    """A cell: where it stands, how strong its colour is from 0 to 1, and the words in it."""

    row: str
    column: str
    share: float
    text: str


@dataclass(frozen=True)
class Axes:
    """The labels of rows and columns in order, and what they are."""

    rows: Sequence[str]
    columns: Sequence[str]
    row_title: str = ""
    column_title: str = ""
    cell_height: int = CELL_HEIGHT


def heat(cells: Sequence[Cell], axes: Axes, *, title: str, subtitle: str = "") -> Chart:
    """A table of cells, the colour stronger for more."""
    values = [
        {
            "row": cell.row,
            "column": cell.column,
            "text": cell.text,
            "fill": STEPS[step_of(cell.share)],
            "ink": ON_STEPS[step_of(cell.share)],
        }
        for cell in cells
    ]
    base = alt.Chart(table(values)).encode(
        x=alt.X(
            "column:N",
            sort=list(axes.columns),
            title=axes.column_title or None,
            axis=alt.Axis(orient="top", labelAngle=0, ticks=False, domain=False, titlePadding=10),
            scale=alt.Scale(domain=list(axes.columns)),
        ),
        y=alt.Y(
            "row:N",
            sort=list(axes.rows),
            title=axes.row_title or None,
            axis=alt.Axis(ticks=False, domain=False, titlePadding=10),
            scale=alt.Scale(domain=list(axes.rows)),
        ),
    )
    width = min(WIDTH - 150, max(len(axes.columns), 3) * 110)
    small = width / max(len(axes.columns), 1) < SMALL_CELL
    chart = alt.layer(
        base.mark_rect(stroke=PAPER, strokeWidth=2).encode(fill=alt.Fill("fill:N", scale=None)),
        base.mark_text(fontSize=11 if small else 13).encode(
            text="text:N", color=alt.Color("ink:N", scale=None)
        ),
    ).properties(width=width, height=axes.cell_height * len(axes.rows))
    return draw(chart, title=title, subtitle=subtitle)
