"""What becomes of a row: its class and its event."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.domain.events import EventType, Line
from engine.errors import DataRefused
from tests.ingesting import ROW, Shop, a_csv, a_row, a_shop, counts_of, lines_of
from training.ingest import classify


@pytest.fixture
def shop(sqlite_url: str, tmp_path: Path) -> Iterator[Shop]:
    with a_shop(sqlite_url, tmp_path / "home") as opened:
        yield opened


def test_a_purchase_line_becomes_an_event_of_its_order(shop: Shop, tmp_path: Path) -> None:
    rows = [ROW, a_row(item_id="pear", quantity="1", unit_price="0.99")]

    report = shop.ingest(a_csv(tmp_path / "a.csv", rows), currency="EUR")

    assert counts_of(report) == {"accepted": 2}
    (event,) = shop.log()
    assert event.type is EventType.PURCHASE
    assert (event.customer_id, event.order_id, event.currency) == ("anna", "o1", "EUR")
    assert event.occurred_at == datetime(2026, 1, 2, 10, tzinfo=UTC)
    assert event.lines == (Line("apple", 2.0, 150), Line("pear", 1.0, 99))
    assert shop.summary("anna") is not None
    assert shop.summary("anna").revenue == 399  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("cells", "row_class"),
    [
        ({}, "accepted"),
        ({"customer_id": ""}, "guest_order"),
        ({"quantity": "-1"}, "refund"),
        ({"unit_price": ""}, "accepted"),
        ({"order_id": ""}, "accepted"),
        ({"item_id": " "}, "rejected: missing_item"),
        ({"order_id": "", "customer_id": ""}, "rejected: missing_order"),
        ({"occurred_at": ""}, "rejected: missing_time"),
        ({"occurred_at": "soon"}, "rejected: bad_time"),
        ({"occurred_at": "1969-12-31"}, "rejected: before_1970"),
        ({"occurred_at": "2026-03-03"}, "rejected: future_time"),
        ({"occurred_at": "2026-03-02"}, "accepted"),
        ({"quantity": ""}, "rejected: bad_quantity"),
        ({"quantity": "two"}, "rejected: bad_quantity"),
        ({"quantity": "1000000001"}, "rejected: bad_quantity"),
        ({"quantity": "0"}, "rejected: zero_quantity"),
        ({"unit_price": "0"}, "rejected: zero_price"),
        ({"unit_price": "-1"}, "rejected: negative_price"),
        ({"unit_price": "cheap"}, "rejected: bad_price"),
        ({"unit_price": "99999999999"}, "rejected: bad_price"),
        ({"unit_price": "9" * 400}, "rejected: bad_price"),
        ({"item_id": "x" * 200}, "accepted"),
        ({"item_id": "x" * 201}, "rejected: bad_id"),
        ({"customer_id": "é" * 201}, "rejected: bad_id"),
        ({"customer_id": "zoë"}, "accepted"),
        ({"order_id": "a\u200bb"}, "rejected: bad_id"),
        ({"order_id": "a\tb"}, "rejected: bad_id"),
        ({"order_id": "o" * 200}, "accepted"),
    ],
)
def test_every_row_has_one_class(
    shop: Shop, tmp_path: Path, cells: dict[str, str], row_class: str
) -> None:
    good = a_row(order_id="other")

    report = shop.ingest(a_csv(tmp_path / "a.csv", [good, a_row(**{"order_id": "o2", **cells})]))

    expected = {"accepted": 2} if row_class == "accepted" else {"accepted": 1, row_class: 1}
    assert counts_of(report) == expected


@pytest.mark.parametrize(
    ("discount", "currency", "row_class"),
    [
        ("0.50", "EUR", "accepted"),
        ("3.00", "eur", "accepted"),
        ("3.01", "EUR", "rejected: bad_discount"),
        ("-0.50", "EUR", "rejected: bad_discount"),
        ("half", "EUR", "rejected: bad_discount"),
        ("", "", "accepted"),
        ("", "USD", "rejected: other_currency"),
        ("", "Euro", "rejected: bad_currency"),
    ],
)
def test_discounts_and_currencies_are_checked(
    shop: Shop, tmp_path: Path, discount: str, currency: str, row_class: str
) -> None:
    header = "customer_id,item_id,order_id,occurred_at,quantity,unit_price,discount,currency"
    rows = [f"{ROW},0,EUR", f"{a_row(order_id='o2')},{discount},{currency}"]

    report = shop.ingest(a_csv(tmp_path / "a.csv", rows, header=header), currency="EUR")

    expected = {"accepted": 2} if row_class == "accepted" else {"accepted": 1, row_class: 1}
    assert counts_of(report) == expected


def test_a_row_that_is_there_twice_counts_once(shop: Shop, tmp_path: Path) -> None:
    report = shop.ingest(a_csv(tmp_path / "a.csv", [ROW, ROW, ROW]))

    assert counts_of(report) == {"accepted": 1, "duplicate": 2}
    assert lines_of(shop.log()) == [("o1", Line("apple", 2.0, 150))]


def test_a_file_in_two_currencies_asks_which_is_the_shops(shop: Shop, tmp_path: Path) -> None:
    header = "customer_id,item_id,order_id,occurred_at,quantity,unit_price,currency"
    path = a_csv(tmp_path / "a.csv", [f"{ROW},EUR", f"{a_row(order_id='o2')},USD"], header=header)

    with pytest.raises(DataRefused, match="--currency EUR"):
        shop.ingest(path)

    assert shop.log() == []


def test_sums_in_another_currency_than_the_shops_are_refused(shop: Shop, tmp_path: Path) -> None:
    path = a_csv(tmp_path / "a.csv", [ROW])
    shop.ingest(path, currency="EUR")

    with pytest.raises(DataRefused, match="this shop's are in EUR"):
        shop.ingest(path, currency="USD")


def test_fractions_of_a_cent_are_kept_in_the_lines_value(shop: Shop, tmp_path: Path) -> None:
    shop.ingest(a_csv(tmp_path / "a.csv", [a_row(quantity="10", unit_price="0.125")]))

    ((_, line),) = lines_of(shop.log())
    assert line == Line("apple", 10.0, 13, 5)
    assert line.value() == 125


def test_a_missing_order_is_made_of_customer_and_time(shop: Shop, tmp_path: Path) -> None:
    rows = [a_row(order_id=""), a_row(order_id="", item_id="pear")]

    shop.ingest(a_csv(tmp_path / "a.csv", rows))

    assert {order for order, _ in lines_of(shop.log())} == {"anna@2026-01-02T10:00:00Z"}


def test_a_return_under_its_orders_number_takes_back_from_that_order(
    shop: Shop, tmp_path: Path
) -> None:
    rows = [ROW, a_row(quantity="-1", occurred_at="2026-01-09T10:00:00Z")]

    shop.ingest(a_csv(tmp_path / "a.csv", rows))

    purchase, refund = shop.log()
    assert (refund.type, refund.order_id) == (EventType.REFUND, "o1")
    assert purchase.occurred_at == datetime(2026, 1, 2, 10, tzinfo=UTC)
    assert refund.occurred_at == datetime(2026, 1, 9, 10, tzinfo=UTC)
    assert shop.summary("anna").units == 1  # type: ignore[union-attr]


def test_a_return_under_a_number_of_its_own_takes_back_the_customers_latest(
    shop: Shop, tmp_path: Path
) -> None:
    rows = [ROW, a_row(order_id="credit-7", quantity="-2", occurred_at="2026-01-09")]

    shop.ingest(a_csv(tmp_path / "a.csv", rows))

    assert shop.log()[1].order_id is None
    assert shop.summary("anna").units == 0  # type: ignore[union-attr]


def test_an_order_belongs_to_one_customer(shop: Shop, tmp_path: Path) -> None:
    rows = [
        a_row(customer_id="", item_id="pear"),
        ROW,
        a_row(customer_id="ben", item_id="fig"),
    ]

    report = shop.ingest(a_csv(tmp_path / "a.csv", rows))

    assert counts_of(report) == {"accepted": 2, "rejected: order_of_another_customer": 1}
    assert {event.customer_id for event in shop.log()} == {"anna"}


def test_a_column_taken_for_the_orders_by_mistake_is_refused(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classify, "MAX_ORDER_LINES", 2)
    path = a_csv(tmp_path / "a.csv", [a_row(item_id=f"i{number}") for number in range(3)])

    with pytest.raises(DataRefused, match="--map order_id=COLUMN"):
        shop.ingest(path)
