"""What a visitor of the sample shop put into the cart: it lives in a cookie of theirs."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from engine.domain.events import check_id
from engine.errors import RequestInvalid

# A cookie holds four kilobytes.
MOST_ITEMS = 30
MOST_OF_ONE = 99


def read(cookie: str | None) -> dict[str, int]:
    """Items with how many of each; what is no cart is an empty one."""
    try:
        held = msgspec.json.decode(cookie or "{}", type=dict[str, int])
        for item_id in held:
            check_id(item_id, field="item_id")
    except (msgspec.DecodeError, RequestInvalid):
        return {}
    return {each: min(count, MOST_OF_ONE) for each, count in held.items() if count > 0}


def changed(cart: Mapping[str, int], item_id: str, *, by: int) -> dict[str, int]:
    """The cart with so many more of an item, or fewer; the oldest go when it is full."""
    count = cart.get(item_id, 0) + by
    rest = {each: held for each, held in cart.items() if each != item_id or count > 0}
    after = {**rest, **({item_id: min(count, MOST_OF_ONE)} if count > 0 else {})}
    return dict(list(after.items())[-MOST_ITEMS:])


def written(cart: Mapping[str, int]) -> str:
    """The cart as the cookie holds it."""
    return msgspec.json.encode(cart).decode()
