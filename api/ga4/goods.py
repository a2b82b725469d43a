"""GA4's items, priced in major units, as lines in minor units."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from api.wire import GaItemIn
from engine.domain.events import EventType, Line
from engine.domain.money import amount, in_minor_units
from engine.errors import RequestInvalid

_ONE, _NOTHING = Decimal(1), Decimal(0)


class _Priced(NamedTuple):
    item_id: str
    quantity: Decimal
    price: Decimal | None
    discount: Decimal


def lines_of(
    items: Sequence[GaItemIn], kind: EventType, *, value: object, currency: str | None
) -> tuple[Line, ...]:
    """The lines of GA4's items; raises RequestInvalid naming the field.

    `price` is what a unit cost after its `discount`, as GA4's fields are defined. Some of GA4's
    own examples state it before: then the event's `value` says so, being the sum less discounts.
    A refund takes back at the price of the order: its lines state none.
    """
    priced = [_priced(item, place=f"items[{index}]") for index, item in enumerate(items)]
    if kind is EventType.REFUND:
        return tuple(Line(each.item_id, float(each.quantity)) for each in priced)
    before = _is_before_discount(priced, amount(value, field="value"), currency)
    return tuple(_line(each, currency, before=before) for each in priced)


def _priced(item: GaItemIn, *, place: str) -> _Priced:
    quantity = amount(item.quantity, field=f"{place}.quantity")
    discount = amount(item.discount, field=f"{place}.discount") or _NOTHING
    if discount < 0:
        raise RequestInvalid(f"{discount} is below 0", field=f"{place}.discount")
    return _Priced(
        item.item_id,
        _ONE if quantity is None else quantity,
        amount(item.price, field=f"{place}.price"),
        discount,
    )


def _is_before_discount(
    priced: Sequence[_Priced], value: Decimal | None, currency: str | None
) -> bool:
    if value is None:
        return False
    after = sum(((each.price or 0) * each.quantity for each in priced), _NOTHING)
    less = after - sum((each.discount * each.quantity for each in priced), _NOTHING)
    stated, one, other = (in_minor_units(each, currency) for each in (value, after, less))
    return stated == other != one


def _line(priced: _Priced, currency: str | None, *, before: bool) -> Line:
    if priced.price is None:
        return Line(priced.item_id, float(priced.quantity))
    full = priced.price if before else priced.price + priced.discount
    unit_price = in_minor_units(full, currency)
    paid = in_minor_units((full - priced.discount) * priced.quantity, currency)
    quantity = float(priced.quantity)
    return Line(priced.item_id, quantity, unit_price, round(quantity * unit_price) - paid)
