"""The order of a cart, told as a shop's own server tells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from api.services import Services
from api.storefront.shelf import Shown
from engine.domain.events import Event, EventType, Line
from engine.receipts import Receipt


def purchase(
    order_id: str,
    items: Mapping[str, int],
    known: Mapping[str, Shown],
    *,
    who: Mapping[str, str | None],
    currency: str | None,
) -> Event:
    """The purchase of a cart. An order that is sent twice is one event, and counts once."""
    lines = tuple(Line(each, float(count), known[each].price) for each, count in items.items())
    return Event(
        event_id=f"storefront-{order_id}",
        type=EventType.PURCHASE,
        order_id=order_id,
        lines=lines,
        currency=currency,
        **who,  # type: ignore[arg-type]
    )


def told(services: Services, event: Event) -> dict[str, Any]:
    """Record the event; what was sent and what came back, for the visitor to look at.

    Raises StoreUnavailable.
    """
    (receipt,) = services.intake.record([event], now=services.clock())
    return {"sent": [msgspec.to_builtins(event)], "answer": {"results": [_result(receipt)]}}


def _result(receipt: Receipt) -> dict[str, Any]:
    said = {"event_id": receipt.event_id, "status": receipt.status.value}
    return said | ({"reason": receipt.reason} if receipt.reason else {})
