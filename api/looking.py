"""One customer as of now: worked out from the stored state at the moment of asking."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from api.access import services
from engine.domain.events import to_ms
from engine.errors import CustomerUnknown
from engine.live import Living, Portraits, attributes_of, counter, living
from engine.segments.book import SegmentBook
from engine.segments.predicate import Person


@dataclass(frozen=True)
class Look:
    """A customer at the moment `at`; `portrait` is of this one alone, `segments` are names."""

    customer: Living
    at: datetime
    portrait: Portraits
    person: Person
    book: SegmentBook
    segments: tuple[str, ...]

    @property
    def now_ms(self) -> int:
        """The moment in ms since 1970 UTC."""
        return to_ms(self.at)


def look_at(customer_id: str) -> Look:
    """The customer as of now. Raises CustomerUnknown, or StoreUnavailable."""
    parts = services()
    stored = parts.customers.load(customer_id)
    if stored is None:
        raise CustomerUnknown("no event of this customer has been recorded; send one first")
    at = parts.clock()
    now_ms, (own,) = to_ms(at), living([stored])
    last = parts.features.stage(customer_id)
    portrait = parts.live.portraits([own], {customer_id: last} if last else {}, now_ms=now_ms)
    person = Person(
        portrait.features.row(0),
        msgspec.json.decode(attributes_of(own.state)),
        counter(parts.segments, customer_id, now_ms=now_ms),
    )
    revision = parts.segments.revision()
    return Look(
        customer=own,
        at=at,
        portrait=portrait,
        person=person,
        book=parts.live.book(revision),
        segments=tuple(parts.live.segments_of(person, revision=revision, now_ms=now_ms)),
    )
