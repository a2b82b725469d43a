"""One customer as of now: worked out from the stored state at the moment of asking."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from engine.domain.events import to_ms
from engine.domain.features import Value
from engine.errors import CustomerUnknown
from engine.live import LiveModel, Living, Portraits, attributes_of, counter, living
from engine.loyalty.feature import Feature, Kind
from engine.loyalty.features.explain import sentence
from engine.loyalty.features.registry import FEATURES
from engine.ports import Customers, Features, Segments
from engine.segments.book import SegmentBook
from engine.segments.predicate import Person

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Told(NamedTuple):
    """A feature as it is told: its value, None for unknown, what it rests on, and in words."""

    value: bool | int | float | str | datetime | None
    evidence: int
    confidence: float
    explanation: str


class Taste(NamedTuple):
    """How much a category is wanted: by what was said, by what was done, both in one."""

    category: str
    explicit: float
    implicit: float
    score: float
    excluded: bool


@dataclass(frozen=True)
class Portrait:
    """A customer at the moment `at`; `drawn` is of this one alone, `segments` are names."""

    customer: Living
    at: datetime
    drawn: Portraits
    person: Person
    book: SegmentBook
    segments: tuple[str, ...]

    @property
    def now_ms(self) -> int:
        """The moment in ms since 1970 UTC."""
        return to_ms(self.at)

    @property
    def row(self) -> dict[str, Value]:
        """The features' values by name."""
        return self.drawn.features.row(0)

    def told(self) -> dict[str, Told]:
        """Every feature by name."""
        row = self.row
        return {name: self._told(feature, row) for name, feature in FEATURES.items()}

    def tastes(self) -> Iterator[Taste]:
        """The categories wanted, the most first."""
        found = self.drawn.preferences
        for category, explicit, implicit, score, excluded in zip(
            found.category.tolist(),
            found.explicit.tolist(),
            found.implicit.tolist(),
            found.score.tolist(),
            found.excluded.tolist(),
            strict=True,
        ):
            yield Taste(found.labels[category], explicit, implicit, score, excluded)

    def _told(self, feature: Feature, row: dict[str, Value]) -> Told:
        column, value = self.drawn.features[feature.name], told_value(feature, row[feature.name])
        # What is unknown rests on nothing, whatever was looked at.
        known = value is not None
        return Told(
            value=value,
            evidence=int(column.evidence[0]) if known else 0,
            confidence=float(column.confidence()[0]) if known else 0.0,
            explanation=sentence(feature, row),
        )


@dataclass(frozen=True)
class Painter:
    """Draws single customers from what is stored of them."""

    customers: Customers
    features: Features
    segments: Segments
    live: LiveModel

    def portrait(self, customer_id: str, *, at: datetime) -> Portrait:
        """The customer as of `at`. Raises CustomerUnknown, or StoreUnavailable."""
        stored = self.customers.load(customer_id)
        if stored is None:
            raise CustomerUnknown(
                f"no event of customer {customer_id} is recorded; check the id, or ingest orders"
            )
        now_ms, (own,) = to_ms(at), living([stored])
        last = self.features.stage(customer_id)
        drawn = self.live.portraits([own], {customer_id: last} if last else {}, now_ms=now_ms)
        person = Person(
            drawn.features.row(0),
            msgspec.json.decode(attributes_of(own.state)),
            counter(self.segments, customer_id, now_ms=now_ms),
        )
        # One look at the rules: they may change while this runs.
        rules = self.live.rules(self.segments.revision())
        names = rules.segments_of(person, now_ms=now_ms)
        return Portrait(own, at, drawn, person, rules.book, tuple(names))


def told_value(feature: Feature, value: Value | bool) -> bool | int | float | str | datetime | None:
    """A feature's stored value as what it is: a flag, a moment, a whole number; None: unknown."""
    if value is None or isinstance(value, str):
        return value
    match feature.kind:
        case Kind.FLAG:
            return bool(value)
        case Kind.MOMENT:
            return moment(value)
        case Kind.COUNT | Kind.MONEY:
            return round(value)
        case _:
            return float(value)


def moment(at_ms: float) -> datetime:
    """The moment so many ms after 1970 began."""
    return _EPOCH + timedelta(milliseconds=at_ms)


def moment_or_none(at_ms: float | None) -> datetime | None:
    """The moment so many ms after 1970 began, None for None."""
    return None if at_ms is None else moment(at_ms)
