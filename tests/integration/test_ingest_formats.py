"""The formats known by name, on rows as their publishers have them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.domain.events import EventType, Line
from tests.ingesting import Shop, a_csv, a_shop, counts_of, lines_of

RETAIL = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
BOUGHT = "536365,85123a,WHITE HEART,6,2010-07-01 08:26:00,2.55,17850.0,United Kingdom"


@pytest.fixture
def shop(sqlite_url: str, tmp_path: Path) -> Iterator[Shop]:
    with a_shop(sqlite_url, tmp_path / "home") as opened:
        yield opened


def test_online_retail_rows_are_read_as_their_publisher_means_them(
    shop: Shop, tmp_path: Path
) -> None:
    path = a_csv(tmp_path / "a.csv", [BOUGHT], header=RETAIL)

    shop.ingest(path, format="online-retail")

    (event,) = shop.log()
    assert (event.customer_id, event.order_id, event.currency) == ("17850", "536365", "GBP")
    assert event.occurred_at == datetime(2010, 7, 1, 7, 26, tzinfo=UTC)
    assert event.lines == (Line("85123A", 6.0, 255),)
    assert shop.catalog.titles(["85123A"]) == {"85123A": "WHITE HEART"}


@pytest.mark.parametrize(
    ("row", "row_class"),
    [
        ("C1,85123A,,-2,2010-12-05,2.55,17850,UK", "refund"),
        ("C1,85123A,,-2,2010-12-05,2.55,,UK", "rejected: refund_of_unknown_customer"),
        ("C1,85123A,,2,2010-12-05,2.55,17850,UK", "rejected: bad_quantity"),
        ("1,85123A,damaged,-2,2010-12-05,0.0,,UK", "rejected: stock_correction"),
        ("1,85123A,,2,2010-12-05,0.0,17850,UK", "rejected: zero_price"),
        ("1,85123A,,2,2010-12-05,-5,17850,UK", "rejected: negative_price"),
        ("1,85123A,,2,2010-12-05,2.55,,UK", "guest_order"),
        ("1,DCGS0076,SUNJAR,2,2010-12-05,2.55,17850,UK", "accepted"),
        ("1,15056BL,UMBRELLA,2,2010-12-05,2.55,17850,UK", "accepted"),
        ("A563185,B,Adjust bad debt,1,2010-12-05,-11062.06,,UK", "not_a_product"),
        ("1,POST,POSTAGE,1,2010-12-05,18,17850,UK", "not_a_product"),
        ("1,m,Manual,1,2010-12-05,18,17850,UK", "not_a_product"),
        ("C1,D,Discount,-1,2010-12-05,18,17850,UK", "not_a_product"),
        ("1,BANK CHARGES,Bank Charges,1,2010-12-05,18,17850,UK", "not_a_product"),
        ("1,gift_0001_20,Voucher,1,2010-12-05,18,17850,UK", "not_a_product"),
    ],
)
def test_every_online_retail_row_has_one_class(
    shop: Shop, tmp_path: Path, row: str, row_class: str
) -> None:
    path = a_csv(tmp_path / "a.csv", [BOUGHT, row], header=RETAIL)

    report = shop.ingest(path, format="online-retail")

    expected = {"accepted": 2} if row_class == "accepted" else {"accepted": 1, row_class: 1}
    assert counts_of(report) == expected


def test_an_online_retail_cancellation_takes_back_the_customers_latest_purchase(
    shop: Shop, tmp_path: Path
) -> None:
    cancelled = "C1,85123A,WHITE HEART,-6,2010-07-02 09:00:00,2.55,17850,United Kingdom"

    shop.ingest(
        a_csv(tmp_path / "a.csv", [BOUGHT, cancelled], header=RETAIL), format="online-retail"
    )

    _, refund = shop.log()
    assert (refund.type, refund.order_id) == (EventType.REFUND, None)
    assert refund.lines == (Line("85123A", 6.0, 255),)
    assert shop.summary("17850").orders == 0  # type: ignore[union-attr]


def journey(tmp_path: Path, *rows: dict[str, object]) -> Path:
    """A file of transactions: a tin of soup, listed at 1.50 and sold at 1.00, but for the cells."""
    usual = {
        "household_id": 900,
        "basket_id": 31198570044,
        "product_id": 25671,
        "quantity": 1,
        "sales_value": 1.0,
        "retail_disc": 0.5,
        "coupon_disc": 0.0,
        "coupon_match_disc": 0.0,
        "transaction_timestamp": datetime(2017, 1, 1, 11, 53, 26),
    }
    path = tmp_path / "transactions.parquet"
    pq.write_table(pa.Table.from_pylist([{**usual, **row} for row in rows]), path)
    return path


def products(path: Path, department: str) -> Path:
    """A file of products that holds the soup."""
    row = {
        "product_id": 25671,
        "manufacturer_id": 2,
        "department": department,
        "brand": "National",
        "product_category": "SOUP",
        "product_type": "TOMATO SOUP",
        "package_size": "22 OZ",
    }
    pq.write_table(pa.Table.from_pylist([row]), path)
    return path


def test_a_complete_journey_line_has_its_list_price_and_what_was_taken_off(
    shop: Shop, tmp_path: Path
) -> None:
    path = journey(
        tmp_path,
        {},
        {
            "basket_id": 2,
            "quantity": 2,
            "sales_value": 3.55,
            "retail_disc": 1.78,
            "coupon_disc": 0.55,
            "coupon_match_disc": 0.45,
        },
    )

    shop.ingest(path, format="complete-journey")

    lines = dict(lines_of(shop.log()))
    assert lines["31198570044"] == Line("25671", 1.0, 150, 50)
    # Listed at 3.55 + 1.78 + 0.45 = 5.78 for two; paid 3.55.
    assert lines["2"] == Line("25671", 2.0, 289, 223)
    assert lines["2"].value() == 355
    assert {event.currency for event in shop.log()} == {"USD"}
    assert shop.log()[0].occurred_at == datetime(2017, 1, 1, 16, 53, 26, tzinfo=UTC)


def test_a_list_price_that_does_not_divide_keeps_the_sum_paid(shop: Shop, tmp_path: Path) -> None:
    shop.ingest(journey(tmp_path, {"quantity": 3, "retail_disc": 0.0}), format="complete-journey")

    ((_, line),) = lines_of(shop.log())
    assert line == Line("25671", 3.0, 34, 2)
    assert line.value() == 100


def test_complete_journey_rows_without_quantity_or_list_price_are_left_out(
    shop: Shop, tmp_path: Path
) -> None:
    path = journey(
        tmp_path,
        {},
        {"product_id": 1, "quantity": 0, "sales_value": 0.0, "retail_disc": 0.0},
        {"product_id": 2, "sales_value": 0.0, "retail_disc": 0.0},
        {"product_id": 3, "sales_value": 0.0, "retail_disc": 1.0},
    )

    report = shop.ingest(path, format="complete-journey")

    assert counts_of(report) == {
        "accepted": 2,
        "rejected: zero_quantity": 1,
        "rejected: zero_price": 1,
    }


@pytest.mark.parametrize("beside", [True, False])
def test_products_beside_the_transactions_or_given_fill_the_catalogue(
    shop: Shop, tmp_path: Path, beside: bool
) -> None:
    folder = tmp_path if beside else tmp_path / "elsewhere"
    folder.mkdir(exist_ok=True)
    file = products(folder / ("products.parquet" if beside else "items.parquet"), "GROCERY")
    path = journey(tmp_path, {})

    report = shop.ingest(*([path] if beside else [file, path]), format="complete-journey")

    item = shop.catalog.get("25671")
    assert item is not None
    assert (item.title, item.category, item.brand) == ("TOMATO SOUP 22 OZ", "SOUP", "National")
    assert counts_of(report) == {"accepted": 1}


def test_petrol_is_no_product(shop: Shop, tmp_path: Path) -> None:
    products(tmp_path / "products.parquet", "FUEL")

    report = shop.ingest(
        journey(tmp_path, {"quantity": 9876}, {"product_id": 7}), format="complete-journey"
    )

    assert counts_of(report) == {"accepted": 1, "not_a_product": 1}


def test_parquet_keeps_ids_whole_and_missing_values_missing(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "a[1]*.parquet"
    rows = [
        {"customer_id": 17850.0, "item_id": 7, "occurred_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {
            "customer_id": float("nan"),
            "item_id": 8,
            "occurred_at": datetime(2026, 1, 1, tzinfo=UTC),
        },
    ]
    pq.write_table(
        pa.Table.from_pylist([{**row, "order_id": n} for n, row in enumerate(rows)]), path
    )

    shop.ingest(path)

    known, guest = shop.log()
    assert (known.customer_id, known.lines) == ("17850", (Line("7", 1.0),))
    assert guest.customer_id is None
