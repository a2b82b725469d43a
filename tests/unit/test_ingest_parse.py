"""How text is read: numbers, sums and moments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import duckdb
import pytest

from training.ingest.options import IngestOptions, reading_of
from training.ingest.parse import minor_digits, prepare, settle_money

Ask = Callable[..., object]


@pytest.fixture
def ask() -> Iterator[Ask]:
    connection = duckdb.connect()

    def answer(
        call: str,
        text: str,
        *,
        comma: bool = False,
        month_first: bool = False,
        zone: str = "UTC",
        time_format: str = "auto",
        currency: str | None = "EUR",
    ) -> object:
        reading = reading_of(IngestOptions(timezone=zone, time_format=time_format))
        prepare(connection, reading, now=datetime(2026, 1, 1, tzinfo=UTC))
        settle_money(connection, currency)
        connection.execute("SET VARIABLE comma = ?", [comma])
        connection.execute("SET VARIABLE month_first = ?", [month_first])
        row = connection.execute(f"SELECT {call}(?)", [text]).fetchone()
        return row[0] if row else None

    yield answer
    connection.close()


@pytest.mark.parametrize(
    ("text", "comma", "cents"),
    [
        ("2.55", False, 255),
        ("2", False, 200),
        (".5", False, 50),
        ("-3.10", False, -310),
        ("1.1", False, 110),
        ("1,234.56", False, 123456),
        ("1,234,567", False, 123456700),
        ("£2.55", False, 255),
        ("-£2.55", False, -255),
        ("$ 7", False, 700),
        ("0.125", False, 12.5),
        ("2,55", True, 255),
        ("1.234,56", True, 123456),
        ("1.234", True, 123400),
        ("2,55 €", True, 255),
        ("2,55\u00a0€", True, 255),
        ("2.55", True, None),
        ("2,55", False, None),
        ("12,34.5", False, None),
        ("1_000", False, None),
        ("0x10", False, None),
        ("nan", False, None),
        ("inf", False, None),
        ("1 2", False, None),
        ("two", False, None),
        ("€€2", False, None),
        ("--2", False, None),
        ("٣", False, None),
    ],
)
def test_sums_become_minor_units(ask: Ask, text: str, comma: bool, cents: float | None) -> None:
    assert ask("minor", text, comma=comma) == cents


@pytest.mark.parametrize(
    ("currency", "units"), [("JPY", 1500), ("KWD", 1_500_000), ("EUR", 150_000), (None, 150_000)]
)
def test_the_currency_says_how_many_decimals_a_sum_has(
    ask: Ask, currency: str | None, units: int
) -> None:
    assert ask("minor", "1500", currency=currency) == units


def test_iso_4217_gives_the_dinar_three_decimals_and_the_yen_none() -> None:
    assert [minor_digits(each) for each in ("TND", "JPY", "CLF", "USD", None)] == [3, 0, 4, 2, 2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2010-12-01", "2010-12-01T00:00:00+00:00"),
        ("2010-12-01 08:26", "2010-12-01T08:26:00+00:00"),
        ("2010-12-01T08:26:05", "2010-12-01T08:26:05+00:00"),
        ("2010-12-01T08:26:05.250", "2010-12-01T08:26:05.250+00:00"),
        ("2010-12-01T08:26:05Z", "2010-12-01T08:26:05+00:00"),
        ("2010-12-01T08:26+02:00", "2010-12-01T06:26:00+00:00"),
        ("2010-12-01 08:26:05 +0200", "2010-12-01T06:26:05+00:00"),
        ("2010-12-01 08:26:05-05", "2010-12-01T13:26:05+00:00"),
        ("2010-12-01 08:26:05 UTC", "2010-12-01T08:26:05+00:00"),
        ("2010/12/01 08:26", "2010-12-01T08:26:00+00:00"),
        ("31.12.2010", "2010-12-31T00:00:00+00:00"),
        ("31.12.2010 23:59", "2010-12-31T23:59:00+00:00"),
        ("31/12/2010 8:26", "2010-12-31T08:26:00+00:00"),
        ("31/12/2010 8:26 PM", "2010-12-31T20:26:00+00:00"),
        ("31-12-2010 12:05:09 am", "2010-12-31T00:05:09+00:00"),
        ("20101231", "2010-12-31T00:00:00+00:00"),
        ("1293839999", "2010-12-31T23:59:59+00:00"),
        ("1293839999.5", "2010-12-31T23:59:59.500+00:00"),
        ("1293839999500", "2010-12-31T23:59:59.500+00:00"),
        ("2010-02-30", None),
        ("2010-13-01", None),
        ("32.12.2010", None),
        ("2010-12-01 25:00", None),
        ("yesterday", None),
        ("epoch", None),
        ("infinity", None),
        ("2010-12-01 08:26 Europe/Berlin", None),
        ("12", None),
    ],
)
def test_moments_are_read_in_every_usual_spelling(
    ask: Ask, text: str, expected: str | None
) -> None:
    wanted = expected and round(datetime.fromisoformat(expected).timestamp() * 1000)

    assert ask("moment", text) == wanted


def test_the_month_may_come_first(ask: Ask) -> None:
    said = ask("moment", "12/01/2010 08:26", month_first=True)

    assert said == round(datetime(2010, 12, 1, 8, 26, tzinfo=UTC).timestamp() * 1000)


def test_a_date_with_dots_has_the_day_first_whatever_the_slashes_mean(ask: Ask) -> None:
    said = ask("moment", "01.12.2010 08:26:00.5", month_first=True)

    assert said == round(datetime(2010, 12, 1, 8, 26, 0, 500_000, UTC).timestamp() * 1000)


@pytest.mark.parametrize(("text", "hour"), [("2010-07-01 12:00", 11), ("2010-12-01 12:00", 12)])
def test_a_time_without_a_zone_is_read_in_the_stated_one_summer_and_winter(
    ask: Ask, text: str, hour: int
) -> None:
    said = ask("moment", text, zone="Europe/London")

    assert isinstance(said, int)
    assert datetime.fromtimestamp(said / 1000, UTC).hour == hour


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("%d %b %Y %H:%M", "1 Dec 2010 08:26"), ("%d.%m.%y %H:%M %z", "01.12.10 10:26 +02:00")],
)
def test_a_pattern_reads_what_no_usual_spelling_covers(ask: Ask, pattern: str, text: str) -> None:
    said = ask("moment", text, time_format=pattern)

    assert said == round(datetime(2010, 12, 1, 8, 26, tzinfo=UTC).timestamp() * 1000)


def test_zeros_at_the_ends_of_a_text_are_no_blanks(ask: Ask) -> None:
    assert ask("clean", " \t00fae0\u00a0\r\n") == "00fae0"
