"""Lists that begin with an item: alike, and bought together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import DoubleArray, LongArray
from engine.domain.ids import MISSING
from engine.recommend.answer import Request
from engine.recommend.surfaces import bought_together, similar
from training.evaluate import FINAL, POPULAR
from training.evaluation.metrics import NOTHING, Truth, padded
from training.evaluation.surfaces.counted import Counted
from training.evaluation.surfaces.field import Field, followed, top
from training.evaluation.surfaces.judged import Asked, judged, of_lists, wanted
from training.evaluation.surfaces.results import Surface

SIMILAR = Asked(
    "Similar items",
    "A customer bought this item: are the other things they bought for the first time in the "
    "same weeks among the items that are shown beside it?",
    "customer",
)
TOGETHER = Asked(
    "Bought together",
    "An order held this item: is the rest of the order among the items that are shown with it?",
    "order",
)
IN_CATEGORY = "best sellers of its category"
COUNTS = "plain counts"
SAME_CATEGORY = "Same category"


@dataclass(frozen=True)
class _Case:
    """An item that is shown, and what is then wanted."""

    item: int
    truth: Truth


def similar_items(field: Field) -> Surface | None:
    """One item of a customer's window; the others that were new to them are wanted."""
    rng, limit = field.rng(SIMILAR.name), field.extent.limit
    every = [each for truth in field.target.truths if (each := _new_beside(truth, rng))]
    cases = [every[at] for at in field.drawn(rng, len(every)).tolist()]
    counted, request = Counted.by_customer(field), Request(limit=limit)
    lists = {
        FINAL: [
            field.positions(
                similar(field.recommender, field.model.items[each.item], request, view=field.view)
            )
            for each in cases
        ],
        COUNTS: [_counted(field, counted, each.item) for each in cases],
        POPULAR: [top(field.sellers, limit=limit, without=[each.item]) for each in cases],
    }
    if field.has_categories:
        lists[IN_CATEGORY] = [_of_category(field, each.item) for each in cases]
    values = of_lists(lists, [each.truth for each in cases], items=field.items, limit=limit)
    if field.has_categories:
        for name, own in lists.items():
            values[name][SAME_CATEGORY] = _alike(field, cases, padded(own, limit=limit))
    return judged(SIMILAR, values, drawn_from=len(every), rng=rng) if cases else None


def together(field: Field) -> Surface | None:
    """One item of an order; the others are wanted."""
    rng, limit = field.rng(TOGETHER.name), field.extent.limit
    every = [each for each in field.placed if len(each.items) + each.unseen > 1 and len(each.items)]
    cases = []
    for at in field.drawn(rng, len(every)).tolist():
        order = every[at]
        item = int(rng.choice(order.items))
        rest = wanted(order.items[order.items != item], unseen=order.unseen)
        cases.append(_Case(item, rest))
    counted, request = Counted.by_order(field), Request(limit=limit)
    lists = {
        FINAL: [
            field.positions(
                bought_together(
                    field.recommender, field.model.items[each.item], request, view=field.view
                )
            )
            for each in cases
        ],
        COUNTS: [_counted(field, counted, each.item) for each in cases],
        POPULAR: [top(field.sellers, limit=limit, without=[each.item]) for each in cases],
    }
    values = of_lists(lists, [each.truth for each in cases], items=field.items, limit=limit)
    return judged(TOGETHER, values, drawn_from=len(every), rng=rng) if cases else None


def _new_beside(truth: Truth, rng: np.random.Generator) -> _Case | None:
    """An item by lot of those a customer bought, and the others that were new to them."""
    bought = np.concatenate([truth.repeat, truth.explore])
    if not len(bought):
        return None
    item = int(rng.choice(bought))
    others = truth.explore[truth.explore != item]
    return _Case(item, wanted(others, unseen=truth.unseen)) if len(others) else None


def _counted(field: Field, counted: Counted, item: int) -> LongArray:
    """What was most often held with the item, then what sells."""
    own = np.asarray([item], dtype=np.int64)
    return followed(counted.beside(item), field.sellers, limit=field.extent.limit, without=own)


def _of_category(field: Field, item: int) -> LongArray:
    """What sells best in the item's category, then elsewhere."""
    category = field.model.assortment.category
    own = np.asarray([item], dtype=np.int64)
    inside = field.sellers[category[field.sellers] == category[item]]
    first = inside if category[item] != MISSING else own
    return followed(first, field.sellers, limit=field.extent.limit, without=own)


def _alike(field: Field, cases: Sequence[_Case], shown: LongArray) -> DoubleArray:
    """The share of each list that is of its item's category; NaN where the item has none."""
    category = field.model.assortment.category
    own = category[[each.item for each in cases]]
    same = (category[shown] == own[:, None]) & (shown != NOTHING)
    share: DoubleArray = same.sum(axis=1) / np.maximum((shown != NOTHING).sum(axis=1), 1)
    return np.where(own == MISSING, np.nan, share)
