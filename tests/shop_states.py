"""Small tables of customers' rows for tests of shop statistics."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from engine.domain.histories import Histories
from engine.loyalty.features.context import Orders, orders_by_day
from engine.loyalty.states import Mails, Visits


def at(text: str) -> int:
    """A UTC time in ms."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def indptr_of(rows: Sequence[Sequence[object]]) -> np.ndarray:
    return np.cumsum([0, *(len(each) for each in rows)], dtype=np.int64)


def some_goods(
    customers: Sequence[Sequence[str]], *, units: float = 1.0, items: Sequence[int] | None = None
) -> Histories:
    """One line a date, worth 10.00, for each customer's dates."""
    times = [at(each) for own in customers for each in own]
    lines = len(times)
    return Histories(
        customers=tuple(f"c{number:03}" for number in range(len(customers))),
        indptr=indptr_of(customers),
        item=np.asarray(items if items is not None else [0] * lines, dtype=np.int32),
        order=np.arange(lines, dtype=np.int64),
        at=np.asarray(times, dtype=np.int64),
        units=np.full(lines, units, dtype=np.float32),
        value=np.full(lines, 1_000, dtype=np.int64),
        discount=np.zeros(lines, dtype=np.int64),
    )


def some_orders(customers: Sequence[Sequence[str]]) -> Orders:
    """One order a date for each customer's dates, which are oldest first."""
    return orders_by_day(some_goods(customers))


def some_visits(customers: Sequence[Sequence[tuple[str, int]]]) -> Visits:
    """A visit of a minute for each customer's (time, steps)."""
    starts = np.asarray([at(when) for own in customers for when, _ in own], dtype=np.int64)
    return Visits(
        indptr=indptr_of(customers),
        start=starts,
        end=starts + 60_000,
        events=np.full(len(starts), 3, dtype=np.int32),
        steps=np.asarray([bits for own in customers for _, bits in own], dtype=np.int32),
    )


def some_mails(customers: Sequence[Sequence[tuple[str, int, int]]]) -> Mails:
    """A row for each customer's (time, kind, topic)."""
    rows = [each for own in customers for each in own]
    return Mails(
        indptr=indptr_of(customers),
        at=np.asarray([at(when) for when, _, _ in rows], dtype=np.int64),
        kind=np.asarray([kind for _, kind, _ in rows], dtype=np.int8),
        topic=np.asarray([topic for _, _, topic in rows], dtype=np.int32),
    )
