"""Anonymous visitors and the customers they turn out to be, on both databases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import permutations
from random import Random

import msgspec
import pytest
from sqlalchemy import Connection

from engine.domain.events import Event, EventType
from engine.domain.identities import Range
from engine.feedback import Feedback
from engine.identity_keeper import IdentityKeeper, rebuild_identities
from engine.list_cache import Stamp
from engine.loyalty.state import NEW, apply_all, encode
from engine.rebuild import rebuild_states
from engine.receipts import Status
from engine.store import identities as identities_in_store
from engine.store.customers import SqlCustomers
from engine.store.database import Database
from engine.store.invalidations import SqlInvalidations
from engine.store.ledger import SqlLedger
from engine.store.log_reader import read_log
from engine.store.memory_cache import MemoryListCache
from engine.store.tables import customers, identities
from tests.any_events import assert_equal, folded
from tests.events import a_line, a_purchase, a_refund, a_view, an_event, day
from training.states import states_before

NOW = day(400)


def feedback_of(database: Database) -> Feedback:
    cache = MemoryListCache(ttl=timedelta(hours=1))
    return Feedback(SqlLedger(database), SqlInvalidations(database), cache)


def keeper_of(database: Database) -> IdentityKeeper:
    return IdentityKeeper(SqlLedger(database))


def states(database: Database) -> dict[str, bytes]:
    return {
        each.customer_id: each.state
        for page in SqlCustomers(database).pages(size=100)
        for each in page
    }


def owned(events: Iterable[Event], *, apart: Collection[tuple[str, str]] = ()) -> list[Event]:
    """The events with whose they are, straight from the rule."""
    joins: defaultdict[str, list[tuple]] = defaultdict(list)
    for event in events:
        pair = (event.anonymous_id, event.customer_id)
        if None not in pair and pair not in apart:
            joins[event.anonymous_id].append((event.occurred_at, event.event_id, event.customer_id))
    found = []
    for event in events:
        own = sorted(joins[event.anonymous_id]) if event.anonymous_id else []
        by_order = event.type is EventType.REFUND and event.order_id is not None
        if event.customer_id is None and own and not by_order:
            before = [who for at, _, who in own if at <= event.occurred_at]
            owner = before[-1] if before else own[0][2]
            event = msgspec.structs.replace(event, customer_id=owner)  # noqa: PLW2901
        found.append(event)
    return found


def expected(
    events: Sequence[Event], *, apart: Collection[tuple[str, str]] = ()
) -> dict[str, bytes]:
    """The state of everyone by the fold of what is theirs."""
    own: defaultdict[str, list[Event]] = defaultdict(list)
    placed: defaultdict[str, set[str]] = defaultdict(set)
    given = owned(events, apart=apart)
    for event in given:
        if event.customer_id is not None:
            own[event.customer_id].append(event)
            if event.type is EventType.PURCHASE and event.order_id:
                placed[event.order_id].add(event.customer_id)
    for event in given:
        if event.type is EventType.REFUND and event.customer_id is None:
            for who in placed[event.order_id or ""]:
                own[who].append(event)
    return {who: encode(apply_all(NEW, events)) for who, events in own.items()}


def nobodys(event: Event, anonymous_id: str = "a1") -> Event:
    return msgspec.structs.replace(event, customer_id=None, anonymous_id=anonymous_id)


def an_identify(event_id: str, customer_id: str, number: float, anonymous_id: str = "a1") -> Event:
    return an_event(
        event_id,
        EventType.IDENTIFY,
        customer_id=customer_id,
        anonymous_id=anonymous_id,
        occurred_at=day(0) + timedelta(days=number),
    )


def test_what_a_visitor_did_becomes_the_customers_whenever_the_join_arrives(database: Database):
    before = nobodys(a_view("e1", lines=(a_line("tea"),), occurred_at=day(1)))
    join = an_identify("e2", "c1", 2)
    after = nobodys(a_purchase("e3", order_id="o1", occurred_at=day(3)))
    refund = a_refund("e4", order_id="o1", customer_id=None, occurred_at=day(4))
    wanted = expected([before, join, after, refund])

    for number, order in enumerate(permutations([before, join, after, refund])):
        # Every order of arrival has a visitor, an order and a customer of its own.
        renamed = [
            msgspec.structs.replace(
                event,
                event_id=f"{event.event_id}-{number}",
                customer_id=event.customer_id and f"c{number}",
                anonymous_id=event.anonymous_id and f"a{number}",
                order_id=event.order_id and f"o{number}",
            )
            for event in order
        ]
        feedback = feedback_of(database)
        for event in renamed:
            feedback.record([event], now=NOW)

        assert states(database)[f"c{number}"] == expected(renamed)[f"c{number}"]
    assert len(wanted) == 1


def test_a_device_that_changes_hands_is_the_first_ones_before_and_the_later_ones_after(
    database: Database,
):
    visits = [
        nobodys(a_view(f"v{number}", lines=(a_line(f"i{number}"),), occurred_at=day(number)))
        for number in (1, 3, 5, 7)
    ]
    # ann from the second day, bob from the fourth, ann again from the sixth.
    joins = [an_identify("j1", "ann", 2), an_identify("j2", "bob", 4), an_identify("j3", "ann", 6)]

    # The last join arrives before the one in the middle.
    for event in (*visits, joins[0], joins[2], joins[1]):
        feedback_of(database).record([event], now=NOW)

    with database.read() as connection:
        found = connection.execute(identities.select().order_by(identities.c.from_ms)).all()
    assert [row.customer_id for row in found] == ["ann", "bob", "ann"]
    assert states(database) == expected([*visits, *joins])


def some_events(chance: Random, count: int) -> list[Event]:
    """Events of visitors and customers on few days, so that much happens at once."""
    found: list[Event] = []
    for number in range(count):
        who = chance.choice(("ann", "bob", "cid", None, None, None))
        device = (
            chance.choice(("a1", "a2", "a3", None)) if who else chance.choice(("a1", "a2", "a3"))
        )
        kind = chance.choice(("view", "view", "identify", "purchase", "refund", "order refund"))
        fields = {
            "customer_id": who,
            "anonymous_id": device,
            "occurred_at": day(chance.randint(0, 6)),
        }
        order = chance.choice(("o1", "o2", "o3"))
        name = f"e{number:03d}-{chance.randint(0, 999)}"
        if kind == "view":
            found.append(a_view(name, lines=(a_line(f"i{number % 4}"),), **fields))
        elif kind == "identify":
            found.append(an_event(name, EventType.IDENTIFY, **fields))
        elif kind == "purchase":
            found.append(a_purchase(name, a_line("tea", 2), order_id=order, **fields))
        elif kind == "refund":
            found.append(a_refund(name, a_line("tea", 1), **fields))
        else:
            found.append(a_refund(name, order_id=order, **fields))
    return found


@pytest.mark.parametrize("seed", range(8))
def test_order_of_arrival_changes_nothing_and_every_reader_sees_the_same(
    database: Database, seed: int
):
    chance = Random(seed)
    events = some_events(chance, 40)
    feedback = feedback_of(database)

    rest = list(events)
    chance.shuffle(rest)
    while rest:
        size = chance.randint(1, 9)
        receipts = feedback.record(rest[:size], now=NOW)
        assert {each.status for each in receipts} == {Status.ACCEPTED}
        rest = rest[size:]

    wanted = expected(events)
    assert states(database) == wanted
    assert rebuild_identities(SqlLedger(database)) == 0
    assert rebuild_states(SqlLedger(database)) == 0
    batch = states_before(read_log(database), cut_ms=2**62, catalog={})
    assert_equal(batch, folded(owned(events)))


@pytest.mark.parametrize("seed", range(4))
def test_a_split_is_as_if_they_had_never_been_joined_and_can_be_undone(
    database: Database, seed: int
):
    chance = Random(seed)
    events = some_events(chance, 40)
    feedback, keeper = feedback_of(database), keeper_of(database)
    half = len(events) // 2
    feedback.record(events[:half], now=NOW)

    left = keeper.split("a1", customer_id="ann", now=NOW)
    # Whatever comes later joins them no more.
    feedback.record(events[half:], now=NOW)
    if not left:
        keeper.split("a1", customer_id="ann", now=NOW)

    assert states(database) == expected(events, apart=[("a1", "ann")])
    assert rebuild_identities(SqlLedger(database)) == 0
    assert rebuild_states(SqlLedger(database)) == 0
    keeper.split("a1", now=NOW)
    everyone = [("a1", who) for who in ("ann", "bob", "cid")]
    assert states(database) == expected(events, apart=everyone)
    assert keeper.join_again("a1", now=NOW) == sorted(
        {e.customer_id for e in events if e.anonymous_id == "a1" and e.customer_id}
    )
    assert states(database) == expected(events)


def test_identities_and_states_come_back_from_the_log(database: Database):
    events = some_events(Random(3), 60)
    feedback_of(database).record(events, now=NOW)
    before = states(database)
    with database.write() as connection:
        connection.execute(identities.delete())
        connection.execute(customers.update().values(state=b""))

    assert rebuild_identities(SqlLedger(database)) == 3
    rebuild_states(SqlLedger(database))

    assert states(database) == before


def test_joining_drops_the_customers_cached_lists(database: Database):
    cache = MemoryListCache(ttl=timedelta(hours=1))
    feedback = Feedback(SqlLedger(database), SqlInvalidations(database), cache)
    feedback.record([a_purchase("e1", customer_id="c1")], now=NOW)
    assert cache.write("c1", "home", b"list", stamp=Stamp(1, 0))

    feedback.record([nobodys(a_view("e2", lines=(a_line("tea"),)))], now=NOW)
    assert cache.read("c1", "home") == b"list"
    feedback.record([an_identify("e3", "c1", 1)], now=NOW)

    assert cache.read("c1", "home") is None


def test_eight_threads_joining_the_same_visitors_lose_and_double_nothing(database: Database):
    chance = Random(11)
    events = some_events(chance, 300)
    feedback = feedback_of(database)
    batches = [events[start : start + 5] for start in range(0, len(events), 5)]
    chance.shuffle(batches)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda each: feedback.record(each, now=NOW), batches))

    assert {receipt.status for answer in answers for receipt in answer} == {Status.ACCEPTED}
    assert states(database) == expected(events)
    assert rebuild_identities(SqlLedger(database)) == 0
    assert rebuild_states(SqlLedger(database)) == 0


def test_looking_for_a_visitor_reads_no_other_events(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
):
    database = Database.open(sqlite_url)
    database.upgrade()
    steps: list[str] = []

    def explained(connection: Connection, statement: str, asked: tuple) -> list:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", asked)
        steps.extend(row[3] for row in plan)
        return []

    monkeypatch.setattr(identities_in_store, "found", explained)
    with SqlLedger(database).transaction() as transaction:
        transaction.joins([Range("a1")])
        transaction.visited([Range("a1")])
    database.close()

    assert sum("ix_events_anonymous_id_occurred_ms" in step for step in steps) == 2
    assert not any(step.startswith("SCAN e") for step in steps)
