"""One customer as of now, from the stored state: what the API tells, for the command line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from engine.domain.events import to_ms
from engine.domain.features import Value
from engine.errors import CustomerUnknown
from engine.live import (
    LiveModel,
    Living,
    Portraits,
    Surroundings,
    attributes_of,
    counter,
    living,
)
from engine.loyalty.cuts import Cuts
from engine.loyalty.feature import Feature, Kind
from engine.loyalty.features.explain import sentence
from engine.loyalty.features.registry import FEATURES
from engine.segments.book import SegmentBook
from engine.segments.predicate import Person
from engine.store.customers import SqlCustomers
from engine.store.database import Database
from engine.store.features import SqlFeatures
from engine.store.segments import SqlSegments
from training.refresh import catalog_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Portrait:
    """A customer at the moment `at`; `drawn` holds this one alone, `segments` are names."""

    customer: Living
    at: datetime
    drawn: Portraits
    person: Person
    book: SegmentBook
    segments: tuple[str, ...]

    @property
    def row(self) -> dict[str, Value]:
        """The features' values by name."""
        return self.drawn.features.row(0)

    def preferences(self) -> Iterator[dict[str, Any]]:
        """The categories wanted, the most first: what was said, what was done, both in one."""
        found = self.drawn.preferences
        for place in range(len(found)):
            yield {
                "category": found.labels[int(found.category[place])],
                "explicit": float(found.explicit[place]),
                "implicit": float(found.implicit[place]),
                "score": float(found.score[place]),
                "excluded": bool(found.excluded[place]),
            }


def portrait_of(database: Database, cuts: Cuts, customer_id: str, *, at: datetime) -> Portrait:
    """The customer as of `at`, by the given cuts. Raises CustomerUnknown."""
    stored = SqlCustomers(database).load(customer_id)
    if stored is None:
        raise CustomerUnknown(
            f"no event of customer {customer_id} has been recorded; check the id, or ingest first"
        )
    segments, (own,) = SqlSegments(database), living([stored])
    catalog = catalog_of(database)
    live = LiveModel(Surroundings(cuts=lambda: cuts, items=lambda: catalog, segments=segments.own))
    last, now_ms = SqlFeatures(database).stage(customer_id), to_ms(at)
    drawn = live.portraits([own], {customer_id: last} if last else {}, now_ms=now_ms)
    person = Person(
        drawn.features.row(0),
        msgspec.json.decode(attributes_of(own.state)),
        counter(segments, customer_id, now_ms=now_ms),
    )
    revision = segments.revision()
    names = live.segments_of(person, revision=revision, now_ms=now_ms)
    return Portrait(own, at, drawn, person, live.book(revision), tuple(names))


def plain(portrait: Portrait, *, explain: bool) -> dict[str, Any]:
    """The portrait as values for JSON, named as in the API's profile."""
    stored = portrait.customer.stored
    summary, drawn = stored.summary, portrait.drawn
    return {
        "customer_id": stored.customer_id,
        "revision": stored.revision,
        "orders": summary.orders,
        "units": summary.units,
        "revenue": summary.revenue,
        "first_order_at": moment_of(summary.first_order_ms),
        "last_order_at": moment_of(summary.last_order_ms),
        "as_of": portrait.at,
        "cuts_version": drawn.cuts_version,
        "features": {
            name: _feature(portrait, each, explain=explain) for name, each in FEATURES.items()
        },
        "preferences": list(portrait.preferences()),
        "segments": list(portrait.segments),
    }


def moment_of(at_ms: float | None) -> datetime | None:
    """The moment so many ms after 1970 began, None for None."""
    return None if at_ms is None else _EPOCH + timedelta(milliseconds=at_ms)


def _feature(portrait: Portrait, feature: Feature, *, explain: bool) -> dict[str, Any]:
    row, column = portrait.row, portrait.drawn.features[feature.name]
    told = {
        "value": _told(feature, row[feature.name]),
        "evidence": int(column.evidence[0]),
        "confidence": float(column.confidence()[0]),
    }
    return told | ({"explanation": sentence(feature, row)} if explain else {})


def _told(feature: Feature, value: Value) -> bool | int | float | str | datetime | None:
    if value is None or isinstance(value, str):
        return value
    match feature.kind:
        case Kind.FLAG:
            return bool(value)
        case Kind.MOMENT:
            return moment_of(value)
        case Kind.COUNT | Kind.MONEY:
            return round(value)
        case _:
            return float(value)
