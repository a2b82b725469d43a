"""Minutes and memory over the number of purchases, one line a stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from engine.charts.theme import AMBER, BLUE, GREEN, WIDTH, Chart, draw, table

HEIGHT = 260
COLOURS = (GREEN, BLUE, AMBER)
MINUTES, MEMORY = "minutes", "most memory held, GB"


@dataclass(frozen=True)
class Curve:
    """A stage at each size: minutes and GB over so many purchases."""

    name: str
    purchases: Sequence[int]
    minutes: Sequence[float]
    gigabytes: Sequence[float]


def draw_curves(curves: Sequence[Curve]) -> Chart:
    """Both costs side by side, from zero up, so that a straight line is a cost in proportion."""
    rows = [
        {"stage": curve.name, "purchases": many, "cost": cost, "value": value}
        for curve in curves
        for cost, values in ((MINUTES, curve.minutes), (MEMORY, curve.gigabytes))
        for many, value in zip(curve.purchases, values, strict=True)
    ]
    names = [curve.name for curve in curves]
    base = alt.Chart().encode(
        x=alt.X("purchases:Q", title="purchases", axis=alt.Axis(format="~s", tickCount=5)),
        y=alt.Y("value:Q", title=None, axis=alt.Axis(tickCount=5)),
        color=alt.Color("stage:N", scale=alt.Scale(domain=names, range=list(COLOURS))),
    )
    both = alt.layer(base.mark_line(), base.mark_point(filled=True, size=60, opacity=1))
    sized = both.properties(width=WIDTH // 2 - 70, height=HEIGHT, data=table(rows))
    faceted = sized.facet(column=alt.Column("cost:N", sort=[MINUTES, MEMORY], title=None))
    return draw(faceted.resolve_scale(y="independent"), title="Minutes and memory over size")
