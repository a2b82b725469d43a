"""Places given to chance: how often, to what, and how likely that was."""

from __future__ import annotations

from collections import Counter

import numpy as np

from engine.domain.histories import DAY_MS
from engine.recommend.control.config import Boost, Control, Pin
from engine.recommend.control.exploration import drawn, draws
from engine.recommend.control.shortlist import Rule, Shortlist
from engine.recommend.control.tastes import Tastes
from tests.builders import DAY_ZERO_MS
from tests.controlling import a_shortlist, arranged, some_goods

MANY = tuple(f"customer-{number}" for number in range(4_000))
TEN = {item: 10.0 - item for item in range(10)}


def many_lists(control, goods, *, limit=3, now_ms=DAY_ZERO_MS):
    one = a_shortlist(TEN)
    everyone = Shortlist(
        np.repeat(one.item, len(MANY), axis=0), np.repeat(one.score, len(MANY), axis=0)
    )
    return arranged(everyone, goods, control, limit=limit, tastes=Tastes(MANY, now_ms))


def test_chance_is_even_and_free_from_one_place_to_the_next() -> None:
    told = draws(MANY, places=5, share=0.2, now_ms=DAY_ZERO_MS, seed=0)

    # Within four standard deviations of 20,000 draws of .2, and of .04 for two at once.
    assert abs(told.given.mean() - 0.2) < 4 * np.sqrt(0.2 * 0.8 / 20_000)
    both = (told.given[:, :-1] & told.given[:, 1:]).mean()
    assert abs(both - 0.04) < 4 * np.sqrt(0.04 * 0.96 / 16_000)
    assert np.histogram(told.which, bins=10, range=(0, 1))[0].min() > 2_000 - 4 * np.sqrt(1_800)


def test_chance_changes_with_the_day_and_the_seed_and_not_within_a_day() -> None:
    def given(now_ms, seed):
        return draws(MANY[:50], places=10, share=0.5, now_ms=now_ms, seed=seed).given.tolist()

    morning = given(DAY_ZERO_MS, 0)

    assert given(DAY_ZERO_MS + DAY_MS - 1, 0) == morning
    assert given(DAY_ZERO_MS + DAY_MS, 0) != morning
    assert given(DAY_ZERO_MS, 1) != morning


def test_which_points_into_the_pool() -> None:
    pool = np.asarray([[False, True, True, False, True]] * 3 + [[False] * 5])

    candidate, size = drawn(pool, np.asarray([0.0, 0.34, 0.99, 0.5]))

    assert candidate.tolist() == [1, 2, 4, 0]
    assert size.tolist() == [3, 3, 3, 0]


def test_cold_items_get_their_share_of_places_evenly() -> None:
    goods = some_goods([0] * 10, cold=[6, 7, 8, 9])

    lists = many_lists(Control(exploration_share=0.1), goods)

    explored = lists.rule == Rule.EXPLORED
    assert abs(explored.mean() - 0.1) < 4 * np.sqrt(0.1 * 0.9 / lists.item.size)
    shown = Counter(lists.item[explored].tolist())
    assert set(shown) == {6, 7, 8, 9}
    assert min(shown.values()) > explored.sum() / 4 - 4 * np.sqrt(explored.sum() * 3 / 16)


def test_the_propensity_is_the_chance_of_just_this_item() -> None:
    goods = some_goods([0] * 10, cold=[6, 7, 8, 9])

    lists = many_lists(Control(exploration_share=0.1), goods, limit=1)

    explored = lists.rule[:, 0] == Rule.EXPLORED
    np.testing.assert_allclose(lists.propensity[explored, 0], 0.1 / 4, rtol=1e-6)
    np.testing.assert_allclose(lists.propensity[~explored, 0], 0.9, rtol=1e-6)


def test_a_cold_item_that_also_wins_by_score_has_both_chances() -> None:
    goods = some_goods([0] * 10, cold=[0, 9])

    lists = many_lists(Control(exploration_share=0.1), goods, limit=1)

    first = lists.item[:, 0] == 0
    np.testing.assert_allclose(lists.propensity[first, 0], 0.9 + 0.05, rtol=1e-6)
    np.testing.assert_allclose(lists.propensity[~first, 0], 0.05, rtol=1e-6)
    assert abs(first.mean() - 0.95) < 4 * np.sqrt(0.95 * 0.05 / len(first))


def test_weighting_by_propensity_recovers_what_every_item_is_worth() -> None:
    # Horvitz & Thompson (1952): what is seen, over its chance, is unbiased. The worth of item i
    # is i; the mean over all items, each as likely, is what random lists would have shown.
    goods = some_goods([0] * 10, cold=list(range(10)))

    lists = many_lists(Control(exploration_share=0.5), goods, limit=1)

    worth = lists.item[:, 0].astype(float)
    estimate = (worth / lists.propensity[:, 0] / 10).mean()
    error = (worth / lists.propensity[:, 0] / 10).std() / np.sqrt(len(worth))
    assert abs(estimate - 4.5) < 4 * error


def test_without_cold_candidates_nothing_is_left_to_chance() -> None:
    lists = many_lists(Control(exploration_share=1.0), some_goods([0] * 10))

    assert (lists.item == [0, 1, 2]).all()
    assert (lists.propensity == 1).all()
    assert not lists.rule.any()


def test_a_pin_is_never_left_to_chance() -> None:
    goods = some_goods([0] * 10, cold=[8, 9])
    control = Control(exploration_share=1.0, pins=(Pin(item_id="5", place=2),))

    lists = many_lists(control, goods)

    assert (lists.item[:, 1] == 5).all()
    assert (lists.propensity[:, 1] == 1).all()
    assert set(np.unique(lists.item[:, [0, 2]])) == {8, 9}


def test_chance_keeps_to_the_caps() -> None:
    goods = some_goods([0] * 5 + [1] * 5, cold=[7, 8, 9])

    lists = many_lists(Control(exploration_share=0.8, category_cap=2), goods, limit=4)

    in_second = (lists.item >= 5).sum(axis=1)
    assert (in_second == 2).all()


def test_a_list_with_chance_in_it_is_the_same_all_day() -> None:
    goods = some_goods([0] * 10, cold=[6, 7, 8, 9])
    control = Control(exploration_share=0.3, boosts=(Boost(item_id="9", factor=1.5),))

    morning = many_lists(control, goods)
    evening = many_lists(control, goods, now_ms=DAY_ZERO_MS + DAY_MS - 1)
    tomorrow = many_lists(control, goods, now_ms=DAY_ZERO_MS + DAY_MS)

    assert (morning.item == evening.item).all()
    assert (morning.item != tomorrow.item).any()
    reseeded = many_lists(replace_seed(control), goods)
    assert (morning.item != reseeded.item).any()


def replace_seed(control: Control) -> Control:
    return Control(
        exploration_share=control.exploration_share, boosts=control.boosts, exploration_seed=7
    )
