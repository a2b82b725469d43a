"""Plots of several things at once: dots in a plane, and lines that fan out, each with its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from engine.charts.lines import HEIGHT, Scaling
from engine.charts.theme import BLUE, WIDTH, Chart, draw, table

# Names stand apart by at least so many pixels, and take so many of the width.
NAME_HEIGHT = 17
NAME_WIDTH = 170
# So much of the spread is left free around dots.
MARGIN = 0.12


@dataclass(frozen=True)
class Dot:
    """A point with a name."""

    name: str
    x: float
    y: float
    colour: str = BLUE


@dataclass(frozen=True)
class Line:
    """A line with a name: its height at 1, 2, 3, ..."""

    name: str
    values: Sequence[float]
    colour: str = BLUE


def scatter(dots: Sequence[Dot], scaling: Scaling, *, title: str, subtitle: str = "") -> Chart:
    """Named dots; the axes show the spread of the dots and need not start at zero."""
    across, up = _spread([dot.x for dot in dots]), _spread([dot.y for dot in dots])
    x = alt.X("x:Q", title=scaling.x, axis=alt.Axis(format=scaling.x_format, tickCount=6)).scale(
        domain=across, nice=False
    )
    y = alt.Y("at:Q", title=scaling.y, axis=alt.Axis(format=scaling.y_format, tickCount=5)).scale(
        domain=up, nice=False
    )
    marks = (
        alt.Chart(_rows(dots, [dot.y for dot in dots]))
        .mark_point(filled=True, size=110, opacity=1)
        .encode(x=x, y=y, color=alt.Color("colour:N", scale=None))
    )
    least = (up[1] - up[0]) * NAME_HEIGHT / HEIGHT
    middle = sum(across) / 2
    # Names of dots on the right stand to the left of them, within the chart.
    left, right = [[d for d in dots if (d.x > middle) is side] for side in (False, True)]
    names = [
        _named(left, least).mark_text(align="left", dx=10).encode(x=x, y=y),
        _named(right, least).mark_text(align="right", dx=-10).encode(x=x, y=y),
    ]
    chart = alt.layer(marks, *names).properties(width=WIDTH - 64, height=HEIGHT)
    return draw(chart, title=title, subtitle=subtitle)


def fan(lines: Sequence[Line], scaling: Scaling, *, title: str, subtitle: str = "") -> Chart:
    """Lines over 1, 2, 3, ... from zero up, each with its name behind its end."""
    steps = max((len(line.values) for line in lines), default=1)
    most = max((value for line in lines for value in line.values), default=0.0) or 1.0
    x = alt.X("x:Q", title=scaling.x, axis=alt.Axis(format=scaling.x_format, tickMinStep=1)).scale(
        domain=[1, max(steps, 2)], nice=False
    )
    y = alt.Y("at:Q", title=scaling.y, axis=alt.Axis(format=scaling.y_format, tickCount=5)).scale(
        domain=[0, most * 1.05], nice=False
    )
    points = [
        {"x": step, "at": value, "name": line.name, "colour": line.colour}
        for line in lines
        for step, value in enumerate(line.values, start=1)
    ]
    ends = [Dot(line.name, len(line.values), line.values[-1]) for line in lines if line.values]
    drawn = alt.layer(
        alt.Chart(table(points))
        .mark_line()
        .encode(x=x, y=y, detail="name:N", color=alt.Color("colour:N", scale=None)),
        _named(ends, most * 1.05 * NAME_HEIGHT / HEIGHT)
        .mark_text(align="left", dx=8)
        .encode(x=x, y=y),
    ).properties(width=WIDTH - 64 - NAME_WIDTH, height=HEIGHT)
    return draw(drawn, title=title, subtitle=subtitle)


def apart(heights: Sequence[float], *, least: float) -> list[float]:
    """The heights, moved as little as keeps any two `least` apart, in the order given.

    Neighbours that are too close move away from their middle as one block.
    """
    order = sorted(range(len(heights)), key=lambda at: heights[at])
    blocks: list[list[int]] = []
    centres: list[float] = []
    for at in order:
        blocks.append([at])
        centres.append(heights[at])
        while len(blocks) > 1 and _gap(blocks, centres, least) < 0:
            merged = blocks[-2] + blocks[-1]
            blocks[-2:], centres[-2:] = [merged], [sum(heights[i] for i in merged) / len(merged)]
    moved = [0.0] * len(heights)
    for block, centre in zip(blocks, centres, strict=True):
        for step, at in enumerate(block):
            moved[at] = centre + (step - (len(block) - 1) / 2) * least
    return moved


def _gap(blocks: Sequence[Sequence[int]], centres: Sequence[float], least: float) -> float:
    """The free room between the last two blocks, below zero when they overlap."""
    return centres[-1] - centres[-2] - (len(blocks[-1]) + len(blocks[-2])) / 2 * least


def _spread(values: Sequence[float]) -> list[float]:
    """Bounds around the values with some room; none below zero when no value is."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = (high - low) * MARGIN or abs(high) * MARGIN or 1.0
    return [max(low - room, 0.0) if low >= 0 else low - room, high + room]


def _named(dots: Sequence[Dot], least: float) -> alt.Chart:
    """The dots' names, moved up and down until they do not overlap."""
    names: alt.Chart = alt.Chart(_rows(dots, apart([dot.y for dot in dots], least=least))).encode(
        text="name:N"
    )
    return names


def _rows(dots: Sequence[Dot], heights: Sequence[float]) -> alt.InlineData:
    return table(
        [
            {"x": dot.x, "at": height, "name": dot.name, "colour": dot.colour}
            for dot, height in zip(dots, heights, strict=True)
        ]
    )
