"""Profiles over HTTP: worked out at the moment of asking, from the stored state."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from engine.loyalty.features.registry import FEATURES
from engine.store.database import Database
from engine.store.features import SqlFeatures
from tests.fakes import NOW, Shop, a_model, a_shop

PROFILE = "/v1/customers/ann/profile"


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
def timed(sqlite_url: str, clock: Clock) -> Iterator[Shop]:
    database = Database.open(sqlite_url)
    database.upgrade()
    with a_shop(database, clock=clock) as opened:
        yield opened
    database.close()


def value(shop: Shop, name: str) -> object:
    return shop.client.get(PROFILE).json["features"][name]["value"]


def tell(shop: Shop, kind: str, event_id: str, **fields: object) -> None:
    event = {"event_id": event_id, "type": kind, "customer_id": "ann", **fields}
    answer = shop.client.post("/v1/events", json=event)
    assert answer.status_code == 200, answer.text


def test_a_profile_holds_every_feature_as_of_now(shop: Shop):
    shop.buy("ann", "A", "e1")

    profile = shop.client.get(PROFILE).json

    assert list(profile["features"]) == list(FEATURES)
    assert profile["as_of"] == "2026-03-02T12:00:00Z"
    assert profile["cuts_version"] == "m1"
    assert (profile["orders"], profile["revenue"], profile["revision"]) == (1, 500, 1)
    assert "rfm" not in profile


def test_values_are_of_the_kind_their_feature_says(shop: Shop):
    shop.buy("ann", "A", "e1")
    tell(shop, "rating", "e2", properties={"rating": 4})

    features = shop.client.get(PROFILE).json["features"]

    assert features["orders"] == {"value": 1, "evidence": 1, "confidence": 0.25}
    assert features["revenue"]["value"] == 500
    assert type(features["revenue"]["value"]) is int
    assert features["turning"]["value"] is False
    assert features["first_order_at"]["value"] == "2026-03-02T12:00:00Z"
    assert features["rating_mean"]["value"] == 0.8
    assert features["stage"]["value"] == "exploration"
    assert features["nps"] == {"value": None, "evidence": 0, "confidence": 0.0}


def test_explain_says_every_feature_in_words_and_what_would_make_the_unknown_known(shop: Shop):
    shop.buy("ann", "A", "e1")

    features = shop.client.get(PROFILE + "?explain=1").json["features"]

    assert features["revenue"]["explanation"].startswith("Spent 5.00 in 1 order")
    assert features["nps"]["explanation"].startswith("Unknown; it takes surveys")
    assert all(each["explanation"] for each in features.values())
    assert "explanation" not in shop.client.get(PROFILE).json["features"]["orders"]


def test_each_event_shows_in_the_very_next_profile(shop: Shop):
    seen = []
    for number in range(1, 4):
        shop.buy("ann", "A", f"e{number}", occurred_at=f"2026-0{number}-01T09:00:00Z")
        seen.append((value(shop, "orders"), value(shop, "revenue")))
    tell(shop, "refund", "r1", order_id="order-e2")

    assert seen == [(1, 500), (2, 1000), (3, 1500)]
    assert (value(shop, "orders"), value(shop, "revenue")) == (2, 1000)


def test_time_alone_moves_a_profile_and_not_the_stored_row(timed: Shop, clock: Clock):
    timed.buy("ann", "A", "e1", occurred_at="2026-02-01T09:00:00Z")
    timed.buy("ann", "A", "e2", occurred_at="2026-03-01T09:00:00Z")
    before = timed.client.get(PROFILE).json
    stored = timed.services.features.load("ann")

    clock.now = NOW + timedelta(days=200)
    after = timed.client.get(PROFILE).json

    assert before["features"]["days_since_last"]["value"] == 1
    assert after["features"]["days_since_last"]["value"] == 201
    assert (before["features"]["stage"]["value"], after["features"]["stage"]["value"]) == (
        "familiarity",
        "separation",
    )
    assert after["features"]["previous_stage"]["value"] == "familiarity"
    assert "stage_separation" in after["segments"]
    assert timed.services.features.load("ann") == stored
    assert before["revision"] == after["revision"]


def test_the_row_written_with_the_event_is_what_the_profile_says(shop: Shop):
    shop.buy("ann", "A", "e1")

    profile = shop.client.get(PROFILE).json
    row = shop.services.features.load("ann")

    assert (row.revision, row.cuts_version) == (profile["revision"], profile["cuts_version"])
    for name in ("orders", "revenue", "stage", "rfm_segment", "nps", "turning"):
        assert row.values[name] == profile["features"][name]["value"]


def test_new_cuts_show_in_the_next_profile(shop: Shop):
    shop.buy("ann", "A", "e1")

    shop.publish(a_model("m2"))

    assert shop.client.get(PROFILE).json["cuts_version"] == "m2"


def test_before_any_model_features_are_by_fixed_cuts(shop: Shop):
    shop.buy("ann", "A", "e1")
    shop.services.models._recommender = None

    profile = shop.client.get(PROFILE).json

    assert profile["cuts_version"] == ""
    assert profile["features"]["rfm_r"]["value"] == 5
    assert profile["features"]["p_alive"]["value"] is None


def test_preferences_rank_categories_by_what_was_said_and_done(shop: Shop):
    items = [{"item_id": "A", "category": "tea"}, {"item_id": "B", "category": "mugs"}]
    shop.client.put("/v1/items", json={"items": items})
    shop.buy("ann", "A", "e1")
    shop.buy("ann", "A", "e2")
    shop.buy("ann", "B", "e3")
    bought = shop.client.get(PROFILE).json["preferences"]
    tell(shop, "preference", "e4", properties={"topic": "tea", "value": "exclude"})

    said = shop.client.get(PROFILE).json["preferences"]

    assert [each["category"] for each in bought] == ["tea", "mugs"]
    assert [each["excluded"] for each in bought] == [False, False]
    assert [each["category"] for each in said] == ["mugs", "tea"]
    assert (said[1]["excluded"], said[1]["explicit"] < 0) == (True, True)


def test_a_category_told_later_counts_at_once(shop: Shop):
    shop.buy("ann", "A", "e1")
    before = value(shop, "favourite_category")

    shop.client.put("/v1/items", json={"item_id": "A", "category": "tea"})

    assert (before, value(shop, "favourite_category")) == (None, "tea")


def test_nobody_knows_an_unknown_customer(shop: Shop):
    for address in ("profile", "segments"):
        answer = shop.client.get(f"/v1/customers/ann/{address}")

        assert answer.status_code == 404
        assert answer.json["type"] == "/docs#customer-unknown"


def test_a_profile_needs_the_database(shop: Shop):
    shop.buy("ann", "A", "e1")
    shop.database_up(False)

    for address in ("profile", "segments"):
        answer = shop.client.get(f"/v1/customers/ann/{address}")

        assert answer.status_code == 503
        assert answer.headers["Retry-After"]


def test_a_customer_known_before_there_were_features_has_a_profile_too(shop: Shop):
    shop.buy("ann", "A", "e1")
    features = shop.services.features
    assert isinstance(features._inner, SqlFeatures)
    with features._inner._database.write() as connection:
        connection.exec_driver_sql("DELETE FROM customer_features")

    assert value(shop, "stage") == "exploration"
