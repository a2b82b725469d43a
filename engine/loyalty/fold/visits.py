"""Visits to the site: events close to each other, and what was done during them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import attrgetter, or_

import msgspec

from engine.domain.events import EventType
from engine.domain.histories import DAY_MS
from engine.domain.particulars import VISIT_TYPES
from engine.loyalty.fold.rows import Told, kept
from engine.loyalty.states import BOT, CHECKOUT, DIRECT, IN_CART, ORDERED, VIEWED, VIEWED_TWICE

MINUTE_MS = 60_000
# After so long without an event a visit has ended.
VISIT_GAP_MS = 30 * MINUTE_MS
# Nobody does more in a minute; the shortest visit counts as one minute.
BOT_EVENTS_A_MINUTE = 120
# The channels of those who come by themselves.
DIRECT_CHANNELS = frozenset({"direct", "brand_search"})
STEPS: Mapping[EventType, int] = {
    EventType.VIEW_ITEM: VIEWED,
    EventType.VIEW_ITEM_LIST: VIEWED,
    EventType.SELECT_ITEM: VIEWED,
    EventType.SEARCH: VIEWED,
    EventType.ADD_TO_CART: IN_CART,
    EventType.BEGIN_CHECKOUT: CHECKOUT,
    EventType.ADD_SHIPPING_INFO: CHECKOUT,
    EventType.ADD_PAYMENT_INFO: CHECKOUT,
    EventType.PURCHASE: ORDERED,
}


class Visit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Events of one UTC day without a pause of more than VISIT_GAP_MS between them.

    `viewed_once` are the items viewed exactly once, sorted; none when some item was viewed twice.
    They make it possible to join two visits when an event between them arrives late.
    """

    start: int
    end: int
    events: int
    steps: int
    viewed_once: tuple[str, ...] = ()


_START = attrgetter("start")


def visits_after(visits: tuple[Visit, ...], news: Sequence[Told]) -> tuple[Visit, ...]:
    """The visits with the events among the news that belong to one, oldest first."""
    fresh = [_visit_of(each) for each in news if each.event.type in VISIT_TYPES]
    if not fresh:
        return visits
    # Only days that have news can change.
    first = min(each.start for each in fresh) // DAY_MS * DAY_MS
    end = (max(each.start for each in fresh) // DAY_MS + 1) * DAY_MS
    low, high = bisect_left(visits, first, key=_START), bisect_left(visits, end, key=_START)
    joined = _joined_visits((*visits[low:high], *fresh))
    return kept((*visits[:low], *joined, *visits[high:]), day=_day)


def by_robot(news: Told) -> bool:
    """Whether a robot did it; an order is an order, whoever placed it."""
    kind = news.event.type
    return kind in VISIT_TYPES and kind is not EventType.PURCHASE and news.said.value == 1


def _day(visit: Visit) -> int:
    return visit.start // DAY_MS


def _visit_of(news: Told) -> Visit:
    at_ms, event, (channel, _, _) = news
    steps = STEPS.get(event.type, 0)
    # What a purchase tells is how long the payment took.
    if event.type is not EventType.PURCHASE:
        steps |= BOT if by_robot(news) else 0
        steps |= DIRECT if channel in DIRECT_CHANNELS else 0
    if event.type is not EventType.VIEW_ITEM:
        return Visit(at_ms, at_ms, 1, steps)
    items = [line.item_id for line in event.lines]
    once = set(items)
    if len(once) < len(items):
        return Visit(at_ms, at_ms, 1, steps | VIEWED_TWICE)
    return Visit(at_ms, at_ms, 1, steps, tuple(sorted(once)))


def _joined_visits(parts: Iterable[Visit]) -> Iterator[Visit]:
    """Visits out of parts of visits: those that no pause and no midnight keeps apart are one."""
    together: list[Visit] = []
    end = 0
    for part in sorted(parts, key=_START):
        if together and (part.start - end > VISIT_GAP_MS or _day(part) != _day(together[0])):
            yield _joined(together)
            together = []
        end = max(end, part.end)
        together.append(part)
    yield _joined(together)


def _joined(parts: Sequence[Visit]) -> Visit:
    if len(parts) == 1:
        return parts[0]
    steps = reduce(or_, (part.steps for part in parts))
    once: set[str] = set()
    for part in parts:
        if steps & VIEWED_TWICE:
            break
        if not once.isdisjoint(part.viewed_once):
            steps |= VIEWED_TWICE
        once.update(part.viewed_once)
    return Visit(
        start=parts[0].start,
        end=max(part.end for part in parts),
        events=sum(part.events for part in parts),
        steps=steps,
        viewed_once=() if steps & VIEWED_TWICE else tuple(sorted(once)),
    )
