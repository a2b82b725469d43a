"""RFM on CDNOW's 1/10 sample as of 1997-09-30, against published and hand-checked numbers."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from engine.domain.histories import Histories
from engine.loyalty.rfm import RfmScores, RfmValues, fit_rfm_cuts, rfm_scores, rfm_values
from engine.loyalty.rfm_segments import Segment, rfm_segments
from tests import purchases_only
from tests.purchases_only import CDNOW, day_ms

CUSTOMERS = 2_357

pytestmark = pytest.mark.skipif(
    not CDNOW.exists(), reason=f"the CDNOW sample is not at {CDNOW}; it is not ours to ship"
)


@pytest.fixture(scope="module")
def cdnow() -> Histories:
    return purchases_only.cdnow()


@pytest.fixture(scope="module")
def values(cdnow: Histories) -> RfmValues:
    return rfm_values(cdnow, now_ms=day_ms("19970930"))


@pytest.fixture(scope="module")
def scores(values: RfmValues) -> RfmScores:
    return rfm_scores(values, fit_rfm_cuts(values))


def test_repeats_are_those_of_the_literature(values: RfmValues):
    """Fader, Hardie & Lee (2005): 2,357 customers, 2,457 repeat days, 1,411 without a repeat."""
    assert len(values) == CUSTOMERS
    assert int((values.frequency - 1).sum()) == 2_457
    assert int((values.frequency == 1).sum()) == 1_411


def test_scores_have_the_known_sizes(scores: RfmScores):
    sizes = [np.bincount(each, minlength=6).tolist() for each in (scores.r, scores.f, scores.m)]

    assert sizes == [
        [0, 480, 478, 459, 475, 465],
        [0, 1411, 0, 439, 214, 293],
        [0, 480, 464, 471, 471, 471],
    ]


def test_segments_by_code_have_the_known_sizes(scores: RfmScores, values: RfmValues):
    raw = Counter(before for before, _ in rfm_segments(scores, values))

    assert raw == {
        Segment.CHAMPIONS: 414,
        Segment.LOYAL: 108,
        Segment.NEED_ATTENTION: 168,
        Segment.AT_RISK: 61,
        Segment.POTENTIAL_LOYALIST: 165,
        Segment.PROMISING: 191,
        Segment.CANT_LOSE_THEM: 245,
        Segment.ABOUT_TO_SLEEP: 207,
        Segment.HIBERNATING: 287,
        Segment.NEW_CUSTOMERS: 232,
        Segment.LOST: 279,
    }


def test_guarded_segments_have_the_known_sizes(scores: RfmScores, values: RfmValues):
    guarded = Counter(after for _, after in rfm_segments(scores, values))

    assert guarded == {
        Segment.CHAMPIONS: 414,
        Segment.LOYAL: 108,
        Segment.NEED_ATTENTION: 168,
        Segment.AT_RISK: 61,
        Segment.POTENTIAL_LOYALIST: 165,
        Segment.PROMISING: 284,
        Segment.HIBERNATING: 532,
        Segment.ABOUT_TO_SLEEP: 346,
        Segment.LOST: 279,
    }


@pytest.mark.parametrize(
    ("segment", "again", "dollars"),
    [
        (Segment.CHAMPIONS, 0.700, 106.98),
        (Segment.LOYAL, 0.481, 44.98),
        (Segment.NEED_ATTENTION, 0.399, 30.85),
        (Segment.AT_RISK, 0.180, 28.61),
        (Segment.POTENTIAL_LOYALIST, 0.376, 17.32),
        (Segment.PROMISING, 0.183, 10.95),
        (Segment.HIBERNATING, 0.150, 9.87),
        (Segment.ABOUT_TO_SLEEP, 0.133, 6.98),
        (Segment.LOST, 0.086, 4.54),
    ],
)
def test_segments_tell_what_customers_spend_in_the_next_39_weeks(
    cdnow: Histories,
    scores: RfmScores,
    values: RfmValues,
    segment: Segment,
    again: float,
    dollars: float,
):
    later = cdnow.where(cdnow.at > day_ms("19970930"))
    spent = np.bincount(later.row(), weights=later.value, minlength=len(later)) / 100
    bought = np.diff(later.indptr) > 0
    members = np.asarray([after is segment for _, after in rfm_segments(scores, values)])

    assert bought[members].mean() == pytest.approx(again, abs=0.0005)
    assert spent[members].mean() == pytest.approx(dollars, abs=0.005)
