"""Customers' states can be thrown away: the log alone brings them back."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.domain.events import Event, EventType
from engine.feedback import Feedback
from engine.rebuild import rebuild_states
from engine.store.customers import SqlCustomers
from engine.store.database import Database
from engine.store.invalidations import SqlInvalidations
from engine.store.ledger import SqlLedger
from engine.store.memory_cache import MemoryListCache
from engine.store.tables import customers
from tests.event_histories import lives
from tests.events import a_line, a_purchase, a_refund, an_event, day

NOW = day(4_000)


def recorded(database: Database, *events: Event) -> dict[str, bytes]:
    """What is stored of each customer when the events were recorded."""
    cache = MemoryListCache(ttl=timedelta(hours=1))
    Feedback(SqlLedger(database), SqlInvalidations(database), cache).record(events, now=NOW)
    return states(database)


def states(database: Database) -> dict[str, bytes]:
    return {
        each.customer_id: each.state
        for page in SqlCustomers(database).pages(size=100)
        for each in page
    }


def spoil(database: Database) -> None:
    with database.write() as connection:
        connection.execute(customers.update().values(state=b""))


def some_events() -> list[Event]:
    return [
        a_purchase("e1", a_line("tea", 2, 150), order_id="o1"),
        a_purchase("e2", a_line("jam", 1, 400), order_id="o2", customer_id="c2"),
        # Names only the order: it is the business of whoever placed it.
        a_refund("e3", order_id="o1", customer_id=None),
        an_event("e4", EventType.RATING, lines=(a_line("tea"),), properties={"rating": 4}),
        an_event("e5", EventType.VIEW_ITEM, lines=(a_line("jam"),)),
        an_event("e6", EventType.IDENTIFY, properties={"traits": {"city": "Taipei"}}),
    ]


def test_states_come_back_as_they_were(database: Database):
    before = recorded(database, *some_events())
    spoil(database)

    changed = rebuild_states(SqlLedger(database))

    assert changed == 2
    assert states(database) == before


def test_states_that_are_true_stay_untouched(database: Database):
    recorded(database, *some_events())
    revision = SqlCustomers(database).revision("c1")

    assert rebuild_states(SqlLedger(database)) == 0
    assert SqlCustomers(database).revision("c1") == revision


def test_customers_who_were_lost_come_back(database: Database):
    before = recorded(database, *some_events())
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM customers")

    told: list[int] = []
    rebuild_states(SqlLedger(database), done=told.append)

    assert states(database) == before
    assert told == [2]


def test_whatever_happened_is_folded_to_the_same_state(tmp_path):
    # SQLite alone: a PostgreSQL database for each example would take minutes.
    @settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
    @given(lives(), st.integers(0, 10**9))
    def check(events: list[Event], number: int) -> None:
        database = Database.open(f"sqlite:///{tmp_path / f'{number}-{len(events)}.db'}")
        database.upgrade()
        before = recorded(database, *events)
        if before:
            spoil(database)
        rebuild_states(SqlLedger(database))
        assert states(database) == before
        database.close()

    check()
