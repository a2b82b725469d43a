"""Rows of one order made into events that can be written again without counting twice."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from engine.domain.events import MAX_ID_LENGTH, MAX_LINES, Event, EventType, Line
from engine.ports import LineKey
from training.ingest.classify import REFUND

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGEST_LENGTH = 12
# Room for "refund:", the order, a colon and the digest.
_NAME_LENGTH = MAX_ID_LENGTH - len("refund::") - _DIGEST_LENGTH


class Row(NamedTuple):
    """A usable row, as the table `lines` has it."""

    position: int
    order_id: str
    customer_id: str | None
    order_at: int
    at_ms: int
    item_id: str
    quantity: float
    unit_price: int | None
    discount: int
    row_class: str
    loose: bool


@dataclass(frozen=True, slots=True)
class Planned:
    """An event and how many rows of the file it stands for, all of one class."""

    event: Event
    rows: int
    row_class: str


def plan(
    rows: Sequence[Row], *, known: Collection[LineKey], currency: str | None
) -> Iterator[Planned]:
    """The events of one order's rows, without the purchase lines the log knows already.

    The same rows give the same events with the same ids, whatever else the file holds.
    """
    bought = [row for row in rows if row.row_class != REFUND]
    new = [row for row in bought if _key(row) not in known]
    for start in range(0, len(new), MAX_LINES):
        part = new[start : start + MAX_LINES]
        yield Planned(
            _purchase(part, number=start, currency=currency), len(part), part[0].row_class
        )
    held = {row.item_id for row in bought} | {key.item_id for key in known}
    seen: Counter[tuple[object, ...]] = Counter()
    for row in rows:
        if row.row_class == REFUND:
            content = (row.at_ms, *_key(row))
            seen[content] += 1
            event = _refund(row, occurrence=seen[content], held=held, currency=currency)
            yield Planned(event, 1, REFUND)


def _purchase(rows: Sequence[Row], *, number: int, currency: str | None) -> Event:
    first = rows[0]
    content = [number, first.customer_id, [_key(row) for row in rows]]
    return Event(
        event_id=f"order:{_name(first.order_id)}:{_digest(content)}",
        type=EventType.PURCHASE,
        occurred_at=_moment(first.order_at),
        customer_id=first.customer_id,
        order_id=first.order_id,
        lines=tuple(_line(row) for row in rows),
        currency=currency,
    )


def _refund(row: Row, *, occurrence: int, held: Collection[str], currency: str | None) -> Event:
    # A return may carry the number of its order or one of its own: it names an order only when
    # that order is known to hold the item. A guest's return has nothing else to go by.
    named = not row.loose and (row.item_id in held or row.customer_id is None)
    content = [occurrence, row.customer_id, row.at_ms, _key(row)]
    return Event(
        event_id=f"refund:{_name(row.order_id)}:{_digest(content)}",
        type=EventType.REFUND,
        occurred_at=_moment(row.at_ms),
        customer_id=row.customer_id,
        order_id=row.order_id if named else None,
        lines=(_line(row),),
        currency=currency,
    )


def _line(row: Row) -> Line:
    return Line(row.item_id, row.quantity, row.unit_price, row.discount)


def _key(row: Row) -> LineKey:
    return LineKey(row.item_id, row.quantity, row.unit_price, row.discount)


def _moment(at_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=at_ms)


def _digest(content: object) -> str:
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()[:_DIGEST_LENGTH]


def _name(order_id: str) -> str:
    if len(order_id) <= _NAME_LENGTH:
        return order_id
    return hashlib.sha256(order_id.encode()).hexdigest()[:32]
