"""Intervals and tests of shares against published and hand-worked examples."""

from __future__ import annotations

from math import isnan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.loyalty.shop.intervals import difference, holm, wilson


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_intervals_of_newcombe_1998(hits, trials, low, high):
    share = wilson(hits, trials, confidence=0.95)

    assert (share.low, share.high) == (
        pytest.approx(low, abs=5e-5),
        pytest.approx(high, abs=5e-5),
    )


def test_z_is_the_root_of_the_chi_squared_of_the_aspirin_trial():
    # Physicians' Health Study, Agresti (2013), table 2.3: placebo 189 of 11,034, aspirin 104 of
    # 11,037 heart attacks; X^2 = 25.01.
    placebo = wilson(189, 11_034, confidence=0.95)
    aspirin = wilson(104, 11_037, confidence=0.95)

    found = difference(placebo, aspirin)

    assert found.z == pytest.approx(sqrt(25.01), abs=0.001)
    assert found.value == pytest.approx(0.0077, abs=5e-5)
    assert found.p < 1e-6


def test_holm_gives_the_textbook_adjustment():
    # p .005 x 4, .01 x 3, .03 x 2, and .04 x 1 may not fall below what came before.
    adjusted = holm([0.01, 0.04, 0.03, 0.005])

    assert adjusted == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_does_not_count_what_was_not_tested():
    adjusted = holm([0.01, float("nan"), 0.04])

    assert adjusted[[0, 2]] == pytest.approx([0.02, 0.04])
    assert np.isnan(adjusted[1])


def test_nothing_tried_gives_nothing():
    none = wilson(0, 0, confidence=0.95)

    assert isnan(none.value)
    assert isnan(difference(none, wilson(1, 2, confidence=0.95)).p)


def test_two_shares_without_variation_cannot_be_told_apart_by_z():
    assert isnan(difference(wilson(5, 5, confidence=0.95), wilson(9, 9, confidence=0.95)).z)


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_stays_within_bounds(counts):
    hits, trials = counts

    share = wilson(hits, trials, confidence=0.95)

    assert 0 <= share.low <= share.value <= share.high <= 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lowers_a_p_value_and_keeps_their_order(p_values):
    adjusted = holm(p_values)

    order = np.argsort(p_values, kind="stable")
    assert (adjusted >= np.asarray(p_values)).all()
    assert (np.diff(adjusted[order]) >= 0).all()
    assert (adjusted <= 1).all()
