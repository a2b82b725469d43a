"""Segments over HTTP, on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.store.database import Database
from tests.fakes import Shop, a_shop

REPEAT = {"title": "Came back", "condition": {"feature": "orders", "at_least": 2}}
MINE = "/v1/segments/came_back"


@pytest.fixture
def shop(database: Database) -> Iterator[Shop]:
    with a_shop(database) as opened:
        yield opened


def buy(shop: Shop, customer_id: str, *months: int) -> None:
    for month in months:
        at = f"2026-{month:02d}-01T09:00:00Z"
        shop.buy(customer_id, "A", f"{customer_id}-{month}", occurred_at=at)


def members(shop: Shop, name: str) -> list[str]:
    page = shop.client.get(f"/v1/segments/{name}/customers").json
    return [each["customer_id"] for each in page["customers"]]


def of(shop: Shop, customer_id: str, **query: object) -> dict[str, dict]:
    answer = shop.client.get(f"/v1/customers/{customer_id}/segments", query_string=query)
    assert answer.status_code == 200, answer.text
    return {each["name"]: each for each in answer.json["segments"]}


def test_a_new_segment_has_its_members_at_once(shop: Shop):
    buy(shop, "ann", 1, 2)
    buy(shop, "bob", 1)

    answer = shop.client.put(MINE, json=REPEAT)

    assert answer.status_code == 200
    assert answer.json == {
        "name": "came_back",
        "title": "Came back",
        "description": "",
        "builtin": False,
        "condition": {"feature": "orders", "at_least": 2},
        "members": 1,
        "refreshed_at": "2026-03-02T12:00:00Z",
    }
    assert members(shop, "came_back") == ["ann"]
    assert shop.client.get(MINE).json == answer.json


def test_an_event_moves_its_customer_at_once(shop: Shop):
    buy(shop, "ann", 1)
    shop.client.put(MINE, json=REPEAT)
    before = members(shop, "came_back")

    buy(shop, "ann", 2)
    after = members(shop, "came_back")
    shop.client.post(
        "/v1/events",
        json={"event_id": "r", "type": "refund", "customer_id": "ann", "order_id": "order-ann-2"},
    )

    assert (before, after, members(shop, "came_back")) == ([], ["ann"], [])
    changes = shop.client.get(MINE + "/changes").json["changes"]
    assert [(each["customer_id"], each["change"]) for each in changes] == [
        ("ann", "left"),
        ("ann", "entered"),
    ]


def test_a_changed_segment_moves_everyone_and_those_that_refer_to_it(shop: Shop):
    buy(shop, "ann", 1, 2)
    buy(shop, "bob", 1)
    shop.client.put(MINE, json=REPEAT)
    others = {"title": "Others", "condition": {"not": {"segment": "came_back"}}}
    shop.client.put("/v1/segments/others", json=others)
    before = members(shop, "others")

    shop.client.put(MINE, json={**REPEAT, "condition": {"feature": "orders", "at_least": 1}})

    assert (before, members(shop, "came_back"), members(shop, "others")) == (
        ["bob"],
        ["ann", "bob"],
        [],
    )


def test_events_and_attributes_are_asked_of_live_and_for_everyone_alike(shop: Shop):
    condition = {
        "all": [
            {"events": "view_item", "within_days": 30, "at_least": 2},
            {"attribute": "plan", "is": "gold"},
        ]
    }
    shop.client.put("/v1/segments/lookers", json={"title": "Lookers", "condition": condition})
    identified = {"event_id": "i", "type": "identify", "customer_id": "ann"}
    shop.client.post("/v1/events", json={**identified, "properties": {"traits": {"plan": "gold"}}})
    for number in range(2):
        view = {"event_id": f"v{number}", "type": "view_item", "customer_id": "ann"}
        shop.client.post("/v1/events", json={**view, "lines": [{"item_id": "A"}]})
    live = members(shop, "lookers")

    again = shop.client.put(
        "/v1/segments/lookers", json={"title": "Lookers too", "condition": condition}
    )

    assert live == members(shop, "lookers") == ["ann"]
    assert again.json["members"] == 1
    assert "lookers" in of(shop, "ann")


def test_all_segments_are_listed_with_their_members(shop: Shop):
    buy(shop, "ann", 1, 2)
    shop.client.put(MINE, json=REPEAT)

    listed = {each["name"]: each for each in shop.client.get("/v1/segments").json["segments"]}

    assert listed["came_back"]["members"] == 1
    assert listed["stage_familiarity"]["members"] == 1
    assert listed["stage_familiarity"]["builtin"]
    assert listed["stage_familiarity"]["refreshed_at"] is None
    assert listed["lost"]["members"] == 0


def test_members_come_a_page_at_a_time(shop: Shop):
    customers = [f"c{number}" for number in range(5)]
    for each in customers:
        buy(shop, each, 1, 2)
    shop.client.put(MINE, json=REPEAT)

    pages, after = [], {}
    while True:
        page = shop.client.get(MINE + "/customers", query_string={"limit": 2, **after}).json
        pages.append([each["customer_id"] for each in page["customers"]])
        if page["next"] is None:
            break
        after = {"after": page["next"]}

    assert pages == [["c0", "c1"], ["c2", "c3"], ["c4"]]
    assert (page["members"], page["refreshed_at"]) == (5, "2026-03-02T12:00:00Z")


def test_built_in_segments_stay_as_they_are(shop: Shop):
    for answer in (
        shop.client.put("/v1/segments/loyal", json=REPEAT),
        shop.client.delete("/v1/segments/loyal"),
    ):
        assert answer.status_code == 409
        assert answer.json["type"] == "/docs#segment-conflict"
        assert "another name" in answer.json["detail"]


def test_a_segment_that_others_refer_to_stays_until_they_do_not(shop: Shop):
    shop.client.put(MINE, json=REPEAT)
    shop.client.put(
        "/v1/segments/others", json={"title": "O", "condition": {"segment": "came_back"}}
    )

    refused = shop.client.delete(MINE)
    others = shop.client.delete("/v1/segments/others")
    done = shop.client.delete(MINE)
    again = shop.client.delete(MINE)

    assert (refused.status_code, others.status_code) == (409, 200)
    assert "others refers to came_back" in refused.json["detail"]
    assert (done.status_code, done.json) == (200, {"name": "came_back"})
    assert again.status_code == 404


def test_a_circle_is_refused(shop: Shop):
    shop.client.put(MINE, json=REPEAT)
    shop.client.put(
        "/v1/segments/others", json={"title": "O", "condition": {"segment": "came_back"}}
    )

    answer = shop.client.put(MINE, json={"title": "C", "condition": {"segment": "others"}})

    assert answer.status_code == 400
    assert answer.json["errors"][0]["field"] == "/condition/segment"
    assert shop.client.get(MINE).json["condition"] == REPEAT["condition"]


def test_a_customers_segments_say_since_when_and_why(shop: Shop):
    buy(shop, "ann", 1, 2)
    shop.client.put(MINE, json=REPEAT)

    found = of(shop, "ann", why=1)

    assert found["came_back"]["entered_at"] == "2026-03-02T12:00:00Z"
    assert found["came_back"]["why"] == {
        "pointer": "",
        "holds": True,
        "decisive": True,
        "sentence": found["came_back"]["why"]["sentence"],
        "value": 2,
        "asked": {"feature": "orders", "at_least": 2},
        "parts": [],
    }
    assert all(each["member"] for each in found.values())
    assert "why" not in of(shop, "ann")["came_back"]


def test_why_not_is_told_of_any_one_segment(shop: Shop):
    buy(shop, "ann", 1)

    found = of(shop, "ann", why=1, name="at_risk_and_worth_it")

    assert list(found) == ["at_risk_and_worth_it"]
    told = found["at_risk_and_worth_it"]
    assert (told["member"], told["entered_at"], told["why"]["holds"]) == (False, None, False)
    assert told["why"]["parts"][0]["pointer"] == "/all/0"


def test_a_customers_segment_that_is_not_there_is_404(shop: Shop):
    buy(shop, "ann", 1)

    answer = shop.client.get("/v1/customers/ann/segments?name=nothing")

    assert answer.status_code == 404
    assert answer.json["type"] == "/docs#segment-unknown"


def test_segments_need_the_database(shop: Shop):
    shop.database_up(False)

    for answer in (
        shop.client.get("/v1/segments"),
        shop.client.get("/v1/segments/loyal/customers"),
        shop.client.put(MINE, json=REPEAT),
        shop.client.delete(MINE),
    ):
        assert answer.status_code == 503
