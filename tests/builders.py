"""Data for tests, with only the fields that matter to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
from scipy import sparse

from engine.domain.assortment import Assortment
from engine.domain.events import Event, EventType, Line
from engine.domain.histories import DAY_MS, Histories, NetLine, histories_of
from engine.domain.ids import IdTable
from engine.models.als import Als
from engine.models.frequency import PersonalFrequency
from engine.models.goals import Goal
from engine.models.item_item import ItemItem
from engine.models.model import Model
from engine.models.popularity import Popularity

DAY_ZERO = datetime(2026, 1, 1, tzinfo=UTC)
DAY_ZERO_MS = int(DAY_ZERO.timestamp() * 1000)


def a_purchase(
    event_id: str = "e1",
    customer_id: str | None = "anna",
    items: Sequence[str] | Mapping[str, float] = ("apple",),
    order_id: str | None = None,
    day: float = 0,
    unit_price: int | None = 100,
) -> Event:
    """A purchase on a day after DAY_ZERO; one unit of each item unless quantities are given."""
    quantities = items if isinstance(items, Mapping) else dict.fromkeys(items, 1.0)
    return Event(
        event_id=event_id,
        type=EventType.PURCHASE,
        occurred_at=DAY_ZERO + timedelta(days=day),
        customer_id=customer_id,
        order_id=order_id or f"order-{event_id}",
        lines=tuple(Line(item, count, unit_price) for item, count in quantities.items()),
    )


def a_history(*orders: tuple[float, Sequence[str]]) -> tuple[NetLine, ...]:
    """Net lines of orders given as (day after DAY_ZERO, items), oldest first; one unit at 100."""
    return tuple(
        NetLine(f"o{number}", DAY_ZERO_MS + round(day * DAY_MS), item, 1.0, 100)
        for number, (day, items) in enumerate(orders)
        for item in sorted(items)
    )


def histories(
    items: Sequence[str] | IdTable, customers: Mapping[str, Sequence[NetLine]]
) -> Histories:
    """Histories of the customers over a table of items."""
    table = items if isinstance(items, IdTable) else IdTable(items)
    return histories_of(customers.items(), items=table)


def a_model(
    items: Sequence[str] = ("apple", "bread", "cheese", "dates", "eggs"),
    weights: Mapping[str, float] | None = None,
    version: str = "v1",
) -> Model:
    """A small model: apple sells best, eggs least; items next to each other are alike."""
    count = len(items)
    rng = np.random.default_rng(7)
    near = np.eye(count, k=1, dtype=np.float32) + np.eye(count, k=-1, dtype=np.float32)
    return Model(
        version=version,
        until_ms=DAY_ZERO_MS + 100 * DAY_MS,
        items=IdTable(items),
        scorers={
            "popularity": Popularity(
                np.arange(count, 0, -1).astype(np.float32), half_life_days=30.0
            ),
            "frequency": PersonalFrequency(items=count, half_life_days=30.0),
            "als": Als.of(
                rng.normal(size=(count, 3)).astype(np.float32),
                alpha=5.0,
                regularization=0.1,
                half_life_days=90.0,
            ),
            "item_item": ItemItem(sparse.csr_matrix(near), half_life_days=90.0),
        },
        blends={
            Goal.ANY: weights
            or {"frequency": 1.0, "als": 0.2, "item_item": 0.3, "popularity": 0.01}
        },
        assortment=Assortment.unknown(count),
    )


def a_log(events: Sequence[Event]) -> pa.Table:
    """The log's columns of purchase and refund events, as the log reader gives them."""
    rows = [
        {
            "type": event.type.value,
            "event_id": event.event_id,
            "line_no": number,
            "customer_id": event.customer_id,
            "order_id": event.order_id,
            "at_ms": int(event.at(DAY_ZERO).occurred_at.timestamp() * 1000),  # type: ignore[union-attr]
            "item_id": line.item_id if line else None,
            "quantity": line.quantity if line else None,
            "unit_price": line.unit_price if line else None,
            "discount": line.discount if line else 0,
        }
        for event in events
        for number, line in enumerate(event.lines or (None,))
    ]
    return pa.Table.from_pylist(rows, schema=LOG_SCHEMA)


LOG_SCHEMA = pa.schema(
    [
        ("type", pa.string()),
        ("event_id", pa.string()),
        ("line_no", pa.int32()),
        ("customer_id", pa.string()),
        ("order_id", pa.string()),
        ("at_ms", pa.int64()),
        ("item_id", pa.string()),
        ("quantity", pa.float64()),
        ("unit_price", pa.int64()),
        ("discount", pa.int64()),
    ]
)


def a_shop(*, customers: int = 60, days: int = 120, seed: int = 3) -> list[Event]:
    """Purchases of regulars: each has a taste, buys favourites weekly and tries something new."""
    rng = np.random.default_rng(seed)
    items = [f"item-{number:02d}" for number in range(30)]
    events: list[Event] = []
    for customer in range(customers):
        taste = (customer % 3) * 10
        favourites = rng.choice(10, size=3, replace=False) + taste
        day = float(rng.uniform(0, 7))
        while day < days:
            basket = {items[each]: 1.0 for each in favourites if rng.random() < 0.7}
            basket[items[int(rng.integers(10)) + taste]] = 2.0
            events.append(
                a_purchase(f"e{len(events)}", f"c{customer:03d}", basket, day=round(day, 3))
            )
            day += float(rng.uniform(4, 10))
    return events
