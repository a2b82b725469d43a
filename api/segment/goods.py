"""The products that a track call names, as lines in minor units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.domain.events import MAX_LINES, EventType, Line
from engine.domain.money import amount, in_minor_units, shares
from engine.errors import RequestInvalid

PRODUCTS = "products"
# The item is what the shop calls it, else what it keeps it under.
_ITEM_IDS = ("product_id", "sku", "id")


def lines_of(told: Mapping[str, Any], kind: EventType, *, currency: str | None) -> tuple[Line, ...]:
    """The lines of `products`, or of the one product whose fields stand among the properties.

    Prices are in major units, before the order's `discount`, which is shared out among the lines
    of a purchase by what they cost. Raises RequestInvalid naming the field.
    """
    products = told.get(PRODUCTS)
    if products is None:
        found = _one(told, kind, currency)
        return () if found is None else (found,)
    if not isinstance(products, list):
        raise RequestInvalid("is no list", field="properties.products")
    if len(products) > MAX_LINES:
        raise RequestInvalid(f"at most {MAX_LINES} products", field="properties.products")
    lines = [
        _line(product, kind, currency, place=f"properties.products[{index}]")
        for index, product in enumerate(products)
    ]
    if kind is EventType.PURCHASE:
        return _discounted(lines, told.get("discount"), currency)
    return tuple(lines)


def _one(told: Mapping[str, Any], kind: EventType, currency: str | None) -> Line | None:
    # "id" may be anything's here, and an order's own price is no product's.
    if told.get("product_id") is None and told.get("sku") is None:
        return None
    return _line(told, kind, currency, place="properties")


def _line(product: object, kind: EventType, currency: str | None, *, place: str) -> Line:
    if not isinstance(product, Mapping):
        raise RequestInvalid("is no object", field=place)
    price = amount(product.get("price"), field=f"{place}.price")
    quantity = amount(product.get("quantity"), field=f"{place}.quantity")
    if quantity is None and kind is EventType.PURCHASE:
        quantity = amount(1, field=place)
    return Line(
        item_id=_item_id(product, place),
        quantity=None if quantity is None else float(quantity),
        unit_price=None if price is None else in_minor_units(price, currency),
    )


def _item_id(product: Mapping[str, Any], place: str) -> str:
    for name in _ITEM_IDS:
        told = product.get(name)
        if isinstance(told, str) and told:
            return told
        if isinstance(told, int) and not isinstance(told, bool):
            return str(told)
    raise RequestInvalid("names no product: send product_id or sku", field=f"{place}.product_id")


def _discounted(lines: Sequence[Line], told: object, currency: str | None) -> tuple[Line, ...]:
    discount = amount(told, field="properties.discount")
    if not discount or discount < 0:
        return tuple(lines)
    values = [line.value() or 0 for line in lines]
    # Shipping may be let off too, and is no line: nothing is worth less than nothing.
    whole = min(in_minor_units(discount, currency), sum(values))
    return tuple(
        Line(line.item_id, line.quantity, line.unit_price, share)
        for line, share in zip(lines, shares(whole, values), strict=True)
    )
