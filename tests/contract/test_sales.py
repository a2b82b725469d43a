"""Counting what sells, over each kind of database."""

from __future__ import annotations

from datetime import timedelta

from engine.feedback import Feedback
from engine.store.database import Database
from engine.store.invalidations import SqlInvalidations
from engine.store.ledger import SqlLedger
from engine.store.memory_cache import MemoryListCache
from engine.store.sales import SqlSales
from tests.events import a_line, a_purchase, a_refund, a_view, day

WINDOW = timedelta(days=10)


def test_the_items_of_most_purchases_come_first_and_old_ones_do_not_count(database: Database):
    cache = MemoryListCache(ttl=timedelta(hours=1))
    feedback = Feedback(SqlLedger(database), SqlInvalidations(database), cache)
    feedback.record(
        [
            a_purchase("old", a_line("coal"), occurred_at=day(1)),
            a_purchase("e1", a_line("jam"), a_line("tea"), occurred_at=day(15)),
            a_purchase("e2", a_line("tea", 90), occurred_at=day(20), customer_id="c2"),
            a_purchase("e3", a_line("ham"), occurred_at=day(20), customer_id=None, order_id="g"),
            a_refund("r1", a_line("tea"), occurred_at=day(20)),
            a_view("v1", occurred_at=day(21)),
        ],
        now=day(40),
    )

    found = SqlSales(database).best_sellers(window=WINDOW, limit=2)

    assert found == [("tea", 2), ("ham", 1)]


def test_nothing_sells_in_an_empty_log(database: Database):
    assert SqlSales(database).best_sellers(window=WINDOW, limit=5) == []


def test_buyers_of_an_item_come_before_buyers_of_most_others_and_the_latest_first(
    database: Database,
):
    cache = MemoryListCache(ttl=timedelta(hours=1))
    Feedback(SqlLedger(database), SqlInvalidations(database), cache).record(
        [
            a_purchase("e1", a_line("tea"), occurred_at=day(1), customer_id="first"),
            a_purchase("e2", a_line("jam"), occurred_at=day(5), customer_id="late"),
            a_purchase("e3", a_line("jam"), a_line("ham"), occurred_at=day(4), customer_id="two"),
            a_purchase("e4", a_line("ham"), occurred_at=day(5), customer_id="also"),
            a_purchase("e5", a_line("coal"), occurred_at=day(9), customer_id="other"),
            a_purchase("e6", a_line("tea"), occurred_at=day(9), customer_id=None, order_id="g"),
            a_view("v1", occurred_at=day(9)),
        ],
        now=day(40),
    )
    sales, items = SqlSales(database), ["tea", "jam", "ham"]

    found = sales.buyers(items, orders=100, limit=10)

    assert found == ["first", "two", "also", "late"]
    assert sales.buyers(items, orders=100, limit=2) == ["first", "two"]
    # Guests' orders and what is no order are not looked at.
    assert sales.buyers(items, orders=3, limit=10) == ["also", "late"]
    assert sales.buyers(["nothing"], orders=100, limit=10) == []
