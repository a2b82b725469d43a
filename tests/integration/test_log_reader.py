from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from engine.domain.events import Event, EventType, Line
from engine.errors import StoreUnavailable
from engine.receipts import entry_of
from engine.store.database import Database
from engine.store.ledger import SqlLedger
from engine.store.log_reader import EVENT_SCHEMA, SCHEMA, log_span, read_events, read_lines
from tests.events import DAY_0, a_line, a_purchase, a_refund, a_view, day

MS_0 = 1_704_110_400_000
DAY_MS = 86_400_000


def recorded(database: Database, *events: Event) -> None:
    with SqlLedger(database).transaction() as transaction:
        transaction.append([entry_of(event, received_at=DAY_0) for event in events])


def test_every_line_of_purchases_and_refunds_is_read(database: Database):
    recorded(
        database,
        a_purchase("e1", Line("tea", 0.5, 150, 5), Line("jam", 2.0, None), order_id="o1"),
        a_view("e2"),
        a_refund("e3", a_line("tea", None, None), order_id="o1"),
    )

    table = read_lines(database).sort_by([("event_id", "ascending"), ("line_no", "ascending")])

    who = {"customer_id": "c1", "order_id": "o1"}
    bought = {"type": "purchase", "event_id": "e1", "at_ms": MS_0, **who}
    back = {"type": "refund", "event_id": "e3", "at_ms": MS_0 + 10 * DAY_MS, **who}
    assert table.schema == SCHEMA
    assert table.to_pylist() == [
        _row(bought, 0, "tea", 0.5, 150, 5),
        _row(bought, 1, "jam", 2.0, None, 0),
        _row(back, 0, "tea", None, None, 0),
    ]


def _row(event: dict[str, object], number: int, item: str, *amounts: object) -> dict[str, object]:
    quantity, unit_price, discount = amounts
    return event | {
        "line_no": number,
        "item_id": item,
        "quantity": quantity,
        "unit_price": unit_price,
        "discount": discount,
    }


def test_a_refund_without_lines_is_one_row_without_an_item(database: Database):
    recorded(database, a_refund("e1", order_id="o1"))

    (row,) = read_lines(database).to_pylist()

    assert (row["type"], row["order_id"]) == ("refund", "o1")
    assert [row[name] for name in ("line_no", "item_id", "quantity", "discount")] == [None] * 4


def test_columns_that_begin_with_many_nulls_keep_their_types(database: Database):
    # More than a batch of the driver, all guests who were told no price; then one who was.
    guests = [
        a_purchase(
            f"e{number:03d}",
            *[a_line("tea", 1, None)] * 700,
            customer_id=None,
            order_id=f"o{number}",
        )
        for number in range(100)
    ]
    recorded(database, *guests, a_purchase("late", a_line("tea", 1.5, 250)))

    table = read_lines(database)

    assert table.num_rows == 70_001
    assert table.schema == SCHEMA
    assert table["customer_id"].null_count == table["unit_price"].null_count == 70_000


def test_only_what_happened_before_until_is_read(database: Database):
    recorded(database, *(a_purchase(f"e{n}", occurred_at=day(n)) for n in range(4)))

    table = read_lines(database, until_ms=MS_0 + 2 * DAY_MS)

    assert sorted(table["event_id"].to_pylist()) == ["e0", "e1"]


def test_an_empty_log_is_an_empty_table(database: Database):
    table = read_lines(database)

    assert (table.num_rows, table.schema) == (0, SCHEMA)
    assert log_span(database) == (0, None, None)


def test_the_span_is_that_of_purchases_and_refunds(database: Database):
    recorded(
        database,
        a_view("e0", occurred_at=day(-5)),
        a_purchase("e1", occurred_at=day(1)),
        a_refund("e2", order_id="o1", occurred_at=day(3)),
    )

    assert log_span(database) == (2, MS_0 + DAY_MS, MS_0 + 3 * DAY_MS)


def an_event(event_id: str, type_: EventType, *lines: Line, **fields: object) -> Event:
    return Event(event_id, type_, DAY_0, **{"customer_id": "c1", "lines": lines, **fields})


def test_what_else_was_done_and_said_is_read_with_the_items_that_count(database: Database):
    tea, jam = Line("tea"), Line("jam")
    recorded(
        database,
        an_event("e1", EventType.VIEW_ITEM, tea, jam, properties={"channel": "direct"}),
        an_event("e2", EventType.IMPRESSION, tea, jam),
        an_event("e3", EventType.RATING, properties={"rating": 4}),
        a_purchase("e4", properties={"days_to_pay": 3}),
        a_purchase("e5"),
        a_refund("e6", order_id="o1", properties={"why": "broken"}),
        an_event("e7", EventType.SEARCH, customer_id=None, anonymous_id="a1"),
    )

    table = read_events(database).sort_by([("event_id", "ascending"), ("line_no", "ascending")])

    assert table.schema == EVENT_SCHEMA
    assert set(table["customer_id"].to_pylist()) == {"c1"}
    assert set(table["at_ms"].to_pylist()) == {MS_0}
    shown = table.select(["type", "event_id", "properties", "line_no", "item_id"])
    assert [tuple(row.values()) for row in shown.to_pylist()] == [
        ("view_item", "e1", '{"channel":"direct"}', 0, "tea"),
        ("view_item", "e1", None, 1, "jam"),
        ("impression", "e2", None, None, None),
        ("rating", "e3", '{"rating":4}', None, None),
        ("purchase", "e4", '{"days_to_pay":3}', None, None),
    ]


def test_only_events_before_until_are_read(database: Database):
    recorded(database, *(a_view(f"e{n}", occurred_at=day(n)) for n in range(4)))

    table = read_events(database, until_ms=MS_0 + 2 * DAY_MS)

    assert sorted(table["event_id"].to_pylist()) == ["e0", "e1"]


def test_a_log_of_purchases_only_has_no_other_events(database: Database):
    recorded(database, a_purchase("e1"))

    table = read_events(database)

    assert (table.num_rows, table.schema) == (0, EVENT_SCHEMA)


def test_a_database_without_tables_is_named(database_url: str):
    database = Database.open(database_url)

    with pytest.raises(StoreUnavailable, match="cannot be read") as refusal:
        read_lines(database)

    assert "\n" not in str(refusal.value)
    database.close()


def test_a_server_that_is_away_is_named_without_the_password():
    database = Database.open("postgresql://shop:secret@127.0.0.1:1/orders")

    with pytest.raises(StoreUnavailable, match="orders at") as refusal:
        read_lines(database)

    assert "secret" not in str(refusal.value)


def test_a_path_with_strange_characters_is_read(tmp_path: Path):
    database = Database.open(f"sqlite:///{tmp_path}/a shop #1/50%/regulars.db")
    database.upgrade()
    recorded(database, a_purchase("e1"))

    assert read_lines(database).num_rows == 1
    database.close()


def test_a_database_whose_name_and_password_hold_signs_of_urls_is_read(postgres_url: str):
    name, password = "shop + 100% & more", "p+w d/%@'"
    plain = make_url(postgres_url)
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
    url = plain.set(drivername="postgresql+psycopg", database=name, password=password)
    database = Database.open(url.render_as_string(hide_password=False))
    database.upgrade()
    recorded(database, a_purchase("e1"))

    rows = read_lines(database).num_rows

    database.close()
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE "{name}"')
    assert rows == 1
