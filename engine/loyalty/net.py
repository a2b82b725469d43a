"""What is left of a customer's orders after refunds."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

from engine.domain.customers import CustomerSummary
from engine.domain.histories import NetLine
from engine.loyalty.state import UNIT_DIGITS, CustomerState, Order, Refund


@dataclass(slots=True)
class _Holding:
    """Units of one item that one order still holds."""

    order: Order
    bought: float
    paid: int
    units: float
    value: int

    def take(self, units: float | None, value: int | None) -> float:
        """Take units back, all when None, and say how many were; never more than are held."""
        taken = self.units if units is None else min(units, self.units)
        if taken >= self.units:
            # Goods all returned: nothing of the line is left, whatever sum the refund states.
            self.units, self.value = 0.0, 0
            return taken
        stated = self.paid * taken / self.bought if value is None else value * taken / (units or 1)
        self.units = round(self.units - taken, UNIT_DIGITS)
        self.value -= min(self.value, round(stated))
        return taken


_Holdings = dict[tuple[str, str], _Holding]


def net_lines(state: CustomerState) -> tuple[NetLine, ...]:
    """Lines of valid orders after refunds, oldest order first, items in order within one.

    A refund that names its order takes from that order. One that names only the item takes from
    the customer's purchases of the item up to its time, the latest first. What finds nothing to
    take back takes nothing. An order is valid while it holds a unit, and, if it cost anything,
    while something of its price is left.
    """
    if not state.refunds:
        return tuple(
            NetLine(order.order_id, order.at_ms, line.item_id, line.units, line.value)
            for order in state.orders
            for line in order.lines
        )
    holdings = _settled(state)
    return tuple(line for order in state.orders for line in _valid_lines(order, holdings))


def summarise(lines: tuple[NetLine, ...]) -> CustomerSummary:
    """Totals over a customer's net lines."""
    return CustomerSummary(
        orders=len({line.order_id for line in lines}),
        units=math.fsum(line.units for line in lines),
        revenue=sum(line.value for line in lines),
        first_order_ms=lines[0].at_ms if lines else None,
        last_order_ms=lines[-1].at_ms if lines else None,
    )


def _bought(state: CustomerState) -> _Holdings:
    return {
        (order.order_id, line.item_id): _Holding(
            order, line.units, line.value, line.units, line.value
        )
        for order in state.orders
        for line in order.lines
    }


def _settled(state: CustomerState) -> _Holdings:
    holdings = _bought(state)
    named = [refund for refund in state.refunds if refund.order_id is not None]
    loose = [refund for refund in state.refunds if refund.order_id is None]
    for refund in named:
        _take_from_order(refund, holdings)
    purchases = _purchases_of({refund.item_id for refund in loose}, holdings)
    for refund in loose:
        _take_latest(refund, purchases[refund.item_id])
    return holdings


def _take_from_order(refund: Refund, holdings: _Holdings) -> None:
    if refund.item_id is None:
        for (order_id, _), holding in holdings.items():
            if order_id == refund.order_id:
                holding.take(None, None)
    elif (found := holdings.get((refund.order_id or "", refund.item_id))) is not None:
        found.take(refund.units, refund.value)


def _purchases_of(
    items: set[str | None], holdings: _Holdings
) -> defaultdict[str | None, list[_Holding]]:
    """Holdings of the given items, the latest purchase first."""
    purchases: defaultdict[str | None, list[_Holding]] = defaultdict(list)
    for (_, item_id), holding in reversed(holdings.items()):
        if item_id in items:
            purchases[item_id].append(holding)
    return purchases


def _take_latest(refund: Refund, purchases: list[_Holding]) -> None:
    left = refund.units
    for holding in purchases:
        if holding.order.at_ms > refund.at_ms or holding.units == 0:
            continue
        share = None if refund.value is None or not refund.units else refund.value / refund.units
        value = None if share is None or left is None else round(share * left)
        taken = holding.take(left, value)
        if left is None:
            return
        left = round(left - taken, UNIT_DIGITS)
        if left <= 0:
            return


def _valid_lines(order: Order, holdings: _Holdings) -> tuple[NetLine, ...]:
    held = [(line, holdings[(order.order_id, line.item_id)]) for line in order.lines]
    cost_something = any(holding.paid > 0 for _, holding in held)
    if cost_something and not any(holding.value > 0 for _, holding in held):
        return ()
    return tuple(
        NetLine(order.order_id, order.at_ms, line.item_id, holding.units, holding.value)
        for line, holding in held
        if holding.units > 0
    )
