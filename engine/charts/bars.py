"""Bars: amounts, shares with their intervals, two shares side by side, stacks over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from engine.charts.theme import BLUE, GREY, INK, WIDTH, Chart, Drawing, draw, table

BAR_HEIGHT = 30
# The longest bar leaves room for the words behind it.
ROOM = 1.45


@dataclass(frozen=True)
class Bar:
    """A bar: its label, its length, the words behind it, and the bounds of an interval if any."""

    label: str
    value: float
    text: str = ""
    low: float | None = None
    high: float | None = None
    colour: str = BLUE

    @property
    def end(self) -> float:
        """How far to the right anything of it reaches."""
        return max(self.value, self.high or 0.0)


@dataclass(frozen=True)
class Pair:
    """Two shares of one thing, each with the words behind its bar."""

    label: str
    one: float
    other: float
    texts: tuple[str, str]


@dataclass(frozen=True)
class Layer:
    """One layer of a stack: its name and its amount at each point of the axis."""

    name: str
    values: Sequence[float]
    colour: str


def bars(rows: Sequence[Bar], *, title: str, subtitle: str = "") -> Chart:
    """Horizontal bars in the given order, with whiskers where there are intervals."""
    values = [
        {
            "label": row.label,
            "value": row.value,
            "text": row.text,
            "low": row.low,
            "high": row.high,
            "colour": row.colour,
            "end": row.end,
        }
        for row in rows
    ]
    most = max((row.end for row in rows), default=0.0) or 1.0
    base = alt.Chart(table(values)).encode(y=_labels([row.label for row in rows]))
    across = alt.Scale(domain=[0, most * ROOM], nice=False)
    layers = [
        base.mark_bar(height={"band": 0.66}).encode(
            x=alt.X("value:Q", axis=None, scale=across), color=alt.Color("colour:N", scale=None)
        ),
        base.mark_text(align="left", dx=8).encode(x=alt.X("end:Q", scale=across), text="text:N"),
    ]
    if any(row.low is not None for row in rows):
        layers.insert(1, _whiskers(base, across))
    return draw(_sized(alt.layer(*layers), len(rows)), title=title, subtitle=subtitle)


def pairs(rows: Sequence[Pair], *, names: tuple[str, str], title: str, subtitle: str = "") -> Chart:
    """Two bars for each row, of shares of different wholes, in the given order."""
    values = [
        {"label": row.label, "share": share, "of": name, "text": text}
        for row in rows
        for share, name, text in zip((row.one, row.other), names, row.texts, strict=True)
    ]
    most = max((share for row in rows for share in (row.one, row.other)), default=0.0) or 1.0
    across = alt.Scale(domain=[0, most * ROOM], nice=False)
    base = alt.Chart(table(values)).encode(
        y=_labels([row.label for row in rows]),
        yOffset=alt.YOffset("of:N", sort=list(names)),
    )
    chart = alt.layer(
        base.mark_bar().encode(
            x=alt.X("share:Q", axis=None, scale=across),
            color=alt.Color(
                "of:N",
                scale=alt.Scale(domain=list(names), range=[GREY, BLUE]),
                legend=alt.Legend(),
            ),
        ),
        base.mark_text(align="left", dx=6, fontSize=12).encode(x="share:Q", text="text:N"),
    )
    return draw(_sized(chart, len(rows) * 1.6), title=title, subtitle=subtitle)


def stacks(
    points: Sequence[str], layers: Sequence[Layer], *, title: str, subtitle: str = ""
) -> Chart:
    """Upright stacks, one a point, the first layer at the bottom."""
    values = [
        {"point": point, "layer": layer.name, "amount": layer.values[at], "order": order}
        for order, layer in enumerate(layers)
        for at, point in enumerate(points)
    ]
    chart = (
        alt.Chart(table(values))
        .mark_bar(width={"band": 0.8})
        .encode(
            x=alt.X("point:N", sort=list(points), title=None, axis=alt.Axis(labelAngle=0)),
            y=alt.Y("amount:Q", title=None, axis=alt.Axis(format=",d", tickCount=5, tickMinStep=1)),
            color=alt.Color(
                "layer:N",
                scale=alt.Scale(
                    domain=[layer.name for layer in layers],
                    range=[layer.colour for layer in layers],
                ),
                legend=alt.Legend(),
            ),
            order="order:Q",
        )
        .properties(width=WIDTH - 60, height=260)
    )
    return draw(chart, title=title, subtitle=subtitle)


def histogram(rows: Sequence[Bar], *, across: str, title: str, subtitle: str = "") -> Chart:
    """Upright bars that touch, one a bin, with the words above each."""
    values = [
        {"label": row.label, "value": row.value, "text": row.text, "colour": row.colour}
        for row in rows
    ]
    order = [row.label for row in rows]
    base = alt.Chart(table(values)).encode(
        x=alt.X("label:N", sort=order, title=across, axis=alt.Axis(labelAngle=0)),
        y=alt.Y("value:Q", axis=None),
    )
    chart = alt.layer(
        base.mark_bar(width={"band": 0.94}).encode(color=alt.Color("colour:N", scale=None)),
        base.mark_text(dy=-8, fontSize=12, color=INK).encode(text="text:N"),
    ).properties(width=WIDTH - 20, height=200)
    return draw(chart, title=title, subtitle=subtitle)


def _labels(labels: Sequence[str]) -> alt.Y:
    return alt.Y(
        "label:N",
        sort=list(labels),
        title=None,
        axis=alt.Axis(ticks=False, domain=False, labelPadding=8),
    )


def _whiskers(base: alt.Chart, across: alt.Scale) -> alt.Chart:
    whiskers: alt.Chart = base.mark_rule(color=INK, strokeWidth=1.5).encode(
        x=alt.X("low:Q", scale=across), x2="high:Q"
    )
    return whiskers


def _sized(chart: Drawing, rows: float) -> Drawing:
    sized: Drawing = chart.properties(width=WIDTH - 180, height=max(BAR_HEIGHT * rows, BAR_HEIGHT))
    return sized
