"""What holds for any rows at all."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.domain.events import check
from engine.errors import DataRefused
from tests.ingesting import COLUMNS, NOW, ROW, Shop, a_shop, counts_of

FEW = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])

ids = st.sampled_from(
    ["a", "b", "ä", " ", "", "x" * 200, "x" * 201, "\u200b", "7.0", "'", "%", "C1"]
)
times = st.sampled_from(
    ["2026-01-01", "2026-01-02T03:04:05+01:00", "31.12.2025", "1e9", "", "2027-01-01", "0001-01-01"]
)
quantities = st.one_of(
    st.sampled_from(["1", "0.5", "-1", "0", "", "1e9", "1e99", "nan", "1,5", "-0.0"]),
    st.floats(-1e10, 1e10).map(str),
)
sums = st.one_of(
    st.sampled_from(["1.50", "0", "", "-2", "0.001", "9999999999", "1e30", "2,50", "£3", "x"]),
    st.floats(0, 1e11).map(str),
)
rows = st.lists(
    st.tuples(ids, ids, ids, times, quantities, sums, sums, st.sampled_from(["", "EUR", "x"])),
    min_size=1,
    max_size=12,
)


@contextmanager
def _shop() -> Iterator[tuple[Shop, Path]]:
    with (
        tempfile.TemporaryDirectory() as folder,
        a_shop(f"sqlite:///{folder}/home/regulars.db", Path(folder) / "home") as shop,
    ):
        yield shop, Path(folder) / "a.csv"


def _written(table: list[tuple[str, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*COLUMNS.split(","), "discount", "currency"])
    writer.writerow([*ROW.split(","), "0", "EUR"])
    writer.writerows(table)
    return text.getvalue()


@FEW
@given(table=rows)
def test_every_row_is_counted_once_and_every_event_keeps_the_rules_of_the_log(
    table: list[tuple[str, ...]],
) -> None:
    with _shop() as (shop, path):
        path.write_text(_written(table), encoding="utf-8")

        try:
            report = shop.ingest(path)
        except DataRefused:
            # No row could be used, or dates and sums contradict each other.
            assert shop.log() == []
            return
        again = shop.ingest(path)

        counts_of(report)
        assert report.rows == len(table) + 1
        assert again.added == 0
        logged = shop.log()
        assert sum(len(event.lines) for event in logged) == report.added
        for event in logged:
            check(event, now=NOW)


@FEW
@given(content=st.one_of(st.binary(max_size=400), st.text(max_size=400).map(str.encode)))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with _shop() as (shop, path):
        path.write_bytes(f"{COLUMNS}\n{ROW}\n".encode() + content)

        try:
            report = shop.ingest(path)
        except DataRefused as refused:
            assert "\n" not in str(refused)
            assert shop.log() == []
        else:
            counts_of(report)
