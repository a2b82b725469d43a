"""What a page may tell of its visitor."""

from __future__ import annotations

from api.guard.caller import Caller
from api.problems import NotAllowed
from engine.domain.events import Event, EventType
from engine.domain.keys import Scope

# What a visitor does on a page. Anybody can send it, so nothing of it is worth money.
BROWSING = frozenset(
    {
        EventType.VIEW_ITEM,
        EventType.VIEW_ITEM_LIST,
        EventType.SELECT_ITEM,
        EventType.SEARCH,
        EventType.ADD_TO_CART,
        EventType.REMOVE_FROM_CART,
        EventType.BEGIN_CHECKOUT,
        EventType.IMPRESSION,
        EventType.PAGE_VIEW,
        EventType.VIEW_CART,
        EventType.ADD_TO_WISHLIST,
        EventType.ADD_SHIPPING_INFO,
        EventType.ADD_PAYMENT_INFO,
        EventType.CUSTOM,
    }
)
# A token proves who the visitor is.
WITH_TOKEN = BROWSING | {EventType.IDENTIFY}


def check_told(caller: Caller, event: Event, *, backfill: bool = False) -> None:
    """Raise NotAllowed when the caller may not tell this, or not as something of long ago."""
    if caller.may(Scope.EVENTS):
        return
    if backfill:
        # What is backfilled is not looked at for robots.
        raise NotAllowed("history is told by the shop's server, with a secret key")
    if event.customer_id is not None and event.customer_id != caller.customer:
        raise NotAllowed(
            "with a publishable key only of the customer whose token is sent", field="customer_id"
        )
    allowed = BROWSING if event.customer_id is None else WITH_TOKEN
    if event.type not in allowed:
        raise NotAllowed(
            f"{event.type} is told by the shop's server, with a secret key", field="type"
        )
