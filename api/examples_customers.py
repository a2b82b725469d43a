"""Examples of customers and segments for the documentation."""

from __future__ import annotations

from typing import Any

_CONDITION = {
    "all": [
        {"feature": "favourite_category", "is": "candles"},
        {"feature": "orders", "at_least": 3},
        {"not": {"events": "complaint", "within_days": 90, "at_least": 1}},
    ]
}
_SEGMENT = {
    "name": "candle_friends",
    "title": "Candle friends",
    "description": "Three orders or more, candles most of all, and nothing to complain of lately.",
    "builtin": False,
    "condition": _CONDITION,
    "members": 214,
    "refreshed_at": "2026-03-02T09:30:01Z",
}

SEGMENT_BODIES: dict[str, Any] = {
    "one": {
        "title": "Candle friends",
        "description": _SEGMENT["description"],
        "condition": _CONDITION,
    }
}
CUSTOMER_ANSWERS: dict[str, dict[str, Any]] = {
    "profile": {
        "customer_id": "17850",
        "revision": 3,
        "orders": 2,
        "units": 11.0,
        "revenue": 2805,
        "first_order_at": "2025-12-01T08:26:00Z",
        "last_order_at": "2026-03-02T09:30:00Z",
        "items": [
            {
                "item_id": "85123A",
                "orders": 2,
                "units": 11.0,
                "last_bought_at": "2026-03-02T09:30:00Z",
            }
        ],
        "as_of": "2026-03-02T09:30:01Z",
        "cuts_version": "20260302T031500Z",
        "features": {
            "orders": {
                "value": 2,
                "evidence": 2,
                "confidence": 0.4,
                "explanation": "2 orders since 2025-12-01.",
            },
            "stage": {
                "value": "familiarity",
                "evidence": 2,
                "confidence": 0.4,
                "explanation": "Familiarity: 2 orders, and still in the rhythm of this customer.",
            },
        },
        "preferences": [
            {
                "category": "candles",
                "explicit": 0.0,
                "implicit": 0.92,
                "score": 0.46,
                "excluded": False,
            }
        ],
        "segments": ["potential_loyalist", "stage_familiarity"],
    },
    "customer_segments": {
        "customer_id": "17850",
        "as_of": "2026-03-02T09:30:01Z",
        "segments": [
            {
                "name": "stage_familiarity",
                "title": "Stage: familiarity",
                "member": True,
                "entered_at": "2026-03-02T09:30:01Z",
                "why": {
                    "pointer": "",
                    "holds": True,
                    "decisive": True,
                    "sentence": "stage is familiarity",
                    "value": "familiarity",
                    "asked": {"feature": "stage", "is": "familiarity"},
                    "parts": [],
                },
            }
        ],
    },
    "audience": {
        "item_id": "85123A",
        "model_version": "20260302T031500Z",
        "generated_at": "2026-03-02T09:30:01Z",
        "fallback_reason": None,
        "candidates": 412,
        "customers": [
            {
                "customer_id": "17850",
                "rank": 1,
                "score": 0.83,
                "reason": {"code": "buy_again"},
            },
            {
                "customer_id": "13047",
                "rank": 2,
                "score": 0.61,
                "reason": {"code": "because_you_bought", "item_id": "22423"},
            },
        ],
    },
    "split_identity": {"customer_id": "17850", "anonymous_id": "c1f6-77"},
    "segments": {"segments": [_SEGMENT]},
    "get_segment": _SEGMENT,
    "put_segment": _SEGMENT,
    "delete_segment": {"name": "candle_friends"},
    "segment_customers": {
        "name": "candle_friends",
        "members": 214,
        "refreshed_at": "2026-03-02T09:30:01Z",
        "customers": [{"customer_id": "13047", "entered_at": "2026-02-11T18:04:00Z"}],
        "next": "13047",
    },
    "segment_changes": {
        "name": "candle_friends",
        "refreshed_at": "2026-03-02T09:30:01Z",
        "changes": [
            {"customer_id": "13047", "change": "entered", "at": "2026-02-11T18:04:00Z"},
            {"customer_id": "15100", "change": "left", "at": "2026-02-09T07:31:00Z"},
        ],
    },
}
