"""Conditions in plain words, with the customer's values beside what is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, timedelta
from typing import TypeAlias

from engine.domain.events import EARLIEST
from engine.loyalty.feature import Kind
from engine.segments.conditions import DAY_MS, Comparison, OfEvents, Op, Scalar

Say: TypeAlias = Callable[[Scalar], str]
# A list is read out up to here.
_LISTED = 5
# Smaller and larger numbers are said with an exponent.
_LEGIBLE = (1e-3, 1e15)
_ASKED: Mapping[Op, str] = {
    Op.IS: "{} is asked",
    Op.IS_NOT: "anything but {} is asked",
    Op.ABOVE: "above {} is asked",
    Op.AT_LEAST: "at least {} is asked",
    Op.BELOW: "below {} is asked",
    Op.AT_MOST: "at most {} is asked",
    Op.BETWEEN: "{} to {} is asked",
}


def in_hundredths(minor_units: float) -> str:
    """Money of a currency with hundredths, without its name: 12345 is 123.45."""
    return f"{minor_units / 100:,.2f}"


def of_kind(kind: Kind, money: Callable[[float], str]) -> Say:  # noqa: PLR0911 - one case a kind of value
    """How a value of the kind is said; `money` says minor units."""
    match kind:
        case Kind.SHARE:
            return lambda value: _number(round(float(value) * 100, 1)) + " %"
        case Kind.MONEY:
            return lambda value: money(float(value))
        case Kind.DAYS:
            return lambda value: _counted(round(float(value), 1), "day")
        case Kind.FLAG:
            return lambda value: "yes" if value else "no"
        case Kind.MOMENT:
            return lambda value: _date(float(value))
        case Kind.COUNT | Kind.NUMBER:
            return lambda value: _number(round(float(value), 2))
        case Kind.CHOICE | Kind.TEXT:
            return str


def of_type(value: Scalar) -> str:
    """How an attribute's value is said."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else _number(value)


def of_value(name: str, value: Scalar | None, comparison: Comparison, say: Say) -> str:
    """What a value is and what is asked of it: "orders is 7, at least 4 is asked"."""
    if comparison.op is Op.KNOWN:
        asked = "any value is asked" if comparison.value else "no value is asked"
        return f"{readable(name)} is {'not known' if value is None else say(value)}, {asked}"
    told = "not known" if value is None else _told_apart(value, comparison, say)
    return f"{readable(name)} is {told}, {_asked(comparison, say)}"


def of_moment(name: str, value: float | None, comparison: Comparison, *, now_ms: int) -> str:
    """When something was or will be, how far that is from now, and what is asked."""
    said = "not known" if value is None else f"{_date(value)}, {_distance(value - now_ms)}"
    if comparison.op is Op.KNOWN:
        asked = "any time" if comparison.value else "no time"
    else:
        inside = "within" if comparison.op is Op.WITHIN_DAYS else "further away than"
        asked = f"{inside} {_counted(float(comparison.values[0]), 'day')}"
    return f"{readable(name)} is {said}, {asked} is asked"


def of_count(leaf: OfEvents, count: int) -> str:
    """How many events there are and what is asked."""
    event = readable(leaf.type.value) + " event"
    where = f" of {leaf.item_id}" if leaf.item_id is not None else ""
    when = f" in {_counted(leaf.within_days, 'day')}" if leaf.within_days is not None else ""
    asked = _asked(leaf.comparison, lambda value: _number(float(value)))
    return f"{_counted(count, event)}{where}{when}, {asked}"


def of_group(holding: int, parts: int, *, every: bool) -> str:
    """How many of the parts hold, and how many are asked."""
    asked = "all are asked" if every else "one is asked"
    return f"{holding} of {_counted(parts, 'condition')} {_verb(holding)}, {asked}"


def readable(name: str) -> str:
    """A name as words."""
    return name.replace("_", " ")


def _verb(count: int) -> str:
    return "holds" if count == 1 else "hold"


def _asked(comparison: Comparison, say: Say) -> str:
    said = [say(value) for value in comparison.values[:_LISTED]]
    if comparison.op is not Op.IN:
        return _ASKED[comparison.op].format(*said)
    more = len(comparison.values) - len(said)
    return f"one of {', '.join(said)}{f' and {more} more' if more else ''} is asked"


def _told_apart(value: Scalar, comparison: Comparison, say: Say) -> str:
    """The value as it is said, with a word where rounding made it look like what is asked."""
    said = say(value)
    if isinstance(value, str | bool):
        return said
    for asked in comparison.values:
        if not isinstance(asked, str | bool) and asked != value and say(asked) == said:
            return f"just {'over' if value > asked else 'under'} {said}"
    return said


def _number(value: float) -> str:
    if value and not _LEGIBLE[0] <= abs(value) < _LEGIBLE[1]:
        return f"{value:.4g}"
    return f"{value:,.4f}".rstrip("0").rstrip(".")


def _counted(count: float, thing: str) -> str:
    return f"{_number(count)} {thing}{'' if count == 1 else 's'}"


def _date(at_ms: float) -> str:
    # Adding reaches back before 1970 and far ahead alike.
    try:
        moment = EARLIEST + timedelta(milliseconds=at_ms)
    except OverflowError:
        return f"{at_ms:.0f} ms"
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def _distance(ms: float) -> str:
    days = round(abs(ms) / DAY_MS, 1)
    if days == 0:
        return "just now"
    return f"{_counted(days, 'day')} {'ago' if ms < 0 else 'ahead'}"
