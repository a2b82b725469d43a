"""One customer's profile and segments, as the last event left them."""

from __future__ import annotations

from flask import Blueprint, Response

from api import params
from api.access import json_answer, services
from api.problems import IdentityUnknown
from api.profiles import membership, profile_of
from api.wire import encode
from api.wire_customers import CustomerSegments, IdentitySplit
from engine.domain.events import check_id
from engine.portrait import Portrait
from engine.segment_keeper import known

blueprint = Blueprint("customers", __name__)


@blueprint.get("/customers/<id:customer_id>/profile")
def profile(customer_id: str) -> Response:
    """Who this customer is: totals, what they bought, features, preferences and segments."""
    check_id(customer_id, field="customer_id")
    params.allow("explain")
    explain = params.flag("explain")
    return json_answer(encode(profile_of(_portrait(customer_id), explain=explain)), private=True)


@blueprint.get("/customers/<id:customer_id>/segments")
def segments(customer_id: str) -> Response:
    """The segments this customer is in now, or one of all segments, with or without the why."""
    check_id(customer_id, field="customer_id")
    params.allow("why", "name")
    explain, name = params.flag("why"), params.identifier("name")
    portrait = _portrait(customer_id)
    if name is not None:
        known(name, portrait.book)
    entered = dict(services().segments.of(customer_id))
    answer = CustomerSegments(
        customer_id=customer_id,
        as_of=portrait.at,
        segments=tuple(
            membership(portrait, each, entered=entered, explain=explain)
            for each in (portrait.segments if name is None else (name,))
        ),
    )
    return json_answer(encode(answer), private=True)


@blueprint.delete("/customers/<id:customer_id>/identities/<id:anonymous_id>")
def split(customer_id: str, anonymous_id: str) -> Response:
    """Take an anonymous visitor apart from the customer, as if they had never been joined."""
    check_id(customer_id, field="customer_id")
    check_id(anonymous_id, field="anonymous_id")
    params.allow()
    now = services().clock()
    identities = services().clients.identities
    if not identities.split(anonymous_id, customer_id=customer_id, now=now):
        raise IdentityUnknown(
            f"{anonymous_id!r:.80} is not joined to {customer_id!r:.80}; nothing was changed"
        )
    return json_answer(encode(IdentitySplit(customer_id, anonymous_id)), private=True)


def _portrait(customer_id: str) -> Portrait:
    return services().painter.portrait(customer_id, at=services().clock())
