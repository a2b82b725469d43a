"""Conditions asked of one customer: closures made once, microseconds each time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import Any, TypeAlias

from engine.domain.events import EventType
from engine.errors import RequestInvalid
from engine.loyalty.feature import Kind
from engine.segments.attributes import comparable
from engine.segments.conditions import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Not,
    OfAttribute,
    OfEvents,
    OfFeature,
    OfSegment,
    Op,
    Scalar,
    window_ms,
)

CountEvents: TypeAlias = Callable[[EventType, int | None, str | None], int]


def no_events(_type: EventType, _since_ms: int | None, _item_id: str | None) -> int:
    """Counts for a customer who never did anything."""
    return 0


@dataclass(frozen=True, slots=True)
class Person:
    """What conditions may ask of one customer.

    `values` are features by name: numbers, flags as true or false (or 1 and 0), words, moments in
    ms since 1970 UTC; missing, None and NaN are unknown. `attributes` are the traits that
    the shop told. `count_events` counts events of a type from a time on (None: from ever) up to
    now, of those with a line of an item when one is given.
    """

    values: Mapping[str, Scalar | None]
    attributes: Mapping[str, object]
    count_events: CountEvents = no_events


Predicate: TypeAlias = Callable[[Person, int], bool]
_Test: TypeAlias = Callable[[Any], bool]
_ORDERS: Mapping[Op, Callable[[float, float], bool]] = {
    Op.ABOVE: gt,
    Op.AT_LEAST: ge,
    Op.BELOW: lt,
    Op.AT_MOST: le,
}


def holds(condition: Condition, person: Person, *, now_ms: int) -> bool:
    """Whether the condition holds for the customer; for many of them make a `predicate` once."""
    return predicate(condition)(person, now_ms)


def predicate(condition: Condition) -> Predicate:  # noqa: PLR0911 - one case a kind of condition
    """A function of (person, now in ms) that says whether the condition holds.

    Raises RequestInvalid for a reference to a segment that no book has resolved.
    """
    match condition:
        case AllOf(parts):
            return _all(tuple(map(predicate, parts)))
        case AnyOf(parts):
            return _any(tuple(map(predicate, parts)))
        case Not(part):
            return _not(predicate(part))
        case OfFeature():
            return _feature(condition)
        case OfAttribute():
            return _attribute(condition)
        case OfEvents():
            return _events(condition)
        case OfSegment():
            return predicate(written_out(condition))


def written_out(reference: OfSegment) -> Condition:
    """The condition of the segment referred to; raises RequestInvalid when nobody resolved it."""
    if reference.condition is None:
        raise RequestInvalid(
            f"segment {reference.name!r} is not resolved; ask a SegmentBook for the condition"
        )
    return reference.condition


def known(value: Scalar | None) -> bool:
    """Whether a feature's value is known: neither missing nor NaN."""
    return value is not None and value == value  # noqa: PLR0124 - NaN alone differs from itself


def _all(parts: tuple[Predicate, ...]) -> Predicate:
    def ask(person: Person, now_ms: int) -> bool:
        for part in parts:  # noqa: SIM110 - all() over a generator takes twice the time
            if not part(person, now_ms):
                return False
        return True

    return ask


def _any(parts: tuple[Predicate, ...]) -> Predicate:
    def ask(person: Person, now_ms: int) -> bool:
        for part in parts:  # noqa: SIM110 - any() over a generator takes twice the time
            if part(person, now_ms):
                return True
        return False

    return ask


def _not(part: Predicate) -> Predicate:
    return lambda person, now_ms: not part(person, now_ms)


def _feature(leaf: OfFeature) -> Predicate:
    name = leaf.feature
    if leaf.comparison.op is Op.KNOWN:
        asked = leaf.comparison.value
        return lambda person, _: known(person.values.get(name)) is asked
    if leaf.kind is Kind.MOMENT:
        return _moment(name, leaf.comparison)
    test = _flag_test(leaf.comparison) if leaf.kind is Kind.FLAG else _test(leaf.comparison)

    def ask(person: Person, _: int) -> bool:
        value = person.values.get(name)
        return value is not None and value == value and test(value)  # noqa: PLR0124 - NaN

    return ask


def _moment(name: str, comparison: Comparison) -> Predicate:
    window = window_ms(float(comparison.values[0]))
    inside = comparison.op is Op.WITHIN_DAYS

    def ask(person: Person, now_ms: int) -> bool:
        moment: Any = person.values.get(name)
        # The table holds whole ms, what is smaller cut off.
        return known(moment) and (abs(int(moment) - now_ms) <= window) is inside

    return ask


def _attribute(leaf: OfAttribute) -> Predicate:
    name = leaf.attribute
    if leaf.comparison.op is Op.KNOWN:
        asked = leaf.comparison.value
        return lambda person, _: (comparable(person.attributes.get(name)) is not None) is asked
    first = leaf.comparison.values[0]
    type_ = type(first) if isinstance(first, bool | str) else float
    test = _test(leaf.comparison)

    def ask(person: Person, _: int) -> bool:
        value = comparable(person.attributes.get(name))
        return type(value) is type_ and test(value)

    return ask


def _events(leaf: OfEvents) -> Predicate:
    low, high = leaf.bounds()

    def ask(person: Person, now_ms: int) -> bool:
        found = person.count_events(leaf.type, leaf.since_ms(now_ms), leaf.item_id)
        return low <= found and (high is None or found <= high)

    return ask


def _flag_test(comparison: Comparison) -> _Test:
    asked = bool(comparison.value) is (comparison.op is Op.IS)
    return lambda value: bool(value) is asked


def _test(comparison: Comparison) -> _Test:
    """A test of a value that is known and of the operand's type."""
    values = tuple(map(as_compared, comparison.values))
    first: Any = values[0]
    match comparison.op:
        case Op.IS:
            return lambda value: bool(value == first)
        case Op.IS_NOT:
            return lambda value: bool(value != first)
        case Op.IN:
            return frozenset(values).__contains__
        case Op.BETWEEN:
            low, high = float(first), float(values[1])
            return lambda value: low <= value <= high
        case op:
            order = _ORDERS[op]
            return lambda value: order(value, first)


def as_compared(value: Scalar) -> Scalar:
    """Numbers as float, which is how every database holds them; the rest as it is."""
    return value if isinstance(value, bool | str) else float(value)
