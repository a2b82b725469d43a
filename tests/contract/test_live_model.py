"""Features, lifecycle stage and segments move with every event, in its own transaction."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from engine.domain.catalog import Item
from engine.domain.events import Event, EventType
from engine.domain.features import FeatureRow, StoredSegment
from engine.errors import StoreUnavailable
from engine.feedback import Feedback, record_in
from engine.live import LiveModel, Surroundings
from engine.loyalty.cuts import Cuts
from engine.receipts import Receipt, entry_of
from engine.store.database import Database
from engine.store.features import SqlFeatures
from engine.store.invalidations import SqlInvalidations
from engine.store.ledger import SqlLedger
from engine.store.memory_cache import MemoryListCache
from engine.store.segments import SqlSegments
from tests.events import a_line, a_purchase, a_refund, an_event, day

TEA = Item("tea", category="drinks", cost=60)
WEEKLY = 7


class Shop:
    """The feedback loop with a live model over a database."""

    def __init__(self, database: Database) -> None:
        self.features, self.segments = SqlFeatures(database), SqlSegments(database)
        self.ledger = SqlLedger(database)
        self.model = LiveModel(
            Surroundings(
                cuts=Cuts.untrained, items=lambda: {"tea": TEA}, segments=self.segments.own
            )
        )
        self._feedback = Feedback(
            self.ledger,
            SqlInvalidations(database),
            MemoryListCache(ttl=timedelta(hours=1)),
            model=self.model,
        )

    def record(self, *events: Event, now: datetime) -> list[Receipt]:
        return self._feedback.record(events, now=now)

    def row(self, customer_id: str = "c1") -> FeatureRow:
        found = self.features.load(customer_id)
        assert found is not None
        return found

    def names(self, customer_id: str = "c1") -> set[str]:
        return {name for name, _ in self.segments.of(customer_id)}


@pytest.fixture
def shop(database: Database) -> Shop:
    return Shop(database)


def weekly_orders(count: int) -> Sequence[Event]:
    return [
        a_purchase(f"e{number}", occurred_at=day(WEEKLY * number), order_id=f"o{number}")
        for number in range(count)
    ]


def a_segment(name: str, condition: object) -> StoredSegment:
    return StoredSegment(name, name.title(), "", json.dumps(condition), updated_ms=0)


def test_features_are_there_when_the_event_is_acknowledged(shop: Shop):
    shop.record(a_purchase("e1", a_line("tea", 2, 150), occurred_at=day(0)), now=day(1))

    row = shop.row()

    assert (row.revision, row.as_of_ms) == (1, 1_704_196_800_000)
    assert (row.values["orders"], row.values["revenue"]) == (1, 300)
    assert row.values["favourite_category"] == "drinks"
    assert row.values["stage"] == "exploration"


def test_a_purchase_brings_a_lost_customer_back_and_the_step_is_kept(shop: Shop):
    shop.record(*weekly_orders(3), now=day(15))
    shop.record(an_event("v1", EventType.VIEW_ITEM, occurred_at=day(200)), now=day(200))
    gone = shop.row().values["stage"]

    shop.record(a_purchase("e9", occurred_at=day(201), order_id="o9"), now=day(201))

    assert gone == "separation"
    assert shop.row().values["stage"] == "familiarity"
    assert shop.row().values["previous_stage"] == "separation"
    steps = [(step.before, step.after) for step in shop.features.changes("c1")]
    assert steps == [("familiarity", "separation"), ("separation", "familiarity")]


def test_segments_are_entered_and_left_with_the_event_that_decides(shop: Shop):
    shop.record(a_purchase("e1", order_id="o1"), now=day(1))
    bought = shop.names()
    shop.record(a_refund("e2", order_id="o1", occurred_at=day(2)), now=day(2))
    returned = shop.names()

    assert "stage_exploration" in bought
    assert "stage_exploration" not in returned
    moves = [
        (move.entered, move.at_ms) for move in shop.segments.moves("stage_exploration", limit=9)
    ]
    assert moves == [(False, 1_704_283_200_000), (True, 1_704_196_800_000)]


def test_an_event_sent_twice_moves_nothing_the_second_time(shop: Shop):
    event = a_purchase("e1", occurred_at=day(0))
    shop.record(event, now=day(1))
    before = shop.row()

    shop.record(event, now=day(2))

    assert shop.row() == before


def test_a_segment_written_by_the_shop_counts_from_the_next_event(shop: Shop):
    shop.record(a_purchase("e1", occurred_at=day(0)), now=day(1))
    often = {"events": "view_item", "at_least": 2, "within_days": 7, "item_id": "tea"}
    shop.segments.put(a_segment("keen", often))

    first = an_event("v1", EventType.VIEW_ITEM, lines=(a_line("tea"),), occurred_at=day(2))
    shop.record(first, now=day(2))
    after_one = shop.names()
    second = an_event("v2", EventType.VIEW_ITEM, lines=(a_line("tea"),), occurred_at=day(3))
    shop.record(second, now=day(3))

    assert "keen" not in after_one
    assert "keen" in shop.names()


def test_a_segment_may_ask_for_what_the_shop_told_of_a_customer(shop: Shop):
    shop.segments.put(a_segment("taipei", {"attribute": "city", "is": "Taipei"}))

    told = an_event("i1", EventType.IDENTIFY, properties={"traits": {"city": "Taipei"}})
    shop.record(told, now=day(1))

    assert shop.row().attributes == '{"city":"Taipei"}'
    assert "taipei" in shop.names()


def test_a_segment_that_makes_no_sense_any_more_is_passed_over(shop: Shop):
    shop.segments.put(a_segment("old", {"feature": "no_such_feature", "is": 1}))

    (receipt,) = shop.record(a_purchase("e1"), now=day(1))

    assert receipt.status == "accepted"
    assert "old" not in shop.names()


def test_nothing_is_accepted_when_the_features_cannot_be_written(shop: Shop, database: Database):
    with database.write() as connection:
        connection.exec_driver_sql("DROP TABLE segment_moves")

    with pytest.raises(StoreUnavailable):
        shop.record(a_purchase("e1"), now=day(1))

    assert shop.features.load("c1") is None


def test_history_told_by_an_ingest_waits_for_features_until_they_are_asked_for(shop: Shop):
    entry = entry_of(a_purchase("e1", occurred_at=day(0)), received_at=day(1))
    with shop.ledger.transaction() as transaction:
        record_in(transaction, [entry])

    due = shop.features.due(before_ms=0, cuts_version="", limit=10)

    assert shop.features.load("c1") is None
    assert [each.customer_id for each in due] == ["c1"]


def test_features_of_an_older_moment_or_other_cuts_are_due(shop: Shop):
    shop.record(a_purchase("e1", occurred_at=day(0)), now=day(1))
    as_of = shop.row().as_of_ms

    def due(before_ms: int, version: str) -> int:
        return len(shop.features.due(before_ms=before_ms, cuts_version=version, limit=10))

    assert (due(as_of, ""), due(as_of + 1, ""), due(as_of, "m2")) == (0, 1, 1)


def test_members_worked_out_for_everyone_are_those_of_the_condition(shop: Shop):
    shop.record(*weekly_orders(6), now=day(36))
    shop.record(a_purchase("x1", customer_id="c2", occurred_at=day(30)), now=day(36))

    run = shop.segments.refresh("two_or_more", "f.orders >= 2", {}, now_ms=5)

    assert (run.members, run.refreshed_ms) == (1, 5)
    members = shop.segments.members("two_or_more", after=None, limit=5)
    assert [each.customer_id for each in members] == ["c1"]
    assert shop.segments.runs()["two_or_more"] == run


def test_working_out_members_again_notes_only_who_changed(shop: Shop):
    shop.record(a_purchase("e1", occurred_at=day(0)), now=day(1))
    shop.record(a_purchase("x1", customer_id="c2", occurred_at=day(0)), now=day(1))

    shop.segments.refresh("some", "f.customer_id <> 'c3'", {}, now_ms=1)
    shop.segments.refresh("some", "f.customer_id = 'c1'", {}, now_ms=2)

    moves = {
        (move.customer_id, move.entered, move.at_ms)
        for move in shop.segments.moves("some", limit=9)
    }
    assert moves == {("c1", True, 1), ("c2", True, 1), ("c2", False, 2)}


def test_a_segment_that_is_deleted_takes_its_members_along(shop: Shop):
    shop.segments.put(a_segment("anyone", {"feature": "orders", "at_least": 1}))
    shop.record(a_purchase("e1", occurred_at=day(0)), now=day(1))

    deleted = shop.segments.delete("anyone")

    assert deleted
    assert not shop.segments.delete("anyone")
    assert shop.segments.members("anyone", after=None, limit=5) == []
    assert shop.segments.own() == []


def test_a_segment_of_an_old_name_begins_without_a_past(shop: Shop):
    shop.record(a_purchase("e1", occurred_at=day(0)), now=day(1))
    shop.segments.put(a_segment("anyone", {"feature": "orders", "at_least": 1}))
    shop.segments.refresh("anyone", "f.orders >= 1", {}, now_ms=1)

    shop.segments.delete("anyone")
    shop.segments.put(a_segment("anyone", {"feature": "orders", "at_least": 9}))

    assert shop.segments.moves("anyone", limit=9) == []


def test_every_change_of_a_segment_is_seen_also_two_at_once(shop: Shop):
    def change(number: int) -> None:
        shop.segments.put(a_segment(f"mine_{number}", {"feature": "orders", "at_least": number}))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(change, range(12)))

    assert shop.segments.revision() == 12


def test_refreshes_beside_events_agree_with_the_last_event(shop: Shop):
    customers = [f"c{number:02d}" for number in range(30)]
    single = {"feature": "orders", "at_most": 1}
    shop.segments.put(a_segment("single", single))
    first = [a_purchase(f"a-{each}", customer_id=each, order_id=f"a{each}") for each in customers]
    shop.record(*first, now=day(1))

    def again(part: Sequence[str]) -> None:
        events = [
            a_purchase(f"b-{each}", customer_id=each, order_id=f"b{each}", occurred_at=day(3))
            for each in part
        ]
        shop.record(*events, now=day(4))

    def refresh(number: int) -> None:
        shop.segments.refresh("single", "f.orders <= 1", {}, now_ms=number)

    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(again, customers[start::3]) for start in range(3)]
        jobs += [pool.submit(refresh, number) for number in range(6)]
        for each in jobs:
            each.result()

    assert shop.segments.members("single", after=None, limit=99) == []
    steps: defaultdict[str, list[bool]] = defaultdict(list)
    for move in reversed(shop.segments.moves("single", limit=999)):
        steps[move.customer_id].append(move.entered)
    # In once, out once, and never the same step twice.
    assert dict(steps) == {each: [True, False] for each in customers}


def test_members_come_in_pages_by_id(shop: Shop):
    for number in range(5):
        shop.record(
            a_purchase(f"e{number}", customer_id=f"c{number}", order_id=f"o{number}"), now=day(1)
        )

    def page(after: str | None) -> list[str]:
        return [
            m.customer_id for m in shop.segments.members("stage_exploration", after=after, limit=2)
        ]

    assert [page(None), page("c1"), page("c3")] == [["c0", "c1"], ["c2", "c3"], ["c4"]]
