"""What the tables of a state share: rows sorted by a key of their own, old ones forgotten."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from engine.domain.events import Event, to_ms
from engine.domain.particulars import Said, said

# Visits, interests and mails are kept for so many UTC days up to the last day that has any.
KEPT_DAYS = 400

Row = TypeVar("Row")


class Told(NamedTuple):
    """An event of the customer: when it happened, in ms since 1970 UTC, and what it says."""

    at_ms: int
    event: Event
    said: Said


def told(event: Event) -> Told:
    """The event, read; raises ValueError when it has no time."""
    return Told(time_ms(event), event, said(event))


def time_ms(event: Event) -> int:
    """The time of an event that has one, in ms since 1970 UTC."""
    if event.occurred_at is None:
        raise ValueError(f"event {event.event_id} has no time; call Event.at first")
    return to_ms(event.occurred_at)


def with_rows(
    rows: tuple[Row, ...], news: Iterable[Row], *, key: Callable[[Row], Any]
) -> tuple[Row, ...]:
    """The sorted rows and the new ones, sorted; the very same rows when nothing is new."""
    fresh = sorted(news, key=key)
    if not fresh:
        return rows
    if rows and key(fresh[0]) < key(rows[-1]):
        return tuple(sorted((*rows, *fresh), key=key))
    return (*rows, *fresh)


def kept(rows: tuple[Row, ...], *, day: Callable[[Row], int]) -> tuple[Row, ...]:
    """The rows of the last KEPT_DAYS days up to the last row's day; rows are sorted by day.

    The last row is never forgotten, so any order of arrival forgets the same.
    """
    if not rows:
        return rows
    last_forgotten = day(rows[-1]) - KEPT_DAYS
    if day(rows[0]) > last_forgotten:
        return rows
    return rows[bisect_right(rows, last_forgotten, key=day) :]
