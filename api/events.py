"""What happened, told by the shop: durable and counted once when it is acknowledged."""

from __future__ import annotations

from collections import Counter

import msgspec
from flask import Blueprint, Response

from api import params
from api.access import caller, json_answer, services
from api.bodies import check_free, decode, one_or_many, read_json
from api.guard.browsing import check_told
from api.wire import EVENT_TYPES, EventIn, EventResult, EventResults, encode
from engine.domain.events import Event, Line
from engine.errors import EventConflict, RequestInvalid
from engine.feedback import Receipt, Status

blueprint = Blueprint("events", __name__)


@blueprint.post("/events")
def post() -> Response:
    """Record one event, or a batch whose events are answered one by one."""
    params.allow()
    content = read_json()
    batch = one_or_many(content, key="events")
    if batch is not None:
        return _answer(_record_many(batch))
    event = read_event(msgspec.json.encode(content))
    check_told(caller(), event)
    (receipt,) = services().feedback.record([event], now=services().clock())
    if receipt.status is Status.CONFLICT:
        raise EventConflict(receipt.reason)
    if receipt.status is Status.REJECTED:
        raise RequestInvalid(receipt.reason or "", field=receipt.field or "")
    return _answer([_result(0, receipt)])


def read_event(data: bytes) -> Event:
    """The event that JSON tells, under its canonical type. Raises RequestInvalid."""
    told = decode(data, EventIn)
    if told.type not in EVENT_TYPES:
        known = ", ".join(EVENT_TYPES)
        raise RequestInvalid(
            f"{told.type[:60]!r} is no event type; use one of {known}", field="type"
        )
    check_free(told.properties, field="properties")
    fields = {name: getattr(told, name) for name in EventIn.__struct_fields__}
    fields["type"] = EVENT_TYPES[told.type]
    fields["lines"] = tuple(Line(**msgspec.structs.asdict(line)) for line in told.lines)
    return Event(**fields)


def _record_many(batch: list[bytes]) -> list[EventResult]:
    results: dict[int, EventResult] = {}
    events: dict[int, Event] = {}
    for index, data in enumerate(batch):
        try:
            event = read_event(data)
            check_told(caller(), event)
            events[index] = event
        except RequestInvalid as error:
            results[index] = EventResult(
                index, _event_id(data), Status.REJECTED, error.field or None, error.reason
            )
    if events:
        receipts = services().feedback.record(list(events.values()), now=services().clock())
        for index, receipt in zip(events, receipts, strict=True):
            results[index] = _result(index, receipt)
    return [results[index] for index in range(len(batch))]


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


def _answer(results: list[EventResult]) -> Response:
    counts = Counter(result.status for result in results)
    return json_answer(
        encode(
            EventResults(
                accepted=counts[Status.ACCEPTED],
                duplicate=counts[Status.DUPLICATE],
                conflict=counts[Status.CONFLICT],
                rejected=counts[Status.REJECTED],
                results=tuple(results),
            )
        )
    )
