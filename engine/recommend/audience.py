"""Who wants an item: what the scorers say of it, customer beside customer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from engine.domain.arrays import FloatArray, IntArray
from engine.domain.histories import Histories
from engine.domain.ids import MISSING
from engine.models.als import Als
from engine.models.frequency import PersonalFrequency
from engine.models.goals import Goal
from engine.models.item_item import Ease, ItemItem
from engine.models.model import Model
from engine.models.pairs import Pairs
from engine.models.query import Query
from engine.models.repurchase import RepurchaseTiming
from engine.recommend.answer import Reason
from engine.recommend.candidates import Breadth, gather, union
from engine.recommend.eligibility import bought_pairs
from engine.recommend.explain import explain
from engine.recommend.recommender import BLOCK, shown_score
from engine.recommend.scoring import ask, score

# Scores that mean the same whoever is asked about: how likely a customer buys the item again, and
# two expectations of whether they buy it at all. A list's own blend is scaled customer by
# customer, and would put who has bought one thing in a lifetime beside who buys it every week.
VOICES: Mapping[str, float] = MappingProxyType(
    {RepurchaseTiming.name: 1.0, Als.name: 0.2, Ease.name: 0.2}
)
# A customer's other candidates only say which scorer speaks most for the item.
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
    item = np.asarray([model.items.index(item_id)], dtype=np.int32)
    said = wanting(model, histories, item, now_ms=now_ms)[:, 0].tolist()
    scores = [shown_score(each) for each in said]
    rows = range(len(histories))
    best = sorted(rows, key=lambda row: (-scores[row], histories.customers[row]))[:limit]
    reasons = _reasons(model, histories.take(best), int(item[0]), now_ms=now_ms)
    return [
        Wanting(histories.customers[row], scores[row], reason)
        for row, reason in zip(best, reasons, strict=True)
    ]


def wanting(model: Model, histories: Histories, items: IntArray, *, now_ms: int) -> FloatArray:
    """How much each customer wants each of the items, shape (customers, len(items)).

    `items` are distinct and ascending positions. What a scorer cannot say counts 0.
    """
    blocks = [_wanting(model, Query(block, now_ms), items) for block in _blocks(histories)]
    nobody: FloatArray = np.zeros((0, len(items)), dtype=np.float32)
    return np.concatenate([nobody, *blocks])


def without_buyers_since(histories: Histories, item: int, *, since_ms: int) -> Histories:
    """The customers who did not buy the item after that time."""
    lately = (histories.item == item) & (histories.at > since_ms)
    times = np.bincount(histories.row()[lately], minlength=len(histories))
    return histories.take(np.flatnonzero(times == 0))


def _wanting(model: Model, query: Query, items: IntArray) -> FloatArray:
    count = len(query)
    bounds = np.arange(count + 1, dtype=np.int64) * len(items)
    pairs = Pairs(bounds, np.tile(items, count))
    total: FloatArray = np.zeros(len(pairs), dtype=np.float32)
    for name, weight in voices(model).items():
        said = model.scorers[name].score(query).at(pairs)
        total += np.float32(weight) * np.nan_to_num(said, nan=0.0)
    return total.reshape(count, len(items))


def voices(model: Model) -> dict[str, float]:
    """How much each scorer of a model counts; simpler ones stand in for those it lacks."""
    known = dict(VOICES)
    if RepurchaseTiming.name not in model.scorers:
        known[PersonalFrequency.name] = VOICES[RepurchaseTiming.name]
    if not {Als.name, Ease.name} & model.scorers.keys():
        known[ItemItem.name] = VOICES[Ease.name]
    return {name: weight for name, weight in sorted(known.items()) if name in model.scorers}


def _reasons(model: Model, histories: Histories, item: int, *, now_ms: int) -> list[Reason]:
    """Why each customer may want the item, as a list that held it would tell them."""
    return [
        reason
        for block in _blocks(histories)
        for reason in _told(model, Query(block, now_ms), item)
    ]


def _told(model: Model, query: Query, item: int) -> list[Reason]:
    scores, count = ask(model, query), len(query)
    asked = Pairs.of(np.arange(count), np.full(count, item), customers=count)
    found = gather(scores, bought_pairs(query.histories), breadth=BREADTH)
    pairs = union([found, asked], customers=count)
    scored = score(model, query, pairs, scores, goal=Goal.ANY)
    lists = np.full((count, 1), item, dtype=np.int32)
    return [each[0].reason for each in explain(model, scored, lists, goal=Goal.ANY)]


def _blocks(histories: Histories) -> Iterator[Histories]:
    for start in range(0, len(histories), BLOCK):
        yield histories.take(np.arange(start, min(start + BLOCK, len(histories))))
