"""Examples of what clients made for Segment and Google Analytics 4 send."""

from __future__ import annotations

from typing import Any

_ORDER = {
    "messageId": "m-1",
    "userId": "17850",
    "event": "Order Completed",
    "timestamp": "2026-03-02T09:30:00Z",
    "properties": {
        "order_id": "536365",
        "currency": "GBP",
        "products": [{"product_id": "85123A", "price": 2.55, "quantity": 6}],
    },
}
_PAGE = {"messageId": "m-2", "anonymousId": "5f0c-9d3e", "name": "Candles"}
_CALLS: dict[str, dict[str, Any]] = {
    "track": _ORDER,
    "identify": {"messageId": "m-3", "userId": "17850", "traits": {"plan": "gold"}},
    "page": _PAGE,
    "screen": {**_PAGE, "messageId": "m-4"},
    "group": {"messageId": "m-5", "userId": "17850", "groupId": "acme"},
    "alias": {"messageId": "m-6", "userId": "17850", "previousId": "5f0c-9d3e"},
}
_BATCH = {"batch": [{"type": "track", **_ORDER}, {"type": "page", **_PAGE}]}
CLIENT_BODIES: dict[str, dict[str, Any]] = {
    **{name: {"one": call} for name, call in _CALLS.items()},
    "segment_batch": {"many": _BATCH},
    "segment_import": {"many": _BATCH},
    "ga4_collect": {
        "one": {
            "client_id": "5f0c-9d3e",
            "user_id": "17850",
            "events": [
                {
                    "name": "purchase",
                    "params": {
                        "transaction_id": "536365",
                        "currency": "GBP",
                        "value": 15.3,
                        "items": [{"item_id": "85123A", "price": 2.55, "quantity": 6}],
                    },
                }
            ],
        }
    },
}
CLIENT_ANSWERS: dict[str, Any] = {
    name: {"success": True} for name in (*_CALLS, "segment_batch", "segment_import")
}
