"""The snippet as it is served, and what a page may show of items."""

from __future__ import annotations

import gzip

import pytest

from tests.fakes import Shop
from tests.snippet import BUILT, SOURCE, stamp

TEA = {
    "item_id": "tea",
    "title": "Green tea",
    "category": "tea",
    "brand": "Hand",
    "price": 499,
    "cost": 120,
    "image_url": "https://shop.example/tea.jpg",
    "url": "https://shop.example/tea",
    "attributes": {"supplier": "secret"},
}


def test_the_built_snippet_is_made_from_its_source():
    assert BUILT.read_text().startswith(stamp()), "run `make snippet`"


def test_the_snippet_is_a_script_of_less_than_5_kb_that_may_be_kept_for_an_hour(shop: Shop):
    answer = shop.client.get("/regulars.js")

    assert answer.status_code == 200
    assert answer.data == BUILT.read_bytes()
    assert len(answer.data) < 5 * 1024
    assert answer.content_type == "text/javascript; charset=utf-8"
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_whoever_takes_gzip_gets_the_same_script_in_half_the_bytes_under_another_tag(shop: Shop):
    plain = shop.client.get("/regulars.js", headers={"Accept-Encoding": "gzip;q=0"})
    zipped = shop.client.get("/regulars.js", headers={"Accept-Encoding": "br, gzip"})

    assert zipped.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(zipped.data) == plain.data
    assert len(zipped.data) < len(plain.data) * 0.55
    assert "Accept-Encoding" in zipped.headers["Vary"]
    assert zipped.headers["ETag"] != plain.headers["ETag"]
    assert not zipped.headers["ETag"].startswith("W/")


def test_a_browser_that_has_the_snippet_is_not_sent_it_again(shop: Shop):
    tag = shop.client.get("/regulars.js").headers["ETag"]

    again = shop.client.get("/regulars.js", headers={"If-None-Match": tag})
    changed = shop.client.get("/regulars.js", headers={"If-None-Match": '"another"'})

    assert (again.status_code, again.data) == (304, b"")
    assert changed.status_code == 200


@pytest.mark.parametrize("word", ["eval(", "Function(", "innerHTML", "outerHTML", "document.write"])
def test_the_snippet_makes_no_code_and_no_markup_of_foreign_text(word: str):
    assert word not in SOURCE.read_text()


def test_a_page_is_shown_items_in_the_order_asked_for_without_what_they_cost(shop: Shop):
    shop.client.put("/v1/items", json={"items": [TEA, {"item_id": "cup", "title": "Cup"}]})

    answer = shop.client.get("/v1/items?ids=cup,unknown&ids=tea")

    cup, tea = answer.json["items"]
    assert (cup["item_id"], cup["title"], cup["price"]) == ("cup", "Cup", None)
    assert tea == {
        "item_id": "tea",
        "title": "Green tea",
        "category": "tea",
        "brand": "Hand",
        "price": 499,
        "image_url": "https://shop.example/tea.jpg",
        "url": "https://shop.example/tea",
        "available": True,
    }
    assert answer.headers["Cache-Control"] == "private, max-age=60"


def test_an_id_with_a_comma_is_found_too(shop: Shop):
    shop.client.put("/v1/items", json={"item_id": "a,b", "title": "Set of two"})

    answer = shop.client.get("/v1/items", query_string={"ids": "a,b"})

    assert [each["title"] for each in answer.json["items"]] == ["Set of two"]


@pytest.mark.parametrize("query", ["", "?ids=", "?ids=" + ",".join("a" * 101), "?ids=a&limit=3"])
def test_items_are_asked_for_by_1_to_100_ids(shop: Shop, query: str):
    answer = shop.client.get("/v1/items" + query)

    assert answer.status_code == 400
    assert answer.json["field"] in ("ids", "limit")


def test_without_the_database_items_are_not_to_be_had_and_the_snippet_is(shop: Shop):
    shop.database_up(False)

    assert shop.client.get("/v1/items?ids=A").status_code == 503
    assert shop.client.get("/regulars.js").status_code == 200
