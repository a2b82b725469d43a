"""How a file is read, and what is told of it."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.domain.events import Line
from engine.errors import DataRefused
from tests.ingesting import ROW, Shop, a_csv, a_row, a_shop


@pytest.fixture
def shop(sqlite_url: str, tmp_path: Path) -> Iterator[Shop]:
    with a_shop(sqlite_url, tmp_path / "home") as opened:
        yield opened


def test_the_catalogue_gets_the_latest_value_that_is_there(shop: Shop, tmp_path: Path) -> None:
    header = (
        "customer_id,item_id,order_id,occurred_at,quantity,unit_price,title,price,available,tags"
    )
    rows = [
        f"{a_row(occurred_at='2026-01-03')},New apple,2.50,no,fruit|red",
        f"{a_row(occurred_at='2026-01-02')},Old apple,1.50,yes,fruit",
        f"{a_row(occurred_at='2026-01-04')},,,,",
    ]

    report = shop.ingest(a_csv(tmp_path / "a.csv", rows, header=header), currency="EUR")

    item = shop.catalog.get("apple")
    assert report.files[0].items == 1
    assert item is not None
    assert (item.title, item.price, item.available) == ("New apple", 250, False)
    assert item.tags == ("fruit", "red")


def test_any_file_can_be_read_through_a_map(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "export.csv.gz"
    path.write_bytes(
        gzip.compress(
            "Kunde;Artikel;Beleg;Datum;Menge;Preis\n"
            "7;Äpfel;B1;31.01.2026 23:30;1,5;1.234,56 €\n".encode("cp1252")
        )
    )
    columns = {
        "customer_id": "Kunde",
        "item_id": "Artikel",
        "order_id": "Beleg",
        "occurred_at": "Datum",
        "quantity": "Menge",
        "unit_price": "Preis",
    }

    report = shop.ingest(path, columns=columns, timezone="Europe/Berlin", currency="EUR")

    (event,) = shop.log()
    assert report.files[0].encoding == "cp1252"
    assert event.occurred_at == datetime(2026, 1, 31, 22, 30, tzinfo=UTC)
    assert event.lines == (Line("Äpfel", 1.5, 123456),)


def test_times_of_a_shop_long_closed_can_be_moved(shop: Shop, tmp_path: Path) -> None:
    path = a_csv(tmp_path / "a.csv", [a_row(occurred_at="2010-01-02")])

    report = shop.ingest(path, shift_days=365)

    assert shop.log()[0].occurred_at == datetime(2011, 1, 2, tzinfo=UTC)
    assert report.files[0].shift_days == 365


@pytest.mark.parametrize(
    ("dates", "first"),
    [
        (["01/02/2026", "13/02/2026"], datetime(2026, 2, 1, tzinfo=UTC)),
        (["01/02/2026", "01/13/2026"], datetime(2026, 1, 2, tzinfo=UTC)),
        (["01/01/2026", "02/02/2026"], datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_the_order_of_day_and_month_is_seen_from_the_whole_column(
    shop: Shop, tmp_path: Path, dates: Sequence[str], first: datetime
) -> None:
    rows = [a_row(order_id=date, occurred_at=date) for date in dates]

    shop.ingest(a_csv(tmp_path / "a.csv", rows))

    assert min(event.occurred_at for event in shop.log() if event.occurred_at) == first


@pytest.mark.parametrize("dates", [["01/02/2026"], ["13/01/2026", "01/13/2026"]])
def test_dates_that_can_mean_two_days_are_refused_until_the_user_says(
    shop: Shop, tmp_path: Path, dates: Sequence[str]
) -> None:
    path = a_csv(tmp_path / "a.csv", [a_row(order_id=date, occurred_at=date) for date in dates])

    with pytest.raises(DataRefused, match="--time-format dmy or mdy"):
        shop.ingest(path)

    assert shop.ingest(path, time_format="dmy").added == 1


def test_rows_left_out_are_listed_with_line_and_reason(shop: Shop, tmp_path: Path) -> None:
    path = a_csv(tmp_path / "a.csv", [ROW, ROW, a_row(quantity="0", item_id="fig, dried"), "x,y"])
    rejects = tmp_path / "out" / "rejects.csv"

    report = shop.ingest(path, rejects=rejects)

    assert report.files[0].rejects == rejects
    assert rejects.read_text(encoding="utf-8").splitlines() == [
        "line,reason,customer_id,item_id,order_id,occurred_at,quantity,unit_price",
        '4,too_many_columns,anna,fig, dried,o1,2026-01-02T10:00:00Z,"0,1.50"',
        "5,too_few_columns,x,y,,,,",
    ]


def test_a_file_without_any_usable_row_is_refused_with_the_reasons(
    shop: Shop, tmp_path: Path
) -> None:
    path = a_csv(tmp_path / "a.csv", [a_row(quantity="0"), a_row(quantity="0", item_id="b"), "x"])

    with pytest.raises(DataRefused, match=r"2 zero_quantity, 1 too_few_columns; see .*a\.csv-"):
        shop.ingest(path)
