"""Who wants an item: its buyers, buyers of its like, and those who like its category, ranked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from flask import Blueprint, Response

from api import params
from api.access import json_answer, services
from api.problems import ItemUnknown
from api.wire import FallbackReason, encode
from api.wire_customers import Audience, AudienceMember, AudienceReason, AudienceReasonOut
from engine.domain.events import check_id, to_ms
from engine.domain.histories import histories_of
from engine.live import Living, living
from engine.loyalty.features.personalisation import PERSONALIZATION
from engine.loyalty.features.tastes import scores_of
from engine.loyalty.net import net_lines
from engine.recommend.answer import DEFAULT_LIMIT, MAX_LIMIT
from engine.recommend.audience import audience, neighbours, without_buyers_since
from engine.recommend.recommender import Recommender, shown_score

# Whoever bought one of so many near items in the shop's last so many orders is looked at.
NEIGHBOURS = 50
LATEST_ORDERS = 10_000
CANDIDATES = 2_000
# What one answer may cost: scores of all items for each customer looked at, and their states.
MOST_SCORES = 2_000_000
MOST_STATE_BYTES = 400_000
# So many are looked at all the same: three customers are no audience.
LEAST = 30
PAGE = 100
_MS = timedelta(milliseconds=1)
blueprint = Blueprint("audience", __name__)


@dataclass(frozen=True)
class _Asked:
    """The item asked for, its category, and those who buy in that category most often."""

    item_id: str
    category: str | None
    likers: frozenset[str]
    now: datetime
    limit: int


@blueprint.get("/items/<id:item_id>/audience")
def for_item(item_id: str) -> Response:
    """The customers most likely to want this item."""
    check_id(item_id, field="item_id")
    params.allow("limit")
    limit = params.limit(default=DEFAULT_LIMIT, most=MAX_LIMIT)
    recommender = services().models.current()
    asked, candidates = _candidates(item_id, recommender, limit)
    knows = recommender is not None and item_id in recommender.model.items
    people = _people(candidates, items=len(recommender.model.items) if recommender and knows else 1)
    if recommender is not None and knows:
        reason, members = None, _by_model(recommender, people, asked)
    else:
        reason = FallbackReason.UNKNOWN_ITEM if recommender else FallbackReason.NO_MODEL
        members = _by_category(people, asked)
    answer = Audience(
        item_id=item_id,
        model_version=recommender.model.version if recommender else None,
        generated_at=asked.now,
        fallback_reason=reason,
        candidates=len(people),
        customers=tuple(members),
    )
    return json_answer(encode(answer), private=True)


def _candidates(
    item_id: str, recommender: Recommender | None, limit: int
) -> tuple[_Asked, list[str]]:
    """What is asked for and the customers to look at, the likeliest first."""
    parts = services()
    near = neighbours(recommender.model, item_id, most=NEIGHBOURS) if recommender else []
    buyers = parts.sales.buyers([item_id, *near], orders=LATEST_ORDERS, limit=CANDIDATES)
    item = parts.catalog.get(item_id)
    known = recommender is not None and item_id in recommender.model.items
    if item is None and not known and not buyers:
        raise ItemUnknown("nobody described or bought this item; PUT /v1/items describes it")
    category = item.category if item else None
    likers = parts.features.favouring(category, limit=CANDIDATES) if category else []
    asked = _Asked(item_id, category, frozenset(likers), parts.clock(), limit)
    return asked, list(dict.fromkeys([*buyers, *likers]))[:CANDIDATES]


def _people(customer_ids: Sequence[str], *, items: int) -> list[Living]:
    """The first customers within the bounds, without those who do not want personal service."""
    most = min(CANDIDATES, max(1, MOST_SCORES // max(1, items)))
    people: list[Living] = []
    size = 0
    for start in range(0, len(customer_ids), PAGE):
        page = customer_ids[start : start + PAGE]
        stored = {each.customer_id: each for each in services().customers.load_many(page)}
        for each in living(stored[name] for name in page if name in stored):
            size += len(each.stored.state)
            if len(people) == most or (len(people) >= LEAST and size > MOST_STATE_BYTES):
                return people
            if not _denied(each):
                people.append(each)
    return people


def _denied(customer: Living) -> bool:
    return any(
        each.topic == PERSONALIZATION and not each.granted for each in customer.state.consents
    )


def _by_model(
    recommender: Recommender, people: Sequence[Living], asked: _Asked
) -> list[AudienceMember]:
    """The best by the scores that make their own lists; who just bought it is left out."""
    model = recommender.model
    histories = histories_of(
        ((each.stored.customer_id, net_lines(each.state)) for each in people), items=model.items
    )
    since = to_ms(asked.now) - recommender.cooldown // _MS
    item = model.items.index(asked.item_id)
    waiting = without_buyers_since(histories, item, since_ms=since)
    return [
        AudienceMember(
            each.customer_id,
            rank,
            each.score,
            _reason(AudienceReason(each.reason.code), each.reason.item_id, each.customer_id, asked),
        )
        for rank, each in enumerate(
            audience(model, waiting, asked.item_id, limit=asked.limit, now_ms=to_ms(asked.now)),
            start=1,
        )
    ]


def _reason(
    code: AudienceReason, item_id: str | None, customer_id: str, asked: _Asked
) -> AudienceReasonOut:
    if code is AudienceReason.POPULAR and customer_id in asked.likers:
        return AudienceReasonOut(AudienceReason.LIKES_CATEGORY)
    return AudienceReasonOut(code, item_id)


def _by_category(people: Sequence[Living], asked: _Asked) -> list[AudienceMember]:
    """Those who want the item's category most, and buyers of the item, without a model."""
    if not people:
        return []
    now_ms = to_ms(asked.now)
    wanted = services().live.portraits(people, {}, now_ms=now_ms).preferences
    scores = np.nan_to_num(scores_of(wanted, asked.category or ""), nan=0.0).tolist()
    found = [
        (shown_score(score), each.stored.customer_id, bought)
        for score, each in zip(scores, people, strict=True)
        if (bought := _bought(each, asked.item_id)) or score > 0
    ]
    found.sort(key=lambda each: (-each[0], each[1]))
    liked, again = AudienceReason.LIKES_CATEGORY, AudienceReason.BUY_AGAIN
    return [
        AudienceMember(name, rank, score, AudienceReasonOut(again if bought else liked))
        for rank, (score, name, bought) in enumerate(found[: asked.limit], start=1)
    ]


def _bought(customer: Living, item_id: str) -> bool:
    return any(line.item_id == item_id for line in net_lines(customer.state))
