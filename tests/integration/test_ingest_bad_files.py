"""Files that cannot be read whole: one clear line, and nothing written."""

from __future__ import annotations

import csv
import fcntl
import gzip
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.domain.events import Line
from engine.errors import DataRefused, SettingsError
from tests.ingesting import COLUMNS, ROW, Shop, a_csv, a_row, a_shop, counts_of, lines_of

GOOD = f"{COLUMNS}\n{ROW}\n".encode()


@pytest.fixture
def shop(sqlite_url: str, tmp_path: Path) -> Iterator[Shop]:
    with a_shop(sqlite_url, tmp_path / "home") as opened:
        yield opened


def _parquet(path: Path) -> bytes:
    columns = {
        name: [cell] * 1000 for name, cell in zip(COLUMNS.split(","), ROW.split(","), strict=True)
    }
    pq.write_table(pa.table(columns), path)
    return path.read_bytes()


# By name: named after its bytes a case would be another every second, since gzip writes the time.
NO_TABLES = {
    "nothing": (b"", "empty"),
    "empty lines": (b"\n\n\n", "no header|empty"),
    "a byte order mark": (b"\xef\xbb\xbf", "empty"),
    "a header": (f"{COLUMNS}\n".encode(), "no rows"),
    "a header and empty lines": (f"{COLUMNS}\n\n\n".encode(), "no rows"),
    "other columns": (
        b"a,b,c\n1,2,3\n",
        "no column for item_id.*the file has a, b, c.*--map",
    ),
    "cells parted by spaces": (b"1 2 3\n4 5 6\n", "the file has 1 2 3"),
    "noise": (random.Random(1).randbytes(5000), "binary"),
    "a NUL": (GOOD + b"an\0na,1", "NUL"),
    "Excel": (b"PK\x03\x04rest", "Excel"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0", "binary"),
    "no known encoding": (GOOD + b"\x81\x8d", "neither UTF-8 nor Windows-1252"),
    "half a character of UTF-16": (b"\xff\xfea", "not utf-16"),
    "half a character of UTF-8": (b"\xef\xbb\xbf" + GOOD + b"\xe9,", "not utf-8"),
    "gzip without its end": (gzip.compress(GOOD * 50)[:-9], "cut short or damaged"),
    "gzip without its beginning's end": (gzip.compress(GOOD)[:5], "cut short or damaged"),
    "no gzip": (b"\x1f\x8bnonsense", "cut short or damaged"),
    "gzip in gzip": (gzip.compress(gzip.compress(GOOD)), "gzip within gzip"),
    "gzip of nothing": (gzip.compress(b""), "empty"),
    "Parquet cut short": (b"PAR1 and then nothing", "cut short"),
    "no Parquet": (b"PAR1 and then nothing PAR1", "no readable Parquet"),
    "Parquet in gzip": (gzip.compress(b"PAR1PAR1"), "within gzip"),
    "one long line": (b"x" * 5_000_000, "longer than 4 MB"),
    "a quote that never ends": (b'"' + b"x" * 200_000, "no header"),
    "3000 columns": (
        ",".join(f"c{n}" for n in range(3000)).encode() + b"\n",
        "3000 columns",
    ),
    "a column twice": (
        b"item_id,item_id,occurred_at,order_id\n1,2,2026-01-01,3\n",
        "item_id is there 2 times",
    ),
}


@pytest.mark.parametrize(("content", "reason"), NO_TABLES.values(), ids=NO_TABLES)
def test_a_file_that_is_no_table_is_refused_in_one_line(
    shop: Shop, tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)

    with pytest.raises(DataRefused, match=reason) as refused:
        shop.ingest(path)

    assert "\n" not in str(refused.value)
    assert str(path) in str(refused.value)
    assert shop.log() == []


@pytest.mark.parametrize("pages_only", [True, False])
def test_a_parquet_file_with_a_damaged_middle_is_refused(
    shop: Shop, tmp_path: Path, pages_only: bool
) -> None:
    content = bytearray(_parquet(tmp_path / "good.parquet"))
    footer = int.from_bytes(content[-8:-4], "little")
    damaged = slice(4, len(content) - 8 - (footer if pages_only else 0))
    content[damaged] = b"\xa5" * len(content[damaged])
    path = tmp_path / "bad.parquet"
    path.write_bytes(content)

    with pytest.raises(DataRefused, match="no readable Parquet"):
        shop.ingest(path)


def test_a_parquet_file_without_the_columns_is_refused(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"item_id": ["a"]}), path)

    with pytest.raises(DataRefused, match="no column for occurred_at"):
        shop.ingest(path)


def test_a_parquet_file_without_rows_is_refused(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    columns = {name: pa.array([], pa.string()) for name in COLUMNS.split(",")}
    pq.write_table(pa.table(columns), path)

    with pytest.raises(DataRefused, match="no rows"):
        shop.ingest(path)


def test_what_is_no_file_is_refused(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="No such file"):
        shop.ingest(tmp_path / "missing.csv")
    with pytest.raises(DataRefused, match="directory"):
        shop.ingest(tmp_path)
    with pytest.raises(DataRefused, match="no regular file"):
        shop.ingest(Path(os.devnull))


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_file_that_may_not_be_read_is_refused(shop: Shop, tmp_path: Path) -> None:
    path = a_csv(tmp_path / "a.csv", [ROW])
    path.chmod(0)

    with pytest.raises(DataRefused, match="Permission denied"):
        shop.ingest(path)


def test_a_rejects_file_that_cannot_be_written_stops_before_the_log_is(
    shop: Shop, tmp_path: Path
) -> None:
    path = a_csv(tmp_path / "a.csv", [ROW, a_row(quantity="0")])

    with pytest.raises(DataRefused, match="--rejects"):
        shop.ingest(path, rejects=path / "rejects.csv")

    assert shop.log() == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"format": "excel"}, "--format excel"),
        ({"timezone": "Mars/Base"}, "--timezone Mars/Base"),
        ({"timezone": "../../etc/passwd"}, "--timezone"),
        ({"time_format": "ymd"}, "--time-format ymd"),
        ({"time_format": "%Q"}, "--time-format %Q"),
        ({"currency": "euro"}, "--currency euro"),
        ({"columns": {"color": "x"}}, "--map color"),
        ({"shift_days": 10**9}, "--shift-days"),
    ],
)
def test_options_that_cannot_be_used_are_named(
    shop: Shop, tmp_path: Path, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(SettingsError, match=reason):
        shop.ingest(a_csv(tmp_path / "a.csv", [ROW]), **options)


def test_a_mapped_column_that_is_not_there_is_named(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="--map item_id=SKU: no such column"):
        shop.ingest(a_csv(tmp_path / "a.csv", [ROW]), columns={"item_id": "SKU"})


@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("cp1252", "cp1252"),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_usual_encoding_and_delimiter_is_seen(
    shop: Shop, tmp_path: Path, encoding: str, named: str, delimiter: str
) -> None:
    row = a_row(item_id="crème brûlée €")
    path = a_csv(
        tmp_path / "a.csv",
        [row.replace(",", delimiter)],
        header=COLUMNS.replace(",", delimiter),
        encoding=encoding,
    )

    report = shop.ingest(path)

    assert report.files[0].encoding == named
    assert lines_of(shop.log()) == [("o1", Line("crème brûlée €", 2.0, 150))]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_usual_line_end_is_understood(shop: Shop, tmp_path: Path, end: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(end.join([COLUMNS, ROW, a_row(order_id="o2")]).encode())

    assert counts_of(shop.ingest(path)) == {"accepted": 2}


def test_lines_are_counted_as_an_editor_does_across_quoted_line_ends(
    shop: Shop, tmp_path: Path
) -> None:
    header = f"note,{COLUMNS}"
    rows = [f'"two\nlines",{ROW}', "", "short", f'"x ""y"", z",{a_row(quantity="0")}']
    path = a_csv(tmp_path / "a.csv", rows, header=header)

    report = shop.ingest(path)

    assert counts_of(report) == {
        "accepted": 1,
        "rejected: too_few_columns": 1,
        "rejected: zero_quantity": 1,
    }
    assert report.files[0].rejects is not None
    with report.files[0].rejects.open(newline="", encoding="utf-8") as file:
        rejects = list(csv.reader(file))
    assert [row[:3] for row in rejects[1:]] == [
        ["5", "too_few_columns", "short"],
        ["6", "zero_quantity", 'x "y", z'],
    ]


def test_a_quote_that_is_never_closed_costs_only_what_it_swallows(
    shop: Shop, tmp_path: Path
) -> None:
    rows = [ROW, '"' + ROW] + [a_row(order_id=f"o{n}") for n in range(5000)]

    report = shop.ingest(a_csv(tmp_path / "a.csv", rows))

    counts = counts_of(report)
    assert counts["rejected: unreadable"] == 1
    assert counts["accepted"] > 1


def test_leftovers_of_a_killed_run_are_cleared_and_those_of_a_live_one_are_not(
    shop: Shop, tmp_path: Path
) -> None:
    killed, alive = shop.home / "tmp" / "ingest-killed", shop.home / "tmp" / "ingest-alive"
    for folder in (killed, alive):
        folder.mkdir(parents=True)
        (folder / "lock").touch()

    with (alive / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shop.ingest(a_csv(tmp_path / "a.csv", [ROW]))

    assert list((shop.home / "tmp").iterdir()) == [alive]
