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
