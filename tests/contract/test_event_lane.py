"""The two lanes of an event: the same bytes and headers by either, and the same log."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from api.door.door import Door
from api.door.event_lane import EventLane
from api.guard.caller import Caller
from api.wiring import behind_door
from engine.domain.keys import SCOPES, KeyKind
from engine.errors import Overloaded, StoreUnavailable
from engine.store.database import Database
from tests.fakes import Shop, a_shop
from tests.hostile import in_bodies, in_texts, in_values

LINE = {"item_id": "A", "quantity": 1, "unit_price": 499}
PURCHASE = {
    "event_id": "e1",
    "type": "purchase",
    "customer_id": "ann",
    "order_id": "o1",
    "currency": "EUR",
    "lines": [LINE],
}
VIEW = {"event_id": "e2", "type": "view_item", "customer_id": "Zoë", "lines": [{"item_id": "A"}]}
HEADERS = {"X-Request-ID": "r-1", "Content-Type": "application/json"}


class NoLane(EventLane):
    """A lane that takes nothing: everything goes to Flask."""

    def answer(self, environ: object, caller: object) -> None:  # type: ignore[override]
        return None


class Doors:
    """A client through the lane over one shop, one past it over another of the same content."""

    def __init__(self, fast: Shop, slow: Shop) -> None:
        door, other = behind_door(fast.services), behind_door(slow.services)
        self.fast, self.shops = Client(door), (fast, slow)
        past = NoLane(slow.services)
        self.slow = Client(Door(other._inner, other._lane, past, guard=slow.services.guard))
        self.taken: list[bool] = []
        answer = door._events.answer

        def watched(environ: dict[str, Any], caller: Caller) -> bytes | None:
            body = answer(environ, caller)
            self.taken.append(body is not None)
            return body

        door._events.answer = watched  # type: ignore[method-assign]

    def post(self, body: bytes, **headers: str) -> tuple[Any, Any]:
        """What either answers."""
        sent = {**HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return told(self.fast.post("/v1/events", data=body, headers=sent)), told(
            self.slow.post("/v1/events", data=body, headers=sent)
        )


@pytest.fixture
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    made = []
    for name in ("fast", "slow"):
        database = Database.open(f"sqlite:///{tmp_path_factory.mktemp(name) / 'shop.db'}")
        database.upgrade()
        made.append(database)
    with a_shop(made[0]) as fast, a_shop(made[1]) as slow:
        yield Doors(fast, slow)
    for database in made:
        database.close()


def told(answer: TestResponse) -> tuple[int, list[tuple[str, str]], bytes]:
    return answer.status_code, list(answer.headers), answer.data


def test_an_event_is_recorded_and_answered_alike(doors: Doors):
    for event in (PURCHASE, VIEW, PURCHASE):
        fast, slow = doors.post(json.dumps(event).encode())

        assert fast == slow
        assert fast[0] == 200
    assert doors.taken == [True, True, True]
    assert json.loads(fast[2])["duplicate"] == 1
    profiles = [each.get("/v1/customers/ann/profile").json for each in (doors.fast, doors.slow)]
    assert profiles[0]["orders"] == profiles[1]["orders"] == 1


@pytest.mark.parametrize(
    "event",
    [
        {**PURCHASE, "type": "purchas"},
        {**PURCHASE, "lines": []},
        {**PURCHASE, "customer_id": 7},
        {**PURCHASE, "occurred_at": "2999-01-01T00:00:00Z"},
        {**PURCHASE, "event_id": ""},
        {**VIEW, "properties": {"x": 2**70}},
        {**VIEW, "nonsense": 1},
        {"events": [PURCHASE, VIEW, {"type": "x"}]},
        {"events": [PURCHASE], "more": 1},
        {},
        [],
    ],
    ids=str,
)
def test_what_is_wrong_is_said_alike(doors: Doors, event: object):
    fast, slow = doors.post(json.dumps(event).encode())

    assert fast == slow


def test_another_event_under_a_known_id_is_a_conflict_by_either(doors: Doors):
    doors.post(json.dumps(PURCHASE).encode())

    fast, slow = doors.post(json.dumps({**PURCHASE, "order_id": "o2"}).encode())

    assert fast == slow
    assert fast[0] == 409


def test_hostile_bodies_are_answered_alike(doors: Doors):
    attacks = [
        each for each in chain(in_values(), in_texts(), in_bodies()) if each.address == "/v1/events"
    ]

    for each in attacks:
        fast, slow = doors.post(each.body or b"", **each.headers)
        assert fast == slow, each.name
        assert fast[0] < 500, each.name
    assert len(attacks) > 1_000
    assert sum(doors.taken) > 50


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Type": "text/plain"},
        {"Content_Type": "application/json; charset=utf-8"},
        {"Content_Encoding": "gzip"},
        {"Content_Length": "9" * 5000},
        {"Content_Length": "-1"},
        {"Content_Length": "1000"},
        {"Content_Length": "x"},
        {"User_Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"},
    ],
    ids=str,
)
def test_headers_mean_the_same_by_either(doors: Doors, headers: dict[str, str]):
    body = json.dumps(VIEW).encode()
    sent = gzip.compress(body, mtime=0) if "Content_Encoding" in headers else body

    fast, slow = doors.post(sent, **headers)

    assert fast == slow


def test_query_and_batch_and_lesser_keys_go_to_flask(doors: Doors):
    body = json.dumps(VIEW).encode()
    doors.fast.post("/v1/events?backfill=true", data=body, headers=HEADERS)
    doors.fast.post("/v1/events?nonsense=1", data=body, headers=HEADERS)
    doors.post(json.dumps({"events": [VIEW]}).encode())
    page = Caller("k", KeyKind.PUBLISHABLE, SCOPES[KeyKind.PUBLISHABLE])
    lane = EventLane(doors.shops[0].services)

    assert doors.taken == [False, False, False]
    assert lane.answer({"PATH_INFO": "/v1/events", "REQUEST_METHOD": "POST"}, page) is None


@pytest.mark.parametrize("error", [Overloaded("full"), StoreUnavailable("away"), ValueError("bug")])
def test_what_goes_wrong_inside_is_answered_by_the_view_and_tried_once(
    doors: Doors, error: Exception, monkeypatch: pytest.MonkeyPatch
):
    tried = []

    def failing(*_: object, **__: object) -> None:
        tried.append(1)
        raise error

    for shop in doors.shops:
        monkeypatch.setattr(shop.services.intake, "record", failing)

    fast, slow = doors.post(json.dumps(PURCHASE).encode())

    assert fast == slow
    assert fast[0] in (500, 503)
    assert len(tried) == 2
