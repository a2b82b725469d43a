"""A refund may name only its order: the log knows whose it was, or will."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from engine.feedback import Feedback
from engine.store.customers import SqlCustomers
from engine.store.database import Database
from engine.store.invalidations import SqlInvalidations
from engine.store.ledger import SqlLedger
from engine.store.memory_cache import MemoryListCache
from tests.events import a_line, a_purchase, a_refund, day

NOW = day(40)
FIRST = a_purchase("p1", a_line("tea", 2, 150), order_id="o1")
SECOND = a_purchase("p2", a_line("jam", 1, 400), order_id="o1", occurred_at=day(1))
REFUND = a_refund("r1", a_line("tea", 1, None), order_id="o1", customer_id=None)


def feedback_over(database: Database) -> Feedback:
    cache = MemoryListCache(ttl=timedelta(hours=1))
    return Feedback(SqlLedger(database), SqlInvalidations(database), cache)


@pytest.mark.parametrize("order", list(itertools.permutations([FIRST, SECOND, REFUND])))
@pytest.mark.parametrize("together", [True, False])
def test_it_takes_back_the_same_whenever_it_comes(database: Database, order, together: bool):
    feedback = feedback_over(database)

    for batch in [order] if together else [[event] for event in order]:
        feedback.record(batch, now=NOW)

    stored = SqlCustomers(database).load("c1")
    assert stored is not None
    assert (stored.summary.orders, stored.summary.units) == (1, 2.0)
    assert stored.summary.revenue == 150 + 400


def test_sent_again_it_takes_back_nothing_more(database: Database):
    feedback = feedback_over(database)

    feedback.record([FIRST], now=NOW)
    for _ in range(3):
        feedback.record([REFUND, FIRST], now=NOW)

    stored = SqlCustomers(database).load("c1")
    assert stored is not None
    assert stored.summary.revenue == 150
    assert stored.revision == 2


def test_the_customer_s_lists_are_stale_after_it(database: Database):
    cache = MemoryListCache(ttl=timedelta(hours=1))
    feedback = Feedback(SqlLedger(database), SqlInvalidations(database), cache)
    told: list[dict[str, int]] = []
    cache.forget = told.append  # type: ignore[method-assign]

    feedback.record([FIRST], now=NOW)
    feedback.record([REFUND], now=NOW)

    assert told == [{"c1": 1}, {"c1": 2}]


def test_it_never_misses_a_purchase_that_is_recorded_beside_it(database: Database):
    feedback = feedback_over(database)
    numbers = range(40)
    events = [
        event
        for number in numbers
        for event in (
            a_purchase(f"p{number}", order_id=f"o{number}", customer_id=f"c{number % 6}"),
            a_refund(f"r{number}", order_id=f"o{number}", customer_id=None),
        )
    ]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda event: feedback.record([event], now=NOW), events))

    page = next(SqlCustomers(database).pages(size=100))
    assert {each.summary.orders for each in page} == {0}
    assert {each.summary.revenue for each in page} == {0}
