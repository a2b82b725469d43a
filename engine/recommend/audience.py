"""Who wants an item: the blend that makes a customer's list, asked the other way round."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.domain.histories import Histories
from engine.domain.ids import MISSING
from engine.models.goals import Goal
from engine.models.item_item import ItemItem
from engine.models.model import Model
from engine.models.pairs import Pairs
from engine.models.query import Query
from engine.recommend.answer import Reason
from engine.recommend.candidates import Breadth, gather, union
from engine.recommend.eligibility import bought_pairs
from engine.recommend.explain import explain
from engine.recommend.features.held import position_in
from engine.recommend.recommender import BLOCK, shown_score
from engine.recommend.scoring import Scored, ask, score

# A customer's other candidates only say how high the scorers go for that customer.
BREADTH = Breadth(own=50, new=10, popular=10)


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
    items, scores = near.nearest(position)
    best = np.lexsort((items, -scores))[:most]
    return [model.items[int(items[each])] for each in best if scores[each] > 0]


def audience(
    model: Model, histories: Histories, item_id: str, *, limit: int, now_ms: int
) -> list[Wanting]:
    """The customers with the highest scores for an item the model knows, ties by customer id."""
    item = model.items.index(item_id)
    found = [each for block in _blocks(histories) for each in _scored(model, block, item, now_ms)]
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
class _Asked:
    """A customer's score with what it was read off, to be explained when it is high enough."""

    customer_id: str
    score: float
    scored: Scored
    row: int


def _scored(model: Model, block: Histories, item: int, now_ms: int) -> list[_Asked]:
    query = Query(block, now_ms)
    scores, count = ask(model, query), len(block)
    asked = Pairs.of(np.arange(count), np.full(count, item), customers=count)
    found = gather(scores, bought_pairs(block), breadth=BREADTH)
    pairs = union([found, asked], customers=count)
    scored = score(model, query, pairs, scores, goal=Goal.ANY)
    at = position_in(pairs, asked, items=len(model.items))
    return [
        _Asked(block.customers[row], shown_score(told), scored, row)
        for row, told in enumerate(scored.blended.total[at].tolist())
    ]


def _reason(model: Model, asked: _Asked, item: int) -> Reason:
    lists = np.full((len(asked.scored.query), 1), MISSING, dtype=np.int32)
    lists[asked.row, 0] = item
    return explain(model, asked.scored, lists, goal=Goal.ANY)[asked.row][0].reason


def _blocks(histories: Histories) -> Iterator[Histories]:
    for start in range(0, len(histories), BLOCK):
        yield histories.take(np.arange(start, min(start + BLOCK, len(histories))))
