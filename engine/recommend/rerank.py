"""A given choice of items in the order one customer would like it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from engine.domain.histories import Histories
from engine.models.pairs import Pairs
from engine.models.query import Query
from engine.recommend.answer import Answer, CatalogView, Dropped, RecommendedItem, Request
from engine.recommend.eligibility import rules_of
from engine.recommend.recommender import Recommender
from engine.recommend.scoring import ask, score

# Where an item comes from that only the caller knows.
GIVEN = "given"


def rerank(
    recommender: Recommender,
    histories: Histories,
    item_ids: tuple[str, ...],
    request: Request,
    *,
    view: CatalogView,
    now_ms: int,
) -> Answer:
    """The given items in the order this one customer would like them, the first `limit` of them.

    Left out is what cannot be sold, what the request excludes and, strictly, what is of another
    category; what was just bought stays, since somebody asked for it. Items the model does not
    know come last, in the order given, with the lowest score listed.
    """
    model, query = recommender.model, Query(histories, now_ms)
    given = tuple(dict.fromkeys(item_ids))
    positions = model.items.indices(given)
    known = positions[positions >= 0]
    pairs = Pairs.of(np.zeros(len(known), np.int64), known, customers=1)
    rules = rules_of(request, recommender.masks_of(view))
    scored = score(model, query, pairs, ask(model, query), goal=request.goal)
    barred = {why: mask[pairs.item] for why, mask in rules.barred.items()}
    ranked = recommender.arranged(scored, rules, barred, request)
    (answer,) = recommender.answers(ranked, request, goal=request.goal)
    strangers = [each for each in given if each not in model.items]
    return _followed_by(answer, strangers, request, view=view)


def _followed_by(
    answer: Answer, strangers: list[str], request: Request, *, view: CatalogView
) -> Answer:
    """The list with items behind it that the model does not know."""
    least = min((item.score for item in answer.items), default=0.0)
    free = request.limit - len(answer.items)
    allowed = [each for each in strangers if _barring(each, request, view) is None][:free]
    behind = enumerate(allowed, start=len(answer.items) + 1)
    more = tuple(RecommendedItem(each, rank, least, GIVEN, ()) for rank, each in behind)
    kept_out = Counter(_barrings(strangers, request, view)) if free else Counter()
    dropped = {why: answer.dropped.get(why, 0) + kept_out[why] for why in Dropped}
    return replace(
        answer,
        items=answer.items + more,
        dropped={why: count for why, count in dropped.items() if count},
    )


def _barrings(item_ids: list[str], request: Request, view: CatalogView) -> Iterator[Dropped]:
    for each in item_ids:
        why = _barring(each, request, view)
        if why is not None:
            yield why


def _barring(item_id: str, request: Request, view: CatalogView) -> Dropped | None:
    if item_id in view.unavailable:
        return Dropped.UNAVAILABLE
    if item_id in request.exclude_item_ids:
        return Dropped.EXCLUDED
    other = view.categories.get(item_id) != request.category
    return (
        Dropped.OTHER_CATEGORY if request.strict_filtering and request.category and other else None
    )
