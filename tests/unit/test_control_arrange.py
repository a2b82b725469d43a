"""Each rule between scores and a list, by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from engine.recommend.control.config import Boost, Bury, Control, Pin
from engine.recommend.control.shortlist import Rule
from engine.recommend.control.tastes import Tastes
from tests.builders import DAY_ZERO, DAY_ZERO_MS
from tests.controlling import NAN, a_shortlist, arranged, items_of, rules_of, some_goods

# Relevance from best to worst: 1, 0.9, 0.8, 0.5, 0.
FIVE = {0: 10.0, 1: 9.0, 2: 8.0, 3: 5.0, 4: 0.0}


def customers(count: int, *, mix=None, band=None) -> Tastes:
    return Tastes(
        customers=tuple(map(str, range(count))),
        now_ms=DAY_ZERO_MS,
        mix=None if mix is None else np.asarray(mix, dtype=np.float32),
        band=None if band is None else np.asarray(band, dtype=np.float32),
    )


def test_with_everything_off_the_shortlist_is_cut_and_left_as_it_is() -> None:
    shortlist = a_shortlist(FIVE, {3: 1.0})

    lists = arranged(shortlist, some_goods([0] * 5), Control(), limit=3)

    assert lists.item.tolist() == [[0, 1, 2], [3, -1, -1]]
    assert lists.score.tolist() == [[10, 9, 8], [1, -np.inf, -np.inf]]
    assert not lists.rule.any()
    assert (lists.propensity == 1).all()


def test_diversity_puts_another_category_before_one_that_is_listed() -> None:
    goods = some_goods([0, 0, 0, 1, -1])

    lists = arranged(a_shortlist(FIVE), goods, Control(diversity=0.5), limit=4)

    # By hand: 3 has .25 against .45 - .5 of its rivals; 4 has 0 against -.05 and is unlike any.
    assert items_of(lists) == [0, 3, 4, 1]
    assert rules_of(lists) == [Rule.NONE, Rule.DIVERSIFIED, Rule.DIVERSIFIED, Rule.NONE]


def test_diversity_by_purchases_together_lets_two_of_a_category_stand() -> None:
    goods = some_goods([0, 0, 0, 0, 0], similar={(0, 1): 1.0, (0, 2): 0.1})

    lists = arranged(
        a_shortlist(FIVE), goods, Control(diversity=0.5, diversity_by="co_purchase"), limit=4
    )

    # Second place: 1 has .45 - .5, 2 has .4 - .05, 3 has .25; third: 3 before 4 and 1.
    assert items_of(lists) == [0, 2, 3, 4]


def test_diversity_by_both_counts_half_for_the_category_and_half_for_purchases() -> None:
    goods = some_goods([0, 0, 1, 2, 3], similar={(0, 2): 1.0})

    lists = arranged(a_shortlist(FIVE), goods, Control(diversity=0.5), limit=3)

    # Second place: 1 has .45 - .25 and 2 has .4 - .25, but 3 has .25.
    assert items_of(lists) == [0, 3, 1]


def test_diversity_without_known_purchases_goes_by_category_alone() -> None:
    goods = some_goods([0, 0, 0, 1, 1])

    by_both = arranged(a_shortlist(FIVE), goods, Control(diversity=0.5))
    by_category = arranged(
        a_shortlist(FIVE), goods, Control(diversity=0.5, diversity_by="category")
    )

    assert items_of(by_both) == items_of(by_category)


def test_calibration_gives_each_category_its_share_of_the_history() -> None:
    # Steck's (2018) own example: 70 of 100 are romance, 30 action; the scores know romance only.
    scores = {item: 20.0 - item for item in range(20)}
    goods = some_goods([0] * 10 + [1] * 10)
    control = Control(calibration=0.99)

    lists = arranged(
        a_shortlist(scores), goods, control, limit=10, tastes=customers(1, mix=[[0.7, 0.3]])
    )

    action = [item for item in items_of(lists) if item >= 10]
    assert action == [10, 11, 12]
    assert Rule.CALIBRATED in rules_of(lists)


def test_calibration_leaves_a_customer_without_a_known_mix_as_scored() -> None:
    goods = some_goods([0, 0, 0, 1, 1])

    lists = arranged(
        a_shortlist(FIVE),
        goods,
        Control(calibration=0.9),
        tastes=customers(1, mix=[[0.0, 0.0]]),
    )

    assert items_of(lists) == [0, 1, 2, 3, 4]


def test_price_affinity_takes_from_what_is_dearer_than_usual() -> None:
    goods = some_goods([0] * 5, band=[1.0, 0.2, 0.2, 0.2, 0.2])

    lists = arranged(
        a_shortlist(FIVE), goods, Control(price_affinity=0.5), tastes=customers(1, band=[0.2])
    )

    # 1 x (1 - .5 x .8) = .6: below .9 and .8, above .5.
    assert items_of(lists) == [1, 2, 0, 3, 4]
    assert rules_of(lists) == [Rule.PRICED, Rule.PRICED, Rule.NONE, Rule.NONE, Rule.NONE]


def test_an_item_of_unknown_price_is_as_far_as_the_known_ones_on_average() -> None:
    goods = some_goods([0, 0, 0], band=[NAN, 1.0, 0.0])

    lists = arranged(
        a_shortlist({0: 1.0, 1: 0.95, 2: 0.0}),
        goods,
        Control(price_affinity=1.0),
        tastes=customers(1, band=[0.9]),
    )

    # Distances .1 and .9, on average .5: 0 falls to .5, 1 to .855.
    assert items_of(lists) == [1, 0, 2]


def test_a_customer_of_unknown_price_band_is_left_alone() -> None:
    goods = some_goods([0] * 5, band=[1.0, 0.2, 0.2, 0.2, 0.2])

    lists = arranged(
        a_shortlist(FIVE), goods, Control(price_affinity=1.0), tastes=customers(1, band=[NAN])
    )

    assert items_of(lists) == [0, 1, 2, 3, 4]


def test_a_cap_lets_no_more_of_a_category_in() -> None:
    goods = some_goods([0, 0, 0, 1, 1])

    lists = arranged(a_shortlist(FIVE), goods, Control(category_cap=1), limit=2)

    assert items_of(lists) == [0, 3]
    assert rules_of(lists) == [Rule.NONE, Rule.CAPPED]


def test_a_list_is_filled_over_a_cap_when_nothing_else_is_left_and_says_so() -> None:
    goods = some_goods([0, 0, 0, 1, 1])

    lists = arranged(a_shortlist(FIVE), goods, Control(category_cap=1), limit=4)

    assert items_of(lists) == [0, 3, 1, 2]
    assert rules_of(lists) == [Rule.NONE, Rule.CAPPED, Rule.FILLED, Rule.FILLED]


def test_items_without_a_category_or_brand_are_not_capped() -> None:
    goods = some_goods([-1] * 5, brand=[-1] * 5)

    lists = arranged(a_shortlist(FIVE), goods, Control(category_cap=1, brand_cap=1))

    assert items_of(lists) == [0, 1, 2, 3, 4]
    assert not lists.rule.any()


def test_categories_and_brands_are_capped_side_by_side() -> None:
    goods = some_goods([0, 1, 2, 0, 3], brand=[0, 0, 1, 1, 2])

    lists = arranged(a_shortlist(FIVE), goods, Control(category_cap=1, brand_cap=1), limit=3)

    assert items_of(lists) == [0, 2, 4]


def test_a_boost_lifts_a_brand_by_its_factor() -> None:
    goods = some_goods([0] * 5, brand=[0, 0, 0, 1, 1])
    control = Control(boosts=(Boost(brand="b1", factor=1.9),))

    lists = arranged(a_shortlist(FIVE), goods, control)

    # .5 x 1.9 = .95.
    assert items_of(lists) == [0, 3, 1, 2, 4]
    assert rules_of(lists)[:3] == [Rule.NONE, Rule.BOOSTED, Rule.NONE]


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("shift", [-1.0, 0.0, 1.0])
def test_a_boost_means_the_same_whatever_the_range_of_the_scores(scale, shift) -> None:
    laid = {item: (score + shift * 100) * scale for item, score in FIVE.items()}
    control = Control(boosts=(Boost(item_id="4", add=0.85),))

    lists = arranged(a_shortlist(laid), some_goods([0] * 5), control)

    assert items_of(lists) == [0, 1, 4, 2, 3]


def test_several_boosts_multiply_their_factors_and_add_up_their_additions() -> None:
    boosts = (
        Boost(category="c1", factor=2.0),
        Boost(item_id="3", factor=0.5, add=0.2),
        Boost(item_id="3", add=0.15),
    )

    lists = arranged(a_shortlist(FIVE), some_goods([0, 0, 0, 1, 0]), Control(boosts=boosts))

    # .5 x 2 x .5 + .35 = .85.
    assert items_of(lists) == [0, 1, 3, 2, 4]


def test_a_boost_holds_from_its_beginning_to_before_its_end() -> None:
    boost = Boost(
        item_id="4",
        add=1.0,
        valid_from=DAY_ZERO + timedelta(days=1),
        until=DAY_ZERO + timedelta(days=2),
    )
    goods, control = some_goods([0] * 5), Control(boosts=(boost,))

    firsts = []
    for hours in (0, 23.999, 24, 47.999, 48):
        moment = replace(customers(1), now_ms=DAY_ZERO_MS + round(hours * 3_600_000))
        firsts.append(items_of(arranged(a_shortlist(FIVE), goods, control, tastes=moment))[:2])

    assert firsts == [[0, 1], [0, 1], [0, 4], [0, 4], [0, 1]]


def test_what_is_buried_comes_only_when_there_is_nothing_else() -> None:
    goods = some_goods([0, 0, 0, 1, 1])

    lists = arranged(a_shortlist(FIVE), goods, Control(buries=(Bury(category="c0"),)), limit=4)

    assert items_of(lists) == [3, 4, 0, 1]
    assert rules_of(lists) == [Rule.BOOSTED, Rule.BOOSTED, Rule.NONE, Rule.NONE]


def test_a_pin_stands_at_its_place_and_everything_else_around_it() -> None:
    control = Control(pins=(Pin(item_id="4", place=2),))

    lists = arranged(a_shortlist(FIVE, {4: 2.0, 1: 1.0}), some_goods([0] * 5), control, limit=3)

    assert lists.item.tolist() == [[0, 4, 1], [1, 4, -1]]
    assert rules_of(lists) == [Rule.NONE, Rule.PINNED, Rule.NONE]


def test_a_pin_of_what_is_no_candidate_leaves_its_place_to_others() -> None:
    control = Control(pins=(Pin(item_id="4", place=1), Pin(item_id="nothing", place=2)))

    lists = arranged(a_shortlist({0: 2.0, 1: 1.0}), some_goods([0] * 5), control)

    assert items_of(lists) == [0, 1]
    assert not lists.rule.any()


def test_an_item_pinned_beyond_the_end_of_a_short_list_goes_by_its_score() -> None:
    control = Control(pins=(Pin(item_id="0", place=4),))

    lists = arranged(a_shortlist({0: 2.0, 1: 1.0}, FIVE), some_goods([0] * 5), control, limit=5)

    assert lists.item.tolist() == [[0, 1, -1, -1, -1], [1, 2, 3, 0, 4]]


def test_a_pinned_item_without_a_score_keeps_its_place() -> None:
    control = Control(pins=(Pin(item_id="4", place=1),))

    lists = arranged(a_shortlist({0: 2.0, 1: 1.0, 4: -np.inf}), some_goods([0] * 5), control)

    assert items_of(lists) == [4, 0, 1]


def test_a_pin_counts_for_a_cap_before_its_place_is_reached() -> None:
    goods = some_goods([0, 0, 1, 1, 1])
    control = Control(category_cap=1, pins=(Pin(item_id="1", place=2),))

    lists = arranged(a_shortlist(FIVE), goods, control, limit=2)

    assert items_of(lists) == [2, 1]
    assert rules_of(lists) == [Rule.CAPPED, Rule.PINNED]


def test_the_long_tail_gets_its_places_at_the_end() -> None:
    goods = some_goods([0] * 5, head=[0, 1, 2])

    lists = arranged(a_shortlist(FIVE), goods, Control(long_tail_share=0.5), limit=3)

    # Half of three places, rounded up.
    assert items_of(lists) == [0, 3, 4]
    assert rules_of(lists) == [Rule.NONE, Rule.EXPOSURE, Rule.EXPOSURE]


def test_the_long_tail_takes_nothing_when_it_has_its_share_by_score() -> None:
    goods = some_goods([0] * 5, head=[1, 2, 3, 4])

    lists = arranged(a_shortlist(FIVE), goods, Control(long_tail_share=0.3), limit=3)

    assert items_of(lists) == [0, 1, 2]
    assert not lists.rule.any()


def test_the_long_tail_gets_what_there_is_of_it() -> None:
    goods = some_goods([0] * 5, head=[0, 1, 2, 3])

    lists = arranged(a_shortlist(FIVE), goods, Control(long_tail_share=1.0), limit=3)

    assert items_of(lists) == [4, 0, 1]


def test_a_cap_is_stronger_than_the_long_tails_share() -> None:
    goods = some_goods([0, 1, 2, 3, 3], head=[0, 1, 2])

    lists = arranged(
        a_shortlist(FIVE), goods, Control(category_cap=1, long_tail_share=1.0), limit=3
    )

    assert items_of(lists) == [3, 0, 1]


def test_an_empty_shortlist_gives_an_empty_list() -> None:
    control = Control(diversity=0.5, category_cap=1, margin_tolerance=0.1, exploration_share=0.5)

    lists = arranged(a_shortlist({}, {}), some_goods([0]), control)

    assert lists.item.shape == (2, 0)


def test_a_customer_without_candidates_has_an_empty_row_beside_others() -> None:
    goods = some_goods([0, 0, 1, 1, 1], brand=[0] * 5, margin=[1, 2, 3, 4, 5], cold=[4])
    control = Control(
        diversity=0.5,
        calibration=0.5,
        price_affinity=0.5,
        category_cap=1,
        brand_cap=1,
        margin_tolerance=0.1,
        long_tail_share=0.5,
        exploration_share=0.5,
    )
    tastes = customers(2, mix=[[0.5, 0.5], [0.5, 0.5]], band=[0.5, NAN])

    lists = arranged(a_shortlist({}, FIVE), goods, control, limit=3, tastes=tastes)

    assert lists.item[0].tolist() == [-1, -1, -1]
    assert sorted(lists.item[1].tolist()) != [-1, -1, -1]
    assert lists.relevance_lost[0] == 0
