"""The guard as callers meet it: refusals, pages of other origins, limits, and what is logged."""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.guard.cors import Origins
from api.guard.credentials import shown, without_credentials
from api.guard.rates import Leases
from engine.domain.keys import KeyKind
from engine.domain.rates import Rate
from tests.fakes import Shop
from tests.guarding import Keys, a_guarded_shop, bearer, environ

ORIGIN = "https://shop.example"
POPULAR = "/v1/items/popular"
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shop, Keys]]:
    with a_guarded_shop(tmp_path_factory.mktemp("home"), origins=Origins([ORIGIN])) as opened:
        yield opened


def test_a_refusal_is_a_problem_like_any_other_and_says_how_to_come_in(
    guarded: tuple[Shop, Keys],
):
    answer = guarded[0].client.get(POPULAR, headers={"X-Request-ID": "r-1"})

    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="regulars"'
    assert answer.headers["X-Request-ID"] == answer.json["request_id"] == "r-1"
    assert answer.json["type"] == "/docs#unauthorized"
    assert 'id="unauthorized"' in guarded[0].client.get("/docs").text


# What a WSGI server can hand over: Latin-1 text without line breaks.
HEADER = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=120)
SCHEMES = st.sampled_from(["Bearer ", "bearer", "Basic ", "Basic", "Digest ", "", "BEARER  "])
BASIC = st.binary(max_size=80).map(lambda data: "Basic " + base64.b64encode(data).decode())


@settings(max_examples=300)
@given(header=st.one_of(st.tuples(SCHEMES, HEADER).map("".join), BASIC), token=HEADER)
def test_no_authorization_header_is_an_error_of_ours(
    guarded: tuple[Shop, Keys], header: str, token: str
):
    shop, keys = guarded
    overrides = {"HTTP_AUTHORIZATION": header, "HTTP_X_CUSTOMER_TOKEN": token}

    answer = shop.client.get(POPULAR, environ_overrides=overrides)
    with_key = shop.client.get(
        POPULAR,
        environ_overrides=overrides
        | {"HTTP_AUTHORIZATION": f"Bearer {keys.kinds[KeyKind.PUBLISHABLE]}"},
    )

    assert answer.status_code == 401
    assert with_key.status_code == (401 if token else 200)


@settings(max_examples=200)
@given(query=st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0#"), max_size=80))
def test_no_query_is_an_error_of_ours(guarded: tuple[Shop, Keys], query: str):
    for text in (query, f"key={query}", f"key={query}&key=&token={query}", "key=%ff&token=%zz"):
        assert guarded[0].client.get(f"{POPULAR}?{text}").status_code == 401
        shown(environ(QUERY_STRING=text))


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("", ""),
        ("limit=5", "limit=5"),
        ("key=k", ""),
        ("key=k&limit=5&token=t", "limit=5"),
        ("limit=5&monkey=1&token=", "limit=5&monkey=1"),
        ("a=1&&b=2&key=k", "a=1&&b=2"),
    ],
)
def test_a_query_without_its_credentials_asks_for_the_same(query: str, left: str):
    assert without_credentials(query) == left


def test_an_allowed_page_may_ask_and_is_told_so_without_credentials(guarded: tuple[Shop, Keys]):
    shop, keys = guarded

    asked = shop.client.options("/v1/events", headers=PREFLIGHT)
    answered = shop.client.get(
        POPULAR, headers=bearer(keys.kinds[KeyKind.PUBLISHABLE]) | {"Origin": ORIGIN}
    )
    refused = shop.client.get(POPULAR, headers={"Origin": ORIGIN})

    assert asked.status_code == 204
    assert asked.data == b""
    assert "Content-Type" not in asked.headers
    assert "POST" in asked.headers["Access-Control-Allow-Methods"]
    assert "X-Customer-Token" in asked.headers["Access-Control-Allow-Headers"]
    assert (answered.status_code, refused.status_code) == (200, 401)
    for answer in (asked, answered, refused):
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert answer.headers.getlist("Vary") == ["Origin"]
        assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://shop.example.evil", "http://shop.example"]
)
def test_another_page_may_not_ask(guarded: tuple[Shop, Keys], origin: str):
    shop, keys = guarded

    asked = shop.client.options("/v1/events", headers=PREFLIGHT | {"Origin": origin})
    answered = shop.client.get(
        POPULAR, headers=bearer(keys.kinds[KeyKind.PUBLISHABLE]) | {"Origin": origin}
    )

    assert asked.status_code == 403
    for answer in (asked, answered):
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["Vary"] == "Origin"


def test_every_answer_carries_the_headers_that_protect_it(guarded: tuple[Shop, Keys]):
    shop, keys = guarded
    secret = bearer(keys.kinds[KeyKind.SECRET])

    for path, headers in [("/docs", {}), (POPULAR, {}), (POPULAR, secret), ("/v1/no", secret)]:
        answer = shop.client.get(path, headers=headers)

        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_the_documentation_may_load_its_own_style_and_nothing_else(guarded: tuple[Shop, Keys]):
    answer = guarded[0].client.get("/docs")
    policy = answer.headers["Content-Security-Policy"]
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)

    digest = base64.b64encode(sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}';" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Frame-Options"] == "DENY"


def leases(limit: int) -> Leases:
    return Leases(None, Rate(limit, 60), workers=1, clock=lambda: 90.0)


def test_an_address_that_asks_too_often_waits_and_another_one_does_not(tmp_path: Path):
    with a_guarded_shop(tmp_path, per_address=leases(3)) as (shop, keys):
        publishable = bearer(keys.kinds[KeyKind.PUBLISHABLE])

        def ask(address: str, headers: dict[str, str]) -> int:
            overrides = {"REMOTE_ADDR": address}
            answer = shop.client.get(POPULAR, headers=headers, environ_overrides=overrides)
            return answer.status_code

        mine = [ask("198.51.100.1", publishable) for _ in range(4)]
        # Guessing keys counts as well, and ends in the same refusal.
        guessed = [ask("198.51.100.2", bearer(f"rk_admin_{n}_x")) for n in range(4)]
        server = [ask("198.51.100.1", bearer(keys.kinds[KeyKind.SECRET])) for _ in range(9)]
        answer = shop.client.get(POPULAR, environ_overrides={"REMOTE_ADDR": "198.51.100.1"})
        probes = [shop.client.get("/healthz").status_code for _ in range(9)]

    assert mine == [200, 200, 200, 429]
    assert guessed == [401, 401, 401, 429]
    assert set(server) == set(probes) == {200}
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "30"
    assert answer.json["type"] == "/docs#too-many-requests"


def test_a_key_that_asks_too_often_waits_and_another_one_does_not(tmp_path: Path):
    with a_guarded_shop(tmp_path, per_key=leases(2)) as (shop, keys):
        asked = {
            kind: [
                shop.client.get(POPULAR, headers=bearer(keys.kinds[kind])).status_code
                for _ in range(3)
            ]
            for kind in KeyKind
        }

    assert set(map(tuple, asked.values())) == {(200, 200, 429)}


def test_no_log_line_holds_a_key_a_token_or_a_customer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.DEBUG), a_guarded_shop(tmp_path) as (shop, keys):
        token = keys.token("customer-ann")
        publishable = keys.kinds[KeyKind.PUBLISHABLE]
        own = bearer(publishable) | {"X-Customer-Token": token}
        secret = bearer(keys.kinds[KeyKind.SECRET])
        shop.database_up(False)
        shop.client.get(f"/v1/customers/customer-ann/recommendations?key={publishable}")
        for headers in (own, secret, bearer("rk_secret_aaaaaaaa_wrongkey"), {}):
            for path in ("recommendations", "profile", "segments"):
                shop.client.get(f"/v1/customers/customer-ann/{path}", headers=headers)
            shop.client.post(
                "/v1/events",
                json={"event_id": "e", "type": "search", "customer_id": "customer-ann"},
                headers=headers,
            )

        def fail(_customer_id: str) -> None:
            raise RuntimeError("a bug")

        shop.database_up(True)
        shop.customers._inner.load = fail
        failed = shop.client.get("/v1/customers/customer-ann/profile", headers=secret)

    assert failed.status_code == 500
    assert "store-unavailable" in caplog.text
    assert "a bug" in caplog.text
    secrets = [text.split("_")[3] for text in keys.kinds.values()]
    for hidden in (*secrets, token, "wrongkey", "customer-ann"):
        assert hidden not in caplog.text
