"""Trying lists for their own purpose: cases, contenders, and what is made of them."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain.histories import DAY_MS
from engine.domain.ids import IdTable
from tests.builders import DAY_ZERO_MS, a_history, a_model, histories
from training.evaluate import FINAL
from training.evaluation.surfaces import audiences, baskets, beside, own, selling, visits
from training.evaluation.surfaces.audiences import auc
from training.evaluation.surfaces.counted import Counted
from training.evaluation.surfaces.field import GUEST, Extent, Field, field_of, followed, top
from training.evaluation.surfaces.judged import Asked, judged, of_lists, wanted
from training.evaluation.surfaces.run import TRIED, try_surfaces
from training.evaluation.surfaces.wording import against, behind, summary
from training.history import Purchases

ITEMS = ("apple", "bread", "cheese", "dates", "eggs")
EVERYTHING = (*ITEMS, "figs")
START = 20
START_MS = DAY_ZERO_MS + START * DAY_MS
ASKED = Asked("Something", "Is it there?", "customer")
BEFORE = {
    "anna": ((0.0, ["apple"]), (7.0, ["apple", "bread"])),
    "ben": ((3.0, ["cheese", "dates"]),),
    "cleo": ((5.0, ["bread", "apple"]),),
}
AFTER = {
    "anna": ((21.0, ["apple", "eggs", "figs"]), (25.0, ["apple", "bread"])),
    "ben": ((22.0, ["cheese", "dates", "apple"]),),
    "dora": ((23.0, ["apple", "bread"]), (27.0, ["eggs"])),
}


def a_field(cases: int = 100) -> Field:
    """Three customers with a past, of whom two buy again, a new one, and two guests."""
    names = sorted({*BEFORE, *AFTER})
    whole = {name: a_history(*BEFORE.get(name, ()), *AFTER.get(name, ())) for name in names}
    strangers = {"": a_history((6.0, ["bread", "eggs"])), " ": a_history((24.0, ["eggs"]))}
    everything = Purchases(
        histories(EVERYTHING, whole),
        histories(EVERYTHING, strangers),
        IdTable(EVERYTHING),
        START_MS + 10 * DAY_MS,
    )
    past = {name: a_history(*orders) for name, orders in BEFORE.items()}
    guests = histories(ITEMS, {"": a_history((6.0, ["bread", "eggs"]))})
    before = Purchases(histories(ITEMS, past), guests, IdTable(ITEMS), START_MS)
    extent = Extent(cases=cases, items=5, limit=3)
    return field_of(
        a_model(ITEMS), before, everything, cooldown=timedelta(0), extent=extent, stages=()
    )


def test_the_orders_of_the_window_are_found_with_what_nobody_could_know() -> None:
    placed = a_field().placed

    told = [(each.row, each.items.tolist(), each.unseen) for each in placed]
    assert told == [
        (0, [0, 4], 1),
        (0, [0, 1], 0),
        (1, [0, 2, 3], 0),
        (3, [0, 1], 0),
        (3, [4], 0),
        (GUEST, [4], 0),
    ]


def test_a_customer_is_known_by_what_they_bought_before_the_order() -> None:
    field = a_field()
    second = field.placed[1]

    before = field.before(second)

    assert before.at.max() < second.at_ms
    assert sorted(set(before.item.tolist())) == [-1, 0, 1, 4]


def test_nothing_is_known_of_a_guest() -> None:
    field = a_field()

    assert field.before(field.placed[-1]).lines == 0


def test_recent_items_are_those_first_sold_before_the_window_and_not_long_before() -> None:
    # The window begins on day 20, and all that was sold before was first sold in those days.
    assert a_field().recent().tolist() == [True] * 5


@given(
    st.permutations(range(8)),
    st.permutations(range(8)),
    st.sets(st.integers(0, 7), max_size=4),
    st.integers(1, 8),
)
def test_a_followed_list_repeats_nothing_and_is_as_long_as_it_can_be(
    one, other, out, limit
) -> None:
    first, then = np.asarray(one[:3]), np.asarray(other)
    without = np.asarray(sorted(out), dtype=np.int64)

    listed = followed(first, then, limit=limit, without=without).tolist()

    assert len(set(listed)) == len(listed) == min(limit, 8 - len(out))
    assert not out & set(listed)
    assert (
        listed[: len([each for each in one[:3] if each not in out][:limit])]
        == [each for each in one[:3] if each not in out][:limit]
    )


def test_top_leaves_out_what_it_is_told_to() -> None:
    assert top(np.asarray([3, 1, 2, 0]), limit=2, without=[1]).tolist() == [3, 2]


def test_what_was_held_together_is_counted_before_the_window_only() -> None:
    counted = Counted.by_order(a_field())

    # Apple and bread were in two orders together; eggs came beside apple only in the window.
    assert counted.beside(0).tolist() == [1]
    assert counted.beside(1).tolist() == [0, 4]


def test_customers_hold_together_what_they_bought_in_several_orders() -> None:
    counted = Counted.by_customer(a_field())

    assert counted.beside(0).tolist() == [1]
    assert counted.beside(2).tolist() == [3]


def test_a_surface_is_judged_by_its_first_column_case_by_case() -> None:
    lists = {
        FINAL: [np.asarray([1, 0]), np.asarray([2, 3])],
        "other": [np.asarray([0, 1]), np.asarray([0, 1])],
    }
    truths = [wanted(np.asarray([1])), wanted(np.asarray([2, 3]))]

    values = of_lists(lists, truths, items=4, limit=2)
    surface = judged(ASKED, values, drawn_from=9, rng=np.random.default_rng(0))

    # nDCG of the other: a hit on the second of two places, 1 / log2(3), and none.
    assert surface is not None
    assert surface.columns == ["nDCG@2", "Recall@2", "Hit rate@2"]
    assert surface.first.values == [1.0, 1.0, 1.0]
    assert surface.rows[1].values == pytest.approx([0.5 / np.log2(3), 0.5, 0.5])
    found = surface.difference("other")
    assert found is not None and found.value == pytest.approx(1 - 0.5 / np.log2(3))
    assert (surface.cases, surface.drawn_from) == (2, 9)
    assert found.low is None and against(surface, "other") == "too few to tell: 2 customers"


def test_enough_cases_get_an_interval_that_holds_the_difference() -> None:
    rng = np.random.default_rng(1)
    ours, theirs = rng.uniform(0.4, 1, 200), rng.uniform(0, 0.6, 200)
    values = {FINAL: {"nDCG@3": ours}, "other": {"nDCG@3": theirs}}

    surface = judged(ASKED, values, drawn_from=200, rng=rng)

    assert surface is not None
    (found,) = surface.differences
    assert found.low is not None and found.high is not None
    assert found.low < found.value < found.high
    assert summary([surface]) == "1 of 1 lists are clearly better than all simpler ones."


def test_a_worse_list_is_said_to_be_worse() -> None:
    values = {FINAL: {"nDCG@3": np.zeros(50)}, "plain": {"nDCG@3": np.ones(50)}}

    surface = judged(ASKED, values, drawn_from=50, rng=np.random.default_rng(0))

    assert surface is not None and behind(surface) == ["plain"]
    assert "Clearly worse: Something (behind plain)." in summary([surface])


def test_a_surface_without_a_case_is_none() -> None:
    values = of_lists({FINAL: []}, [], items=4, limit=2)

    assert judged(ASKED, values, drawn_from=0, rng=np.random.default_rng(0)) is None


def test_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    buyers = np.asarray([True, False, True, False])

    # Of the four pairs of a buyer and another the first buyer wins both, the second ties one.
    assert auc(np.asarray([3.0, 1.0, 1.0, 2.0]), buyers) == 2.5 / 4
    assert np.isnan(auc(np.asarray([1.0, 2.0]), np.asarray([True, True])))


@given(st.lists(st.floats(0, 1), min_size=3, max_size=20), st.integers(1, 2))
def test_turning_scores_round_turns_auc_round(scores, some):
    values = np.asarray(scores)
    buyers = np.arange(len(values)) < some

    assert auc(values, buyers) + auc(-values, buyers) == pytest.approx(1)


def test_half_of_an_order_is_held_and_the_other_half_wanted() -> None:
    field = a_field()

    cases, many = baskets._halved(field, field.placed, baskets.STRANGER)

    assert many == 4
    for case in cases:
        both = np.concatenate([case.held, case.truth.explore])
        assert sorted(both.tolist()) == case.order.items.tolist()
        assert len(case.held) == len(case.order.items) // 2
        assert case.truth.unseen == case.order.unseen


def test_only_repeats_count_where_customers_buy_again() -> None:
    surface = own.buy_again(a_field())

    # Anna's apple and bread and Ben's cheese and dates: all four are in lists of three places.
    assert surface is not None
    assert surface.first.values[1] == 1.0
    assert surface.cases == 2


def test_first_orders_are_those_of_customers_without_a_past() -> None:
    surface = selling.newcomers(a_field())

    # Dora's first order; Anna, Ben and Cleo came before, guests are nobody's first order.
    assert surface is not None
    assert (surface.cases, surface.unit) == (1, "customer")
    # Apple and bread sell best.
    assert surface.first.values[1] == 1.0


def test_surfaces_that_need_categories_are_left_out_without_them() -> None:
    field = a_field()

    assert selling.in_category(field) is None
    assert selling.in_favourite(field) is None
    assert selling.in_stage(field) is None
    similar = beside.similar_items(field)
    assert similar is not None and "Same category" not in similar.columns


def test_no_item_has_buyers_enough_for_an_audience_here() -> None:
    assert audiences.audiences(a_field()) is None


def test_a_visit_wants_one_item_more() -> None:
    surface = visits.visits(a_field())

    assert surface is not None
    assert surface.columns == ["Hit rate@20", "MRR@20"]
    assert surface.first.values[0] == 1.0


def test_all_surfaces_say_the_same_again() -> None:
    one, two = (try_surfaces(a_field(), step=lambda _: None, made_up=True) for _ in range(2))

    assert one == two
    assert {each.name for each in one.tried} < {name for name, _ in TRIED}


@settings(max_examples=10)
@given(st.integers(1, 3))
def test_no_more_cases_are_tried_than_allowed(cases: int) -> None:
    surface = baskets.strangers_baskets(a_field(cases))

    assert surface is not None
    assert (surface.cases, surface.drawn_from) == (cases, 4)
