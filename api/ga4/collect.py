"""GA4's Measurement Protocol: what a server sends to Google it can send here."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from flask import Blueprint, Response, request

from api import params
from api.access import caller, services
from api.bodies import check_free, decode, read_json
from api.client_events import ClientEvents
from api.ga4.goods import lines_of
from api.guard.browsing import check_told
from api.robots import is_robot, marked
from api.wire import GaItemIn
from engine.domain.events import MAX_LINES, Event, EventType
from engine.errors import RequestInvalid

SOURCE = "ga4"
# Google takes 25 a request.
MAX_EVENTS = 1_000
_CANONICAL = {each.value: each for each in EventType}
_OF_FIELDS = frozenset({"items", "transaction_id", "currency"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
blueprint = Blueprint("ga4", __name__)


class _Envelope(msgspec.Struct, frozen=True):
    """Who sends; what else Google reads of it (consent, device, user_properties) is left out."""

    events: tuple[msgspec.Raw, ...]
    client_id: str | None = None
    app_instance_id: str | None = None
    user_id: str | None = None
    timestamp_micros: int | str | None = None


class _EventIn(msgspec.Struct, frozen=True):
    name: str
    params: dict[str, Any] = {}
    timestamp_micros: int | str | None = None


@blueprint.post("/mp/collect")
def collect() -> Response:
    """Take events; the answer is empty, as Google's is, and what is refused is kept."""
    params.allow("measurement_id", "firebase_app_id", "api_secret", "backfill")
    backfill = params.flag("backfill")
    envelope = decode(msgspec.json.encode(read_json(of_servers=True)), _Envelope)
    if len(envelope.events) > MAX_EVENTS:
        raise RequestInvalid(f"at most {MAX_EVENTS} events a request", field="events")
    robot = not backfill and is_robot(request.headers.get("User-Agent"))
    intake = ClientEvents(services(), source=SOURCE, backfill=backfill)
    for data in envelope.events:
        try:
            event = _event(decode(bytes(data), _EventIn), envelope)
            check_told(caller(), event, backfill=backfill)
        except RequestInvalid as error:
            intake.refuse(bytes(data), error)
            continue
        intake.add(marked(event) if robot else event, bytes(data))
    intake.record(now=services().clock())
    answer = Response(status=204)
    # Flask takes what says nothing of itself for HTML.
    del answer.headers["Content-Type"]
    return answer


def _event(told: _EventIn, envelope: _Envelope) -> Event:
    kind = _CANONICAL.get(told.name, EventType.CUSTOM)
    own = {name: value for name, value in told.params.items() if name not in _OF_FIELDS}
    kept = {"name": told.name, "properties": told.params} if kind is EventType.CUSTOM else own
    check_free(kept, field="params")
    currency = _text(told, "currency")
    known = kind is not EventType.CUSTOM
    return Event(
        event_id=_event_id(told, envelope),
        type=kind,
        occurred_at=_moment(told.timestamp_micros or envelope.timestamp_micros),
        customer_id=envelope.user_id or None,
        anonymous_id=envelope.client_id or envelope.app_instance_id or None,
        order_id=_text(told, "transaction_id") if known else None,
        lines=lines_of(
            _items(told) if known else (),
            kind,
            value=told.params.get("value"),
            currency=currency or services().clients.currency(),
        ),
        currency=currency,
        properties=kept,
    )


def _items(told: _EventIn) -> tuple[GaItemIn, ...]:
    items = told.params.get("items") or ()
    if isinstance(items, list) and len(items) > MAX_LINES:
        raise RequestInvalid(f"at most {MAX_LINES} items", field="params.items")
    return decode(msgspec.json.encode(items), tuple[GaItemIn, ...], field="params.items")


def _event_id(told: _EventIn, envelope: _Envelope) -> str:
    """An id that is the same when the same thing is told again, as far as GA4 lets that be known.

    A purchase is known by its transaction, as in GA4; anything else by all it says, if it says
    when it happened. Without a time two equal events are two.
    """
    order = _text(told, "transaction_id")
    if told.name == EventType.PURCHASE.value and order:
        written = f"purchase {order}"
    elif told.timestamp_micros or envelope.timestamp_micros:
        written = msgspec.json.encode(
            (told, msgspec.structs.replace(envelope, events=())), order="deterministic"
        ).decode()
    else:
        return f"ga4-{uuid.uuid4().hex}"
    return f"ga4-{hashlib.sha256(written.encode()).hexdigest()[:32]}"


def _text(told: _EventIn, name: str) -> str | None:
    value = told.params.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise RequestInvalid(f"{value!r:.60} is no text", field=f"params.{name}")
    return str(value)


def _moment(micros: int | str | None) -> datetime | None:
    if micros is None:
        return None
    try:
        return _EPOCH + timedelta(microseconds=int(micros))
    except (ValueError, OverflowError) as error:
        raise RequestInvalid(
            f"{micros!r:.60} is no time in microseconds since 1970", field="timestamp_micros"
        ) from error
