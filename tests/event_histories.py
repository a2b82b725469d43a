"""Strategies for what customers may do."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import strategies as st

from engine.domain.events import Event, EventType, Line
from engine.domain.particulars import VISIT_TYPES
from tests.events import a_purchase, a_refund, day

ITEMS = st.sampled_from(["tea", "coffee", "cocoa"])
ORDERS = st.sampled_from([None, "o1", "o2", "o3"])
# Millionths, as scales and measures give them, and whole numbers.
QUANTITIES = st.one_of(
    st.integers(1, 5).map(float), st.integers(1, 3_000_000).map(lambda n: n / 1_000_000)
)
PRICES = st.one_of(st.none(), st.integers(0, 1_000))
DAYS = st.integers(0, 6).map(day)


@st.composite
def purchases(draw: st.DrawFn, event_id: str) -> Event:
    """A purchase of one to three lines."""
    lines = draw(st.lists(st.builds(Line, ITEMS, QUANTITIES, PRICES), min_size=1, max_size=3))
    return a_purchase(event_id, *lines, order_id=draw(ORDERS), occurred_at=draw(DAYS))


@st.composite
def refunds(draw: st.DrawFn, event_id: str) -> Event:
    """A refund of a whole order or of up to two lines, by order or loose."""
    line = st.builds(Line, ITEMS, st.one_of(st.none(), QUANTITIES), PRICES)
    lines = draw(st.lists(line, max_size=2))
    order_id = draw(ORDERS) if lines else draw(st.sampled_from(["o1", "o2"]))
    return a_refund(event_id, *lines, order_id=order_id, occurred_at=draw(DAYS))


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Up to seven purchases and refunds of one customer, each with an id of its own."""
    kinds = draw(st.lists(st.sampled_from([purchases, refunds]), max_size=7))
    return [draw(kind(f"e{number}")) for number, kind in enumerate(kinds)]


# Minutes that make and break visits, on both sides of midnight; days that make and break memory.
MINUTES = st.sampled_from([0, 1, 20, 29, 30, 31, 59, 60, 61, 90, 689, 700, 719, 720, 721, 740])
SOME_DAYS = st.sampled_from([0, 0, 0, 0, 1, 1, 2, 45, 398, 399, 400, 401, 402, 800])
MOMENTS = st.builds(
    lambda number, minutes, ms: day(number) + timedelta(minutes=minutes, milliseconds=ms),
    SOME_DAYS,
    MINUTES,
    st.sampled_from([0, 0, 0, 1]),
)
# What no word is, and what no number is.
NONSENSE = st.sampled_from([None, "", 7, True, ["x"], "\n", "x" * 101])
CASES = st.sampled_from([None, "k1", "k2"])
AMOUNTS = st.one_of(st.none(), st.integers(-1, 11), st.sampled_from([0.1, 0.5, 2.25]))


def told(**words: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Properties of which any may be missing, and now and then one is nonsense."""
    sense = st.fixed_dictionaries({}, optional=words)
    name = st.sampled_from(sorted(words))
    broken = st.builds(lambda plain, key, junk: {**plain, key: junk}, sense, name, NONSENSE)
    return st.one_of(sense, sense, sense, broken)


ON_SITE = told(
    channel=st.sampled_from(["direct", "brand_search", "email"]), bot=st.sampled_from([False, True])
)
MAIL = told(campaign_id=st.sampled_from(["spring", "autumn"]))
QUESTIONS = ["nps", "csat", "exit_reason", "wallet_rank", "colour"]
ANSWERS = st.one_of(AMOUNTS, st.sampled_from(["price", "delivery"]))
LIKING = st.one_of(
    st.none(), st.floats(-1, 1), st.sampled_from(["like", "dislike", "exclude", "adore"])
)
TRAITS = st.dictionaries(
    st.sampled_from(["account_type", "company", "vat_id", "age", ""]),
    st.one_of(st.sampled_from(["business", "consumer", "", 2**64, None]), st.booleans(), AMOUNTS),
)
PROPERTIES: dict[EventType, st.SearchStrategy[dict[str, Any]]] = {
    **dict.fromkeys(VISIT_TYPES, ON_SITE),
    EventType.PURCHASE: told(days_to_pay=AMOUNTS, channel=st.just("direct")),
    EventType.RATING: told(rating=AMOUNTS, best=st.sampled_from([5, 10])),
    EventType.SURVEY: told(
        question=st.sampled_from(QUESTIONS), answer=ANSWERS, rank=AMOUNTS, brands=AMOUNTS
    ),
    EventType.COMPLAINT: told(topic=st.sampled_from(["late", "broken"]), case_id=CASES),
    EventType.COMPLAINT_RESOLVED: told(case_id=CASES),
    EventType.SERVICE_CONTACT: told(
        channel=st.sampled_from(["phone", "chat"]),
        direction=st.sampled_from(["in", "out"]),
        case_id=CASES,
    ),
    EventType.PREFERENCE: told(topic=st.sampled_from(["tea", "jam"]), value=LIKING),
    EventType.CONSENT: told(
        purpose=st.sampled_from(["email", "personalization"]), granted=st.booleans()
    ),
    EventType.UNSUBSCRIBE: told(reason=st.sampled_from(["too_much", "price"])),
    EventType.EMAIL_SENT: MAIL,
    EventType.EMAIL_OPEN: MAIL,
    EventType.EMAIL_CLICK: MAIL,
    EventType.IDENTIFY: told(traits=TRAITS),
    EventType.SIGN_UP: told(traits=TRAITS),
}
PRICED = st.builds(
    Line, ITEMS, QUANTITIES, st.one_of(st.none(), st.integers(100, 1_000)), st.integers(0, 0)
)


@st.composite
def bought_lines(draw: st.DrawFn) -> tuple[Line, ...]:
    """One to three lines of a purchase, some with a discount that the price allows."""
    lines = draw(st.lists(PRICED, min_size=1, max_size=3))
    shares = draw(st.lists(st.sampled_from([0.0, 0.1, 1.0]), min_size=3, max_size=3))
    return tuple(
        msgspec.structs.replace(line, discount=int((line.value() or 0) * share))
        for line, share in zip(lines, shares, strict=False)
    )


@st.composite
def any_events(
    draw: st.DrawFn,
    event_id: str,
    *,
    customer_id: str = "c1",
    types: st.SearchStrategy[EventType],
) -> Event:
    """An event of one of the types by the customer; some say nonsense."""
    kind = draw(types)
    order_id = draw(ORDERS) if kind in (EventType.PURCHASE, EventType.REFUND) else None
    if kind is EventType.PURCHASE:
        lines = draw(bought_lines())
    else:
        line = st.builds(Line, ITEMS, st.one_of(st.none(), QUANTITIES), PRICES)
        # A refund names an order or lines.
        least = int(kind is EventType.REFUND and order_id is None)
        lines = tuple(draw(st.lists(line, min_size=least, max_size=2)))
    return Event(
        event_id=event_id,
        type=kind,
        occurred_at=draw(MOMENTS),
        customer_id=customer_id,
        order_id=order_id,
        lines=lines,
        properties=draw(PROPERTIES.get(kind, st.just({}))),
    )


@st.composite
def lives(
    draw: st.DrawFn,
    *,
    customer_id: str = "c1",
    types: Collection[EventType] = tuple(EventType),
    most: int = 14,
) -> list[Event]:
    """Events of the given types by one customer, each with an id of its own."""
    count = draw(st.integers(0, most))
    kinds = st.sampled_from(sorted(types))
    return [
        draw(any_events(f"{customer_id}-{number}", customer_id=customer_id, types=kinds))
        for number in range(count)
    ]
