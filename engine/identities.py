"""Joins anonymous visitors to customers, and takes them apart again.

Everything here happens inside the transaction of the events: who is whose, and the states that
follow from it, stand or fall with them. Whoever gains or loses events by it is folded anew from
the log, as `engine.rebuild` does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from engine.domain.customers import StoredCustomer
from engine.domain.events import Event
from engine.domain.identities import (
    Range,
    Span,
    changed,
    is_nobodys,
    owner_at,
    spans_within,
)
from engine.live import Living
from engine.loyalty.net import summary_of
from engine.loyalty.state import NEW, apply_all, encode, time_ms
from engine.ports import LedgerTransaction


@dataclass(frozen=True)
class Claims:
    """The visitors of some events, and whose they are before the events are written."""

    spans: Mapping[str, Sequence[Span]] = field(default_factory=dict)
    joining: Sequence[Event] = ()

    @property
    def customers(self) -> set[str]:
        """The customers who may gain or lose something, beside those the events name."""
        return {span.customer_id for spans in self.spans.values() for span in spans}

    @property
    def visitors(self) -> set[str]:
        """Who is joined to somebody anew."""
        return {event.anonymous_id or "" for event in self.joining}

    def owned(self, events: Sequence[Event]) -> list[Event]:
        """The events, those of visitors with the customer whose they are."""
        return [_owned(event, self.spans) for event in events]


class Settled(NamedTuple):
    """The claims after the events were written, and who must be folded anew."""

    claims: Claims
    customers: frozenset[str]


def claim(transaction: LedgerTransaction, events: Sequence[Event]) -> Claims:
    """Whose the visitors of the events are, held until the transaction ends.

    Comes before every other lock.
    """
    visitors = {event.anonymous_id for event in events if event.anonymous_id is not None}
    if not visitors:
        return Claims()
    claims = _claims(transaction, events)
    alone = claims.visitors
    shared = transaction.hold_visitors(visitors, alone=alone)
    while shared:
        claims = _claims(transaction, events)
        if claims.visitors <= alone:
            break
        # Somebody else's join came in between: these must be held alone too.
        alone |= claims.visitors
        transaction.hold_visitors(visitors, alone=alone, again=True)
    return claims


def settle(transaction: LedgerTransaction, claims: Claims, accepted: Sequence[Event]) -> Settled:
    """Join whom the accepted events join, now that they are in the log."""
    new = {event.event_id for event in claims.joining}
    joining = [event for event in accepted if event.event_id in new]
    if not joining:
        return Settled(claims, frozenset())
    spans = {who: list(own) for who, own in claims.spans.items()}
    moved = resettle(transaction, _touched(joining, claims.spans))
    for who, own in moved.spans.items():
        first, last = own[0].from_ms, own[-1].until_ms
        outside = [
            span for span in spans.get(who, ()) if span.until_ms <= first or span.from_ms >= last
        ]
        spans[who] = [*outside, *own]
    return Settled(Claims(spans), moved.customers)


class Resettled(NamedTuple):
    """The spans by visitor as they are now, and the customers who gained or lost events."""

    spans: dict[str, list[Span]]
    customers: frozenset[str]


def resettle(transaction: LedgerTransaction, ranges: Sequence[Range]) -> Resettled:
    """Work out anew, from the log, whose the ranges are; one range a visitor.

    The spans beside a range take part: they may become one with what is in it.
    """
    beside = [Range(who, begins - 1, ends + 1) for who, begins, ends in ranges]
    before = _by_visitor(transaction.spans_over(beside))
    ranges = [_around(each, before.get(each.anonymous_id, ())) for each in ranges]
    joins = transaction.joins(ranges)
    after = {
        each.anonymous_id: spans_within(each, joins.get(each.anonymous_id, ())) for each in ranges
    }
    transaction.replace_spans(ranges, [span for spans in after.values() for span in spans])
    changes = {
        change.part: change.customers
        for each in ranges
        for change in changed(each, before.get(each.anonymous_id, ()), after[each.anonymous_id])
    }
    visited = transaction.visited(list(changes)) if changes else []
    customers = frozenset(who for part in visited for who in changes[part])
    return Resettled({who: own for who, own in after.items() if own}, customers)


def folded_anew(
    transaction: LedgerTransaction,
    customer_ids: Collection[str],
    known: Mapping[str, StoredCustomer],
) -> list[Living]:
    """The customers by all their events in the log; one of whom nothing changed stays the same."""
    wanted = sorted(customer_ids)
    if not wanted:
        return []
    events = transaction.history(wanted)
    return [_folded(who, known.get(who), events[who]) for who in wanted]


def _folded(customer_id: str, stored: StoredCustomer | None, events: Sequence[Event]) -> Living:
    state = apply_all(NEW, events)
    encoded = encode(state)
    if stored is not None and stored.state == encoded:
        return Living(stored, state)
    revision = (stored.revision if stored else 0) + 1
    summary = summary_of(state)
    return Living(StoredCustomer(customer_id, revision, encoded, summary), state)


def _claims(transaction: LedgerTransaction, events: Sequence[Event]) -> Claims:
    own = [event for event in events if event.anonymous_id is not None]
    moments = {_moment(event) for event in own}
    spans = _by_visitor(transaction.spans_over(sorted(moments)))
    joining = [
        event for event in own if event.customer_id is not None and not _is_known(event, spans)
    ]
    if joining:
        split = transaction.split_from(Claims(joining=joining).visitors)
        joining = [e for e in joining if (e.anonymous_id, e.customer_id) not in split]
    return Claims(spans, joining)


def _moment(event: Event) -> Range:
    """The time of an event of a visitor; a join may also move what was just before it."""
    at_ms = time_ms(event)
    return Range(event.anonymous_id or "", at_ms - (not is_nobodys(event)), at_ms + 1)


def _is_known(event: Event, spans: Mapping[str, Sequence[Span]]) -> bool:
    """Whether an event that carries both ids says what earlier ones said."""
    at_ms = time_ms(event)
    return any(
        span.customer_id == event.customer_id and span.joined_ms < at_ms < span.until_ms
        for span in spans.get(event.anonymous_id or "", ())
    )


def _touched(joining: Sequence[Event], spans: Mapping[str, Sequence[Span]]) -> list[Range]:
    """One range a visitor around all that the events may change."""
    found: dict[str, Range] = {}
    for event in joining:
        who = event.anonymous_id or ""
        moment = _moment(event)
        near = [
            span
            for span in spans.get(who, ())
            if span.from_ms < moment.until_ms and span.until_ms > moment.from_ms
        ]
        found[who] = _around(found.get(who, moment) if near else Range(who), near)
    return list(found.values())


def _around(asked: Range, spans: Sequence[Span]) -> Range:
    """The range made so wide that it holds the spans too."""
    return Range(
        asked.anonymous_id,
        min([asked.from_ms, *(span.from_ms for span in spans)]),
        max([asked.until_ms, *(span.until_ms for span in spans)]),
    )


def _owned(event: Event, spans: Mapping[str, Sequence[Span]]) -> Event:
    if not is_nobodys(event):
        return event
    owner = owner_at(spans.get(event.anonymous_id or "", ()), time_ms(event))
    return event if owner is None else msgspec.structs.replace(event, customer_id=owner)


def _by_visitor(spans: Sequence[Span]) -> dict[str, list[Span]]:
    found: defaultdict[str, list[Span]] = defaultdict(list)
    for span in sorted(spans):
        found[span.anonymous_id].append(span)
    return dict(found)
