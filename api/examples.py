"""Examples for the documentation; a test decodes each with the type it stands for."""

from __future__ import annotations

from typing import Any

from api.examples_clients import CLIENT_ANSWERS, CLIENT_BODIES
from api.examples_customers import CUSTOMER_ANSWERS, SEGMENT_BODIES

_EVENT = {
    "event_id": "9c2f",
    "type": "purchase",
    "occurred_at": "2026-03-02T09:30:00Z",
    "customer_id": "17850",
    "order_id": "536365",
    "currency": "GBP",
    "lines": [{"item_id": "85123A", "quantity": 6, "unit_price": 255}],
}
_REFUND = {
    "event_id": "9c30",
    "type": "Order Refunded",
    "customer_id": "17850",
    "order_id": "536365",
    "lines": [{"item_id": "85123A", "quantity": 1}],
}
_ITEM = {
    "item_id": "85123A",
    "title": "White hanging heart T-light holder",
    "category": "candles",
    "price": 255,
    "available": True,
}
_LISTED = {
    "item_id": "22423",
    "rank": 1,
    "score": 0.83,
    "source": "als",
    "reasons": [{"code": "because_you_bought", "item_id": "85123A"}],
}

_TOGETHER = {
    **_LISTED,
    "source": "sessions",
    "reasons": [{"code": "bought_together", "item_id": "85123A"}],
}


def _list(**fields: object) -> dict[str, Any]:
    return {
        "recommendation_id": "5f0c9d3e8a7b4c61a2d4e6f80911a3b5",
        "placement": "home",
        "customer_id": None,
        "model_version": "20260302T031500Z",
        "generated_at": "2026-03-02T09:30:01Z",
        "served_by": "model",
        "fallback_reason": None,
        "items": [_LISTED],
        "requested": 1,
        "returned": 1,
        "dropped": {},
        **fields,
    }


BODIES: dict[str, dict[str, Any]] = {
    "put_segment": SEGMENT_BODIES,
    **CLIENT_BODIES,
    "mint_token": {"an hour": {"ttl_seconds": 3600}},
    "for_basket": {
        "known": {"customer_id": "17850", "items": ["85123A", "22423"], "limit": 5},
        "anonymous": {"items": ["85123A"], "category": "kitchen", "category_cap": 2},
    },
    "for_session": {"viewed": {"items": ["22423", "85123A"], "limit": 5}},
    "rerank": {"search": {"customer_id": "17850", "items": ["22423", "85123A", "47566"]}},
    "record_events": {"one": _EVENT, "many": {"events": [_EVENT, _REFUND]}},
    "put_items": {
        "one": _ITEM,
        "many": {"items": [_ITEM, {"item_id": "22423", "available": False}]},
    },
}
ANSWERS: dict[str, dict[str, Any]] = {
    "recommend": _list(customer_id="17850", dropped={"just_bought": 2, "unavailable": 1}),
    "similar": _list(
        items=[
            {
                **_LISTED,
                "source": "item_item",
                "reasons": [{"code": "similar", "item_id": "85123A"}],
            }
        ]
    ),
    "buy_again": _list(
        customer_id="17850",
        placement="buy_again",
        items=[{**_LISTED, "source": "repurchase", "reasons": [{"code": "buy_again"}]}],
    ),
    "discover": _list(
        customer_id="17850",
        placement="discover",
        items=[{**_LISTED, "rule": "explored", "propensity": 0.0025}],
    ),
    "bought_together": _list(items=[_TOGETHER]),
    "for_basket": _list(customer_id="17850", placement="basket", items=[_TOGETHER]),
    "for_session": _list(
        placement="session",
        items=[
            {**_TOGETHER, "reasons": [{"code": "because_you_viewed", "item_id": "85123A"}]},
        ],
        dropped={"viewed": 1},
    ),
    "rerank": _list(customer_id="17850", placement="rerank"),
    "popular": _list(
        items=[{**_LISTED, "source": "popularity", "reasons": [{"code": "popular"}]}],
    ),
    **CUSTOMER_ANSWERS,
    **CLIENT_ANSWERS,
    "mint_token": {
        "customer_id": "17850",
        "token": "WyIxNzg1MCIsMTc3MjQ0NTYwMF0.5qHfHsR3lXgXy0oGk2G1fUeYwq0oS0n0eVfJk3iJr8c",
        "expires_at": "2026-03-02T10:00:00Z",
    },
    "record_events": {
        "accepted": 1,
        "duplicate": 0,
        "conflict": 0,
        "rejected": 0,
        "results": [{"index": 0, "event_id": "9c2f", "status": "accepted"}],
    },
    "put_items": {"stored": 1, "catalog_revision": 7},
    "get_items": {
        "items": [
            {
                "item_id": "85123A",
                "title": "White hanging heart T-light holder",
                "category": "candles",
                "brand": None,
                "price": 255,
                "image_url": "https://shop.example/85123A.jpg",
                "url": "https://shop.example/85123A",
                "available": True,
            }
        ]
    },
    "get_item": {
        "item_id": "85123A",
        "title": "White hanging heart T-light holder",
        "category": "candles",
        "brand": None,
        "price": 255,
        "cost": None,
        "image_url": None,
        "url": None,
        "available": True,
        "tags": [],
        "attributes": {},
    },
    "healthz": {"status": "ok"},
    "readyz": {
        "status": "degraded",
        "parts": {"database": "ok", "cache": "unavailable", "model": "ok", "keys": "ok"},
        "reasons": {"cache": "it cannot be reached or refuses; the log says more"},
        "breakers": {"cache": "open", "database": "closed"},
        "model": {"version": "20260301T020000Z", "age_seconds": 50400.0},
    },
}
