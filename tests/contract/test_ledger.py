from __future__ import annotations

import pytest
from sqlalchemy import func, select, text

from engine.domain.customers import CustomerSummary, StoredCustomer
from engine.domain.events import Event, Line
from engine.errors import StoreUnavailable
from engine.ports import Entry, IngestRun, LineKey, Outcome
from engine.receipts import entry_of
from engine.store.customers import SqlCustomers
from engine.store.database import Database
from engine.store.invalidations import SqlInvalidations
from engine.store.ledger import SqlLedger
from engine.store.tables import event_lines, events
from tests.events import DAY_0, a_line, a_purchase, a_refund, a_view

ACCEPTED, DUPLICATE, CONFLICT = Outcome.ACCEPTED, Outcome.DUPLICATE, Outcome.CONFLICT


def entries(*given: Event) -> list[Entry]:
    return [entry_of(event, received_at=DAY_0) for event in given]


def appended(database: Database, *given: Event) -> list[Outcome]:
    with SqlLedger(database).transaction() as transaction:
        return transaction.append(entries(*given))


def counted(database: Database) -> tuple[int, int]:
    """How many events and how many lines the log holds."""
    with database.read() as connection:
        return (
            connection.scalar(select(func.count()).select_from(events)) or 0,
            connection.scalar(select(func.count()).select_from(event_lines)) or 0,
        )


def a_customer(customer_id: str, *, revision: int = 1, state: bytes = b"s") -> StoredCustomer:
    return StoredCustomer(customer_id, revision, state, CustomerSummary(1, 2.5, 300, 10, 20))


def saved(database: Database, *customers: StoredCustomer) -> None:
    with SqlLedger(database).transaction() as transaction:
        transaction.lock([each.customer_id for each in customers])
        transaction.save(customers)


def test_a_new_event_is_accepted_and_the_same_again_is_a_duplicate(database: Database):
    purchase = a_purchase("e1", a_line("tea"), a_line("jam"))

    assert appended(database, purchase) == [ACCEPTED]
    assert appended(database, purchase) == [DUPLICATE]
    assert counted(database) == (1, 2)


def test_an_id_used_again_with_another_content_is_a_conflict(database: Database):
    appended(database, a_purchase("e1", a_line("tea", 1)))

    assert appended(database, a_purchase("e1", a_line("tea", 2))) == [CONFLICT]
    assert counted(database) == (1, 1)


def test_within_one_batch_the_first_of_an_id_wins(database: Database):
    one, other = a_purchase("e1", a_line("tea", 1)), a_purchase("e1", a_line("tea", 2))

    assert appended(database, one, one, other) == [ACCEPTED, DUPLICATE, CONFLICT]
    assert counted(database) == (1, 1)


def test_outcomes_come_in_the_order_of_the_events(database: Database):
    appended(database, a_view("b"))

    outcomes = appended(database, a_view("z"), a_view("b"), a_view("a", customer_id="other"))

    assert outcomes == [ACCEPTED, DUPLICATE, ACCEPTED]


def test_nothing_appended_is_nothing_done(database: Database):
    assert appended(database) == []


def test_more_events_than_one_statement_takes_are_appended(database: Database):
    many = [a_view(f"e{number}", customer_id=f"c{number}") for number in range(2_500)]

    assert set(appended(database, *many)) == {ACCEPTED}
    assert set(appended(database, *many)) == {DUPLICATE}


def test_an_event_is_stored_as_it_was_told(database: Database):
    told = a_purchase(
        "é1",
        Line("tea", 0.25, None, 5),
        Line("jam", 2.0, 199, 0),
        order_id="o\\1",
        anonymous_id="a1",
        currency="EUR",
        recommendation_id="r1",
        placement="home",
        properties={"note": "tab\tnull\0", "nested": [1, None]},
    )

    appended(database, told)

    with database.read() as connection:
        row = connection.execute(select(events)).one()
        lines = connection.execute(select(event_lines).order_by(event_lines.c.line_no)).all()
    assert row.event_id == "é1"
    assert (row.type, row.customer_id, row.anonymous_id) == ("purchase", "c1", "a1")
    assert (row.order_id, row.currency) == ("o\\1", "EUR")
    assert (row.recommendation_id, row.placement) == ("r1", "home")
    assert row.occurred_ms == row.received_ms == 1_704_110_400_000
    assert row.properties == '{"note":"tab\\tnull\\u0000","nested":[1,null]}'
    assert [tuple(line)[1:] for line in lines] == [
        (0, "tea", 0.25, None, 5),
        (1, "jam", 2.0, 199, 0),
    ]


def test_an_exception_leaves_nothing_behind(database: Database):
    with pytest.raises(ZeroDivisionError), SqlLedger(database).transaction() as transaction:
        transaction.shop_currency("EUR")
        transaction.lock(["c1"])
        transaction.append(entries(a_purchase("e1")))
        transaction.save([a_customer("c1")])
        raise ZeroDivisionError

    with SqlLedger(database).transaction() as transaction:
        assert transaction.shop_currency(None) is None
        assert transaction.lock(["c1"]) == {}
    assert counted(database) == (0, 0)
    assert SqlInvalidations(database).pending(limit=10) == {}


def test_after_a_failure_the_next_transaction_works(database: Database):
    with (
        pytest.raises(StoreUnavailable, match="no_such_table"),
        SqlLedger(database).transaction() as transaction,
    ):
        transaction._connection.execute(text("SELECT 1 FROM no_such_table"))

    assert appended(database, a_view("e1")) == [ACCEPTED]


def test_customers_are_locked_as_they_were_saved(database: Database):
    saved(database, a_customer("c1", revision=1), a_customer("c2", revision=7))

    with SqlLedger(database).transaction() as transaction:
        found = transaction.lock(["c2", "unknown", "c1", "c2"])

    assert found == {
        "c1": a_customer("c1", revision=1),
        "c2": a_customer("c2", revision=7),
    }


def test_a_customer_who_was_only_locked_is_not_known(database: Database):
    with SqlLedger(database).transaction() as transaction:
        transaction.lock(["c1"])
    customers = SqlCustomers(database)

    assert customers.load("c1") is None
    assert customers.load_many(["c1"]) == []
    assert customers.count() == 0
    assert list(customers.pages(size=10)) == []


def test_customers_are_read_as_they_were_saved(database: Database):
    saved(database, *(a_customer(f"c{number}") for number in range(5)))
    customers = SqlCustomers(database)

    assert customers.count() == 5
    assert customers.load("c3") == a_customer("c3")
    assert customers.load("unknown") is None
    found = customers.load_many(["c4", "unknown", "c1", "c4"])
    assert sorted(each.customer_id for each in found) == ["c1", "c4"]


def test_pages_hold_every_customer_once_by_id(database: Database):
    # By code point, as Python sorts: a database's locale would put these otherwise.
    ids = ["B", "_", "a", "a1", "b", "é"]
    saved(database, *(a_customer(each) for each in ids))

    pages = list(SqlCustomers(database).pages(size=4))

    assert [[each.customer_id for each in page] for page in pages] == [ids[:4], ids[4:]]


def test_the_first_currency_stated_settles_it(database: Database):
    ledger = SqlLedger(database)

    with ledger.transaction() as transaction:
        assert transaction.shop_currency(None) is None
        assert transaction.shop_currency("EUR") == "EUR"
        assert transaction.shop_currency("USD") == "EUR"
    with ledger.transaction() as transaction:
        assert transaction.shop_currency("USD") == "EUR"
        assert transaction.shop_currency(None) == "EUR"


def test_saving_notes_the_newest_revision_as_an_invalidation(database: Database):
    saved(database, a_customer("c1", revision=1), a_customer("c2", revision=1))
    saved(database, a_customer("c1", revision=2))

    assert SqlInvalidations(database).pending(limit=10) == {"c1": 2, "c2": 1}
    assert len(SqlInvalidations(database).pending(limit=1)) == 1


def test_an_invalidation_is_cleared_unless_a_later_revision_came(database: Database):
    saved(database, a_customer("c1", revision=1), a_customer("c2", revision=1))
    invalidations = SqlInvalidations(database)
    due = invalidations.pending(limit=10)
    saved(database, a_customer("c2", revision=2))

    invalidations.clear(due)
    invalidations.clear({})

    assert invalidations.pending(limit=10) == {"c2": 2}


def test_order_lines_are_those_of_purchases_of_the_orders(database: Database):
    appended(
        database,
        a_purchase("e1", a_line("tea", 2, 150), order_id="o1"),
        a_purchase("e2", a_line("jam", 1, None), order_id="o1", customer_id=None),
        a_purchase("e3", a_line("tea"), order_id="o2"),
        a_refund("e4", a_line("tea", 1, 150), order_id="o1"),
    )

    with SqlLedger(database).transaction() as transaction:
        found = transaction.order_lines(["o1", "unknown"])

    assert found == {"o1": {LineKey("tea", 2.0, 150, 0), LineKey("jam", 1.0, None, 0)}}


def test_a_run_is_found_as_it_was_last_noted(database: Database):
    ledger = SqlLedger(database)
    begun = IngestRun("f1", "orders.csv", 100, {"accepted": 90, "duplicate": 10}, finished=False)
    done = IngestRun("f1", "orders.csv", 250, {"accepted": 240, "duplicate": 10}, finished=True)

    for run in (begun, done):
        with ledger.transaction() as transaction:
            transaction.note_run(run)

    assert ledger.run("f1") == done
    assert ledger.run("f2") is None


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE events SET type = 'view_item'",
        "DELETE FROM events",
        "UPDATE event_lines SET quantity = 9",
        "DELETE FROM event_lines",
    ],
)
def test_the_log_refuses_to_be_changed(database: Database, change: str):
    appended(database, a_purchase("e1"))

    with (
        pytest.raises(StoreUnavailable, match="the event log is append-only"),
        database.write() as connection,
    ):
        connection.execute(text(change))
    assert counted(database) == (1, 1)


def test_the_log_can_be_erased_by_a_transaction_that_says_so(database: Database):
    appended(database, a_purchase("e1"))

    with database.write() as connection:
        for statement in (
            "INSERT INTO shop (name, value) VALUES ('erasing', 'c1')",
            "DELETE FROM event_lines",
            "DELETE FROM events",
            "DELETE FROM shop WHERE name = 'erasing'",
        ):
            connection.execute(text(statement))

    assert counted(database) == (0, 0)
