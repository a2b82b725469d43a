"""The segments that every shop has, over the features that there really are."""

from __future__ import annotations

from typing import Any

import pytest

from engine.loyalty.features.registry import FEATURES
from engine.loyalty.rfm_segments import Segment as RfmSegment
from engine.segments.book import SegmentBook
from engine.segments.builtin import DRAFTS, builtin_segments
from engine.segments.predicate import Person, holds


@pytest.fixture(scope="module")
def book() -> SegmentBook:
    return SegmentBook(builtin_segments(FEATURES))


def segments_of(book: SegmentBook, **values: Any) -> set[str]:
    person = Person(values, {})
    return {each.name for each in book if holds(book.condition(each.name), person, now_ms=0)}


def test_every_built_in_segment_has_a_name_of_its_own_and_words():
    names = [draft.name for draft in DRAFTS]

    assert len(set(names)) == len(names) == 25
    assert len({draft.title for draft in DRAFTS}) == len(names)
    assert all(len(draft.description) > 20 for draft in DRAFTS)


def test_every_built_in_segment_asks_for_features_that_exist(book: SegmentBook):
    assert len(book) == len(DRAFTS)
    assert all(segment.builtin for segment in book)


def test_every_rfm_segment_but_the_one_without_orders_is_built_in(book: SegmentBook):
    for name in RfmSegment:
        expected = set() if name is RfmSegment.PROSPECT else {name.value}
        assert segments_of(book, rfm_segment=name.value) == expected


def test_every_stage_is_built_in(book: SegmentBook):
    for stage in FEATURES["stage"].choices:
        assert segments_of(book, stage=stage) == {f"stage_{stage}"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"value_rank": 0.7, "turning": 1.0}, {"slipping_away", "at_risk_and_worth_it"}),
        ({"value_rank": 0.69, "turning": 1.0}, {"slipping_away"}),
        ({"value_rank": 0.9, "churn_band": "high", "overdue": 4.0}, {"at_risk_and_worth_it"}),
        ({"value_rank": 0.9, "churn_band": "high", "overdue": 1.5}, set()),
        ({"value_rank": 0.9, "churn_band": "medium", "overdue": 4.0}, set()),
        ({"new_status": "new_first"}, {"new"}),
        ({"new_status": "new_reactivated"}, {"new"}),
        ({"new_status": "not_new"}, set()),
        ({"core_customer": 1.0}, {"core_customers"}),
        ({"most_valuable": 1.0}, {"most_valuable"}),
        ({"promo_immune": 1.0}, {"promotion_immune"}),
        ({"silent_dissatisfaction": 0.8}, {"silent_dissatisfied"}),
        ({"silent_dissatisfaction": 0.79}, set()),
        ({"satisfied_defector": 1.0}, {"satisfied_defectors"}),
        ({}, set()),
    ],
)
def test_who_belongs_to_the_others(book: SegmentBook, values, expected):
    assert segments_of(book, **values) == expected


GONE = {"stage": "separation", "clv_historic": 100.0, "consent_email": "granted"}


@pytest.mark.parametrize(
    ("values", "belongs"),
    [
        (GONE, True),
        (GONE | {"exit_reason": "price"}, True),
        (GONE | {"exit_reason": "need_ended"}, False),
        (GONE | {"consent_email": "denied"}, False),
        (GONE | {"consent_email": None}, False),
        (GONE | {"clv_historic": 0.0}, False),
        (GONE | {"stage": "loyalty"}, False),
    ],
)
def test_who_is_worth_winning_back(book: SegmentBook, values, belongs):
    assert ("win_back_candidates" in segments_of(book, **values)) is belongs
