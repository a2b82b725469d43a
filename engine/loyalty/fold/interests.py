"""Interest in items: what was viewed, clicked and put into the cart, by day."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from operator import attrgetter

import msgspec

from engine.domain.events import EventType
from engine.domain.histories import DAY_MS
from engine.loyalty.fold.rows import Told, kept

# What a line of each event adds: views, clicks, carts.
_ADDS = {
    EventType.VIEW_ITEM: (1, 0, 0),
    EventType.SELECT_ITEM: (0, 1, 0),
    EventType.ADD_TO_CART: (0, 0, 1),
    EventType.REMOVE_FROM_CART: (0, 0, -1),
}


class Interest(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Lines about one item on one UTC day, counted from 1970.

    `carts` are additions less removals. They may be below zero: what was removed may have been
    added the day before, and a removal may arrive before its addition.
    """

    day: int
    item_id: str
    views: int
    clicks: int
    carts: int


_DAY = attrgetter("day")


def interests_after(interests: tuple[Interest, ...], news: Sequence[Told]) -> tuple[Interest, ...]:
    """The interests with the lines among the news, sorted by day and item."""
    fresh = [
        (each.at_ms // DAY_MS, line.item_id, *_ADDS[each.event.type])
        for each in news
        if each.event.type in _ADDS
        for line in each.event.lines
    ]
    if not fresh:
        return interests
    # Only days that have news can change. What sums up to nothing stays, as its day counts.
    low = bisect_left(interests, min(fresh)[0], key=_DAY)
    high = bisect_left(interests, max(fresh)[0] + 1, key=_DAY)
    known = [
        (row.day, row.item_id, row.views, row.clicks, row.carts) for row in interests[low:high]
    ]
    totals: dict[tuple[int, str], tuple[int, int, int]] = {}
    for day, item, *counts in (*known, *fresh):
        views, clicks, carts = totals.get((day, item), (0, 0, 0))
        totals[day, item] = (views + counts[0], clicks + counts[1], carts + counts[2])
    changed = (Interest(*key, *totals[key]) for key in sorted(totals))
    return kept((*interests[:low], *changed, *interests[high:]), day=_DAY)


def shown_interests(interests: Sequence[Interest]) -> list[Interest]:
    """The interests with no cart below zero, and without those that say nothing."""
    clipped = (
        row if row.carts >= 0 else msgspec.structs.replace(row, carts=0) for row in interests
    )
    return [row for row in clipped if row.views or row.clicks or row.carts]
