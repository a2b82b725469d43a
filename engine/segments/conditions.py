"""Conditions on a customer as values: comparisons, and all, any and not of them.

An unknown value makes every comparison false, `is_not` and `not_within_days` included; only
`{"known": false}` holds for it. `not` turns true and false around, so `not (orders above 3)` holds
for a customer whose orders are unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from engine.domain.events import EventType
from engine.loyalty.feature import Kind
from engine.segments.problems import step

DAY_MS = 86_400_000


class Op(StrEnum):
    """How a value is compared; `between` includes both ends."""

    IS = "is"
    IS_NOT = "is_not"
    IN = "in"
    ABOVE = "above"
    AT_LEAST = "at_least"
    BELOW = "below"
    AT_MOST = "at_most"
    BETWEEN = "between"
    WITHIN_DAYS = "within_days"
    NOT_WITHIN_DAYS = "not_within_days"
    KNOWN = "known"


Scalar: TypeAlias = str | float | bool
Operand: TypeAlias = Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """An operator and what to compare with: a tuple for `in` and `between`."""

    op: Op
    value: Operand

    @property
    def values(self) -> tuple[Scalar, ...]:
        """What to compare with, always as a tuple."""
        return self.value if isinstance(self.value, tuple) else (self.value,)

    def plain(self) -> dict[str, Any]:
        """The comparison as JSON holds it."""
        return {self.op.value: list(self.value) if isinstance(self.value, tuple) else self.value}


@dataclass(frozen=True, slots=True)
class OfFeature:
    """A feature of the customer compares so. Money is in minor units, shares lie in 0 to 1.

    `within_days` and `not_within_days` measure a moment's distance from now, before or after it.
    """

    feature: str
    kind: Kind
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class OfAttribute:
    """Something the shop told of the customer compares so.

    A value of another type than it is compared with (the text "5" with the number 5) is unknown.
    """

    attribute: str
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class OfEvents:
    """The number of the customer's events of a type compares so.

    Counted are events from `within_days` before now (None: from ever) up to now, both included;
    with `item_id` only those with a line of that item.
    """

    type: EventType
    comparison: Comparison
    within_days: float | None = None
    item_id: str | None = None

    def since_ms(self, now_ms: int) -> int | None:
        """Where the window begins, ms since 1970 UTC; None where it never does."""
        return None if self.within_days is None else now_ms - window_ms(self.within_days)

    def bounds(self) -> tuple[int, int | None]:
        """The fewest and the most events that are asked for; None: no most."""
        low, high = (int(self.comparison.values[0]), int(self.comparison.values[-1]))
        match self.comparison.op:
            case Op.AT_LEAST:
                return low, None
            case Op.ABOVE:
                return low + 1, None
            case Op.AT_MOST:
                return 0, high
            case Op.BELOW:
                return 0, high - 1
            case _:
                return low, high


@dataclass(frozen=True, slots=True)
class OfSegment:
    """The customer belongs to another segment; `condition` is None until a book resolved it."""

    name: str
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Condition


Condition: TypeAlias = OfFeature | OfAttribute | OfEvents | OfSegment | AllOf | AnyOf | Not


def window_ms(days: float) -> int:
    """So many days in whole milliseconds."""
    return round(days * DAY_MS)


def plain(condition: Condition) -> dict[str, Any]:  # noqa: PLR0911 - one case a kind of condition
    """The condition as JSON holds it; parsing that gives an equal condition."""
    match condition:
        case AllOf(parts):
            return {"all": [plain(part) for part in parts]}
        case AnyOf(parts):
            return {"any": [plain(part) for part in parts]}
        case Not(part):
            return {"not": plain(part)}
        case OfSegment(name):
            return {"segment": name}
        case OfFeature(feature, _, comparison):
            return {"feature": feature, **comparison.plain()}
        case OfAttribute(attribute, comparison):
            return {"attribute": attribute, **comparison.plain()}
        case OfEvents(type_, comparison, within_days, item_id):
            told = {"within_days": within_days, "item_id": item_id}
            kept = {name: value for name, value in told.items() if value is not None}
            return {"events": type_.value, **comparison.plain(), **kept}


def parts_of(condition: Condition) -> tuple[tuple[str, Condition], ...]:
    """The conditions right below this one with the step of a JSON pointer to each.

    Another segment's condition is not below the reference to it.
    """
    match condition:
        case AllOf(parts):
            return tuple((f"/all/{index}", part) for index, part in enumerate(parts))
        case AnyOf(parts):
            return tuple((f"/any/{index}", part) for index, part in enumerate(parts))
        case Not(part):
            return ((step("", "not"), part),)
        case _:
            return ()


def walk(condition: Condition, pointer: str = "") -> Iterator[tuple[str, Condition]]:
    """The condition and all below it with JSON pointers, from the top down."""
    yield pointer, condition
    for further, part in parts_of(condition):
        yield from walk(part, pointer + further)


def depth(condition: Condition) -> int:
    """How many conditions stand on the longest way down, segments referred to written out."""
    match condition:
        case AllOf(parts) | AnyOf(parts):
            return 1 + max(map(depth, parts))
        case Not(part):
            return 1 + depth(part)
        case OfSegment(_, inner) if inner is not None:
            return 1 + depth(inner)
        case _:
            return 1
