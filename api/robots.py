"""Which events a robot did: declared by its user agent, or faster than anybody can."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from threading import Lock

import msgspec

from engine.domain.events import BOT, Event, EventType, to_ms
from engine.domain.particulars import VISIT_TYPES
from engine.loyalty.fold.visits import BOT_EVENTS_A_MINUTE, MINUTE_MS

# What the user agents of robots hold that run the scripts of pages, in small letters.
TOKENS = (
    "bot",
    "crawler",
    "spider",
    "headless",
    "slurp",
    "phantomjs",
    "lighthouse",
    "pingdom",
    "facebookexternalhit",
    "mediapartners-google",
    "google-read-aloud",
    "bingpreview",
    "yandexmetrika",
    "gtmetrix",
    "ptst/",
    "selenium",
    "puppeteer",
    "playwright",
)
# Phones of this make say "cubot", and are held by people.
_PEOPLE = ("cubot",)
# A program of the shop's own may be called a bot; only browsers look at pages.
_BROWSER = "mozilla/"
# Browsing only: an order is an order, and who rates or complains has done so once.
JUDGED = VISIT_TYPES - {EventType.PURCHASE} | {EventType.IMPRESSION}
MOST_IDS = 50_000
# Sorts after every id.
_LAST = "\U0010ffff"


def is_robot(user_agent: str | None) -> bool:
    """Whether a browser's user agent says that nobody sits before it."""
    told = (user_agent or "").casefold()
    if not told.startswith(_BROWSER):
        return False
    for each in _PEOPLE:
        told = told.replace(each, "")
    return any(token in told for token in TOKENS)


def marked(event: Event) -> Event:
    """The event, said to be a robot's where that can be said of its type."""
    if event.type not in JUDGED or event.properties.get(BOT) is True:
        return event
    return msgspec.structs.replace(event, properties={**event.properties, BOT: True})


class Pace:
    """How fast each customer or anonymous visitor goes, as far as this process has seen.

    Of the ids seen last the times of so many events as make a robot are remembered, by when they
    happened: a batch that was held up is no robot, nor is an event sent again.
    """

    def __init__(self, *, most_ids: int = MOST_IDS) -> None:
        self._most_ids = most_ids
        self._lock = Lock()
        self._times: OrderedDict[str, list[tuple[int, str]]] = OrderedDict()

    def judged(self, events: Sequence[Event], *, now: datetime) -> list[Event]:
        """The events, marked from the one on that is too many within a minute of one id."""
        with self._lock:
            return [marked(each) if self._too_fast(each, now) else each for each in events]

    def _too_fast(self, event: Event, now: datetime) -> bool:
        if event.type not in JUDGED:
            return False
        who = f"c{event.customer_id}" if event.customer_id else f"a{event.anonymous_id}"
        moment = event.occurred_at
        at_ms = to_ms(now if moment is None or moment.tzinfo is None else moment)
        times = self._times.setdefault(who, [])
        self._times.move_to_end(who)
        if len(self._times) > self._most_ids:
            self._times.popitem(last=False)
        if (at_ms, event.event_id) not in times:
            insort(times, (at_ms, event.event_id))
        upto, since = (bisect_right(times, (ms, _LAST)) for ms in (at_ms, at_ms - MINUTE_MS))
        # What a later event can still be compared with: twice as many, as some come out of order.
        del times[: -2 * BOT_EVENTS_A_MINUTE]
        return upto - since > BOT_EVENTS_A_MINUTE
