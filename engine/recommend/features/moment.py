"""Features of the moment: the day, and what the customer has in hand."""

from __future__ import annotations

import numpy as np

from engine.domain.histories import DAY_MS
from engine.recommend.features.asked import Asked, Columns

# 1970-01-01 was a Thursday; Monday is 0.
_THURSDAY = 3
DAYS_OF_WEEK = 7
NAMES = ("weekday", "basket_items")


def moment_columns(asked: Asked) -> Columns:
    """The day of the week (UTC) and how many items are in the basket."""
    if not asked.wanted(NAMES):
        return {}
    day = asked.query.now_ms // DAY_MS
    count = len(asked.pairs)
    baskets = asked.query.baskets
    held = np.zeros(len(asked.query)) if baskets is None else np.diff(baskets.indptr)
    weekday = np.full(count, (day + _THURSDAY) % DAYS_OF_WEEK, dtype=np.float32)
    return dict(zip(NAMES, (weekday, held.astype(np.float32)[asked.row]), strict=True))
