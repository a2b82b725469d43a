"""What becomes of events that are handed in: checked here, then written, each with its receipt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from engine.domain.events import Event, check, digest
from engine.domain.particulars import check_particulars
from engine.errors import RequestInvalid
from engine.ports import Entry, Outcome


class Status(StrEnum):
    """What a sender is told of an event."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one event; `field` and `reason` say why it was refused."""

    event_id: str
    status: Status
    field: str | None = None
    reason: str | None = None


class Batch(NamedTuple):
    """Events that one sender handed in together, checked as far as that needs no database.

    `entries` are those ready for the log and `refused` the others, both by position.
    """

    events: Sequence[Event]
    entries: dict[int, Entry]
    refused: dict[int, Receipt]


class Recorded(NamedTuple):
    """What became of each batch's events, in order, and the customers whose features are due."""

    receipts: list[list[Receipt]]
    due: list[str]


def checked(events: Sequence[Event], *, now: datetime) -> Batch:
    """The events with those set aside that break a rule."""
    batch = Batch(events, {}, {})
    for position, event in enumerate(events):
        try:
            check(event, now=now)
            check_particulars(event)
        except RequestInvalid as error:
            batch.refused[position] = rejected(event, error)
        else:
            batch.entries[position] = entry_of(event, received_at=now)
    return batch


def entry_of(event: Event, *, received_at: datetime) -> Entry:
    """A checked event made ready for the log."""
    return Entry(event.at(received_at), digest(event), received_at)


def receipt_of(event: Event, outcome: Outcome) -> Receipt:
    """What the log made of an event."""
    if outcome is Outcome.CONFLICT:
        return Receipt(
            event.event_id,
            Status.CONFLICT,
            field="event_id",
            reason=f"{event.event_id} was used before with another content; use a new id",
        )
    return Receipt(event.event_id, Status(outcome.value))


def rejected(event: Event, error: RequestInvalid) -> Receipt:
    """That an event breaks a rule, and which."""
    return Receipt(event.event_id, Status.REJECTED, field=error.field, reason=error.reason)
