"""A small registry of features, a population of odd customers, and strategies for conditions."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from engine.domain.events import EventType
from engine.loyalty.feature import Feature, Kind
from engine.segments.conditions import DAY_MS
from engine.segments.predicate import Person

NOW_MS = 1_700_000_000_000


def a_feature(name: str, kind: Kind, choices: tuple[str, ...] = ()) -> Feature:
    return Feature(name, kind, f"What {name} is.", "purchases", choices=choices)


FEATURES: Mapping[str, Feature] = {
    each.name: each
    for each in (
        a_feature("orders", Kind.COUNT),
        a_feature("overdue", Kind.NUMBER),
        a_feature("return_rate", Kind.SHARE),
        a_feature("revenue", Kind.MONEY),
        a_feature("days_since_last", Kind.DAYS),
        a_feature("turning", Kind.FLAG),
        a_feature("stage", Kind.CHOICE, ("awareness", "loyalty", "separation")),
        a_feature("favourite_category", Kind.TEXT),
        a_feature("last_order_at", Kind.MOMENT),
    )
}
# Few values, so that customers and thresholds meet, and every trap of quoting among them.
TEXTS = ("tea", "Tea", "", "5", "true", "it's", 'a"b', "back\\slash", "%s %", "ü😀", "null")
NAMES = ("city", 'a"b', "a.b", "a/b", "~1", "$", "*", "0", "#", "back\\slash", "ü😀", "o'x", "%s")
NUMBERS = (0, 1, 2, 3, 5, -1, 2.5, 0.1, 1e300, 1_000_000_007)
SHARES = (0, 0.1, 0.5, 1)
DAYS = (1, 2, 7, 30, 0.5)
ITEMS = ("tea", "it's", "ü😀")
TYPES = (EventType.VIEW_ITEM, EventType.PURCHASE, EventType.EMAIL_SENT)
# What cannot be compared is among what shops tell.
TOLD = (*TEXTS, *NUMBERS, True, False, None, ["tea"], {"tea": 1}, "\x00", float("inf"))


@dataclass(frozen=True)
class Customer:
    """One customer as conditions see it: features, traits, and events of (type, time, items)."""

    customer_id: str
    values: dict[str, Any]
    traits: dict[str, Any]
    events: tuple[tuple[EventType, int, tuple[str, ...]], ...]

    def person(self) -> Person:
        """The customer as of NOW_MS."""
        return Person(self.values, self.traits, self._count)

    def _count(self, type_: EventType, since_ms: int | None, item_id: str | None) -> int:
        return sum(
            kind is type_
            and at <= NOW_MS
            and (since_ms is None or at >= since_ms)
            and (item_id is None or item_id in items)
            for kind, at, items in self.events
        )


def population(count: int, seed: int = 11) -> list[Customer]:
    """So many odd customers; the same every time."""
    rng = random.Random(seed)
    return [_customer(rng, f"c{number}") for number in range(count)]


def _customer(rng: random.Random, customer_id: str) -> Customer:
    def perhaps(*values: Any) -> Any:
        return None if rng.random() < 0.25 else rng.choice(values)

    numbers = ("orders", "overdue", "revenue", "days_since_last")
    values = {name: perhaps(*map(float, NUMBERS)) for name in numbers} | {
        "return_rate": perhaps(*map(float, SHARES)),
        "turning": perhaps(True, False),
        "stage": perhaps(*FEATURES["stage"].choices),
        "favourite_category": perhaps(*TEXTS),
        "last_order_at": perhaps(*(_moment(rng) for _ in range(3))),
    }
    traits = {name: rng.choice(TOLD) for name in NAMES if rng.random() < 0.6}
    events = tuple(
        (rng.choice(TYPES), _moment(rng), tuple(rng.sample(ITEMS, rng.randrange(3))))
        for _ in range(rng.choice((0, 0, 1, 2, 3, 8)))
    )
    return Customer(customer_id, values, traits, events)


def _moment(rng: random.Random) -> int:
    """A time around the edge of a window, before or after now."""
    edge = NOW_MS + rng.choice((-1, -1, -1, 1, 0)) * round(rng.choice(DAYS) * DAY_MS)
    return edge + rng.choice((-1, 0, 0, 1))


def _one_op(ops: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of([values.map(lambda value, op=op: {op: value}) for op, values in ops.items()])


def _ordered(values: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    names = ("above", "at_least", "below", "at_most")
    return dict.fromkeys(names, values) | {"between": st.tuples(values, values).map(sorted)}


def _equal(values: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    lists = st.lists(values, min_size=1, max_size=4)
    return {"is": values, "is_not": values, "in": lists, "known": st.booleans()}


_numbers, _texts, _days = st.sampled_from(NUMBERS), st.sampled_from(TEXTS), st.sampled_from(DAYS)
_by_kind: Mapping[Kind, Mapping[str, st.SearchStrategy[Any]]] = {
    **dict.fromkeys(
        (Kind.COUNT, Kind.NUMBER, Kind.MONEY, Kind.DAYS), _equal(_numbers) | _ordered(_numbers)
    ),
    Kind.SHARE: _equal(st.sampled_from(SHARES)) | _ordered(st.sampled_from(SHARES)),
    Kind.FLAG: dict.fromkeys(("is", "is_not", "known"), st.booleans()),
    Kind.CHOICE: _equal(st.sampled_from(FEATURES["stage"].choices)),
    Kind.TEXT: _equal(_texts),
    Kind.MOMENT: {"within_days": _days, "not_within_days": _days, "known": st.booleans()},
}


def _of_feature(feature: Feature) -> st.SearchStrategy[dict[str, Any]]:
    return _one_op(_by_kind[feature.kind]).map(lambda op: {"feature": feature.name, **op})


_of_attribute = st.builds(
    lambda name, op: {"attribute": name, **op},
    st.sampled_from(NAMES),
    st.one_of(
        _one_op(_equal(_texts)),
        _one_op(_equal(_numbers) | _ordered(_numbers)),
        _one_op(dict.fromkeys(("is", "is_not"), st.booleans())),
    ),
)
_counts = st.integers(0, 4)
_of_events = st.builds(
    lambda type_, op, beside: {"events": type_.value, **op, **beside},
    st.sampled_from(TYPES),
    _one_op(_ordered(_counts) | {"is": _counts, "below": st.integers(1, 4)}),
    st.fixed_dictionaries({}, optional={"within_days": _days, "item_id": st.sampled_from(ITEMS)}),
)
leaves = st.one_of(
    st.sampled_from(tuple(FEATURES.values())).flatmap(_of_feature), _of_attribute, _of_events
)


def _groups(below: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    parts = st.lists(below, min_size=1, max_size=3)
    return st.one_of(
        parts.map(lambda each: {"all": each}),
        parts.map(lambda each: {"any": each}),
        below.map(lambda each: {"not": each}),
    )


conditions = st.recursive(leaves, _groups, max_leaves=6)
