from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from engine.domain.events import Event, EventType
from engine.domain.particulars import (
    MAX_WORD,
    SILENT,
    VISIT_TYPES,
    Said,
    check_particulars,
    said,
    traits,
)
from engine.errors import RequestInvalid
from tests.event_histories import lives
from tests.events import an_event


def told(kind: EventType, **properties: Any) -> Said:
    return said(an_event("e1", kind, properties=properties))


@pytest.mark.parametrize(
    ("kind", "properties", "expected"),
    [
        (EventType.RATING, {"rating": 4}, Said(value=0.8)),
        (EventType.RATING, {"rating": 0}, Said(value=0.0)),
        (EventType.RATING, {"rating": 8, "best": 10}, Said(value=0.8)),
        (EventType.RATING, {}, SILENT),
        (EventType.SURVEY, {"question": "nps", "answer": 9}, Said("nps", 0.9)),
        (EventType.SURVEY, {"question": "csat", "answer": 4}, Said("csat", 0.8)),
        (EventType.SURVEY, {"question": "own", "answer": 2, "best": 4}, Said("own", 0.5)),
        (EventType.SURVEY, {"question": "nps"}, SILENT),
        (EventType.SURVEY, {"answer": 9}, SILENT),
        (
            EventType.SURVEY,
            {"question": "exit_reason", "answer": "price"},
            Said("exit_reason", ref="price"),
        ),
        (EventType.COMPLAINT, {"topic": "late", "case_id": "k1"}, Said("late", ref="k1")),
        (EventType.COMPLAINT, {}, Said(ref="e1")),
        (EventType.COMPLAINT_RESOLVED, {"case_id": "k1"}, Said(ref="k1")),
        (EventType.COMPLAINT_RESOLVED, {}, SILENT),
        (EventType.SERVICE_CONTACT, {"channel": "phone"}, Said("phone", 1.0)),
        (
            EventType.SERVICE_CONTACT,
            {"direction": "out", "case_id": "k1"},
            Said(None, 0.0, "k1"),
        ),
        (EventType.PREFERENCE, {"topic": "tea", "value": "exclude"}, Said("tea", -1.0)),
        (EventType.PREFERENCE, {"topic": "tea", "value": 0.25}, Said("tea", 0.25)),
        (EventType.PREFERENCE, {"topic": "tea"}, Said("tea")),
        (EventType.PREFERENCE, {"value": "like"}, SILENT),
        (EventType.CONSENT, {"purpose": "email", "granted": False}, Said("email", 0.0)),
        (EventType.CONSENT, {"purpose": "email"}, SILENT),
        (EventType.UNSUBSCRIBE, {"reason": "price"}, Said("price")),
        (EventType.EMAIL_OPEN, {"campaign_id": "spring"}, Said("spring")),
        (EventType.PURCHASE, {"days_to_pay": 14}, Said(value=14.0)),
        (EventType.SEARCH, {"channel": "direct", "bot": True}, Said("direct", 1.0)),
        (EventType.SEARCH, {"bot": "yes"}, SILENT),
        (EventType.IMPRESSION, {"channel": "direct"}, SILENT),
    ],
)
def test_every_type_says_what_it_is_for(
    kind: EventType, properties: dict[str, Any], expected: Said
):
    assert told(kind, **properties) == expected


@pytest.mark.parametrize(
    ("rank", "brands", "share"),
    # Keiningham et al. (2011): (1 - rank / (brands + 1)) * (2 / brands).
    [(1, 2, 2 / 3), (2, 2, 1 / 3), (1, 3, 0.5), (1, 1, 1.0)],
)
def test_the_rank_among_brands_tells_the_share_of_wallet(rank: int, brands: int, share: float):
    spoken = told(EventType.SURVEY, question="wallet_rank", rank=rank, brands=brands)

    assert spoken.topic == "share_of_wallet"
    assert spoken.value == pytest.approx(share, abs=1e-15)


@pytest.mark.parametrize(
    ("kind", "properties", "field"),
    [
        (EventType.RATING, {"rating": 6}, "rating"),
        (EventType.RATING, {"rating": "good"}, "rating"),
        (EventType.RATING, {"rating": True}, "rating"),
        (EventType.RATING, {"rating": float("nan")}, "rating"),
        (EventType.RATING, {"rating": 4, "best": 0}, "best"),
        (EventType.SURVEY, {"question": "nps", "answer": -1}, "answer"),
        (EventType.SURVEY, {"question": ["nps"]}, "question"),
        (EventType.SURVEY, {"question": "wallet_rank", "rank": 3, "brands": 2}, "rank"),
        (EventType.COMPLAINT, {"topic": ""}, "topic"),
        (EventType.COMPLAINT_RESOLVED, {"case_id": 7}, "case_id"),
        (EventType.SERVICE_CONTACT, {"channel": "a\nb"}, "channel"),
        (EventType.PREFERENCE, {"topic": "tea", "value": "adore"}, "value"),
        (EventType.PREFERENCE, {"topic": "tea", "value": 1.5}, "value"),
        (EventType.CONSENT, {"purpose": "email", "granted": "yes"}, "granted"),
        (EventType.UNSUBSCRIBE, {"reason": "x" * (MAX_WORD + 1)}, "reason"),
        (EventType.PURCHASE, {"days_to_pay": -1}, "days_to_pay"),
        (EventType.VIEW_ITEM, {"channel": 5}, "channel"),
    ],
)
def test_what_is_impossible_is_refused_by_name_and_counts_as_unsaid(
    kind: EventType, properties: dict[str, Any], field: str
):
    event = an_event("e1", kind, properties=properties)

    with pytest.raises(RequestInvalid) as refused:
        check_particulars(event)

    assert refused.value.field == f"properties.{field}"
    assert "\n" not in str(refused.value)
    assert said(event) == SILENT


@given(lives())
def test_whatever_is_said_is_read_within_its_bounds(events: list[Event]):
    for event in events:
        topic, value, ref = said(event)
        least = -1 if event.type is EventType.PREFERENCE else 0
        most = 3_650 if event.type is EventType.PURCHASE else 1
        assert value is None or least <= value <= most
        assert all(word is None or 0 < len(word) <= 200 for word in (topic, ref))


def test_traits_are_plain_values_by_name():
    plain = {"city": "Nara", "age": 30, "vip": True}
    mixed = {**plain, "": 1, "pets": ["cat"], "x" * 101: 1, "job": None}

    for kind in (EventType.IDENTIFY, EventType.SIGN_UP):
        event = an_event("e1", kind, properties={"traits": mixed})
        assert traits(event) == plain


def test_only_who_introduces_themselves_tells_traits():
    assert traits(an_event("e1", EventType.RATING, properties={"traits": {"age": 30}})) == {}
    assert traits(an_event("e1", EventType.IDENTIFY, properties={"traits": "age"})) == {}
    assert traits(an_event("e1", EventType.IDENTIFY)) == {}


def test_a_purchase_is_part_of_a_visit_and_an_impression_is_none():
    assert EventType.PURCHASE in VISIT_TYPES
    assert EventType.IMPRESSION not in VISIT_TYPES
