from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from engine.domain.events import Event
from engine.feedback import Feedback, record_in
from engine.loyalty.net import summary_of
from engine.loyalty.state import NEW, apply_all, encode
from engine.ports import Outcome
from engine.receipts import Receipt, Status, checked, entry_of
from engine.store.customers import SqlCustomers
from engine.store.database import Database
from engine.store.invalidations import SqlInvalidations
from engine.store.ledger import SqlLedger
from engine.store.memory_cache import MemoryListCache
from tests.events import DAY_0, a_line, a_purchase, a_refund, day

THREADS = 8
ORDERS = 200
CUSTOMERS = 7


def orders_and_returns() -> list[Event]:
    events = [
        a_purchase(
            f"p{number}",
            a_line(f"item{number % 5}", 1 + number % 3, 100 + number),
            customer_id=f"c{number % CUSTOMERS}",
            order_id=f"o{number}",
            occurred_at=day(number % 30),
        )
        for number in range(ORDERS)
    ]
    return events + [
        a_refund(f"r{number}", order_id=f"o{number}", customer_id=f"c{number % CUSTOMERS}")
        for number in range(0, ORDERS, 10)
    ]


def expected_states(events: list[Event]) -> dict[str, bytes]:
    """The state of each customer when every event is folded once, in order."""
    return {
        who: encode(apply_all(NEW, [event for event in events if event.customer_id == who]))
        for who in {event.customer_id for event in events}
        if who is not None
    }


def batches(events: list[Event], *, rng: random.Random) -> list[list[Event]]:
    """Every event three times, in random order, in overlapping batches of random size."""
    thrice = events * 3
    rng.shuffle(thrice)
    cut: list[list[Event]] = []
    while thrice:
        size = rng.randint(1, 20)
        cut.append(thrice[:size])
        thrice = thrice[size:]
    return cut


def recorded(feedback: Feedback, post: list[Event], *, ahead: bool) -> list[Receipt]:
    batch = checked(post, now=day(40))
    expected = [batch] if ahead else []
    (receipts,) = feedback.record_together(
        lambda: [batch], now=day(40), expected=lambda: expected
    ).receipts
    return receipts


@pytest.mark.parametrize("ahead", [False, True], ids=["folded in turn", "folded ahead"])
def test_every_event_three_times_from_eight_threads_counts_once(database: Database, *, ahead: bool):
    events = orders_and_returns()
    cache = MemoryListCache(ttl=timedelta(hours=1))
    feedback = Feedback(SqlLedger(database), SqlInvalidations(database), cache)
    posts = batches(events, rng=random.Random(7))

    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(lambda post: recorded(feedback, post, ahead=ahead), posts))

    statuses = [receipt.status for answer in answers for receipt in answer]
    assert statuses.count(Status.ACCEPTED) == len(events)
    assert statuses.count(Status.DUPLICATE) == 2 * len(events)
    stored = {
        each.customer_id: each for page in SqlCustomers(database).pages(size=3) for each in page
    }
    assert {who: each.state for who, each in stored.items()} == expected_states(events)
    for who, each in stored.items():
        own = [event for event in events if event.customer_id == who]
        assert each.summary == summary_of(apply_all(NEW, own))


def test_events_whose_ids_clash_between_customers_do_not_wait_in_a_circle(database: Database):
    """One id from two customers makes the log's locks cross those of the customers."""
    ledger = SqlLedger(database)
    rng = random.Random(11)
    posts = [
        [a_purchase(f"e{rng.randrange(40)}", customer_id=f"c{rng.randrange(20)}") for _ in range(9)]
        for _ in range(80)
    ]

    def post(events: list[Event]) -> list[Outcome]:
        with ledger.transaction() as transaction:
            return record_in(transaction, [entry_of(each, received_at=DAY_0) for each in events])

    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = [outcome for answer in pool.map(post, posts) for outcome in answer]

    ids = {event.event_id for events in posts for event in events}
    assert outcomes.count(Outcome.ACCEPTED) == len(ids)
    pages = SqlCustomers(database).pages(size=100)
    assert sum(each.summary.orders for page in pages for each in page) == len(ids)


def test_clearing_while_recording_loses_no_invalidation(database: Database):
    ledger, invalidations = SqlLedger(database), SqlInvalidations(database)
    seen: dict[str, int] = {}

    def post(number: int) -> None:
        event = a_purchase(f"e{number}", customer_id=f"c{number % 5}")
        with ledger.transaction() as transaction:
            record_in(transaction, [entry_of(event, received_at=DAY_0)])

    def clear(_number: int) -> None:
        due = invalidations.pending(limit=3)
        seen.update({who: max(revision, seen.get(who, 0)) for who, revision in due.items()})
        invalidations.clear(due)

    with ThreadPoolExecutor(THREADS) as pool:
        works = [pool.submit(work, number) for number in range(100) for work in (post, clear)]
        for work in works:
            work.result()

    for who, revision in invalidations.pending(limit=10).items():
        seen[who] = revision
    assert seen == {f"c{number}": 20 for number in range(5)}


@pytest.mark.parametrize("first", ["EUR", "USD"])
def test_two_who_state_different_currencies_at_once_agree(database: Database, first: str):
    ledger = SqlLedger(database)

    def state(currency: str) -> str | None:
        with ledger.transaction() as transaction:
            return transaction.shop_currency(currency)

    with ThreadPoolExecutor(THREADS) as pool:
        settled = set(pool.map(state, [first, "GBP", "JPY"] * 5))

    assert len(settled) == 1
