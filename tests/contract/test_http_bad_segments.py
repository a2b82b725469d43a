"""A segment that cannot be is refused with every mistake told, and nothing is stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.store.database import Database
from tests.fakes import Shop, a_shop

BAD = "/v1/segments/bad"
ORDERS = {"feature": "orders", "at_least": 1}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder: Path = tmp_path_factory.mktemp("shop")
    database = Database.open(f"sqlite:///{folder / 'regulars.db'}")
    database.upgrade()
    with a_shop(database) as opened:
        yield opened
    database.close()


def a_segment(condition: object = ORDERS, **fields: object) -> dict[str, object]:
    return {"title": "Bad", "condition": condition, **fields}


def nested(levels: int) -> object:
    condition: object = ORDERS
    for _ in range(levels):
        condition = {"not": condition}
    return condition


BAD_SEGMENTS = {
    "no title": ({"condition": ORDERS}, "title"),
    "empty title": (a_segment(title=""), "/title"),
    "blank title": (a_segment(title="  "), "/title"),
    "long title": (a_segment(title="t" * 101), "/title"),
    "number as title": (a_segment(title=1), "title"),
    "NUL in a title": (a_segment(title="a\0"), "/title"),
    "NUL in a description": (a_segment(description="\0"), "/description"),
    "long description": (a_segment(description="d" * 1_001), "/description"),
    "unknown field": (a_segment(name="bad"), "name"),
    "no condition": ({"title": "Bad"}, "condition"),
    "null as condition": (a_segment(None), "/condition"),
    "a list as condition": (a_segment([ORDERS]), "/condition"),
    "an empty condition": (a_segment({}), "/condition"),
    "an empty group": (a_segment({"all": []}), "/condition/all"),
    "unknown feature": (a_segment({"feature": "order", "above": 1}), "/condition/feature"),
    "unknown operator": (a_segment({"feature": "orders", "over": 1}), "/condition/over"),
    "a text for a number": (a_segment({"feature": "orders", "above": "1"}), "/condition/above"),
    "no such stage": (a_segment({"feature": "stage", "is": "happy"}), "/condition/is"),
    "unknown event type": (a_segment({"events": "nap", "at_least": 1}), "/condition/events"),
    "unknown segment": (a_segment({"segment": "nobodies"}), "/condition/segment"),
    "itself": (a_segment({"not": {"segment": "bad"}}), "/condition/not/segment"),
    "nested too deeply": (a_segment(nested(25)), None),
}


@pytest.mark.parametrize(("body", "field"), BAD_SEGMENTS.values(), ids=BAD_SEGMENTS)
def test_a_bad_segment_is_refused_and_its_place_told(shop: Shop, body: object, field: str | None):
    answer = shop.client.put(BAD, json=body)

    assert answer.status_code == 400, answer.text
    assert answer.content_type == "application/problem+json"
    assert answer.json["type"] == "/docs#request-invalid"
    assert "\n" not in answer.json["detail"]
    if field is not None:
        assert answer.json["field"] == field
    assert shop.client.get(BAD).status_code == 404


def test_every_mistake_is_told_at_once(shop: Shop):
    condition = {
        "all": [
            {"feature": "order", "above": 1},
            {"events": "purchase", "at_least": -1},
            {"not": {"attribute": "", "is": 1}},
        ]
    }

    answer = shop.client.put(BAD, json=a_segment(condition, title="", description="\0"))

    assert [each["field"] for each in answer.json["errors"]] == [
        "/description",
        "/title",
        "/condition/all/0/feature",
        "/condition/all/1/at_least",
        "/condition/all/2/not/attribute",
    ]
    assert all(each["reason"] for each in answer.json["errors"])
    assert "and 4 more" in answer.json["detail"]


@pytest.mark.parametrize("name", ["Bad", "1st", "with-dash", "x" * 65, "%00", "%C3%A9"])
def test_a_bad_name_is_refused(shop: Shop, name: str):
    answer = shop.client.put(f"/v1/segments/{name}", json=a_segment())

    assert answer.status_code == 400
    assert answer.json["field"] == "/name"


def test_json_nested_without_end_is_refused(shop: Shop):
    deep = b'{"title": "a", "condition": ' + b'{"not":' * 9_000 + b"1" + b"}" * 9_001

    answer = shop.client.put(BAD, data=deep, content_type="application/json")

    assert answer.status_code == 400


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["orders", "stage", "loyalty", "purchase", "loyal", "last_order_at"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["all", "any", "not", "feature", "attribute", "events", "segment"])
            | st.sampled_from(["is", "in", "above", "between", "within_days", "known", "item_id"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=15,
)


@settings(
    max_examples=200,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(condition=JSON)
def test_no_condition_makes_the_service_fail(shop: Shop, condition: object):
    body = json.dumps(a_segment(condition)).encode()

    answer = shop.client.put("/v1/segments/any_name", data=body, content_type="application/json")

    assert answer.status_code in (200, 400), answer.text
