"""What to show before there is a model: what sold best lately, counted from the log."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np

from engine.domain.assortment import Assortment
from engine.domain.ids import IdTable
from engine.errors import StoreUnavailable
from engine.models.goals import Goal
from engine.models.model import Model
from engine.models.popularity import Popularity
from engine.ports import Sales
from engine.recommend.recommender import Recommender

WINDOW = timedelta(days=90)
# Enough to fill the longest list after every rule.
MOST_ITEMS = 1_000
# The count reads a good part of the log; a list that is a minute old is as good.
KEPT = timedelta(minutes=1)


class BestSellers:
    """A recommender of best sellers, counted again when it has become old."""

    def __init__(self, sales: Sales, clock: Callable[[], datetime]) -> None:
        self._sales = sales
        self._clock = clock
        self._lock = threading.Lock()
        self._recommender = _recommender([])
        self._counted_at: datetime | None = None

    def recommender(self) -> Recommender:
        """One that knows popular items only, and none while there are no purchases to count."""
        with self._lock:
            now = self._clock()
            if self._counted_at is None or now - self._counted_at >= KEPT:
                self._counted_at = now
                try:
                    counted = self._sales.best_sellers(window=WINDOW, limit=MOST_ITEMS)
                    self._recommender = _recommender(counted)
                except StoreUnavailable:
                    # What was counted before is still the best there is.
                    return self._recommender
        return self._recommender


def _recommender(counted: list[tuple[str, int]]) -> Recommender:
    counts = np.asarray([count for _, count in counted], dtype=np.float32)
    model = Model(
        version="",
        until_ms=0,
        items=IdTable(item_id for item_id, _ in counted),
        scorers={Popularity.name: Popularity(counts, half_life_days=WINDOW / timedelta(days=1))},
        blends={Goal.ANY: {Popularity.name: 1.0}},
        assortment=Assortment.unknown(len(counts)),
    )
    return Recommender(model, cooldown=timedelta(0))
