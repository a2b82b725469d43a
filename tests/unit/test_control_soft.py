"""What is soft in a list: each rule's own law, and what more of it does."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.recommend.control.config import Control
from engine.recommend.control.filling import SMOOTHING
from tests.controlling import (
    a_shop,
    arranged,
    assortments,
    controls,
    items_of,
    limits,
    replaced,
    shortlists,
    tastes_of,
)


@given(shortlists, assortments, controls, limits)
def test_no_list_loses_more_relevance_to_margin_than_tolerated(
    shortlist, goods, control, limit
) -> None:
    tastes = tastes_of(shortlist)

    without = arranged(
        shortlist, goods, replaced(control, margin_tolerance=0.0), limit=limit, tastes=tastes
    )
    lists = arranged(shortlist, goods, control, limit=limit, tastes=tastes)

    assert (lists.relevance_lost <= control.margin_tolerance + 1e-5).all()
    assert (lists.margin_gained >= 0).all()
    moved = (lists.item != without.item).any(axis=1)
    assert not lists.relevance_lost[~moved].any()
    assert not lists.margin_gained[~moved].any()


@given(shortlists, assortments, st.sampled_from([0.01, 0.1, 0.5]), limits)
def test_the_relevance_told_as_lost_is_what_the_scores_lose(
    shortlist, goods, tolerance, limit
) -> None:
    lists = arranged(shortlist, goods, Control(margin_tolerance=tolerance), limit=limit)

    for row, own in enumerate(shortlist.item):
        told = {int(each): score for each, score in zip(own, shortlist.score[row], strict=True)}
        best = discounted(told, own[own >= 0].tolist()[:limit])
        lost = best - discounted(told, items_of(lists, row))
        assert lists.relevance_lost[row] == pytest.approx(lost / best if best else 0, abs=1e-5)


def discounted(told, listed) -> float:
    """Relevance laid from 0 to 1 and discounted by place."""
    known = [score for each, score in told.items() if each >= 0]
    if not known:
        return 0.0
    low, span = min(known), max(known) - min(known)
    laid = [(told[each] - low) / span if span else 1.0 for each in listed]
    return sum(own / np.log2(place) for place, own in enumerate(laid, start=2))


@given(shortlists, assortments, st.sampled_from([0.2, 0.5, 0.8]))
def test_each_place_has_the_greatest_marginal_relevance(shortlist, goods, diversity) -> None:
    lists = arranged(shortlist, goods, Control(diversity=diversity), limit=6)

    for row, own in enumerate(shortlist.item):
        laid = relevance_by_hand(shortlist, row)
        listed: list[int] = []
        for chosen in items_of(lists, row):
            marginal = {
                each: (1 - diversity) * laid[each]
                - diversity * max((alike(goods, each, other) for other in listed), default=0)
                for each in own[own >= 0].tolist()
                if each not in listed
            }
            assert marginal[chosen] >= max(marginal.values()) - 1e-6
            listed.append(chosen)


def alike(goods, one, other) -> float:
    """Half for the same category and half for purchases together, where these are known."""
    same = float(goods.category[one] == goods.category[other] != -1)
    return same if goods.similar is None else 0.5 * same + 0.5 * goods.similar[one, other]


def relevance_by_hand(shortlist, row) -> dict[int, float]:
    told = {
        int(each): float(score)
        for each, score in zip(shortlist.item[row], shortlist.score[row], strict=True)
        if each >= 0
    }
    low, span = min(told.values(), default=0), max(told.values(), default=0)
    span -= low
    return {each: (score - low) / span if span else 1.0 for each, score in told.items()}


@given(shortlists, assortments, st.sampled_from([0.2, 0.5, 1.0]))
def test_each_place_trades_relevance_for_divergence_as_published(shortlist, goods, weight) -> None:
    tastes = tastes_of(shortlist)

    lists = arranged(shortlist, goods, Control(calibration=weight), limit=6, tastes=tastes)

    # Steck (2018): the greedy step of (1 - weight) x relevance - weight x KL.
    for row, own in enumerate(shortlist.item):
        laid = relevance_by_hand(shortlist, row)
        listed: list[int] = []
        for chosen in items_of(lists, row):
            value = {
                each: (1 - weight) * laid[each]
                - weight * divergence(tastes.mix[row], goods, [*listed, each])
                for each in own[own >= 0].tolist()
                if each not in listed
            }
            assert value[chosen] >= max(value.values()) - 1e-4
            listed.append(chosen)


def divergence(mix, goods, listed) -> float:
    """Kullback-Leibler divergence of the list's categories from the customer's own mix."""
    of_list = np.asarray(
        [
            sum(goods.category[each] == own for each in listed) / len(listed)
            for own in range(len(mix))
        ]
    )
    blended = (1 - float(SMOOTHING)) * of_list + float(SMOOTHING) * mix
    some = mix > 0
    return float((mix[some] * np.log(mix[some] / blended[some])).sum())


def test_more_diversity_makes_lists_more_diverse() -> None:
    shortlist, goods, _ = a_shop()

    categories = []
    for weight in (0.0, 0.2, 0.5, 0.8):
        lists = arranged(shortlist, goods, Control(diversity=weight))
        told = goods.category[lists.item]
        categories.append(np.mean([len(set(own)) for own in told.tolist()]))

    assert all(less <= more for less, more in pairwise(categories))
    assert categories[-1] > categories[0]


def test_more_calibration_brings_lists_nearer_to_the_customers_own_mix() -> None:
    shortlist, goods, tastes = a_shop()

    apart = []
    for weight in (0.0, 0.2, 0.5, 0.8, 1.0):
        lists = arranged(shortlist, goods, Control(calibration=weight), tastes=tastes)
        own = zip(tastes.mix, lists.item.tolist(), strict=True)
        apart.append(np.mean([divergence(mix, goods, listed) for mix, listed in own]))

    assert all(less > more for less, more in pairwise(apart))


def test_more_tolerance_gains_more_margin_and_costs_more_relevance() -> None:
    shortlist, goods, _ = a_shop()

    lists = [
        arranged(shortlist, goods, Control(margin_tolerance=each)) for each in (0.01, 0.05, 0.2)
    ]

    gained = [each.margin_gained.mean() for each in lists]
    lost = [each.relevance_lost.mean() for each in lists]
    assert all(less < more for less, more in pairwise(gained))
    assert all(less < more for less, more in pairwise(lost))
    # Most of what is tolerated is made use of.
    assert lost[1] > 0.025
