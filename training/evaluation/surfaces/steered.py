"""The lists of a window's customers under each setting of the control."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import LongArray
from engine.models.model import Model
from engine.models.query import Query
from engine.recommend.answer import Request
from engine.recommend.control.shortlist import Rule
from engine.recommend.eligibility import barred_pairs, rules_of
from engine.recommend.recommender import BLOCK, Ranked, Recommender
from engine.recommend.scoring import Scored
from training.evaluation.metrics import padded
from training.evaluation.surfaces.field import Field
from training.evaluation.surfaces.levers import Lever
from training.windows import Window


@dataclass(frozen=True)
class Steered:
    """The lists of n customers, `shown` (n, limit), -1 where one is short.

    `explored` of the `places` that might have gone to a cold item did go to one.
    """

    shown: LongArray
    explored: int
    places: int


def steered(
    field: Field, model: Model, window: Window, levers: Sequence[Lever]
) -> dict[Lever, Steered]:
    """Each lever's lists; `model` says what items cost, the field's scores are the same for all.

    Candidates are scored once a block, but for exploration, which brings its own.
    """
    recommenders = {
        each: Recommender(model, cooldown=field.cooldown, control=each.control) for each in levers
    }
    request = Request(limit=field.extent.limit)
    found: dict[Lever, list[Ranked]] = {each: [] for each in levers}
    for query in _blocks(window):
        scored = _scored(field.recommender, query, request, field)
        for lever, recommender in recommenders.items():
            own = scored
            if lever.control.exploration_share:
                bringing = Recommender(field.model, cooldown=field.cooldown, control=lever.control)
                own = _scored(bringing, query, request, field)
            found[lever].append(_arranged(recommender, own, request, field))
    return {each: _joined(ranked, limit=request.limit) for each, ranked in found.items()}


def _scored(recommender: Recommender, query: Query, request: Request, field: Field) -> Scored:
    rules = rules_of(request, recommender.masks_of(field.view))
    return recommender.scored(query, request, rules, goal=request.goal)


def _arranged(recommender: Recommender, scored: Scored, request: Request, field: Field) -> Ranked:
    rules = rules_of(request, recommender.masks_of(field.view))
    barred = barred_pairs(
        scored.query,
        scored.pairs,
        request,
        rules=rules,
        cooldown=recommender.cooldown,
        items=field.items,
    )
    return recommender.arranged(scored, rules, barred, request)


def _blocks(window: Window) -> Iterator[Query]:
    count = len(window.truths)
    for start in range(0, count, BLOCK):
        rows = np.arange(start, min(start + BLOCK, count))
        yield Query(window.histories.take(rows), window.start_ms)


def _joined(blocks: Sequence[Ranked], *, limit: int) -> Steered:
    lists = [each.items(row) for each in blocks for row in range(len(each.scored.query))]
    # A place that had nothing to explore is told with a chance of 1.
    chances = np.concatenate([each.lists.propensity.ravel() for each in blocks])
    rules = np.concatenate([each.lists.rule.ravel() for each in blocks])
    return Steered(
        shown=padded(lists, limit=limit),
        explored=int(np.count_nonzero(rules == Rule.EXPLORED)),
        places=int(np.count_nonzero(chances < 1)),
    )
