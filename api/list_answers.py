"""Answers of the recommender as they travel, and the names they are cached by."""

from __future__ import annotations

import hashlib
import logging
import uuid
from datetime import datetime

import msgspec

from api.wire import ListedItem, ReasonOut, Recommendations, ServedBy
from engine.models.popularity import Popularity
from engine.recommend.answer import Answer, Request
from engine.recommend.recommender import Recommender

_log = logging.getLogger(__name__)


def told(
    answer: Answer,
    recommender: Recommender | None,
    customer_id: str | None,
    request: Request,
    *,
    now: datetime,
) -> Recommendations:
    """The answer with an id of its own; what it explores is logged under that id."""
    popular = all(item.source == Popularity.name for item in answer.items)
    made = Recommendations(
        recommendation_id=uuid.uuid4().hex,
        placement=request.placement,
        customer_id=customer_id,
        model_version=recommender.model.version if recommender else None,
        generated_at=now,
        served_by=ServedBy.POPULAR if answer.fallback_reason and popular else ServedBy.MODEL,
        fallback_reason=answer.fallback_reason,
        items=_listed(answer),
        requested=answer.requested,
        returned=len(answer.items),
        dropped=dict(answer.dropped),
    )
    for each in made.items:
        if each.rule == EXPLORED:
            _log.info(
                "recommendation_id=%s explores item_id=%s rank=%d propensity=%.6g",
                made.recommendation_id,
                each.item_id,
                each.rank,
                each.propensity,
            )
    return made


def cache_field(model_version: str, request: Request, *, epoch: str = "") -> str:
    """The name of a list in its customer's hash: equal exactly for equal requests to a model.

    `epoch` names what the shop wants of its lists.
    """
    return list_name(model_version, epoch, request=request_name(request))


def list_name(model_version: str, epoch: str, *, request: str) -> str:
    """The name of a list by the name of its request."""
    return f"{model_version}:{epoch}:{request}" if epoch else f"{model_version}:{request}"


def request_name(request: Request) -> str:
    """A name for the request alone, equal exactly for equal requests; no name ends with another."""
    content = {name: getattr(request, name) for name in Request.__slots__}
    content["exclude_item_ids"] = sorted(request.exclude_item_ids)
    encoded = msgspec.json.encode(content, order="deterministic")
    # A digest, since the ids to exclude may be a thousand.
    return hashlib.blake2b(encoded, digest_size=16).hexdigest()


EXPLORED = "explored"


def _listed(answer: Answer) -> tuple[ListedItem, ...]:
    return tuple(
        ListedItem(
            item_id=item.item_id,
            rank=item.rank,
            score=item.score,
            source=item.source,
            reasons=tuple(ReasonOut(reason.code, reason.item_id) for reason in item.reasons),
            rule=item.rule,
            propensity=item.propensity,
        )
        for item in answer.items
    )
