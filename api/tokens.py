"""Tokens with which a page may show one customer's own lists."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

import msgspec
from flask import Blueprint, Response

from api import params
from api.access import json_answer, services
from api.bodies import decode, read_json
from api.wire import encode
from api.wire_tokens import TokenIn, TokenOut
from engine.domain.customer_tokens import SECRET_BYTES, end_of, minted
from engine.domain.events import check_id, to_ms
from engine.ports_access import ApiKeys

blueprint = Blueprint("tokens", __name__)


@blueprint.post("/customers/<id:customer_id>/token")
def mint(customer_id: str) -> Response:
    """A token of this customer, for a page to send beside its publishable key."""
    check_id(customer_id, field="customer_id")
    params.allow()
    asked = decode(msgspec.json.encode(read_json()), TokenIn, closed=True)
    life, now_ms = timedelta(seconds=asked.ttl_seconds), to_ms(datetime.now(UTC))
    token = token_of(services().keys, customer_id, life=life, now_ms=now_ms)
    ends = datetime.fromtimestamp(end_of(life, now_ms=now_ms), UTC)
    return json_answer(encode(TokenOut(customer_id, token, ends)), private=True)


def token_of(keys: ApiKeys, customer_id: str, *, life: timedelta, now_ms: int) -> str:
    """A token of the customer, by the shop's secret for them; its first one when it has none."""
    found = keys.need_token_secret(secrets.token_hex(SECRET_BYTES), now_ms=now_ms)
    return minted(customer_id, life, secrets=[each.secret for each in found], now_ms=now_ms)
