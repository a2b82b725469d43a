"""Orders and refunds: what was bought, and what was taken back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter

import msgspec

from engine.domain.events import Event, EventType
from engine.loyalty.fold.rows import Told, with_rows

# Quantities count to the millionth: a milligram of a kilogram.
UNIT_DIGITS = 6


class OrderLine(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """All units of one item in one order; value in minor units, 0 when no price was told.

    `discount`, in minor units, is what was taken off the price; the value is without it.
    """

    item_id: str
    units: float
    value: int
    discount: int = 0


class Order(msgspec.Struct, frozen=True, array_like=True, order=True):
    """An order with its lines sorted by item.

    `days_to_pay` is how long the payment took, None when nobody said.
    """

    at_ms: int
    order_id: str
    lines: tuple[OrderLine, ...]
    days_to_pay: float | None = None


class Refund(msgspec.Struct, frozen=True, array_like=True, gc=False):
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


_ORDER_KEY = attrgetter("at_ms", "order_id")
_REFUND_KEY = attrgetter("at_ms", "event_id", "line")


def orders_after(orders: tuple[Order, ...], news: Sequence[Told]) -> tuple[Order, ...]:
    """The orders with the purchases among the news, oldest first."""
    parts = [_order_of(each) for each in news if each.event.type is EventType.PURCHASE]
    if not parts:
        return orders
    known = {order.order_id: order for order in orders}
    for part in parts:
        order = known.get(part.order_id)
        known[part.order_id] = _merged(order, part) if order else part
    return tuple(sorted(known.values(), key=_ORDER_KEY))


def refunds_after(refunds: tuple[Refund, ...], news: Sequence[Told]) -> tuple[Refund, ...]:
    """The refunds with those among the news, a row for each line, oldest first."""
    fresh = [
        row for each in news if each.event.type is EventType.REFUND for row in _refunds_of(each)
    ]
    return with_rows(refunds, fresh, key=_REFUND_KEY)


def order_key(event: Event) -> str:
    """The order an event belongs to: the one it names, or one of its own."""
    return event.order_id if event.order_id is not None else f"event:{event.event_id}"


def summed(lines: Iterable[OrderLine]) -> tuple[OrderLine, ...]:
    """Lines with one entry an item, sorted by item."""
    totals: dict[str, tuple[float, int, int]] = {}
    for line in lines:
        units, value, discount = totals.get(line.item_id, (0.0, 0, 0))
        totals[line.item_id] = (
            _counted(units + line.units),
            value + line.value,
            discount + line.discount,
        )
    return tuple(OrderLine(item, *totals[item]) for item in sorted(totals))


def _counted(units: float) -> float:
    # Sums of floats depend on their order in the last bit; of multiples of a millionth, rounded
    # back to one, they do not (up to 4e9 units, where a millionth is still more than a last bit).
    return round(float(units), UNIT_DIGITS)


def _order_of(news: Told) -> Order:
    lines = (
        OrderLine(line.item_id, _counted(line.quantity or 0), line.value() or 0, line.discount)
        for line in news.event.lines
    )
    return Order(news.at_ms, order_key(news.event), summed(lines), news.said.value)


def _merged(one: Order, other: Order) -> Order:
    # An order may come in parts, each an event of its own: it starts with its earliest part.
    days = [part.days_to_pay for part in (one, other) if part.days_to_pay is not None]
    return Order(
        min(one.at_ms, other.at_ms),
        one.order_id,
        summed((*one.lines, *other.lines)),
        min(days, default=None),
    )


def _refunds_of(news: Told) -> list[Refund]:
    at_ms, event, _ = news
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
