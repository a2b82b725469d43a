"""The population's rhythm: gaps between orders, their median, and who came back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.cuts import Cuts
from engine.loyalty.features.context import Context
from engine.loyalty.population import Gaps, median_gap, observed_median_gap, win_backs
from tests.purchases_only import CDNOW, cdnow, day_ms, states_of_purchases
from tests.states import Bought, Person, a_context

FOUR_CYCLES = LoyaltyConfig(win_back_buckets=(3.0, 4.0), win_back_days=180.0)


def some_gaps(*days: float) -> Gaps:
    """Gaps of so many days; those below zero are still open."""
    length = np.abs(np.asarray(days, dtype=np.int64))
    return Gaps(length, length, np.asarray(days) > 0, np.full(length.shape, 30.0))


def gaps_of(*people: Person, after_repeats: bool = False) -> Gaps:
    return Gaps.of(a_context(people), after_repeats=after_repeats)


def buyer(*days_ago: float) -> Person:
    return Person(orders=[Bought(ago) for ago in days_ago])


def test_every_order_begins_a_gap_and_the_last_one_s_is_open():
    gaps = gaps_of(buyer(100, 70, 10), Person(), buyer(40))

    assert gaps.days.tolist() == [30, 60, 10, 40]
    assert gaps.ended.tolist() == [True, True, False, False]
    assert gaps.watched.tolist() == [100, 70, 10, 40]
    # Two gaps of the shop's 30 days, and the customer's own before the gap.
    assert gaps.cycle.tolist() == [30, 30, (60 + 90) / 4, 30]


def test_gaps_after_repeats_leave_the_first_order_out():
    gaps = gaps_of(buyer(100, 70, 10), buyer(40), after_repeats=True)

    assert gaps.days.tolist() == [60, 10]


def test_the_median_by_hand():
    """Kaplan & Meier (1958), five gaps: 1, 3, 3+, 5, 6 (+ open).

    S(1) = 4/5, S(3) = 4/5 * 3/4 = 3/5, S(5) = 3/5 * 1/2 = 3/10, the first not above one half.
    """
    assert median_gap(some_gaps(1, 3, -3, 5, 6)) == 5
    assert observed_median_gap(some_gaps(1, 3, -3, 5, 6)) == 4


def test_where_few_come_back_the_median_is_of_those_who_do():
    """Four of ten end, S falls to 0.6 and stays: half of the way is 0.8, after two of ten."""
    gaps = some_gaps(1, 2, 3, 4, *(-9 for _ in range(6)))

    assert median_gap(gaps) == 2


def test_nothing_open_is_the_plain_median_of_the_lower_half():
    assert median_gap(some_gaps(2, 4, 6, 8)) == 4


def test_no_gap_that_ended_has_no_median():
    assert np.isnan(median_gap(some_gaps(-3, -9)))
    assert np.isnan(median_gap(some_gaps()))
    assert np.isnan(observed_median_gap(some_gaps(-3)))


@given(st.lists(st.integers(1, 60), min_size=1, max_size=30), st.data())
def test_open_gaps_make_the_median_no_shorter(ended: list[int], data: st.DataObject):
    open_ = data.draw(st.lists(st.integers(1, 60), max_size=len(ended)))

    with_open = median_gap(some_gaps(*ended, *(-each for each in open_)))

    plain = sorted(ended)[(len(ended) - 1) // 2]
    assert with_open >= plain or surviving(ended, open_) > 0.5


def surviving(ended: list[int], open_: list[int]) -> float:
    share = 1.0
    for day in sorted(set(ended)):
        at_risk = sum(each >= day for each in (*ended, *open_))
        share *= 1 - ended.count(day) / at_risk
    return share


@pytest.mark.skipif(not CDNOW.exists(), reason=f"the CDNOW sample is not at {CDNOW}")
def test_cdnow_s_observed_gaps_are_too_short():
    """Their known percentiles, 18, 27, 61 and 128 days; open gaps make the median longer."""
    states = states_of_purchases(cdnow())
    context = Context.of(states, Cuts.untrained(), now_ms=day_ms("19970930"))

    gaps = Gaps.of(context)

    known = np.percentile(gaps.days[gaps.ended], [40, 50, 75, 90]).tolist()
    assert known == [18, 27, 61, 128]
    assert observed_median_gap(gaps) == 27
    assert median_gap(Gaps.of(context, after_repeats=True)) > 27


def test_who_came_back_is_counted_by_how_late_they_were():
    """A shop with cycles of 30 days: 90 days late is three cycles, 120 four."""
    soon = buyer(900, 780, 0)  # 120 days: past three cycles, back before the fourth was over.
    late = buyer(900, 750, 0)  # 150 days: past both.
    never = buyer(900)
    too_late = buyer(900, 400, 0)  # 500 days: past both, back only after 180 more.

    told = win_backs(first_gaps(soon, late, never, too_late), FOUR_CYCLES)

    assert told == {"3": (2, 4), "4": (1, 3)}


def test_a_gap_not_watched_for_long_enough_does_not_count():
    """Three cycles passed on day 90 of the gap, and 180 more are needed."""
    returned_of_late = buyer(269, 100)
    watched = buyer(270, 100)

    assert win_backs(first_gaps(returned_of_late), FOUR_CYCLES)["3"] == (0, 0)
    assert win_backs(first_gaps(watched), FOUR_CYCLES)["3"] == (1, 1)


def first_gaps(*people: Person) -> Gaps:
    gaps = gaps_of(*people)
    first = np.cumsum([0, *(len(person.orders) for person in people[:-1])])
    return Gaps(gaps.days[first], gaps.watched[first], gaps.ended[first], gaps.cycle[first])
