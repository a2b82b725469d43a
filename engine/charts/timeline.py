"""One customer's orders along time, with the spans of something that holds meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import altair as alt

from engine.charts.theme import MUTED, WIDTH, Chart, draw, table

HEIGHT = 200
ACROSS = WIDTH - 80
STRIP = 14
# The strip of spans runs above the highest bar.
ROOM = 1.3
# A bar is as wide as its day, within what can be seen and what is still a bar, in pixels.
BAR_WIDTHS = (1.2, 5.0)
MOST_TICKS = 7
DAY_MS = 86_400_000
# Below so many days the axis names days, above it months.
DAYS_NAMED = 100


@dataclass(frozen=True)
class Event:
    """A bar at a time (ms since 1970 UTC) and its height."""

    at_ms: int
    value: float


@dataclass(frozen=True)
class Span:
    """What holds from one time to another, in ms since 1970 UTC, and its colour."""

    name: str
    from_ms: int
    to_ms: int
    colour: str


def timeline(
    events: Sequence[Event], spans: Sequence[Span], *, y: str, title: str, subtitle: str = ""
) -> Chart:
    """Bars at their times, below a strip of spans in the order given; `y` names the heights."""
    first, last = _ends(events, spans)
    days = (last - first) / DAY_MS
    across = _across(first, last)
    most = max((each.value for each in events), default=0.0) or 1.0
    least = min((each.value for each in events), default=0.0)
    least = min(least, 0.0)
    bars = (
        alt.Chart(table([{"at": each.at_ms, "value": each.value} for each in events]))
        .mark_bar(color=MUTED, width=_bar_width(days))
        .encode(
            x=across("at:T"),
            y=alt.Y(
                "value:Q",
                title=y,
                scale=alt.Scale(domain=[least, most * ROOM], nice=False),
                axis=alt.Axis(format=",~r" if most < 1 else ",.0f", tickCount=5),
            ),
        )
    )
    drawn = alt.layer(_strip(spans, across), bars).properties(width=ACROSS, height=HEIGHT)
    return draw(drawn, title=title, subtitle=subtitle)


def _strip(spans: Sequence[Span], across: Callable[[str], alt.X]) -> alt.Chart:
    colours = {each.name: each.colour for each in spans}
    rows = [{"name": each.name, "start": each.from_ms, "end": each.to_ms} for each in spans]
    strip: alt.Chart = (
        alt.Chart(table(rows))
        .mark_rect()
        .encode(
            x=across("start:T"),
            x2="end:T",
            y=alt.value(0),
            y2=alt.value(STRIP),
            color=alt.Color(
                "name:N",
                scale=alt.Scale(domain=list(colours), range=list(colours.values())),
                legend=alt.Legend(),
            ),
        )
    )
    return strip


def _ends(events: Sequence[Event], spans: Sequence[Span]) -> tuple[int, int]:
    times = [each.at_ms for each in events]
    times += [edge for each in spans for edge in (each.from_ms, each.to_ms)]
    return min(times, default=0), max(times, default=0)


def _bar_width(days: float) -> float:
    thin, thick = BAR_WIDTHS
    return min(max(ACROSS * 0.8 / max(days, 1.0), thin), thick)


def _across(first: int, last: int) -> Callable[[str], alt.X]:
    """The axis of time for a column: the same for every column."""
    # A little room, so that the bars at both ends are seen whole.
    margin = max(DAY_MS, int((last - first) * 0.01))
    scale = alt.Scale(type="utc", domain=[first - margin, last + margin], nice=False)
    axis = alt.Axis(
        format="%-d %b" if last - first < DAYS_NAMED * DAY_MS else "%b %Y",
        tickCount=MOST_TICKS,
        grid=False,
        labelOverlap=True,
    )
    return lambda column: alt.X(column, title=None, scale=scale, axis=axis)
