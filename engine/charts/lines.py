"""Lines: curves, a line with its interval and a benchmark, predictions beside what happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import altair as alt

from engine.charts.bars import BAR_HEIGHT, Bar
from engine.charts.theme import BLUE, INK, MUTED, RED, SKY, WIDTH, Chart, Drawing, draw, table

HEIGHT = 280


@dataclass(frozen=True)
class Spot:
    """A point of a curve worth pointing at, and what to say there."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Scaling:
    """What the axes are called and how their numbers are written (d3-format)."""

    x: str
    y: str
    x_format: str = "%"
    y_format: str = "%"
    most: float | None = None


def curve(
    points: Sequence[tuple[float, float]],
    spots: Sequence[Spot],
    scaling: Scaling,
    *,
    title: str,
    subtitle: str = "",
    steps: bool = False,
) -> Chart:
    """A curve over its filled area, with some of its points spelled out."""
    x, y = _axes(scaling)
    base = alt.Chart(_points(_stairs(points) if steps else points)).encode(x=x, y=y)
    marked = alt.Chart(
        table([{"x": each.x, "y": each.y, "text": each.text} for each in spots])
    ).encode(x=x, y=y)
    chart = alt.layer(
        base.mark_area(color=SKY, opacity=0.22),
        base.mark_line(),
        marked.mark_point(filled=True, size=70, color=RED, opacity=1),
        marked.mark_text(align="left", dx=10, dy=14).encode(text="text:N"),
    )
    return draw(_sized(chart), title=title, subtitle=subtitle)


def series(
    rows: Sequence[Bar], *, benchmark: float, benchmark_text: str, title: str, subtitle: str = ""
) -> Chart:
    """Shares over time with their intervals, and a broken line to compare with."""
    values = [
        {"label": row.label, "value": row.value, "low": row.low, "high": row.high, "text": row.text}
        for row in rows
    ]
    labels = [row.label for row in rows]
    y = alt.Y("value:Q", title=None, axis=alt.Axis(format="%", tickCount=5)).scale(domain=[0, 1])
    base = alt.Chart(table(values)).encode(
        x=alt.X("label:N", sort=labels, title=None, axis=alt.Axis(labelAngle=0))
    )
    line = alt.Chart(table([{"level": benchmark, "text": benchmark_text}]))
    chart = alt.layer(
        line.mark_rule(strokeDash=[5, 4]).encode(y="level:Q"),
        line.mark_text(align="left", dx=6, dy=-8, color=MUTED, fontSize=12).encode(
            y="level:Q", x=alt.value(0), text="text:N"
        ),
        base.mark_rule(color=MUTED).encode(y="low:Q", y2="high:Q"),
        base.mark_line().encode(y=y),
        base.mark_point(filled=True, size=60, color=BLUE, opacity=1).encode(y=y),
        base.mark_text(dx=10, align="left", dy=16).encode(y=y, text="text:N"),
    )
    return draw(_sized(chart), title=title, subtitle=subtitle)


def agreement(
    points: Sequence[tuple[float, float]], scaling: Scaling, *, title: str, subtitle: str = ""
) -> Chart:
    """What was predicted against what happened; on the broken line they agree."""
    x, y = _axes(scaling)
    level = alt.Chart(_points([(0.0, 0.0), (1.0, 1.0)])).encode(x=x, y=y)
    base = alt.Chart(_points(points)).encode(x=x, y=y)
    chart = alt.layer(
        level.mark_line(color=MUTED, strokeDash=[5, 4], strokeWidth=1),
        base.mark_line(strokeWidth=1.5),
        base.mark_point(filled=True, size=70, color=BLUE, opacity=1),
    ).properties(width=HEIGHT + 80, height=HEIGHT)
    return draw(chart, title=title, subtitle=subtitle)


def slopes(
    rows: Sequence[Bar], *, title: str, subtitle: str = "", value_format: str = "+%"
) -> Chart:
    """Changes around nothing, each with its interval and the words at the side.

    `value_format` writes the numbers of the axis (d3-format).
    """
    values = [
        {
            "label": row.label,
            "value": row.value,
            "low": row.low,
            "high": row.high,
            "text": row.text,
            "colour": row.colour,
        }
        for row in rows
    ]
    ends = [abs(end) for row in rows for end in (row.low, row.high) if end is not None]
    most = max(ends, default=1.0) or 1.0
    width = WIDTH - 330
    x = alt.X("value:Q", title=None, axis=alt.Axis(format=value_format, tickCount=5)).scale(
        domain=[-most, most], nice=False
    )
    axis = alt.Axis(ticks=False, domain=False, labelPadding=8)
    base = alt.Chart(table(values)).encode(
        y=alt.Y("label:N", sort=[row.label for row in rows], title=None, axis=axis),
        color=alt.Color("colour:N", scale=None),
    )
    chart = alt.layer(
        alt.Chart(table([{"zero": 0}])).mark_rule(strokeWidth=1.5).encode(x="zero:Q"),
        base.mark_rule(strokeWidth=3, opacity=0.55).encode(x="low:Q", x2="high:Q"),
        base.mark_point(filled=True, size=80, opacity=1).encode(x=x),
        base.mark_text(align="left").encode(
            x=alt.value(width + 14), text="text:N", color=alt.value(INK)
        ),
    ).properties(width=width, height=BAR_HEIGHT * len(rows))
    return draw(chart, title=title, subtitle=subtitle)


def _stairs(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The corners of a line that stays level until the next point."""
    corners = [corner for (_, level), (x, y) in pairwise(points) for corner in ((x, level), (x, y))]
    return [*points[:1], *corners]


def _points(points: Sequence[tuple[float, float]]) -> alt.InlineData:
    return table([{"x": x, "y": y} for x, y in points])


def _axes(scaling: Scaling) -> tuple[alt.X, alt.Y]:
    across = alt.Scale(nice=False) if scaling.most is None else alt.Scale(domain=[0, scaling.most])
    return (
        alt.X("x:Q", title=scaling.x, scale=across, axis=alt.Axis(format=scaling.x_format)),
        alt.Y(
            "y:Q",
            # An area would pile up the two corners of a stair.
            stack=None,
            title=scaling.y,
            scale=alt.Scale(domain=[0, 1]),
            axis=alt.Axis(format=scaling.y_format, tickCount=5),
        ),
    )


def _sized(chart: Drawing) -> Drawing:
    sized: Drawing = chart.properties(width=WIDTH - 64, height=HEIGHT)
    return sized
