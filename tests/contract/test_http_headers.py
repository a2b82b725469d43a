"""The headers every answer carries."""

from __future__ import annotations

import logging

import pytest

from tests.fakes import Shop

PATHS = ["/healthz", "/openapi.json", "/docs", "/v1/nothing", "/v1/items/popular?limit=0"]


@pytest.mark.parametrize("path", PATHS)
def test_the_request_id_comes_back_on_every_answer(shop: Shop, path: str):
    answer = shop.client.get(path, headers={"X-Request-ID": "shop-1.2:3"})

    assert answer.headers["X-Request-ID"] == "shop-1.2:3"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("given", ["", "a b", "<script>", "x" * 129, "é"])
def test_an_unfair_request_id_is_replaced(shop: Shop, given: str):
    answer = shop.client.get("/healthz", headers={"X-Request-ID": given})

    assert answer.headers["X-Request-ID"] != given
    assert len(answer.headers["X-Request-ID"]) == 32


def test_two_requests_without_an_id_get_two(shop: Shop):
    first, second = shop.client.get("/healthz"), shop.client.get("/healthz")

    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]


def test_personal_answers_are_kept_by_nobody(shop: Shop):
    shop.buy("ann", "A", "e1")

    for path in ("recommendations", "profile"):
        answer = shop.client.get(f"/v1/customers/ann/{path}")

        assert answer.headers["Cache-Control"] == "private, no-store"


def test_head_is_get_without_a_body(shop: Shop):
    got, asked = shop.client.get("/openapi.json"), shop.client.head("/openapi.json")

    assert (asked.status_code, asked.data) == (200, b"")
    assert asked.headers["Content-Length"] == got.headers["Content-Length"]


def test_options_says_what_is_allowed(shop: Shop):
    answer = shop.client.options("/v1/events")

    assert answer.status_code == 200
    assert "POST" in answer.headers["Allow"]


def test_a_failure_says_nothing_of_the_inside_and_is_logged_without_the_customer(
    shop: Shop, caplog: pytest.LogCaptureFixture
):
    def fail(_customer_id: str) -> None:
        raise RuntimeError("a bug")

    shop.customers._inner.load = fail
    with caplog.at_level(logging.ERROR):
        answer = shop.client.get("/v1/customers/ann/profile", headers={"X-Request-ID": "r1"})

    assert answer.status_code == 500
    assert answer.content_type == "application/problem+json"
    assert answer.json["request_id"] == "r1"
    assert "bug" not in answer.text
    assert "r1" in caplog.text
    assert "a bug" in caplog.text
    assert "/ann/" not in caplog.text
