from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from engine.domain.events import Event
from engine.errors import StoreUnavailable
from engine.feedback import Feedback
from engine.list_cache import Stamp
from engine.receipts import Receipt, Status
from engine.store.customers import SqlCustomers
from engine.store.database import Database
from engine.store.invalidations import SqlInvalidations
from engine.store.ledger import SqlLedger
from engine.store.memory_cache import MemoryListCache
from tests.events import a_line, a_purchase, a_refund, a_view, day

NOW = day(40)
ACCEPTED, DUPLICATE = Status.ACCEPTED, Status.DUPLICATE


class CacheAway(MemoryListCache):
    """A cache that cannot be told anything."""

    def forget(self, revisions: Mapping[str, int]) -> None:
        raise StoreUnavailable("the cache is away")


@pytest.fixture
def cache() -> MemoryListCache:
    return MemoryListCache(ttl=timedelta(hours=1))


def feedback_with(database: Database, cache: MemoryListCache) -> Feedback:
    return Feedback(SqlLedger(database), SqlInvalidations(database), cache)


@pytest.fixture
def feedback(database: Database, cache: MemoryListCache) -> Feedback:
    return feedback_with(database, cache)


def statuses(receipts: list[Receipt]) -> list[Status]:
    return [receipt.status for receipt in receipts]


def test_a_purchase_moves_the_customers_totals_and_a_refund_moves_them_back(
    feedback: Feedback, database: Database
):
    customers = SqlCustomers(database)

    feedback.record([a_purchase("e1", a_line("tea", 2, 150), order_id="o1")], now=NOW)
    bought = customers.load("c1")
    feedback.record([a_refund("e2", order_id="o1")], now=NOW)
    returned = customers.load("c1")

    assert bought is not None
    assert returned is not None
    assert (bought.revision, returned.revision) == (1, 2)
    assert (bought.summary.orders, bought.summary.units, bought.summary.revenue) == (1, 2.0, 300)
    assert (returned.summary.orders, returned.summary.units, returned.summary.revenue) == (0, 0, 0)


def test_a_duplicate_moves_nothing(feedback: Feedback, database: Database):
    purchase = a_purchase("e1")

    first, again = (feedback.record([purchase], now=NOW) for _ in range(2))

    assert (statuses(first), statuses(again)) == ([ACCEPTED], [DUPLICATE])
    stored = SqlCustomers(database).load("c1")
    assert stored is not None
    assert (stored.revision, stored.summary.orders) == (1, 1)


def test_a_batch_is_one_change_of_the_customer(feedback: Feedback, database: Database):
    feedback.record([a_purchase("e1"), a_purchase("e2"), a_view("e3")], now=NOW)

    stored = SqlCustomers(database).load("c1")

    assert stored is not None
    assert (stored.revision, stored.summary.orders) == (1, 2)


def test_an_event_that_breaks_a_rule_keeps_no_other_from_being_accepted(feedback: Feedback):
    naive = day(0).replace(tzinfo=None)

    receipts = feedback.record(
        [a_view("e1"), a_view("e2", occurred_at=naive), a_view("e3")], now=NOW
    )

    assert statuses(receipts) == [ACCEPTED, Status.REJECTED, ACCEPTED]
    assert [receipt.event_id for receipt in receipts] == ["e1", "e2", "e3"]
    assert receipts[1].field == "occurred_at"
    assert "time zone" in (receipts[1].reason or "")


def test_another_content_under_a_used_id_is_a_conflict_that_names_the_id(feedback: Feedback):
    feedback.record([a_purchase("e1", a_line("tea", 1))], now=NOW)

    (receipt,) = feedback.record([a_purchase("e1", a_line("tea", 2))], now=NOW)

    assert receipt.status is Status.CONFLICT
    assert receipt.field == "event_id"
    assert "e1" in (receipt.reason or "")


def test_a_second_currency_is_rejected(feedback: Feedback):
    receipts = feedback.record(
        [a_purchase("e1", currency="EUR"), a_purchase("e2", currency="USD"), a_purchase("e3")],
        now=NOW,
    )

    assert statuses(receipts) == [ACCEPTED, Status.REJECTED, ACCEPTED]
    assert receipts[1].field == "currency"


def test_a_guests_purchase_is_in_the_log_and_moves_no_customer(
    feedback: Feedback, database: Database
):
    guest = a_purchase("e1", customer_id=None, order_id="o1")

    assert statuses(feedback.record([guest], now=NOW)) == [ACCEPTED]
    assert SqlCustomers(database).count() == 0


def test_an_event_without_a_time_happened_when_it_came(feedback: Feedback, database: Database):
    feedback.record([a_purchase("e1", occurred_at=None)], now=NOW)

    stored = SqlCustomers(database).load("c1")

    assert stored is not None
    assert stored.summary.last_order_ms == int(NOW.timestamp() * 1000)


def kept_after(feedback: Feedback, cache: MemoryListCache, event: Event) -> bytes | None:
    """What the cache still answers for c1 once the event was recorded."""
    cache.set_catalog_revision(0)
    cache.write("c1", "home", b"list", stamp=Stamp(customer_revision=0, catalog_revision=0))
    feedback.record([event], now=NOW)
    return cache.read("c1", "home")


def test_an_accepted_event_drops_the_customers_lists(feedback: Feedback, cache: MemoryListCache):
    assert kept_after(feedback, cache, a_view("e1")) is None


def test_anothers_event_drops_nothing(feedback: Feedback, cache: MemoryListCache):
    assert kept_after(feedback, cache, a_view("e1", customer_id="c2")) == b"list"


def test_the_note_goes_when_the_cache_has_heard(feedback: Feedback, database: Database):
    feedback.record([a_view("e1")], now=NOW)
    noted = SqlInvalidations(database).pending(limit=10)

    feedback.clear_told()

    assert noted == {"c1": 1}
    assert SqlInvalidations(database).pending(limit=10) == {}


def test_the_own_note_is_carried_out_however_many_others_wait(
    feedback: Feedback, cache: MemoryListCache, database: Database
):
    crowd = [a_view(f"v{number}", customer_id=f"a{number:04d}") for number in range(1_500)]
    away = feedback_with(database, CacheAway(ttl=timedelta(hours=1)))
    away.record(crowd, now=NOW)

    assert kept_after(feedback, cache, a_view("e1")) is None


def test_with_the_cache_away_events_count_and_the_note_stays(database: Database):
    feedback = feedback_with(database, CacheAway(ttl=timedelta(hours=1)))

    receipts = feedback.record([a_purchase("e1")], now=NOW)

    assert statuses(receipts) == [ACCEPTED]
    assert SqlInvalidations(database).pending(limit=10) == {"c1": 1}


def test_a_duplicate_tells_the_cache_what_the_first_time_could_not(
    database: Database, cache: MemoryListCache
):
    feedback_with(database, CacheAway(ttl=timedelta(hours=1))).record([a_view("e1")], now=NOW)
    feedback = feedback_with(database, cache)

    assert kept_after(feedback, cache, a_view("e1")) is None
    feedback.clear_told()
    assert SqlInvalidations(database).pending(limit=10) == {}


def test_nothing_is_accepted_when_the_log_cannot_be_written(database: Database):
    feedback = feedback_with(database, MemoryListCache(ttl=timedelta(hours=1)))
    with database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE invalidations RENAME TO gone")

    with pytest.raises(StoreUnavailable):
        feedback.record([a_purchase("e1")], now=NOW)

    assert SqlCustomers(database).load("c1") is None
