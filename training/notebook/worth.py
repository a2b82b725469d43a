"""What customers are expected to bring, as charts."""

from __future__ import annotations

import numpy as np

from engine.charts.bars import Bar, bars
from engine.charts.theme import AMBER, BLUE
from training.notebook.shop import NotebookShop
from training.notebook.shown import Picture
from training.report.words import count, money, share

TENTHS = 10


def to_come(shop: NotebookShop) -> Picture:
    """The margin expected of customers, by tenths of them, the most valuable first."""
    sources = shop.sources
    values = sources.values("clv_predicted")
    known = np.sort(values[~np.isnan(values)])[::-1]
    tenths = [float(part.sum()) for part in np.array_split(known, TENTHS)]
    total = max(float(known.sum()), 1.0)
    rows = [
        Bar(
            "first tenth" if not number else f"{number + 1}. tenth",
            each,
            f"{money(each, sources.currency)}, {share(each / total)}",
            colour=BLUE if not number else AMBER,
        )
        for number, each in enumerate(tenths)
    ]
    config = sources.cuts.config
    return Picture(
        bars(
            rows,
            title=f"The most valuable tenth will bring {share(tenths[0] / total)} of the margin",
            subtitle=f"Expected margin of the next {config.horizon_months} months, discounted, of "
            f"{count(len(known))} customers in tenths by value.",
        )
    )
