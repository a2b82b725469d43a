"""Scoring the lists of models on a window of time that they have not seen."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from engine.domain.arrays import LongArray
from engine.models.als import Als
from engine.models.frequency import PersonalFrequency
from engine.models.goals import Goal
from engine.models.item_item import Ease, ItemItem
from engine.models.model import Model
from engine.models.neighbours import NeighbourCustomers
from engine.models.popularity import Popularity
from engine.models.repurchase import RepurchaseTiming
from engine.recommend.answer import CatalogView, Request
from engine.recommend.recommender import Recommender
from training.evaluation.metrics import Metrics, measure
from training.fit import Fitted, Recipe
from training.windows import Window

# Enough to put what a scorer cannot say in the order of popularity, and never to outweigh it.
FILL = 1e-6
FINAL = "regulars"
BLEND = "blend"
CHAMPION = "champion"
BASELINE = "personal frequency"
POPULAR = "popularity"
FILTERED = "ALS as by default"
# The rows of the table; each is the same recommender with a scorer or two.
SINGLES: Mapping[str, Mapping[str, float]] = {
    POPULAR: {Popularity.name: 1.0},
    BASELINE: {PersonalFrequency.name: 1.0, Popularity.name: FILL},
    "repurchase timing": {RepurchaseTiming.name: 1.0, Popularity.name: FILL},
    "neighbours": {NeighbourCustomers.name: 1.0, Popularity.name: FILL},
    "item-item": {ItemItem.name: 1.0, Popularity.name: FILL},
    "EASE": {Ease.name: 1.0, Popularity.name: FILL},
    FILTERED: {Als.name: 1.0},
    "ALS, with repeats": {Als.name: 1.0},
}


@dataclass(frozen=True)
class Tried:
    """The lists that a model gave, what they are worth, and how long they took."""

    metrics: Metrics
    lists: Sequence[LongArray]
    seconds: float


def evaluate(
    model: Model, target: Window, *, cooldown: timedelta, limit: int, new_only: bool = False
) -> Tried:
    """The lists that the recommender gives as of the window's start."""
    recommender = Recommender(model, cooldown=cooldown)
    request = Request(limit=limit, new_only=new_only)
    begun = time.perf_counter()
    blocks = recommender.rank(target.histories, request, view=CatalogView(), now_ms=target.start_ms)
    lists = [block.items(row) for block in blocks for row in range(len(block.scored.query))]
    seconds = time.perf_counter() - begun
    metrics = measure(lists, target.truths, limit=limit, items=len(model.items))
    return Tried(metrics, lists, seconds)


def single(fitted: Fitted, weights: Mapping[str, float], *, half_life: float) -> Model:
    """A model of some of the scorers, blended by the same weights whatever the goal."""
    model = fitted.model(Recipe(half_life, {Goal.ANY: weights}))
    return Model(
        version=model.version,
        until_ms=model.until_ms,
        items=model.items,
        scorers={name: model.scorers[name] for name in weights},
        blends={Goal.ANY: weights},
        assortment=model.assortment,
    )
