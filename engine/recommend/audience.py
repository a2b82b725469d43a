"""Who wants an item: the blend that makes a customer's list, asked the other way round."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.domain.histories import Histories
from engine.domain.ids import MISSING
from engine.models.item_item import ItemItem
from engine.models.model import Model
from engine.recommend.answer import Reason
from engine.recommend.blend import Blended, blend
from engine.recommend.explain import explain
from engine.recommend.recommender import BLOCK_SCORES, shown_score


@dataclass(frozen=True, slots=True)
class Wanting:
    """A customer who may want the item; score unitless, comparable between customers."""

    customer_id: str
    score: float
    reason: Reason


def neighbours(model: Model, item_id: str, *, most: int) -> list[str]:
    """The items most often bought by those who bought this one, the nearest first."""
    position = model.items.index(item_id)
    near = model.scorers.get(ItemItem.name)
    if position == MISSING or not isinstance(near, ItemItem):
        return []
    scores = np.nan_to_num(near.neighbours(position), nan=0.0)
    best = np.argsort(-scores, kind="stable")[:most]
    return [model.items[int(each)] for each in best if scores[each] > 0]


def audience(model: Model, histories: Histories, item_id: str, *, limit: int) -> list[Wanting]:
    """The customers with the highest scores for an item the model knows, ties by customer id."""
    item = model.items.index(item_id)
    found = [each for block in _blocks(histories, model) for each in _scored(model, block, item)]
    found.sort(key=lambda each: (-each.score, each.customer_id))
    return [
        Wanting(each.customer_id, each.score, _reason(model, each, item)) for each in found[:limit]
    ]


def without_buyers_since(histories: Histories, item: int, *, since_ms: int) -> Histories:
    """The customers who did not buy the item after that time."""
    lately = (histories.item == item) & (histories.at > since_ms)
    times = np.bincount(histories.row()[lately], minlength=len(histories))
    return histories.take(np.flatnonzero(times == 0))


@dataclass(frozen=True)
class _Scored:
    """A customer's score with what it was read off, to be explained when it is high enough."""

    customer_id: str
    score: float
    histories: Histories
    blended: Blended
    row: int


def _scored(model: Model, block: Histories, item: int) -> list[_Scored]:
    blended = blend(model, block)
    scores = blended.total[:, item].tolist()
    return [
        _Scored(block.customers[row], shown_score(score), block, blended, row)
        for row, score in enumerate(scores)
    ]


def _reason(model: Model, scored: _Scored, item: int) -> Reason:
    items = np.asarray([item], dtype=np.int64)
    (told,) = explain(model, scored.histories, scored.blended, row=scored.row, items=items)
    return told.reason


def _blocks(histories: Histories, model: Model) -> Iterator[Histories]:
    size = max(1, BLOCK_SCORES // max(1, len(model.items)))
    for start in range(0, len(histories), size):
        yield histories.take(np.arange(start, min(start + size, len(histories))))
