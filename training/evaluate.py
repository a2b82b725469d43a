"""Scoring lists on a window of time that the models have not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from engine.domain.arrays import LongArray
from engine.domain.histories import Histories
from engine.models.als import Als
from engine.models.frequency import PersonalFrequency
from engine.models.item_item import ItemItem
from engine.models.model import Model
from engine.models.popularity import Popularity
from engine.models.scorer import Scorer
from engine.recommend.answer import CatalogView, Request
from engine.recommend.recommender import Recommender
from training.fit import Recipe
from training.history import Purchases
from training.metrics import Metrics, Truth, measure

# Enough to put what a scorer cannot say in the order of popularity, and never to outweigh it.
FILL = 1e-6
BLEND = "blend"
CHAMPION = "champion"
# The rows of the table; each is the same recommender with other weights.
SINGLES: Mapping[str, Mapping[str, float]] = {
    "popularity": {Popularity.name: 1.0},
    "personal frequency": {PersonalFrequency.name: 1.0, Popularity.name: FILL},
    "item-item BM25": {ItemItem.name: 1.0, Popularity.name: FILL},
    "ALS as by default": {Als.name: 1.0},
    "ALS, with repeats": {Als.name: 1.0},
}
BASELINE = "personal frequency"
POPULAR = "popularity"
FILTERED = "ALS as by default"


@dataclass(frozen=True)
class Window:
    """Customers with a past who bought something in a window, and what they bought."""

    histories: Histories
    truths: Sequence[Truth]
    start_ms: int
    newcomers: int


def window(before: Purchases, after: Purchases) -> Window:
    """The window between two cuts; customers without a past are counted, not scored."""
    rows = {customer: row for row, customer in enumerate(before.customers.customers)}
    bought = after.customers.where(after.customers.at >= before.until_ms)
    positions = before.items.indices(after.items.ids)
    known: list[int] = []
    truths: list[Truth] = []
    newcomers = 0
    for number, customer in enumerate(bought.customers):
        own = bought.item[bought.indptr[number] : bought.indptr[number + 1]]
        if not len(own):
            continue
        if customer not in rows:
            newcomers += 1
            continue
        known.append(rows[customer])
        truths.append(_truth(before.customers, rows[customer], positions[np.unique(own)]))
    return Window(before.customers.take(known), truths, before.until_ms, newcomers)


def sample(everyone: Window, *, size: int, seed: int) -> Window:
    """At most `size` customers of a window, drawn evenly."""
    if len(everyone.truths) <= size:
        return everyone
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(everyone.truths), size=size, replace=False))
    return replace(
        everyone,
        histories=everyone.histories.take(rows),
        truths=[everyone.truths[row] for row in rows],
    )


def evaluate(
    model: Model, target: Window, *, cooldown: timedelta, limit: int, new_only: bool = False
) -> Metrics:
    """Metrics of the lists that the recommender gives as of the window's start."""
    recommender = Recommender(model, cooldown=cooldown)
    request = Request(limit=limit, new_only=new_only)
    blocks = recommender.rank(target.histories, request, view=CatalogView(), now_ms=target.start_ms)
    lists = [own for block in blocks for own in block.items]
    return measure(lists, target.truths, limit=limit, items=len(model.items))


def with_recipe(scorers: Mapping[str, Scorer], recipe: Recipe) -> dict[str, Scorer]:
    """The scorers with habits fading as the recipe says."""
    frequency = scorers[PersonalFrequency.name]
    params = {**frequency.params(), "half_life_days": recipe.half_life}
    return {**scorers, PersonalFrequency.name: PersonalFrequency.restore({}, params)}


def _truth(histories: Histories, row: int, bought: LongArray | np.ndarray) -> Truth:
    own = histories.item[histories.indptr[row] : histories.indptr[row + 1]]
    known = bought[bought >= 0].astype(np.int64)
    before = np.isin(known, own)
    return Truth(known[before], known[~before], int((bought < 0).sum()))
