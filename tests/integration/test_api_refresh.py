"""Features and segments brought up to date in the background, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from api.refresh import LEASE, TURN, Refresh
from engine.errors import StoreUnavailable
from engine.store.database import Database
from engine.store.ledger import SqlLedger
from engine.store.notes import SqlNotes
from tests.fakes import NOW, Shop, a_model, a_shop

TOMORROW = NOW + timedelta(days=1)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(database: Database, clock: Clock) -> Iterator[Shop]:
    with a_shop(database, clock=clock) as opened:
        yield opened


@pytest.fixture
def refresh(shop: Shop, database: Database, clock: Clock) -> Refresh:
    return Refresh(
        ledger=shop.ledger,
        features=shop.features,
        keeper=shop.services.keeper,
        live=shop.services.live,
        notes=SqlNotes(database),
        holder="one",
        clock=clock,
        timer=lambda: 0.0,
    )


def as_of(shop: Shop, customer_id: str) -> int | None:
    row = shop.features.load(customer_id)
    return None if row is None else row.as_of_ms // 86_400_000


def day(moment: datetime) -> int:
    return int(moment.timestamp()) // 86_400


def runs(shop: Shop) -> dict[str, datetime]:
    listed = shop.client.get("/v1/segments").json["segments"]
    return {each["name"]: each["refreshed_at"] for each in listed if each["refreshed_at"]}


def test_features_of_an_earlier_day_are_worked_out_anew(shop: Shop, refresh: Refresh, clock: Clock):
    for name in ("ann", "bob"):
        shop.buy(name, "A", f"e-{name}")
    clock.now = TOMORROW
    shop.buy("bob", "A", "e2")

    refresh.turn()

    assert as_of(shop, "ann") == as_of(shop, "bob") == day(TOMORROW)
    assert shop.features.load("ann").values["days_since_last"] == 1


def test_what_is_up_to_date_is_left_alone(shop: Shop, refresh: Refresh, clock: Clock):
    shop.buy("ann", "A", "e1")
    before = shop.features.load("ann")
    clock.now = NOW + timedelta(hours=1)

    refresh.turn()

    assert shop.features.load("ann") == before


def test_new_cuts_make_everyone_due(shop: Shop, refresh: Refresh):
    shop.buy("ann", "A", "e1")

    shop.publish(a_model("m2"))
    refresh.turn()

    assert shop.features.load("ann").cuts_version == "m2"


def test_customers_without_features_get_them_and_enter_segments(
    shop: Shop, refresh: Refresh, database: Database
):
    for number in range(7):
        shop.buy(f"c{number}", "A", f"e{number}")
    with database.write() as connection:
        for table in ("customer_features", "segment_members"):
            connection.exec_driver_sql(f"DELETE FROM {table}")

    replace(refresh, found=4, page=3).turn()

    assert all(as_of(shop, f"c{number}") == day(NOW) for number in range(7))
    members = shop.client.get("/v1/segments/stage_exploration").json
    assert (members["members"], members["refreshed_at"]) == (7, "2026-03-02T12:00:00Z")


def test_time_alone_moves_customers_between_segments(shop: Shop, refresh: Refresh, clock: Clock):
    shop.buy("ann", "A", "e1", occurred_at="2026-02-01T09:00:00Z")
    shop.buy("ann", "A", "e2")
    clock.now = NOW + timedelta(days=300)

    refresh.turn()

    changes = shop.client.get("/v1/segments/stage_separation/changes").json["changes"]
    assert [(each["customer_id"], each["change"]) for each in changes] == [("ann", "entered")]
    steps = shop.features.changes("ann")
    assert [(each.before, each.after) for each in steps][-1] == ("familiarity", "separation")


def test_segments_are_worked_out_daily_and_after_new_cuts(
    shop: Shop, refresh: Refresh, clock: Clock
):
    refresh.turn()
    first = runs(shop)
    clock.now = NOW + timedelta(hours=23)
    refresh.turn()
    same = runs(shop)
    clock.now = NOW + timedelta(hours=25)
    refresh.turn()
    daily = runs(shop)
    clock.now = NOW + timedelta(hours=26)
    shop.publish(a_model("m2"))
    refresh.turn()

    assert set(first.values()) == {"2026-03-02T12:00:00Z"}
    assert same == first
    assert set(daily.values()) == {"2026-03-03T13:00:00Z"}
    assert set(runs(shop).values()) == {"2026-03-03T14:00:00Z"}


def test_a_segment_whose_members_were_never_worked_out_is_due(
    shop: Shop, refresh: Refresh, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    refresh.turn()
    body = {"title": "Mine", "condition": {"feature": "orders", "at_least": 1}}
    shop.client.put("/v1/segments/mine", json=body)
    clock.now = NOW + timedelta(minutes=1)

    def fail(*_args: object, **_named: object) -> None:
        raise StoreUnavailable("the database went away")

    with monkeypatch.context() as broken:
        broken.setattr(shop.segments._inner, "refresh", fail)
        answer = shop.client.put("/v1/segments/mine", json=body)
    clock.now = NOW + timedelta(minutes=2)
    refresh.turn()

    assert answer.status_code == 503
    assert runs(shop)["mine"] == "2026-03-02T12:02:00Z"
    assert runs(shop)["loyal"] == "2026-03-02T12:00:00Z"


def test_one_turn_does_no_more_than_its_time_allows(shop: Shop, refresh: Refresh, clock: Clock):
    for number in range(5):
        shop.buy(f"c{number}", "A", f"e{number}")
    clock.now = TOMORROW
    ticks = iter(range(100))
    short = replace(refresh, page=2, timer=lambda: float(next(ticks)), work=timedelta(seconds=2))

    def fresh() -> int:
        return sum(as_of(shop, f"c{number}") == day(TOMORROW) for number in range(5))

    short.turn()
    after_one = fresh()
    short.turn()

    assert after_one == 4
    assert fresh() == 5
    assert len(runs(shop)) < 25


def test_one_process_at_a_time(shop: Shop, refresh: Refresh, clock: Clock):
    shop.buy("ann", "A", "e1")
    clock.now = TOMORROW
    now_ms = int(TOMORROW.timestamp() * 1000)
    refresh.notes.take(TURN, "other", now_ms=now_ms, until_ms=now_ms + 60_000)

    refresh.turn()
    left_alone = as_of(shop, "ann")
    clock.now = TOMORROW + LEASE
    refresh.turn()

    assert (left_alone, as_of(shop, "ann")) == (day(NOW), day(TOMORROW))
    # And the next one need not wait.
    assert refresh.notes.take(TURN, "other", now_ms=now_ms, until_ms=now_ms + 1)


def test_closing_ends_a_turn_after_its_page(shop: Shop, refresh: Refresh, clock: Clock):
    for number in range(5):
        shop.buy(f"c{number}", "A", f"e{number}")
    clock.now = TOMORROW

    refresh.close()
    replace(refresh, page=2).turn()

    assert sum(as_of(shop, f"c{number}") == day(TOMORROW) for number in range(5)) == 2
    assert runs(shop) == {}


def test_a_failure_gives_the_turn_back(shop: Shop, refresh: Refresh, clock: Clock):
    shop.buy("ann", "A", "e1")
    clock.now = TOMORROW
    shop.ledger.up = False

    with pytest.raises(StoreUnavailable):
        refresh.turn()
    shop.ledger.up = True
    replace(refresh, holder="two").turn()

    assert as_of(shop, "ann") == day(TOMORROW)


def test_events_that_come_between_finding_and_writing_are_not_lost(
    shop: Shop, refresh: Refresh, clock: Clock
):
    shop.buy("ann", "A", "e1")
    clock.now = TOMORROW
    ledger = refresh.ledger
    assert isinstance(ledger._inner, SqlLedger)
    transaction = ledger._inner.transaction

    def buy_first() -> object:
        ledger._inner.transaction = transaction
        shop.buy("ann", "A", "e2")
        return transaction()

    ledger._inner.transaction = buy_first
    refresh.turn()

    row = shop.features.load("ann")
    assert (row.revision, row.values["orders"]) == (2, 2)
