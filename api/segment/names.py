"""What the events of Segment's e-commerce specification are called here."""

from __future__ import annotations

from collections.abc import Mapping

from api.wire import SEGMENT_NAMES
from engine.domain.events import EventType

# Something done on the site that has no type of its own: part of a visit, under its own name.
ON_THE_SITE = frozenset(
    {
        "Checkout Step Viewed",
        "Checkout Step Completed",
        "Promotion Clicked",
        "Coupon Entered",
        "Coupon Applied",
        "Coupon Denied",
        "Coupon Removed",
        "Product Removed from Wishlist",
        "Product Shared",
        "Cart Shared",
    }
)
_NAMES: Mapping[str, EventType] = {
    **SEGMENT_NAMES,
    **dict.fromkeys(ON_THE_SITE, EventType.PAGE_VIEW),
}
_FOLDED: Mapping[str, EventType] = {name.casefold(): kind for name, kind in _NAMES.items()}


def type_of(name: str) -> EventType:
    """The canonical type of a track call's event; CUSTOM for what has none.

    Small and capital letters are the same, as they are in Segment's destinations.
    """
    return _FOLDED.get(name.strip().casefold(), EventType.CUSTOM)
