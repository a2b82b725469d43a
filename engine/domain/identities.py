"""Whose the events of an anonymous visitor are.

An event that carries both ids joins the visitor to the customer from its time on. What the visitor
did before the first join is the first customer's; from a later join to another customer on it is
the other one's, as on a device that changes hands. Who is whose follows from the joins alone,
whatever order they arrive in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

from engine.domain.events import Event, EventType

FIRST_MS = 0
FOREVER_MS = 2**62


class Range(NamedTuple):
    """A visitor's time from `from_ms` until before `until_ms`."""

    anonymous_id: str
    from_ms: int = FIRST_MS
    until_ms: int = FOREVER_MS


class Join(NamedTuple):
    """An event that carries both ids. Sorted, the later of two decides, by id where at once."""

    at_ms: int
    event_id: str
    customer_id: str
    seq: int


class Span(NamedTuple):
    """A range that is a customer's, since the event `event_seq` at `joined_ms` said so."""

    anonymous_id: str
    from_ms: int
    until_ms: int
    customer_id: str
    joined_ms: int
    event_seq: int


class Visitors(Protocol):
    """What a transaction knows of visitors; each may raise StoreUnavailable."""

    def hold_visitors(
        self, anonymous_ids: Collection[str], *, alone: Collection[str], again: bool = False
    ) -> bool:
        """Keep joins of the visitors away until the end, of those `alone` their events too.

        Comes before `hold_orders`, once a transaction. Whether others may have written before it
        was so. `again` lets go of what was held first and undoes what was written since: nobody
        waits for one visitor while holding another.
        """

    def spans_over(self, ranges: Sequence[Range]) -> list[Span]:
        """The spans that overlap any of the ranges, each once."""

    def joins(self, ranges: Sequence[Range]) -> dict[str, list[Join]]:
        """The joins in the ranges by visitor, sorted, without those the shop took apart."""

    def visited(self, ranges: Sequence[Range]) -> list[Range]:
        """Those ranges in which the visitor did something without a customer's id."""

    def split_from(self, anonymous_ids: Collection[str]) -> set[tuple[str, str]]:
        """The visitors and customers that the shop took apart."""

    def split(self, anonymous_id: str, customer_ids: Collection[str], *, at_ms: int | None) -> None:
        """Take the visitor apart from the customers; with None no longer."""

    def replace_spans(self, ranges: Sequence[Range], spans: Sequence[Span]) -> None:
        """Write what the ranges consist of now."""

    def visitors_after(self, after: str, *, size: int) -> list[str]:
        """The next visitors who are or were joined to anybody, by id."""


def is_nobodys(event: Event) -> bool:
    """Whether the event is the visitor's alone, to be had by whom the visitor is joined to.

    A refund that names its order is the business of whoever placed the order.
    """
    if event.customer_id is not None or event.anonymous_id is None:
        return False
    return event.type is not EventType.REFUND or event.order_id is None


def spans_within(asked: Range, joins: Sequence[Join]) -> list[Span]:
    """What a range consists of by the sorted joins in it, none where there is no join.

    The first join's customer has what was before it too.
    """
    found: list[Span] = []
    for join in joins:
        if found and found[-1].customer_id == join.customer_id:
            continue
        begins = join.at_ms if found else asked.from_ms
        if found:
            found[-1] = found[-1]._replace(until_ms=join.at_ms)
        found.append(
            Span(
                asked.anonymous_id,
                begins,
                asked.until_ms,
                join.customer_id,
                join.at_ms,
                join.seq,
            )
        )
    return _without_empty(found)


def changed(asked: Range, before: Sequence[Span], after: Sequence[Span]) -> Iterator[Change]:
    """The parts of a range that are another customer's than before."""
    edges = {asked.from_ms, asked.until_ms}
    for span in (*before, *after):
        edges |= {max(span.from_ms, asked.from_ms), min(span.until_ms, asked.until_ms)}
    ordered = sorted(edges)
    for begins, ends in pairwise(ordered):
        old, new = owner_at(before, begins), owner_at(after, begins)
        if old != new:
            part = Range(asked.anonymous_id, begins, ends)
            yield Change(part, frozenset(who for who in (old, new) if who is not None))


class Change(NamedTuple):
    """A part of a visitor's time and the one or two customers between whom it moves."""

    part: Range
    customers: frozenset[str]


def owner_at(spans: Iterable[Span], at_ms: int) -> str | None:
    """Whose the visitor of the spans is at a time, None for nobody's."""
    for span in spans:
        if span.from_ms <= at_ms < span.until_ms:
            return span.customer_id
    return None


def _without_empty(spans: Sequence[Span]) -> list[Span]:
    """The spans with some time in them; where one falls out its neighbours may be one."""
    kept: list[Span] = []
    for span in spans:
        if span.from_ms == span.until_ms:
            continue
        if kept and kept[-1].customer_id == span.customer_id:
            kept[-1] = kept[-1]._replace(until_ms=span.until_ms)
        else:
            kept.append(span)
    return kept
