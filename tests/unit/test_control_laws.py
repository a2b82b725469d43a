"""Laws that lists keep under any control."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given

from engine.domain.assortment import Assortment
from engine.recommend.control.config import Bury, Control
from engine.recommend.control.goods import Goods
from engine.recommend.control.shortlist import Rule, Shortlist
from engine.recommend.control.tastes import Tastes
from tests.builders import DAY_ZERO_MS
from tests.controlling import (
    ITEMS,
    NAN,
    a_shop,
    a_shortlist,
    arranged,
    assortments,
    controls,
    items_of,
    limits,
    replaced,
    rules_of,
    shares,
    shortlists,
    some_goods,
    tastes_of,
)


@given(shortlists, assortments, controls, limits)
def test_a_list_is_a_choice_of_candidates_without_repetition(
    shortlist, goods, control, limit
) -> None:
    lists = arranged(shortlist, goods, control, limit=limit, tastes=tastes_of(shortlist))

    width = min(limit, shortlist.item.shape[1])
    assert lists.item.shape == lists.rule.shape == lists.propensity.shape
    assert lists.item.shape == (len(shortlist.item), width)
    for row, own in enumerate(shortlist.item):
        candidates = {int(each): at for at, each in enumerate(own) if each >= 0}
        listed = items_of(lists, row)
        assert len(listed) == min(limit, len(candidates)) == len(set(listed))
        assert lists.item[row, : len(listed)].tolist() == listed
        assert set(listed) <= candidates.keys()
        told = [shortlist.score[row, candidates[each]] for each in listed]
        assert lists.score[row, : len(listed)].tolist() == told
    assert (lists.score[lists.item < 0] == -np.inf).all()
    assert (lists.rule[lists.item < 0] == Rule.NONE).all()


@given(shortlists, assortments, controls, limits)
def test_a_customer_alone_has_the_list_of_the_block(shortlist, goods, control, limit) -> None:
    everyone = tastes_of(shortlist)

    together = arranged(shortlist, goods, control, limit=limit, tastes=everyone)

    for row in range(len(shortlist.item)):
        own = slice(row, row + 1)
        alone = arranged(
            Shortlist(shortlist.item[own], shortlist.score[own]),
            goods,
            control,
            limit=limit,
            tastes=Tastes(
                everyone.customers[own], everyone.now_ms, everyone.mix[own], everyone.band[own]
            ),
        )
        for name, value in vars(alone).items():
            np.testing.assert_array_equal(value, getattr(together, name)[own], strict=True)


@given(shortlists, assortments, controls, limits)
def test_nothing_that_is_given_is_changed(shortlist, goods, control, limit) -> None:
    tastes = tastes_of(shortlist)
    given_arrays = [shortlist.item, shortlist.score, tastes.mix, tastes.band, goods.margin]
    before = [each.copy() for each in given_arrays]

    arranged(shortlist, goods, control, limit=limit, tastes=tastes)

    for was, now in zip(before, given_arrays, strict=True):
        np.testing.assert_array_equal(was, now)


@given(shortlists, assortments, limits)
def test_without_control_nothing_moves(shortlist, goods, limit) -> None:
    lists = arranged(shortlist, goods, Control(), limit=limit)

    assert (lists.item == shortlist.item[:, :limit]).all()
    assert not lists.rule.any()
    assert (lists.propensity == 1).all()


@given(shortlists, assortments, controls, limits)
def test_rules_that_have_nothing_to_say_leave_the_order(shortlist, goods, control, limit) -> None:
    # All of one unknown kind, equally dear, of equal margin, in the tail and known: whatever the
    # weights, nothing speaks for another order.
    plain = some_goods([-1] * ITEMS, band=[0.5] * ITEMS)
    mild = replaced(control, diversity=min(control.diversity, 0.9), boosts=(), pins=(), buries=())

    lists = arranged(shortlist, plain, mild, limit=limit, tastes=tastes_of(shortlist))

    assert (lists.item == shortlist.item[:, :limit]).all()
    assert (lists.rule == Rule.NONE).all()


@given(shortlists, assortments, controls, limits)
def test_caps_hold_wherever_the_list_does_not_say_otherwise(
    shortlist, goods, control, limit
) -> None:
    lists = arranged(shortlist, goods, control, limit=limit, tastes=tastes_of(shortlist))

    for row in range(len(lists.item)):
        told = list(zip(items_of(lists, row), rules_of(lists, row), strict=True))
        for group, most in (
            (goods.category, control.category_cap),
            (goods.brand, control.brand_cap),
        ):
            kept = Counter(
                int(group[each]) for each, rule in told if rule not in (Rule.FILLED, Rule.PINNED)
            )
            del kept[-1]
            assert most is None or max(kept.values(), default=0) <= most


@given(shortlists, assortments, controls, limits)
def test_a_list_goes_over_a_cap_only_when_nothing_else_is_left(
    shortlist, goods, control, limit
) -> None:
    lists = arranged(shortlist, goods, control, limit=limit, tastes=tastes_of(shortlist))

    for row, own in enumerate(shortlist.item):
        rules = rules_of(lists, row)
        if Rule.FILLED not in rules:
            continue
        # From the first one on, whatever is left would break a cap with what the list has.
        listed = items_of(lists, row)
        kept = [
            each
            for at, each in enumerate(listed)
            if at < rules.index(Rule.FILLED) or rules[at] is Rule.PINNED
        ]
        for left in set(own[own >= 0].tolist()) - set(kept):
            assert over(goods.category, kept, left, control.category_cap) or over(
                goods.brand, kept, left, control.brand_cap
            )


def over(group, kept, left, most) -> bool:
    own = int(group[left])
    return most is not None and own >= 0 and sum(int(group[each]) == own for each in kept) >= most


@given(shortlists, assortments, controls, limits)
def test_a_pinned_candidate_is_at_its_place(shortlist, goods, control, limit) -> None:
    distinct: dict[int, int] = {}
    for each in control.pins:
        if int(each.item_id) not in distinct.values():
            distinct.setdefault(each.place - 1, int(each.item_id))

    lists = arranged(shortlist, goods, control, limit=limit, tastes=tastes_of(shortlist))

    for row, own in enumerate(shortlist.item):
        listed = items_of(lists, row)
        for place, pinned in distinct.items():
            if pinned in own.tolist() and place < len(listed):
                assert listed[place] == pinned
                assert rules_of(lists, row)[place] is Rule.PINNED


@given(shortlists, assortments, shares, limits)
def test_the_tail_has_its_share_when_there_are_enough_of_it(
    shortlist, goods, wanted, limit
) -> None:
    lists = arranged(shortlist, goods, Control(long_tail_share=wanted), limit=limit)

    for row, own in enumerate(shortlist.item):
        listed = items_of(lists, row)
        there = int((~goods.head[own[own >= 0]]).sum())
        shown = int((~goods.head[listed]).sum())
        assert shown >= min(wanted * len(listed) - 1e-9, there)


@given(shortlists, assortments, controls, limits)
def test_what_is_buried_is_below_all_else_but_pins_and_caps(
    shortlist, goods, control, limit
) -> None:
    mild = replaced(
        control, category_cap=None, brand_cap=None, pins=(), buries=(Bury(category="c1"),)
    )

    lists = arranged(shortlist, goods, mild, limit=limit, tastes=tastes_of(shortlist))

    for row in range(len(lists.item)):
        buried = [int(goods.category[each]) == 1 for each in items_of(lists, row)]
        assert buried == sorted(buried)


@given(shortlists, assortments, controls, limits)
def test_propensities_are_chances(shortlist, goods, control, limit) -> None:
    lists = arranged(shortlist, goods, control, limit=limit, tastes=tastes_of(shortlist))

    assert (lists.propensity > 0).all() or control.exploration_share == 1
    assert (lists.propensity <= 1).all()
    if not control.exploration_share:
        assert (lists.propensity == 1).all()
    explored = lists.rule == Rule.EXPLORED
    assert goods.cold[lists.item[explored]].all()
    assert (lists.propensity[explored] > 0).all()


def test_customers_of_a_large_block_have_the_lists_they_have_alone() -> None:
    # Wide enough for sums and logarithms to be worked out several at a time.
    shortlist, goods, tastes = a_shop(customers=40, width=150)
    control = Control(
        diversity=0.2,
        calibration=0.2,
        price_affinity=0.2,
        category_cap=3,
        margin_tolerance=0.1,
        long_tail_share=0.3,
        exploration_share=0.2,
    )

    together = arranged(shortlist, goods, control, tastes=tastes)

    for row in range(40):
        own = slice(row, row + 1)
        alone = arranged(
            Shortlist(shortlist.item[own], shortlist.score[own]),
            goods,
            control,
            tastes=Tastes(tastes.customers[own], tastes.now_ms, tastes.mix[own], tastes.band[own]),
        )
        for name, value in vars(alone).items():
            np.testing.assert_array_equal(value, getattr(together, name)[own], strict=True)


def test_arrays_keep_their_types() -> None:
    shortlist, goods, tastes = a_shop(5)
    control = Control(diversity=0.3, calibration=0.3, margin_tolerance=0.1, exploration_share=0.2)

    lists = arranged(shortlist, goods, control, tastes=tastes)

    assert {name: value.dtype.name for name, value in vars(lists).items()} == {
        "item": "int32",
        "score": "float32",
        "rule": "int8",
        "propensity": "float32",
        "relevance_lost": "float32",
        "margin_gained": "float32",
    }


def test_goods_of_an_unknown_catalogue_serve_any_control() -> None:
    goods = Goods.of(
        Assortment.unknown(5), np.asarray([5, 4, 3, 2, 1], dtype=np.int64), control=Control()
    )
    control = Control(
        diversity=0.5,
        calibration=0.5,
        price_affinity=0.5,
        category_cap=1,
        brand_cap=1,
        margin_tolerance=0.5,
    )
    tastes = Tastes(
        ("anna",), DAY_ZERO_MS, np.zeros((1, 0), np.float32), np.full(1, NAN, np.float32)
    )

    lists = arranged(
        a_shortlist({each: 5.0 - each for each in range(5)}), goods, control, tastes=tastes
    )

    assert items_of(lists) == [0, 1, 2, 3, 4]
