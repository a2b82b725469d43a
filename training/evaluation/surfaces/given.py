"""A given list put in order for each customer."""

from __future__ import annotations

import numpy as np

from engine.domain.arrays import LongArray
from engine.recommend.answer import Request
from engine.recommend.recommender import Recommender
from engine.recommend.rerank import rerank
from training.contest import alone
from training.evaluate import BASELINE, FINAL, POPULAR, SINGLES
from training.evaluation.surfaces.field import Field
from training.evaluation.surfaces.judged import Asked, judged, of_lists, wanted
from training.evaluation.surfaces.results import Surface

GIVEN = Asked(
    "A given list in order",
    "The shop's best sellers are given in any order: do those that a customer then bought come "
    "first?",
    "customer",
)
AS_GIVEN = "as given"
# So many items a campaign or a category page may bring.
GIVEN_ITEMS = 50


def given_list(field: Field) -> Surface | None:
    """The best sellers shuffled once; only what a customer bought of them is wanted."""
    rng, limit = field.rng(GIVEN.name), field.extent.limit
    best = field.sellers[:GIVEN_ITEMS]
    shuffled = rng.permutation(best)
    bought = [
        np.intersect1d(np.concatenate([each.repeat, each.explore]), best)
        for each in field.target.truths
    ]
    some = np.flatnonzero([len(each) > 0 for each in bought])
    rows = some[field.drawn(rng, len(some))].tolist()
    if not rows:
        return None
    frequent = Recommender(alone(field.model, SINGLES[BASELINE]), cooldown=field.cooldown)
    lists = {
        FINAL: [_reranked(field, field.recommender, shuffled, row) for row in rows],
        BASELINE: [_reranked(field, frequent, shuffled, row) for row in rows],
        POPULAR: [best[:limit]] * len(rows),
        AS_GIVEN: [shuffled[:limit]] * len(rows),
    }
    truths = [wanted(bought[row]) for row in rows]
    values = of_lists(lists, truths, items=field.items, limit=limit)
    return judged(GIVEN, values, drawn_from=len(some), rng=rng)


def _reranked(field: Field, recommender: Recommender, given: LongArray, row: int) -> LongArray:
    answer = rerank(
        recommender,
        field.target.histories.take([row]),
        tuple(field.model.items[item] for item in given.tolist()),
        Request(limit=field.extent.limit),
        view=field.view,
        now_ms=field.start_ms,
    )
    return field.positions(answer)
