"""Files loaded again, in parts, or after an interruption."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.errors import DataRefused
from engine.ports import IngestRun, Ledger, LedgerTransaction
from engine.store.database import Database
from tests.ingesting import ROW, Shop, a_csv, a_row, a_shop, counts_of, lines_of, without_ids
from training.ingest import classify, orders


@pytest.fixture
def shop(database: Database, tmp_path: Path) -> Shop:
    return Shop(database, tmp_path / "home")


@pytest.fixture
def small_shop(sqlite_url: str, tmp_path: Path) -> Iterator[Shop]:
    with a_shop(sqlite_url, tmp_path / "home") as opened:
        yield opened


def test_a_return_that_comes_in_a_later_file_finds_its_order(
    small_shop: Shop, tmp_path: Path
) -> None:
    small_shop.ingest(a_csv(tmp_path / "a.csv", [ROW]))
    later = a_csv(tmp_path / "b.csv", [a_row(quantity="-2", occurred_at="2026-01-09")])

    first, again = small_shop.ingest(later), small_shop.ingest(later)

    assert counts_of(first) == {"refund": 1}
    assert counts_of(again) == {"duplicate": 1}
    assert small_shop.log()[1].order_id == "o1"
    assert small_shop.summary("anna").orders == 0  # type: ignore[union-attr]


def test_the_same_file_again_adds_nothing(shop: Shop, tmp_path: Path) -> None:
    rows = [ROW, a_row(customer_id="", order_id="o2"), a_row(order_id="o3", quantity="-1")]
    path = a_csv(tmp_path / "a.csv", rows)

    first, again = shop.ingest(path), shop.ingest(path)

    assert counts_of(first) == {"accepted": 1, "guest_order": 1, "refund": 1}
    assert counts_of(again) == {"duplicate": 3}
    assert again.added == 0
    assert len(shop.log()) == 3


def test_an_order_split_over_two_files_is_whole_in_the_end(shop: Shop, tmp_path: Path) -> None:
    one = a_csv(tmp_path / "a.csv", [ROW, a_row(item_id="pear")])
    two = a_csv(tmp_path / "b.csv", [a_row(item_id="pear"), a_row(item_id="fig")])

    report = shop.ingest(one, two)

    assert [counts_of(shop_file) for shop_file in report.files] == [
        {"accepted": 2},
        {"accepted": 1, "duplicate": 1},
    ]
    assert sorted(line.item_id for _, line in lines_of(shop.log())) == ["apple", "fig", "pear"]
    assert shop.summary("anna").orders == 1  # type: ignore[union-attr]


def test_equal_lines_that_differ_elsewhere_in_the_row_both_count_once(
    small_shop: Shop, tmp_path: Path
) -> None:
    header = "customer_id,item_id,order_id,occurred_at,quantity,unit_price,till"
    path = a_csv(tmp_path / "a.csv", [f"{ROW},1", f"{ROW},2"], header=header)

    first, again = small_shop.ingest(path), small_shop.ingest(path)

    assert counts_of(first) == {"accepted": 2}
    assert counts_of(again) == {"duplicate": 2}
    assert small_shop.summary("anna").units == 4  # type: ignore[union-attr]


def test_an_order_of_many_lines_is_split_into_events(
    small_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "MAX_LINES", 2)
    path = a_csv(tmp_path / "a.csv", [a_row(item_id=f"i{number}") for number in range(5)])

    first, again = small_shop.ingest(path), small_shop.ingest(path)

    assert [len(event.lines) for event in small_shop.log()] == [2, 2, 1]
    assert (first.added, again.added) == (5, 0)
    assert small_shop.summary("anna").orders == 1  # type: ignore[union-attr]


def test_an_interrupted_run_goes_on_where_it_stopped(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classify, "_ORDERS", classify._ORDERS.replace("// 20000", "// 2"))
    rows = [a_row(order_id=f"o{number}", customer_id=f"c{number % 3}") for number in range(9)]
    path = a_csv(tmp_path / "a.csv", [*rows, a_row(order_id="r", quantity="-1"), rows[0]])
    sound, broken = shop.ledger, _Interrupted(shop.ledger, after=3)

    shop.ledger = broken
    with pytest.raises(KeyboardInterrupt):
        shop.ingest(path)
    written = len(shop.log())
    shop.ledger = sound
    report = shop.ingest(path)

    assert 0 < written < 10
    assert report.files[0].resumed
    assert counts_of(report) == {"accepted": 9, "refund": 1, "duplicate": 1}
    assert len(shop.log()) == 10
    assert shop.ingest(path).added == 0


def test_an_interrupted_and_a_straight_run_end_the_same(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classify, "_ORDERS", classify._ORDERS.replace("// 20000", "// 2"))
    rows = [a_row(order_id=f"o{number}", customer_id=f"c{number % 3}") for number in range(9)]
    path = a_csv(tmp_path / "a.csv", rows)
    with (
        a_shop(sqlite_url, tmp_path / "home") as straight,
        a_shop(f"{sqlite_url}2", tmp_path / "home") as shop,
    ):
        straight.ingest(path)
        sound, shop.ledger = shop.ledger, _Interrupted(shop.ledger, after=2)

        with pytest.raises(KeyboardInterrupt):
            shop.ingest(path)
        shop.ledger = sound
        shop.ingest(path)

        assert shop.log() == straight.log()
        assert shop.states() == straight.states()


def test_a_second_file_that_is_refused_keeps_the_first_from_being_written(
    small_shop: Shop, tmp_path: Path
) -> None:
    good = a_csv(tmp_path / "a.csv", [ROW])
    bad = a_csv(tmp_path / "b.csv", ["1,2"], header="x,y")

    with pytest.raises(DataRefused, match="no column for item_id"):
        small_shop.ingest(good, bad)

    assert small_shop.log() == []
    assert not list((small_shop.home / "tmp").iterdir())


def test_a_row_dated_tomorrow_is_taken_when_tomorrow_has_come(
    small_shop: Shop, tmp_path: Path
) -> None:
    path = a_csv(tmp_path / "a.csv", [ROW, a_row(order_id="o2", occurred_at="2026-04-01")])

    early = small_shop.ingest(path)
    late = small_shop.ingest(path, now=datetime(2026, 5, 1, tzinfo=UTC))

    assert counts_of(early) == {"accepted": 1, "rejected: future_time": 1}
    assert counts_of(late) == {"accepted": 1, "duplicate": 1}


def test_order_of_rows_in_the_file_does_not_matter(sqlite_url: str, tmp_path: Path) -> None:
    rows = [a_row(order_id=f"o{number}", occurred_at=f"2026-01-0{number}") for number in (1, 2, 3)]
    with (
        a_shop(sqlite_url, tmp_path / "home") as one,
        a_shop(f"{sqlite_url}2", tmp_path / "home") as other,
    ):
        one.ingest(a_csv(tmp_path / "a.csv", rows))
        other.ingest(a_csv(tmp_path / "b.csv", list(reversed(rows))))

        assert without_ids(one.log()) == without_ids(other.log())
        assert one.states() == other.states()


class _Interrupted:
    """A ledger whose writer presses Ctrl-C in the middle of one transaction."""

    def __init__(self, ledger: Ledger, *, after: int) -> None:
        self._ledger = ledger
        self._left = after

    def run(self, fingerprint: str) -> IngestRun | None:
        return self._ledger.run(fingerprint)

    def transaction(self) -> AbstractContextManager[LedgerTransaction]:
        return self._open()

    @contextmanager
    def _open(self) -> Iterator[LedgerTransaction]:
        self._left -= 1
        with self._ledger.transaction() as transaction:
            yield transaction
            if self._left < 0:
                raise KeyboardInterrupt
