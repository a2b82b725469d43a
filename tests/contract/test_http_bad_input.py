"""Whatever is sent, the answer is a problem that names what is wrong, and nothing is stored."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.store.database import Database
from tests.fakes import Shop, a_shop

EVENTS = "/v1/events"
ITEMS = "/v1/items"
LIST = "/v1/customers/ann/recommendations"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder: Path = tmp_path_factory.mktemp("shop")
    database = Database.open(f"sqlite:///{folder / 'regulars.db'}")
    database.upgrade()
    with a_shop(database, max_body_bytes=50_000) as opened:
        yield opened
    database.close()


def an_event(**fields: object) -> bytes:
    event = {
        "event_id": "bad",
        "type": "purchase",
        "customer_id": "bad",
        "lines": [{"item_id": "A", "quantity": 1}],
    }
    return json.dumps({**event, **fields}).encode()


def a_line(**fields: object) -> bytes:
    return an_event(lines=[{"item_id": "A", "quantity": 1, **fields}])


BAD_QUERIES = {
    "limit=0": "limit",
    "limit=101": "limit",
    "limit=-1": "limit",
    "limit=ten": "limit",
    "limit=": "limit",
    "limit=1.5": "limit",
    "limit=1e1": "limit",
    "limit=1_0": "limit",
    "limit=%EF%BC%91": "limit",
    "limit=99999999999999999999": "limit",
    "limit=1&limit=2": "limit",
    "placement=": "placement",
    "placement=%00": "placement",
    "placement=" + "p" * 201: "placement",
    "category=": "category",
    "category=a%0Ab": "category",
    "strict_filtering=maybe": "strict_filtering",
    "strict_filtering=": "strict_filtering",
    "exclude_item_ids=": "exclude_item_ids",
    "exclude_item_ids=A,,B": "exclude_item_ids",
    "exclude_item_ids=%00": "exclude_item_ids",
    "exclude_item_ids=" + ",".join(str(number) for number in range(1_001)): "exclude_item_ids",
    "limits=3": "limits",
    "diversity=1.1": "diversity",
    "diversity=-0.1": "diversity",
    "diversity=nan": "diversity",
    "diversity=": "diversity",
    "diversity=much": "diversity",
    "diversity=0_1": "diversity",
    "diversity=1e400": "diversity",
    "diversity=0.1&diversity=0.2": "diversity",
    "diversity_by=price": "diversity_by",
    "calibration=2": "calibration",
    "price_affinity=inf": "price_affinity",
    "category_cap=0": "category_cap",
    "category_cap=1001": "category_cap",
    "category_cap=2.5": "category_cap",
    "category_cap=null": "category_cap",
    "brand_cap=": "brand_cap",
    "exploration_share=1": "exploration_share",
    "%00=3": "\\x00",
}


@pytest.mark.parametrize(("query", "field"), BAD_QUERIES.items())
def test_a_bad_parameter_is_named(shop: Shop, query: str, field: str):
    answer = shop.client.get(f"{LIST}?{query}")

    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"
    assert answer.json["field"] == field


def test_an_unknown_parameter_is_told_the_known_ones(shop: Shop):
    answer = shop.client.get(f"{LIST}?count=3")

    assert "placement, limit, category, exclude_item_ids, strict_filtering" in answer.json["detail"]


BAD_BODIES = {
    "empty": (b"", "body"),
    "blank": (b"  \n", "body"),
    "no JSON": (b"purchase", "body"),
    "cut off": (b'{"event_id": "e', "body"),
    "two values": (b"{} {}", "body"),
    "an array": (b"[]", "body"),
    "null": (b"null", "body"),
    "a number": (b"17", "body"),
    "binary": (bytes(range(256)), "body"),
    "byte order mark": (b"\xef\xbb\xbf{}", "body"),
    "UTF-16": ("{}".encode("utf-16"), "body"),
    "not UTF-8": (an_event(customer_id="X").replace(b"X", b"\xff"), None),
    "lone surrogate": (an_event(customer_id="X").replace(b"X", b"\\ud800"), "body"),
    "NaN": (a_line(quantity=float("nan")), "body"),
    "1e400": (a_line(quantity=0).replace(b'"quantity": 0', b'"quantity": 1e400'), None),
    "no id": (b'{"type": "purchase"}', "event_id"),
    "empty id": (an_event(event_id=""), "event_id"),
    "long id": (an_event(event_id="e" * 201), "event_id"),
    "number as id": (an_event(event_id=17), "event_id"),
    "null as id": (an_event(event_id=None), "event_id"),
    "NUL in an id": (an_event(customer_id="a\0b"), "customer_id"),
    "line break in an id": (an_event(customer_id="a\nb"), "customer_id"),
    "number as customer": (an_event(customer_id=17850), "customer_id"),
    "unknown type": (an_event(type="teleport"), "type"),
    "number as type": (an_event(type=1), "type"),
    "unknown field": (an_event(occured_at="2026-01-01T00:00:00Z"), "occured_at"),
    "no lines": (an_event(lines=[]), "lines"),
    "lines null": (an_event(lines=None), "lines"),
    "lines an object": (an_event(lines={}), "lines"),
    "line without item": (an_event(lines=[{"quantity": 1}]), "lines[0].item_id"),
    "unknown field of a line": (a_line(price=1), "lines[0].price"),
    "nobody's": (an_event(customer_id=None, type="view_item"), "customer_id"),
    "quantity zero": (a_line(quantity=0), "lines[0].quantity"),
    "quantity negative": (a_line(quantity=-1), "lines[0].quantity"),
    "quantity huge": (a_line(quantity=1e12), "lines[0].quantity"),
    "quantity a text": (a_line(quantity="1"), "lines[0].quantity"),
    "quantity missing": (a_line(quantity=None), "lines[0].quantity"),
    "price negative": (a_line(unit_price=-1), "lines[0].unit_price"),
    "price in halves": (a_line(unit_price=1.5), "lines[0].unit_price"),
    "price huge": (a_line(unit_price=10**30), "lines[0].unit_price"),
    "discount above the price": (a_line(unit_price=1, discount=2), "lines[0]"),
    "time without zone": (an_event(occurred_at="2026-01-01T00:00:00"), "occurred_at"),
    "time of the future": (an_event(occurred_at="2027-01-01T00:00:00Z"), "occurred_at"),
    "time before 1970": (an_event(occurred_at="1969-12-31T23:59:59Z"), "occurred_at"),
    "time at the edge": (an_event(occurred_at="0001-01-01T00:00:00+23:59"), "occurred_at"),
    "time at the other": (an_event(occurred_at="9999-12-31T23:59:59-23:59"), "occurred_at"),
    "no time": (an_event(occurred_at="yesterday"), "occurred_at"),
    "number as time": (an_event(occurred_at=1767225600), "occurred_at"),
    "currency in small letters": (an_event(currency="eur"), "currency"),
    "properties a list": (an_event(properties=[]), "properties"),
    "number of 100 digits": (an_event(properties={"a": [10**99]}), "properties.a[0]"),
    "number of 5,000 digits": (
        an_event(properties={"a": 0}).replace(b'"a": 0', b'"a": ' + b"9" * 5_000),
        "properties[...]",
    ),
    "nested a little too deeply": (
        an_event(properties={"a": json.loads("[" * 40 + "]" * 40)}),
        "properties",
    ),
    "events no list": (b'{"events": {}}', "events"),
    "events beside an event": (b'{"events": [], "event_id": "e"}', "event_id"),
    "too many events": (json.dumps({"events": [0] * 1_001}).encode(), "events"),
}


@pytest.mark.parametrize(("body", "field"), BAD_BODIES.values(), ids=BAD_BODIES)
def test_a_bad_event_is_refused_and_its_field_named(shop: Shop, body: bytes, field: str | None):
    answer = shop.client.post(EVENTS, data=body, content_type="application/json")

    assert answer.status_code == 400, answer.text
    assert answer.content_type == "application/problem+json"
    assert answer.json["type"] == "/docs#request-invalid"
    assert "\n" not in answer.json["detail"]
    if field is not None:
        assert answer.json["field"] == field
    assert shop.client.get("/v1/customers/bad/profile").status_code == 404


BAD_ITEMS = {
    "no id": ({"title": "Tea"}, "item_id"),
    "number as id": ({"item_id": 1}, "item_id"),
    "id with a tab": ({"item_id": "bad\t"}, "item_id"),
    "price a text": ({"item_id": "bad", "price": "2.50"}, "price"),
    "price negative": ({"item_id": "bad", "price": -1}, "price"),
    "price beyond the database": ({"item_id": "bad", "price": 10**19}, "price"),
    "available null": ({"item_id": "bad", "available": None}, "available"),
    "available a text": ({"item_id": "bad", "available": "no"}, "available"),
    "tags a text": ({"item_id": "bad", "tags": "red"}, "tags"),
    "NUL in a title": ({"item_id": "bad", "title": "a\0"}, "title"),
    "NUL in a tag": ({"item_id": "bad", "tags": ["a", "\0"]}, "tags"),
    "long title": ({"item_id": "bad", "title": "t" * 2_001}, "title"),
    "unknown field": ({"item_id": "bad", "colour": "red"}, "colour"),
    "attribute of 100 digits": ({"item_id": "bad", "attributes": {"a": 10**99}}, "attributes.a"),
    "a wrong one among good": ({"items": [{"item_id": "bad"}, {}]}, "items[1].item_id"),
    "no object": ({"items": ["bad"]}, "items[0]"),
}


@pytest.mark.parametrize(("body", "field"), BAD_ITEMS.values(), ids=BAD_ITEMS)
def test_a_bad_item_is_refused_and_its_field_named(shop: Shop, body: object, field: str):
    answer = shop.client.put(ITEMS, json=body)

    assert answer.status_code == 400, answer.text
    assert answer.json["field"] == field
    assert shop.client.get("/v1/items/bad").status_code == 404


def test_json_nested_without_end_is_refused(shop: Shop):
    deep = b'{"a":' * 8_000 + b"1" + b"}" * 8_000

    for body in (deep, b'{"events": [' + b"[" * 20_000 + b"]" * 20_000 + b"]}"):
        answer = shop.client.post(EVENTS, data=body, content_type="application/json")

        assert answer.status_code == 400
        assert "deep" in answer.json["detail"]


BAD_LISTS = {
    "basket/recommendations": {
        "no items": ({}, "items"),
        "items a text": ({"items": "A"}, "items"),
        "an empty id": ({"items": ["A", ""]}, "items[1]"),
        "an id with a tab": ({"items": ["A\t"]}, "items[0]"),
        "too many items": ({"items": ["A"] * 1_001}, "items"),
        "limit 0": ({"items": ["A"], "limit": 0}, "limit"),
        "limit 101": ({"items": ["A"], "limit": 101}, "limit"),
        "a placement with NUL": ({"items": ["A"], "placement": "\0"}, "placement"),
        "a category with NUL": ({"items": ["A"], "category": "\0"}, "category"),
        "diversity above 1": ({"items": ["A"], "diversity": 1.5}, "diversity"),
        "diversity null": ({"items": ["A"], "diversity": None}, "diversity"),
        "diversity by price": ({"items": ["A"], "diversity_by": "price"}, "diversity_by"),
        "cap 0": ({"items": ["A"], "category_cap": 0}, "category_cap"),
        "a customer's number": ({"items": ["A"], "customer_id": 7}, "customer_id"),
        "a wrong exclusion": (
            {"items": ["A"], "exclude_item_ids": ["B", "\n"]},
            "exclude_item_ids[1]",
        ),
        "an unknown field": ({"items": ["A"], "seed": 1}, "seed"),
    },
    "sessions/recommendations": {
        "no items": ({"limit": 3}, "items"),
        "a customer": ({"items": ["A"], "customer_id": "ann"}, "customer_id"),
    },
    "rerank": {
        "no customer": ({"items": ["A"]}, "customer_id"),
        "too many items": ({"customer_id": "ann", "items": ["A"] * 1_001}, "items"),
        "limit 101": ({"customer_id": "ann", "items": ["A"], "limit": 101}, "limit"),
    },
}


@pytest.mark.parametrize(
    ("address", "body", "field"),
    [(address, *case) for address, cases in BAD_LISTS.items() for case in cases.values()],
    ids=[f"{address}: {name}" for address, cases in BAD_LISTS.items() for name in cases],
)
def test_a_bad_request_for_a_list_is_refused_and_its_field_named(
    shop: Shop, address: str, body: object, field: str
):
    answer = shop.client.post(f"/v1/{address}", json=body)

    assert answer.status_code == 400, answer.text
    assert answer.content_type == "application/problem+json"
    assert answer.json["field"] == field
    assert "properties" not in answer.json["detail"]


OTHER_BAD_QUERIES = {
    "items/popular?segment=": "segment",
    "items/A/bought-together?segment=loyal": "segment",
    "customers/ann/buy-again?limit=0": "limit",
    "customers/ann/discover?new_only=1": "new_only",
    "customers/ann/profile?explain=maybe": "explain",
    "customers/ann/profile?why=1": "why",
    "customers/ann/segments?why=": "why",
    "customers/ann/segments?name=": "name",
    "customers/ann/segments?name=a&name=b": "name",
    "items/A/audience?limit=101": "limit",
    "items/A/audience?placement=home": "placement",
    "segments?limit=1": "limit",
    "segments/loyal?limit=1": "limit",
    "segments/loyal/customers?limit=1001": "limit",
    "segments/loyal/customers?after=": "after",
    "segments/loyal/customers?after=%00": "after",
    "segments/loyal/changes?limit=0": "limit",
}


@pytest.mark.parametrize(("address", "field"), OTHER_BAD_QUERIES.items())
def test_a_bad_parameter_of_any_door_is_named(shop: Shop, address: str, field: str):
    answer = shop.client.get(f"/v1/{address}")

    assert answer.status_code == 400, answer.text
    assert answer.json["field"] == field


@pytest.mark.parametrize("name", ["nothing", "Loyal", "a b", "%00", "x" * 300, "%E2%80%A8"])
@pytest.mark.parametrize("address", ["segments/{}", "segments/{}/customers", "segments/{}/changes"])
def test_a_segment_that_is_not_there_is_404(shop: Shop, address: str, name: str):
    answer = shop.client.get(f"/v1/{address.format(name)}")

    assert answer.status_code == 404
    assert answer.json["type"] == "/docs#segment-unknown"


@pytest.mark.parametrize("path", ["%00", "%0A", "%7F", "a" * 201, "%E2%80%A8"])
@pytest.mark.parametrize(
    "address",
    [
        "customers/{}/profile",
        "customers/{}/segments",
        "items/{}/similar",
        "items/{}/bought-together",
        "customers/{}/buy-again",
        "customers/{}/discover",
        "items/{}/audience",
        "items/{}",
    ],
)
def test_a_bad_id_in_a_path_is_refused(shop: Shop, path: str, address: str):
    answer = shop.client.get(f"/v1/{address.format(path)}")

    assert answer.status_code == 400
    assert answer.json["field"] in ("customer_id", "item_id")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("GET", "/nothing", 404),
        ("GET", "/v1/customers//profile", 404),
        ("DELETE", "/v1/events", 405),
        ("POST", "/v1/items", 405),
        ("GET", "/v1/events", 405),
        ("BREW", "/v1/events", 405),
        ("POST", "/healthz", 405),
        ("POST", "/v1/segments", 405),
        ("PATCH", "/v1/segments/loyal", 405),
        ("DELETE", "/v1/segments/loyal/customers", 405),
        ("GET", "/v1/segments/", 404),
    ],
)
def test_what_is_not_served_is_a_problem_too(shop: Shop, method: str, path: str, status: int):
    answer = shop.client.open(path, method=method)

    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert answer.json["status"] == status
    assert status != 405 or answer.headers["Allow"]


def test_a_body_beyond_the_limit_is_413(shop: Shop):
    answer = shop.client.post(EVENTS, data=b" " * 50_001, content_type="application/json")

    assert answer.status_code == 413
    assert answer.json["type"] == "/docs#request-entity-too-large"


def test_a_body_of_unstated_length_beyond_the_limit_is_413_too(shop: Shop):
    answer = shop.client.post(
        EVENTS,
        input_stream=io.BytesIO(b" " * 60_000),
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True},
    )

    assert answer.status_code == 413


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain", None]
)
def test_a_form_is_415(shop: Shop, kind: str):
    answer = shop.client.post(EVENTS, data=b"a=b", content_type=kind)

    assert answer.status_code == 415
    assert "application/json" in answer.json["detail"]


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "application/cloudevents+json"]
)
def test_json_is_taken_under_every_name_it_has(shop: Shop, kind: str):
    body = an_event(event_id=kind, customer_id="plain")

    answer = shop.client.post(EVENTS, data=body, content_type=kind)

    assert answer.status_code == 200


def test_the_same_key_twice_takes_the_last(shop: Shop):
    body = b'{"event_id": 7, ' + an_event(event_id="twice", customer_id="twice")[1:]

    answer = shop.client.post(EVENTS, data=body, content_type="application/json")

    assert (answer.status_code, answer.json["accepted"]) == (200, 1)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["purchase", "refund", "Order Completed", "2026-01-01T00:00:00Z", "EUR"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["event_id", "type", "customer_id", "lines", "item_id", "quantity", "events"]
            )
            | st.sampled_from(
                ["unit_price", "discount", "occurred_at", "order_id", "properties", "items"]
            )
            | st.text(max_size=5),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)


@settings(
    max_examples=200,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(content=JSON)
def test_no_json_makes_the_service_fail(shop: Shop, content: object):
    body = json.dumps(content).encode()

    for method, path in (("POST", EVENTS), ("PUT", ITEMS)):
        answer = shop.client.open(path, method=method, data=body, content_type="application/json")

        assert answer.status_code in (200, 400, 409), answer.text


NEARLY = st.fixed_dictionaries(
    {"event_id": st.text(max_size=5), "type": st.sampled_from(["purchase", "refund", "rating"])},
    optional={
        "customer_id": st.text(max_size=5) | st.none(),
        "order_id": st.text(max_size=5),
        "occurred_at": st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
        "currency": st.sampled_from(["EUR", "USD", "eur"]),
        "lines": st.lists(
            st.fixed_dictionaries(
                {"item_id": st.text(max_size=3)},
                optional={
                    "quantity": st.floats() | st.integers(),
                    "unit_price": st.integers(),
                    "discount": st.integers(),
                },
            ),
            max_size=3,
        ),
        "properties": st.dictionaries(st.text(max_size=3), JSON, max_size=3),
    },
)


@settings(
    max_examples=200,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(events=st.lists(NEARLY, max_size=4))
def test_events_that_are_nearly_right_are_each_answered(shop: Shop, events: list[object]):
    try:
        body = json.dumps({"events": events}, allow_nan=False).encode()
    except ValueError:
        # NaN is no JSON at all, and a case of its own above.
        return

    answer = shop.client.post(EVENTS, data=body, content_type="application/json")

    # JSON cannot say half of a surrogate pair: it is refused as no JSON.
    assert answer.status_code == 200 or "no JSON" in answer.json["detail"]
    if answer.status_code == 200:
        assert len(answer.json["results"]) == len(events)


def test_an_unknown_type_is_told_the_nearest_there_are(shop: Shop):
    answer = shop.client.post(
        EVENTS, data=an_event(type="order_complete"), content_type="application/json"
    )

    assert answer.json["detail"] == (
        "type: 'order_complete' is no event type; "
        "did you mean 'Order Completed'? /docs lists them all"
    )


@pytest.mark.parametrize(
    ("items", "said"), [([{}], "1 field is wrong"), ([{}, {}], "2 fields are wrong")]
)
def test_wrong_items_are_counted_in_good_grammar(shop: Shop, items: list[object], said: str):
    answer = shop.client.put(ITEMS, json={"items": items})

    assert answer.json["detail"].startswith(f"{said}; nothing was stored: items[0].item_id")


def test_a_body_that_ends_before_its_length_is_refused(shop: Shop):
    body = an_event(event_id="short", customer_id="short")

    answer = shop.client.post(
        EVENTS,
        input_stream=io.BytesIO(body),
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": str(len(body) + 1)},
    )

    assert (answer.status_code, answer.json["field"]) == (400, "body")
    assert shop.client.get("/v1/customers/short/profile").status_code == 404
