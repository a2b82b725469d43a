"""An anonymous visit: what was looked at leads to what is bought."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import LongArray
from engine.models.item_item import ItemItem
from engine.recommend.basket import Hand
from training.evaluate import FINAL, POPULAR
from training.evaluation.metrics import HIT_RATE, MRR, Truth
from training.evaluation.surfaces.counted import Counted
from training.evaluation.surfaces.field import Field, followed, top
from training.evaluation.surfaces.judged import Asked, judged, of_lists, wanted
from training.evaluation.surfaces.results import Surface

VISIT = Asked(
    "Anonymous visit",
    "An unknown visitor looked at some items and then bought one more: is it in the list?",
    "order",
    (
        "Anonymous visits are orders whose items were seen one by one. Orders do not tell in "
        "which sequence: it is drawn by lot, and so is how many were seen. Lists have 20 places, "
        "as in Ludewig & Jannach (2018).",
    ),
)
NEAR_LAST = "item-item, the last item"
COUNTED_LAST = "plain counts, the last item"
PLACES = 20
# A visitor who has seen more has mostly made a choice.
MOST_SEEN = 9


@dataclass(frozen=True)
class _Case:
    """What was looked at, the newest last, what is wanted next, and when."""

    seen: LongArray
    truth: Truth
    at_ms: int


def visits(field: Field) -> Surface | None:
    """A part of an order, whoever placed it, and the next item of it."""
    rng = field.rng(VISIT.name)
    several = [each for each in field.placed if len(each.items) > 1]
    cases = []
    for at in field.drawn(rng, len(several)).tolist():
        mixed = rng.permutation(several[at].items)
        seen = int(rng.integers(1, min(len(mixed), MOST_SEEN + 1)))
        cases.append(_Case(mixed[:seen], wanted(mixed[seen : seen + 1]), several[at].at_ms))
    counted = Counted.by_order(field)
    lists = {
        FINAL: [_visited(field, each) for each in cases],
        NEAR_LAST: [_near(field, each) for each in cases],
        COUNTED_LAST: [
            followed(
                counted.beside(int(each.seen[-1])), field.sellers, limit=PLACES, without=each.seen
            )
            for each in cases
        ],
        POPULAR: [top(field.sellers, limit=PLACES, without=each.seen) for each in cases],
    }
    truths = [each.truth for each in cases]
    # Ludewig & Jannach (2018) ask whether the next item is in the list, and how high it stands.
    values = of_lists(lists, truths, items=field.items, limit=PLACES, metrics=(HIT_RATE, MRR))
    return judged(VISIT, values, drawn_from=len(several), rng=rng)


def _visited(field: Field, case: _Case) -> LongArray:
    hand = Hand(field.named(case.seen), viewed=True)
    return field.in_hand(hand, at_ms=case.at_ms, limit=PLACES)


def _near(field: Field, case: _Case) -> LongArray:
    """The nearest items of the last one, and then what sells."""
    near = field.model.scorers.get(ItemItem.name)
    first: LongArray = np.zeros(0, dtype=np.int64)
    if isinstance(near, ItemItem):
        items, scores = near.nearest(int(case.seen[-1]))
        first = items[np.lexsort((items, -scores))].astype(np.int64)
    return followed(first, field.sellers, limit=PLACES, without=case.seen)
