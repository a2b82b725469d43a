"""One call of Segment's tracking API, and the event that it tells."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from api.bodies import check_free, decode
from api.segment.goods import PRODUCTS, lines_of
from api.segment.names import type_of
from engine.domain.events import Event, EventType, Line
from engine.errors import RequestInvalid

Id: TypeAlias = str | int | None
CALLS = ("track", "identify", "page", "screen", "group", "alias")


class MessageIn(msgspec.Struct, frozen=True, rename="camel"):
    """What is read of a call; whatever else it carries (context, integrations) is left out."""

    type: str | None = None
    message_id: Id = None
    user_id: Id = None
    anonymous_id: Id = None
    previous_id: Id = None
    group_id: Id = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    timestamp: str | None = None
    original_timestamp: str | None = None
    sent_at: str | None = None
    context: dict[str, Any] | None = None


class Moment(msgspec.Struct, frozen=True):
    """When a request came, and when its sender's clock says that it was sent."""

    received_at: datetime
    sent_at: str | None = None


def read_message(data: bytes) -> MessageIn:
    """The call that JSON tells. Raises RequestInvalid."""
    return decode(data, MessageIn)


def event_of(message: MessageIn, *, moment: Moment, currency: Callable[[], str | None]) -> Event:
    """The event of a call; `currency` says the shop's, for amounts that name none.

    Raises RequestInvalid, naming the field, for what cannot be understood.
    """
    reader = _READERS.get(message.type or "")
    if reader is None:
        known = ", ".join(CALLS)
        raise RequestInvalid(f"{message.type!r:.60} is none of {known}", field="type")
    event = reader(message, currency)
    check_free(event.properties, field="properties")
    return msgspec.structs.replace(
        event,
        event_id=_text(message.message_id) or uuid.uuid4().hex,
        customer_id=_text(message.user_id),
        anonymous_id=event.anonymous_id or _text(message.anonymous_id),
        occurred_at=_occurred_at(message, moment),
    )


def user_agent(message: MessageIn) -> str | None:
    """What the browser or app of the call says it is, None when it says nothing."""
    told = (message.context or {}).get("userAgent")
    return told if isinstance(told, str) else None


def _track(message: MessageIn, currency: Callable[[], str | None]) -> Event:
    if not message.event:
        raise RequestInvalid("a track call names its event", field="event")
    told = message.properties or {}
    kind = type_of(message.event)
    money = _currency(told) or currency()
    own = {name: value for name, value in told.items() if name != PRODUCTS}
    named = kind in (EventType.PAGE_VIEW, EventType.CUSTOM)
    # An unknown event's products may be anything: they stay what they are.
    lines = () if kind is EventType.CUSTOM else lines_of(told, kind, currency=money)
    if kind is EventType.REFUND and own.get("order_id"):
        # Prices are those before the order's discount: the order knows what was paid.
        lines = tuple(Line(line.item_id, line.quantity) for line in lines)
    # A cancelled order is taken back as a whole, whatever it lists.
    whole = message.event.strip().casefold() == "order cancelled" and "order_id" in told
    kept = told if kind is EventType.CUSTOM else own
    return Event(
        event_id="",
        type=kind,
        order_id=_text(told.get("order_id"), field="properties.order_id"),
        lines=() if whole else lines,
        currency=_currency(told),
        properties=_named(message.event, kept) if named else own,
    )


def _identify(message: MessageIn, _: object) -> Event:
    # RudderStack's clients tell them among the context.
    traits = message.traits or (message.context or {}).get("traits")
    return Event("", EventType.IDENTIFY, properties=_filled(traits=traits))


def _page(message: MessageIn, _: object) -> Event:
    told = message.properties or {}
    name = message.name or message.category or str(told.get("title") or told.get("path") or "")
    return Event("", EventType.PAGE_VIEW, properties=_named(name or message.type or "", told))


def _group(message: MessageIn, _: object) -> Event:
    told = _filled(group_id=_text(message.group_id), traits=message.traits)
    return Event("", EventType.CUSTOM, properties=_named("group", told))


def _alias(message: MessageIn, _: object) -> Event:
    previous = _text(message.previous_id) or _text(message.anonymous_id)
    if message.user_id is None or previous is None:
        raise RequestInvalid("an alias joins a previousId to a userId", field="previousId")
    return Event("", EventType.IDENTIFY, anonymous_id=previous)


_Reader: TypeAlias = Callable[[MessageIn, Callable[[], str | None]], Event]
_READERS: Mapping[str, _Reader] = {
    "track": _track,
    "identify": _identify,
    "page": _page,
    "screen": _page,
    "group": _group,
    "alias": _alias,
}


def _named(name: str, told: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, **_filled(properties=dict(told))}


def _filled(**fields: object) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}


def _currency(told: Mapping[str, Any]) -> str | None:
    code = told.get("currency")
    if code is None or code == "":
        return None
    if not isinstance(code, str):
        raise RequestInvalid(f"{code!r:.60} is no currency", field="properties.currency")
    return code.strip().upper()


def _text(told: object, *, field: str = "") -> str | None:
    """An id as text, None when it is missing or empty; clients send numbers too."""
    if told is None or told == "":
        return None
    if isinstance(told, bool) or not isinstance(told, str | int):
        raise RequestInvalid(f"{told!r:.60} is no id", field=field)
    return str(told)


def _occurred_at(message: MessageIn, moment: Moment) -> datetime:
    """When it happened, by our clock: what the sender's shows wrong is taken out.

    As Segment has it: the time of receipt less what passed, by the sender's clock, between the
    call and its sending.
    """
    written = message.original_timestamp or message.timestamp
    if not written:
        return moment.received_at
    happened = _moment(written, field="timestamp")
    sent = message.sent_at or moment.sent_at
    if not sent:
        return happened
    try:
        return moment.received_at - (_moment(sent, field="sentAt") - happened)
    except (RequestInvalid, OverflowError):
        # A sender that cannot tell the time of sending may still know when it happened.
        return happened


def _moment(written: str, *, field: str) -> datetime:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError as error:
        raise RequestInvalid(
            f"{written[:60]!r} is no time; write 2026-01-31T12:00:00Z", field=field
        ) from error
    if moment.tzinfo is None:
        raise RequestInvalid(f"{written[:60]!r} has no time zone; add Z", field=field)
    return moment
