"""Scores and segments as columns: those of the functions they come from, and the grid."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from engine.loyalty.cuts import Cuts
from engine.loyalty.features import rfm_features
from engine.loyalty.features.context import Context
from engine.loyalty.rfm import RfmScores, fit_rfm_cuts, rfm_scores, rfm_values
from engine.loyalty.rfm_segments import SEGMENTS, Segment, grid_positions, rfm_segments
from tests.purchases_only import CDNOW, cdnow, day_ms, states_of_purchases
from tests.states import Bought, Person, a_context, values_of

NOW_OF_CDNOW = "19970930"


def grid_of(*scores: tuple[int, int]) -> list[Segment]:
    r, f = np.asarray(scores, np.int8).T
    return [SEGMENTS[each] for each in grid_positions(RfmScores(r, f, f))]


@pytest.mark.skipif(not CDNOW.exists(), reason=f"the CDNOW sample is not at {CDNOW}")
def test_columns_say_what_the_functions_say():
    goods, now = cdnow(), day_ms(NOW_OF_CDNOW)
    values = rfm_values(goods, now_ms=now)
    cuts = Cuts(as_of_ms=now, rfm=fit_rfm_cuts(values))
    scores = rfm_scores(values, cuts.rfm)

    told = rfm_features.compute(Context.of(states_of_purchases(goods), cuts, now_ms=now), {})

    assert told["rfm_code"].values.tolist() == scores.codes().tolist()
    both = zip(values_of(told["rfm_segment_raw"]), values_of(told["rfm_segment"]), strict=True)
    assert list(both) == rfm_segments(scores, values)


@pytest.mark.skipif(not CDNOW.exists(), reason=f"the CDNOW sample is not at {CDNOW}")
def test_the_grid_has_the_known_sizes_on_cdnow():
    values = rfm_values(cdnow(), now_ms=day_ms(NOW_OF_CDNOW))
    scores = rfm_scores(values, fit_rfm_cuts(values))

    sizes = Counter(SEGMENTS[each] for each in grid_positions(scores))

    assert sizes == {
        Segment.CHAMPIONS: 335,
        Segment.CANT_LOSE_THEM: 6,
        Segment.LOYAL: 161,
        Segment.POTENTIAL_LOYALIST: 312,
        Segment.NEED_ATTENTION: 54,
        Segment.AT_RISK: 78,
        Segment.PROMISING: 147,
        Segment.HIBERNATING: 416,
        Segment.ABOUT_TO_SLEEP: 390,
        Segment.LOST: 458,
    }


def test_every_cell_of_the_grid_has_one_segment():
    cells = grid_of(*((r, f) for r in range(1, 6) for f in range(1, 6)))

    assert Counter(cells) == {
        Segment.CHAMPIONS: 2,
        Segment.LOYAL: 4,
        Segment.POTENTIAL_LOYALIST: 4,
        Segment.NEW_CUSTOMERS: 1,
        Segment.PROMISING: 1,
        Segment.NEED_ATTENTION: 1,
        Segment.ABOUT_TO_SLEEP: 2,
        Segment.AT_RISK: 4,
        Segment.CANT_LOSE_THEM: 2,
        Segment.HIBERNATING: 3,
        Segment.LOST: 1,
    }


@pytest.mark.parametrize(
    ("scores", "segment"),
    [
        ((5, 1), Segment.NEW_CUSTOMERS),
        ((5, 5), Segment.CHAMPIONS),
        ((1, 1), Segment.LOST),
        ((1, 5), Segment.CANT_LOSE_THEM),
        ((0, 0), Segment.PROSPECT),
    ],
)
def test_corners_of_the_grid(scores: tuple[int, int], segment: Segment):
    assert grid_of(scores) == [segment]


def test_without_an_order_there_are_no_scores_and_the_segment_is_prospect():
    columns = rfm_features.compute(a_context([Person(), Person(orders=[Bought(3)])]), {})

    told = {name: values_of(column)[0] for name, column in columns.items()}

    assert told == {
        **dict.fromkeys(("rfm_r", "rfm_f", "rfm_m", "rfm_code")),
        **dict.fromkeys(("rfm_segment", "rfm_segment_raw", "rfm_grid"), "prospect"),
    }


def test_money_is_not_scored_before_a_training_has_found_a_scale():
    context = a_context([Person(orders=[Bought(5, value=1)])], cuts=Cuts.untrained())

    told = rfm_features.compute(context, {})

    assert values_of(told["rfm_m"]) == [None]
    assert values_of(told["rfm_segment"]) == [None]
    assert values_of(told["rfm_r"]) == [5]
