"""A customer's state: the fold of the customer's purchases and refunds.

`apply` keeps what happened, in an order of its own that does not depend on the order of arrival;
what a refund takes back is worked out from the whole (`engine.loyalty.net`), so that a refund may
come before its purchase. Exactly-once is the log's business: it hands every event over once.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from engine.domain.events import Event, EventType, to_ms


class OrderLine(msgspec.Struct, frozen=True, array_like=True, order=True):
    """All units of one item in one order; value in minor units, 0 when no price was told."""

    item_id: str
    units: float
    value: int


class Order(msgspec.Struct, frozen=True, array_like=True, order=True):
    """An order with its lines sorted by item."""

    at_ms: int
    order_id: str
    lines: tuple[OrderLine, ...]


class Refund(msgspec.Struct, frozen=True, array_like=True):
    """A line taken back: from a named order, or from the customer's latest purchases of the item.

    `item_id` None: the whole order. `units` None: all that is left. `value` None: as was paid.
    """

    at_ms: int
    event_id: str
    line: int
    order_id: str | None
    item_id: str | None
    units: float | None
    value: int | None


class CustomerState(msgspec.Struct, frozen=True, array_like=True):
    """Orders and refunds of one customer, both oldest first."""

    orders: tuple[Order, ...] = ()
    refunds: tuple[Refund, ...] = ()


# Quantities count to the millionth: a milligram of a kilogram.
UNIT_DIGITS = 6

NEW = CustomerState()
_decoder = msgspec.msgpack.Decoder(CustomerState)
_encoder = msgspec.msgpack.Encoder()


def apply(state: CustomerState, event: Event) -> CustomerState:
    """The state after one more event, whatever came before it; other types change nothing."""
    return apply_all(state, (event,))


def apply_all(state: CustomerState, events: Iterable[Event]) -> CustomerState:
    """The state after several more events of the customer, in any order.

    Every event carries its time (`Event.at`). Events of types that move no goods change nothing.
    """
    orders = {order.order_id: order for order in state.orders}
    refunds = list(state.refunds)
    for event in events:
        if event.type is EventType.PURCHASE:
            order = _order_of(event)
            known = orders.get(order.order_id)
            orders[order.order_id] = _merged(known, order) if known else order
        elif event.type is EventType.REFUND:
            refunds.extend(_refunds_of(event))
    return CustomerState(
        orders=tuple(sorted(orders.values(), key=lambda each: (each.at_ms, each.order_id))),
        refunds=tuple(sorted(refunds, key=lambda each: (each.at_ms, each.event_id, each.line))),
    )


def encode(state: CustomerState) -> bytes:
    """The state as bytes, equal for equal states."""
    return _encoder.encode(state)


def decode(data: bytes) -> CustomerState:
    """The state that `encode` wrote; no bytes at all is a new customer."""
    return _decoder.decode(data) if data else NEW


def order_key(event: Event) -> str:
    """The order an event belongs to: the one it names, or one of its own."""
    return event.order_id if event.order_id is not None else f"event:{event.event_id}"


def time_ms(event: Event) -> int:
    """The time of an event that has one, in ms since 1970 UTC."""
    if event.occurred_at is None:
        raise ValueError(f"event {event.event_id} has no time; call Event.at first")
    return to_ms(event.occurred_at)


def summed(lines: Iterable[OrderLine]) -> tuple[OrderLine, ...]:
    """Lines with one entry an item, sorted by item."""
    totals: dict[str, tuple[float, int]] = {}
    for line in lines:
        units, value = totals.get(line.item_id, (0.0, 0))
        totals[line.item_id] = (_counted(units + line.units), value + line.value)
    return tuple(OrderLine(item, *totals[item]) for item in sorted(totals))


def _counted(units: float) -> float:
    # Sums of floats depend on their order in the last bit; of multiples of a millionth, rounded
    # back to one, they do not (up to 4e9 units, where a millionth is still more than a last bit).
    return round(float(units), UNIT_DIGITS)


def _order_of(event: Event) -> Order:
    lines = (
        OrderLine(line.item_id, _counted(line.quantity or 0), line.value() or 0)
        for line in event.lines
    )
    return Order(time_ms(event), order_key(event), summed(lines))


def _merged(one: Order, other: Order) -> Order:
    # An order may come in parts, each an event of its own: it starts with its earliest part.
    return Order(min(one.at_ms, other.at_ms), one.order_id, summed((*one.lines, *other.lines)))


def _refunds_of(event: Event) -> list[Refund]:
    at_ms = time_ms(event)
    if not event.lines:
        return [Refund(at_ms, event.event_id, 0, event.order_id, None, None, None)]
    return [
        Refund(
            at_ms,
            event.event_id,
            number,
            event.order_id,
            line.item_id,
            None if line.quantity is None else _counted(line.quantity),
            line.value() if line.quantity is not None else None,
        )
        for number, line in enumerate(event.lines)
    ]
