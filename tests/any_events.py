"""Whole logs of every type of event, sense and nonsense, by chance; and two ways to States."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import timedelta
from random import Random
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from engine.domain.catalog import Item
from engine.domain.events import Event, EventType, Line
from engine.loyalty.gather import states_of
from engine.loyalty.state import NEW, apply_all, time_ms
from engine.loyalty.states import States
from engine.store.log_reader import EVENT_SCHEMA, ReadLog
from tests.builders import DAY_ZERO, a_log

ITEMS = ("apple", "bread", "cheese", "dates", "eggs", "Äpfel")
ORDERS = ("o1", "o2", "o3", None)
QUANTITIES = (1.0, 2.0, 3.0, 0.3, 0.125, 1.000001, 0.0000004, 2.5e-6, 17.0)
PRICES = (None, 0, 1, 99, 333, 1_000)
# Not all of this is understood, as in every log.
PROPERTIES: Mapping[EventType, tuple[dict[str, Any], ...]] = {
    EventType.RATING: (
        {},
        {"rating": 0},
        {"rating": 4},
        {"rating": 7, "best": 10},
        {"rating": 9},
        {"rating": "good"},
    ),
    EventType.SURVEY: (
        {},
        {"question": "nps", "answer": 9},
        {"question": "csat", "answer": 6},
        {"question": "exit_reason", "answer": "price"},
        {"question": "exit_reason"},
        {"question": "wallet_rank", "rank": 2, "brands": 3},
        {"question": "wallet_rank"},
        {"question": "colour", "answer": 3},
        {"question": "colour", "answer": 3, "best": 7},
    ),
    EventType.COMPLAINT: (
        {},
        {"topic": "delivery"},
        {"topic": "quality", "case_id": "k1"},
        {"topic": "price", "case_id": "k2"},
        {"case_id": "k1"},
        {"topic": ""},
    ),
    EventType.COMPLAINT_RESOLVED: ({}, {"case_id": "k1"}, {"case_id": "k2"}, {"case_id": 7}),
    EventType.SERVICE_CONTACT: (
        {},
        {"channel": "phone"},
        {"direction": "in", "channel": "chat", "case_id": "k1"},
        {"direction": "out", "case_id": "k1"},
        {"direction": "out", "case_id": "k2", "channel": "mail"},
        {"direction": "out"},
        {"channel": 5},
    ),
    EventType.PREFERENCE: (
        {},
        {"topic": "tea"},
        {"topic": "tea", "value": "like"},
        {"topic": "tea", "value": "exclude"},
        {"topic": "size", "value": 0.25},
        {"topic": "size", "value": 3},
        {"topic": "größe", "value": "neutral"},
    ),
    EventType.CONSENT: (
        {},
        {"purpose": "email", "granted": True},
        {"purpose": "email", "granted": False},
        {"purpose": "personalization", "granted": True},
        {"purpose": "personalization"},
        {"purpose": "sms", "granted": "yes"},
    ),
    EventType.UNSUBSCRIBE: ({}, {"reason": "too_many"}, {"reason": "price"}),
    EventType.PURCHASE: (
        {},
        {},
        {"days_to_pay": 0},
        {"days_to_pay": 1},
        {"days_to_pay": 30.5},
        {"days_to_pay": -1},
        {"channel": "direct", "bot": True},
    ),
    EventType.IDENTIFY: (
        {},
        {"traits": {"account_type": "business"}},
        {"traits": {"account_type": "consumer", "name": "A"}},
        {"traits": {"account_type": 3}},
        {"traits": {"company": "ACME"}},
        {"traits": {"company": "", "vat_id": "DE1"}},
        {"traits": {"vat_id": ""}},
        {"traits": "none"},
    ),
    EventType.SIGN_UP: ({}, {}, {"traits": {"company": "ACME"}}),
    **dict.fromkeys(
        (EventType.EMAIL_SENT, EventType.EMAIL_OPEN, EventType.EMAIL_CLICK),
        ({}, {"campaign_id": "spring"}, {"campaign_id": "autumn"}, {"campaign_id": 1}),
    ),
}
VISITING = ({}, {}, {}, {"channel": "direct"}, {"channel": "ads"}, {"bot": True}, {"bot": "yes"})


def some_log(chance: Random, *, customers: int, most: int = 12) -> list[Event]:
    """Events of so many customers, guests and nobodies, up to `most` each, in no order."""
    names = [f"c{number:04d}" for number in range(customers)]
    events: list[Event] = []
    for name in (*names, None):
        moment = chance.choice((0, 0, 500, 86_000))
        for _ in range(chance.randint(1, most)):
            moment += chance.choice((0, 1, 60, 1_800, 1_801, 3_600, 86_400, 86_400 * 399))
            events.append(some_event(chance, f"e{chance.random()}-{len(events)}", name, moment))
    chance.shuffle(events)
    return events


def some_event(chance: Random, event_id: str, customer_id: str | None, moment: int) -> Event:
    """An event of any type so many seconds after DAY_ZERO; orders have few names, shared by all."""
    type_ = chance.choice((*EventType, *([EventType.VIEW_ITEM, EventType.PURCHASE] * 3)))
    order_id, lines = (
        chance.choice(ORDERS),
        [some_line(chance) for _ in range(chance.randint(0, 3))],
    )
    if type_ is EventType.PURCHASE:
        lines = lines or [Line("apple", 1.0, 100)]
    elif type_ is EventType.REFUND and chance.random() < 0.5:
        lines = [replace_quantity(line, None) for line in lines]
    if type_ is EventType.REFUND and not lines:
        order_id = order_id or "o1"
    return Event(
        event_id=event_id,
        type=type_,
        occurred_at=DAY_ZERO + timedelta(seconds=moment),
        customer_id=customer_id,
        anonymous_id=None if customer_id else "a1",
        order_id=order_id,
        lines=tuple(lines),
        properties=chance.choice(PROPERTIES.get(type_, VISITING)),
    )


def some_line(chance: Random) -> Line:
    """A line whose value is not below zero."""
    price, quantity = chance.choice(PRICES), chance.choice(QUANTITIES)
    most = round(quantity * price) if price else 0
    return Line(chance.choice(ITEMS), quantity, price, chance.randint(0, most))


def replace_quantity(line: Line, quantity: float | None) -> Line:
    """The line with another quantity."""
    return msgspec.structs.replace(line, quantity=quantity)


def some_catalog() -> dict[str, Item]:
    """Facts on some of the items."""
    return {
        "apple": Item("apple", category="fruit", cost=50, tags=("local",)),
        "bread": Item("bread", category="bakery"),
        "dates": Item("dates", category="fruit", cost=0, tags=("sale",)),
        "eggs": Item("eggs"),
    }


_WITH_ITEMS = ("view_item", "select_item", "add_to_cart", "remove_from_cart", "rating")


def as_read(events: Sequence[Event]) -> ReadLog:
    """The events as the log reader gives them."""
    goods = [each for each in events if each.type in (EventType.PURCHASE, EventType.REFUND)]
    rows = [
        {
            "type": each.type.value,
            "event_id": each.event_id,
            "customer_id": each.customer_id,
            "at_ms": time_ms(each),
            "properties": _written(each) if number == 0 else None,
            "line_no": number if line else None,
            "item_id": line.item_id if line else None,
        }
        for each in events
        if each.customer_id and (each not in goods or _told(each))
        for number, line in enumerate((each.type in _WITH_ITEMS and each.lines) or (None,))
    ]
    return ReadLog(a_log(goods), pa.Table.from_pylist(rows, schema=EVENT_SCHEMA))


def _told(event: Event) -> bool:
    return event.type is EventType.PURCHASE and bool(event.properties)


def _written(event: Event) -> str | None:
    return msgspec.json.encode(event.properties).decode() if event.properties else None


def folded(
    events: Iterable[Event], *, cut_ms: int = 2**62, catalog: Mapping[str, Item] | None = None
) -> States:
    """The states by the fold of each customer's events before the cut, sorted by id."""
    own: defaultdict[str, list[Event]] = defaultdict(list)
    placed: defaultdict[str, set[str]] = defaultdict(set)
    ownerless: list[Event] = []
    for event in events:
        if time_ms(event) >= cut_ms:
            continue
        if event.customer_id is not None:
            own[event.customer_id].append(event)
            if event.type is EventType.PURCHASE and event.order_id:
                placed[event.order_id].add(event.customer_id)
        elif event.type is EventType.REFUND:
            ownerless.append(event)
    for event in ownerless:
        for customer_id in placed[event.order_id or ""]:
            own[customer_id].append(event)
    states = [(name, apply_all(NEW, own[name])) for name in sorted(own)]
    return states_of(states, catalog or {})


def assert_equal(one: States, other: States) -> None:
    """Every column of both is the same, in kind and in value."""
    one, other = _numbered(one), _numbered(other)
    assert one.customers == other.customers
    assert one.words.ids == other.words.ids
    assert one.facts.items.ids == other.facts.items.ids
    assert one.facts.categories == other.facts.categories
    for table in fields(States):
        mine, theirs = getattr(one, table.name), getattr(other, table.name)
        for column in fields(mine) if hasattr(mine, "__dataclass_fields__") else ():
            left, right = getattr(mine, column.name), getattr(theirs, column.name)
            if isinstance(left, np.ndarray):
                np.testing.assert_array_equal(left, right, f"{table.name}.{column.name}")
                assert left.dtype == right.dtype, f"{table.name}.{column.name}"


def _numbered(states: States) -> States:
    """The states with orders numbered by their first line: numbers only tell orders apart."""
    keys = np.stack([states.goods.row(), states.goods.order])
    _, first, found = np.unique(keys, axis=1, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    order = rank[found.reshape(-1)].astype(np.int64)
    return replace(states, goods=replace(states.goods, order=order))
