"""Events as JSON tells them, recorded for whoever sends them: both lanes do it here."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import msgspec

from api.bodies import check_free, decode
from api.ga4.goods import lines_of
from api.guard.browsing import check_told
from api.guard.caller import Caller
from api.json_words import alike
from api.robots import marked
from api.services import Services
from api.wire import EVENT_TYPES, EventIn, EventResult, EventResults, encode
from engine.domain.events import MAX_LINES, Event, EventType, Line
from engine.errors import EventConflict, RequestInvalid
from engine.receipts import Receipt, Status


class Sender(NamedTuple):
    """Who sends events: a robot by its own word, or somebody who tells of long ago."""

    services: Services
    caller: Caller
    robot: bool = False
    backfill: bool = False


class Told(NamedTuple):
    """An event, and whether it tells of long ago."""

    event: Event
    backfill: bool = False


def record_one(data: bytes, sender: Sender) -> bytes:
    """The answer to one event, as JSON; raises RequestInvalid or EventConflict."""
    (receipt,) = _recorded([_told(data, sender)], sender)
    if receipt.status is Status.CONFLICT:
        raise EventConflict(receipt.reason)
    if receipt.status is Status.REJECTED:
        raise RequestInvalid(receipt.reason or "", field=receipt.field or "")
    return _answer([_result(0, receipt)])


def record_many(batch: list[bytes], sender: Sender) -> bytes:
    """The answer to a batch, as JSON; each event has a result of its own."""
    results: dict[int, EventResult] = {}
    events: dict[int, Told] = {}
    for index, data in enumerate(batch):
        try:
            events[index] = _told(data, sender)
        except RequestInvalid as error:
            results[index] = EventResult(
                index, _event_id(data), Status.REJECTED, error.field or None, error.reason
            )
    if events:
        receipts = _recorded(list(events.values()), sender)
        for index, receipt in zip(events, receipts, strict=True):
            results[index] = _result(index, receipt)
    return _answer([results[index] for index in range(len(batch))])


def _told(data: bytes, sender: Sender) -> Told:
    """The event that JSON tells and the caller may tell; counted if there is none."""
    try:
        told = _read(data, sender.services)
        check_told(sender.caller, told.event, backfill=told.backfill or sender.backfill)
    except RequestInvalid:
        sender.services.watching.telemetry.unread()
        raise
    return told


def _read(data: bytes, services: Services) -> Told:
    """The event under its canonical type. Raises RequestInvalid."""
    told = decode(data, EventIn)
    if told.type not in EVENT_TYPES:
        close = " or ".join(map(repr, alike(told.type, tuple(EVENT_TYPES))))
        meant = f"did you mean {close}? " if close else ""
        raise RequestInvalid(
            f"{told.type[:60]!r} is no event type; {meant}/docs lists them all", field="type"
        )
    check_free(told.properties, field="properties")
    kind = EVENT_TYPES[told.type]
    properties = told.properties if told.value is None else {"value": told.value, **told.properties}
    event = Event(
        event_id=told.event_id,
        type=kind,
        occurred_at=told.occurred_at,
        customer_id=told.customer_id,
        anonymous_id=told.anonymous_id,
        order_id=_order_id(told),
        lines=_lines(told, kind, services),
        currency=told.currency,
        recommendation_id=told.recommendation_id,
        placement=told.placement,
        properties=properties,
    )
    return Told(event, backfill=told.backfill)


def _order_id(told: EventIn) -> str | None:
    if told.order_id and told.transaction_id and told.order_id != told.transaction_id:
        raise RequestInvalid(
            "order_id and transaction_id are the same thing here; send one", field="transaction_id"
        )
    return told.order_id or told.transaction_id


def _lines(told: EventIn, kind: EventType, services: Services) -> tuple[Line, ...]:
    """The lines, ours in minor units or GA4's items in major ones."""
    if told.items is None:
        return tuple(Line(**msgspec.structs.asdict(line)) for line in told.lines)
    if told.lines:
        raise RequestInvalid(
            "send lines (minor units: 499) or items (GA4's, major units: 4.99), not both",
            field="items",
        )
    if len(told.items) > MAX_LINES:
        raise RequestInvalid(f"at most {MAX_LINES} items", field="items")
    currency = told.currency or services.clients.currency()
    return lines_of(told.items, kind, value=told.value, currency=currency)


def _recorded(told: list[Told], sender: Sender) -> list[Receipt]:
    """What became of the events, those of robots marked; what is long ago is nobody's haste."""
    services = sender.services
    now = services.clock()
    live = [i for i, each in enumerate(told) if not (sender.backfill or each.backfill)]
    events = [each.event for each in told]
    judged = services.clients.pace.judged([events[index] for index in live], now=now)
    for index, event in zip(live, judged, strict=True):
        events[index] = marked(event) if sender.robot else event
    return services.intake.record(events, now=now)


def _result(index: int, receipt: Receipt) -> EventResult:
    return EventResult(index, receipt.event_id, receipt.status, receipt.field, receipt.reason)


def _event_id(data: bytes) -> str | None:
    """The id of an event that could not be read, when at least that can be."""
    try:
        return decode(data, _Named).event_id
    except RequestInvalid:
        return None


class _Named(msgspec.Struct):
    event_id: str


def _answer(results: list[EventResult]) -> bytes:
    counts = Counter(result.status for result in results)
    return encode(
        EventResults(
            accepted=counts[Status.ACCEPTED],
            duplicate=counts[Status.DUPLICATE],
            conflict=counts[Status.CONFLICT],
            rejected=counts[Status.REJECTED],
            results=tuple(results),
        )
    )
