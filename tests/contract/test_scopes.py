"""Every route against every kind of key: who may do what, in one table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from api.guard.scopes import NEEDS
from engine.domain.customer_tokens import minted
from engine.domain.keys import KeyKind
from tests.fakes import Shop
from tests.guarding import Keys, a_guarded_shop, bearer, now_ms

# A stranger, a publishable key, one with ann's token, one with bob's, a secret key, a marketer's,
# an admin's. All routes that name a customer name ann.
WHO = ("stranger", "publishable", "ann", "bob", "secret", "marketer", "admin")
EVERYBODY = "stranger publishable ann bob secret marketer admin"
WITH_KEY = "publishable ann bob secret marketer admin"
OWN = "ann secret marketer admin"
STAFF = "secret marketer admin"
SENDERS = "publishable ann bob secret admin"
TABLE = {
    "GET /": EVERYBODY,
    "GET /docs": EVERYBODY,
    "GET /healthz": EVERYBODY,
    "GET /openapi.json": EVERYBODY,
    "GET /readyz": EVERYBODY,
    "GET /metrics": "secret admin",
    "GET /v1/customers/<id:customer_id>/recommendations": OWN,
    "GET /v1/customers/<id:customer_id>/buy-again": OWN,
    "GET /v1/customers/<id:customer_id>/discover": OWN,
    "GET /v1/customers/<id:customer_id>/profile": STAFF,
    "GET /v1/customers/<id:customer_id>/segments": STAFF,
    "POST /v1/customers/<id:customer_id>/token": "secret admin",
    "GET /v1/items/<id:item_id>": STAFF,
    "GET /v1/items/<id:item_id>/audience": STAFF,
    "GET /v1/items/<id:item_id>/similar": WITH_KEY,
    "GET /v1/items/<id:item_id>/bought-together": WITH_KEY,
    "GET /v1/items/popular": WITH_KEY,
    "GET /v1/items": WITH_KEY,
    "GET /regulars.js": EVERYBODY,
    "PUT /v1/items": "secret admin",
    "POST /v1/basket/recommendations": OWN,
    "POST /v1/sessions/recommendations": WITH_KEY,
    "POST /v1/rerank": OWN,
    "POST /v1/events": "secret admin",
    # A wrong call among Segment's is answered like a right one, and kept with the reason.
    **{
        f"POST /v1/{call}": SENDERS
        for name in ("track", "identify", "page", "screen", "group", "alias", "batch")
        for call in (name, name[0])
    },
    "POST /v1/import": "secret admin",
    "POST /mp/collect": SENDERS,
    "DELETE /v1/customers/<id:customer_id>/identities/<id:anonymous_id>": "secret admin",
    "GET /v1/segments": STAFF,
    "GET /v1/segments/<name>": STAFF,
    "PUT /v1/segments/<name>": "marketer admin",
    "DELETE /v1/segments/<name>": "marketer admin",
    "GET /v1/segments/<name>/customers": STAFF,
    "GET /v1/segments/<name>/changes": STAFF,
}
PURCHASE = {
    "event_id": "e",
    "type": "purchase",
    "customer_id": "ann",
    "order_id": "o",
    "lines": [{"item_id": "A", "quantity": 1}],
}
BODIES: dict[str, Any] = {
    "POST /v1/customers/<id:customer_id>/token": {"ttl_seconds": 60},
    "POST /v1/import": {"batch": []},
    "POST /mp/collect": {"client_id": "v", "events": []},
    **{f"POST /v1/{call}": {"batch": []} for call in ("batch", "b")},
    **{
        f"POST /v1/{call}": {"anonymousId": "v", "event": "Product Viewed", "name": "home"}
        for name in ("track", "identify", "page", "screen", "group", "alias")
        for call in (name, name[0])
    },
    "PUT /v1/items": {"item_id": "A", "title": "A kettle"},
    "POST /v1/basket/recommendations": {"items": ["A"], "customer_id": "ann"},
    "POST /v1/sessions/recommendations": {"items": ["A"]},
    "POST /v1/rerank": {"items": ["A", "B"], "customer_id": "ann"},
    "POST /v1/events": PURCHASE,
    "PUT /v1/segments/<name>": {
        "title": "Friends",
        "condition": {"feature": "orders", "op": "ge", "value": 1},
    },
}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shop, Keys]]:
    with a_guarded_shop(tmp_path_factory.mktemp("home")) as opened:
        yield opened


def ask(shop: Shop, operation: str, headers: dict[str, str]) -> int:
    method, rule = operation.split(" ")
    path = rule.replace("<id:customer_id>", "ann").replace("<id:item_id>", "A")
    path = path.replace("<id:anonymous_id>", "v")
    answer = shop.client.open(
        path.replace("<name>", "friends"),
        method=method,
        headers=headers,
        json=BODIES.get(operation),
    )
    assert answer.status_code < 500, answer.text
    return answer.status_code


def shown(keys: Keys, who: str) -> dict[str, str]:
    if who == "stranger":
        return {}
    if who in ("ann", "bob"):
        return bearer(keys.kinds[KeyKind.PUBLISHABLE]) | {"X-Customer-Token": keys.token(who)}
    return bearer(keys.kinds[KeyKind(who)])


def test_the_table_names_every_route_and_so_does_the_guard(guarded: tuple[Shop, Keys]):
    rules = list(guarded[0].client.application.url_map.iter_rules())
    operations = {
        f"{method} {rule.rule}" for rule in rules for method in rule.methods - {"HEAD", "OPTIONS"}
    }

    assert operations == set(TABLE)
    assert {rule.endpoint for rule in rules} == set(NEEDS)


@pytest.mark.parametrize("operation", TABLE)
def test_each_key_may_what_the_table_says_and_nothing_else(
    guarded: tuple[Shop, Keys], operation: str
):
    shop, keys = guarded

    answered = {who: ask(shop, operation, shown(keys, who)) for who in WHO}

    allowed = {who for who, status in answered.items() if status not in (401, 403)}
    assert allowed == set(TABLE[operation].split()), answered
    for who in set(WHO) - allowed:
        assert answered[who] == (401 if who == "stranger" else 403), answered


@pytest.mark.parametrize("operation", TABLE)
def test_what_is_shown_and_not_valid_opens_nothing(guarded: tuple[Shop, Keys], operation: str):
    shop, keys = guarded
    publishable = keys.kinds[KeyKind.PUBLISHABLE]
    foreign = minted("ann", timedelta(hours=1), secrets=["another"], now_ms=now_ms())
    ended = minted("ann", timedelta(seconds=1), secrets=["5ec7e7" * 10], now_ms=now_ms() - 5_000)
    other_kind = keys.kinds[KeyKind.PUBLISHABLE].replace("_publishable_", "_admin_")
    wrong = [
        bearer(keys.revoked),
        bearer(keys.expired),
        bearer("rk_admin_aaaaaaaa_" + "a" * 52),
        bearer(keys.kinds[KeyKind.ADMIN][:-1]),
        bearer(other_kind),
        bearer(publishable) | {"X-Customer-Token": foreign},
        bearer(publishable) | {"X-Customer-Token": ended},
        bearer(publishable) | {"X-Customer-Token": keys.token("ann")[:-1] + "!"},
        {"X-Customer-Token": keys.token("ann")},
    ]

    answered = [ask(shop, operation, headers) for headers in wrong]

    probe = operation in ("GET /healthz", "GET /readyz")
    assert set(answered) == ({200} if probe else {401})


def test_nobody_learns_which_addresses_there_are(guarded: tuple[Shop, Keys]):
    shop, keys = guarded

    assert shop.client.get("/v1/nothing").status_code == 401
    assert shop.client.post("/v1/items/popular").status_code == 401
    assert shop.client.get("/v1/nothing", headers=shown(keys, "secret")).status_code == 404


def test_a_token_reaches_its_own_customer_alone_however_the_path_is_written(
    guarded: tuple[Shop, Keys],
):
    shop, keys = guarded
    headers = shown(keys, "ann")

    for other in ("bob", "Ann", "ann/", "ann%00", "%61nn%2F", "ann%20", "ann/../bob"):
        answer = shop.client.get(f"/v1/customers/{other}/recommendations", headers=headers)

        assert answer.status_code in (403, 404), other
    own = shop.client.get("/v1/customers/%61nn/recommendations", headers=headers)
    assert own.json["customer_id"] == "ann"


def test_a_page_tells_what_its_visitor_does_and_nothing_of_money_or_of_others(
    guarded: tuple[Shop, Keys],
):
    shop, keys = guarded
    view = {"type": "view_item", "properties": {"item_id": "A"}}
    events = [
        {"event_id": "p1", "anonymous_id": "v1", **view},
        {"event_id": "p2", "customer_id": "ann", **view},
        {"event_id": "p3", "customer_id": "bob", **view},
        {**PURCHASE, "event_id": "p4"},
        {"event_id": "p5", "anonymous_id": "v1", "customer_id": "ann", "type": "identify"},
        {**PURCHASE, "event_id": "p6", "type": "refund"},
        {"event_id": "p7", "anonymous_id": "v1", "type": "consent", "properties": {}},
    ]

    def told(who: str) -> list[tuple[str, str | None]]:
        answer = shop.client.post("/v1/events", json={"events": events}, headers=shown(keys, who))
        return [(each["status"], each.get("field")) for each in answer.json["results"]]

    without = told("publishable")
    with_token = told("ann")

    refused = ("rejected", "customer_id"), ("rejected", "type")
    assert without == [
        ("accepted", None),
        refused[0],
        refused[0],
        refused[0],
        refused[0],
        refused[0],
        refused[1],
    ]
    assert with_token == [
        ("duplicate", None),
        ("accepted", None),
        refused[0],
        refused[1],
        ("accepted", None),
        refused[1],
        refused[1],
    ]
    single = shop.client.post("/v1/events", json=PURCHASE, headers=shown(keys, "ann"))
    assert (single.status_code, single.json["type"]) == (403, "/docs#forbidden")


def test_a_publishable_key_in_the_address_opens_and_a_secret_one_does_not(
    guarded: tuple[Shop, Keys],
):
    shop, keys = guarded
    publishable, secret = keys.kinds[KeyKind.PUBLISHABLE], keys.kinds[KeyKind.SECRET]
    own = f"/v1/customers/ann/recommendations?key={publishable}&token={keys.token('ann')}"

    assert shop.client.get(f"/v1/items/popular?key={publishable}").status_code == 200
    assert shop.client.get(own).status_code == 200
    assert shop.client.get(f"/v1/items/popular?key={secret}").status_code == 401
    assert shop.client.get("/v1/items/popular", auth=(secret, "")).status_code == 200


def test_a_minted_token_opens_its_customers_list_for_as_long_as_it_says(
    guarded: tuple[Shop, Keys],
):
    shop, keys = guarded
    address = "/v1/customers/a%2Fb%20%C3%A9/"

    answer = shop.client.post(
        f"{address}token", json={"ttl_seconds": 60}, headers=shown(keys, "secret")
    )

    publishable = bearer(keys.kinds[KeyKind.PUBLISHABLE])
    token = {"X-Customer-Token": answer.json["token"]}
    opened = shop.client.get(f"{address}recommendations", headers=publishable | token)
    assert opened.json["customer_id"] == answer.json["customer_id"] == "a/b é"
    too_long = shop.client.post(
        f"{address}token", json={"ttl_seconds": 604_801}, headers=shown(keys, "secret")
    )
    assert too_long.status_code == 400
