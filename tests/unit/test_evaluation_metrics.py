"""Metrics by hand, and the laws they keep."""

from __future__ import annotations

from math import isnan, log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contests import a_truth, positions
from training.evaluation.metrics import (
    ALL,
    EXPLORE,
    METRICS,
    REPEAT,
    Matches,
    Sought,
    average_precision,
    measure,
    mrr,
    ndcg,
    ndcg_whole,
    padded,
    precision,
    recall,
    recall_by_rank,
)

MATCHES = st.integers(1, 8).flatmap(
    lambda limit: st.lists(
        st.tuples(st.lists(st.booleans(), min_size=limit, max_size=limit), st.integers(0, 12)),
        min_size=1,
        max_size=6,
    )
)


def matches(*hits: int, total: int) -> Matches:
    return Matches(np.array([hits], dtype=np.bool_), np.array([total]))


def several(rows: list[tuple[list[bool], int]]) -> Matches:
    """Matches with at least as many bought items as were found."""
    hits = np.array([hits for hits, _ in rows], dtype=np.bool_)
    return Matches(hits, np.array([sum(own) + more for own, more in rows], dtype=np.int64))


def test_each_metric_of_two_hits_in_four_places_by_hand() -> None:
    own = matches(0, 1, 0, 1, total=6)

    gained = 1 / log2(3) + 1 / log2(5)
    best_of_four = 1 + 1 / log2(3) + 1 / log2(4) + 1 / log2(5)
    assert recall(own) == pytest.approx([2 / 6])
    assert precision(own) == pytest.approx([2 / 4])
    assert mrr(own) == pytest.approx([1 / 2])
    assert average_precision(own) == pytest.approx([(1 / 2 + 2 / 4) / 4])
    assert ndcg(own) == pytest.approx([gained / best_of_four])
    assert ndcg_whole(own) == pytest.approx([gained / (best_of_four + 1 / log2(6) + 1 / log2(7))])
    assert METRICS["hit_rate"].of(own) == pytest.approx([1.0])


def test_map_of_the_textbook() -> None:
    # Manning, Raghavan & Schütze (2008), section 8.4: relevant at ranks 1, 3 and 6 of three.
    own = matches(1, 0, 1, 0, 0, 1, total=3)

    assert average_precision(own) == pytest.approx([(1 + 2 / 3 + 3 / 6) / 3])


def test_who_bought_nothing_of_a_part_does_not_count_in_it() -> None:
    nothing = matches(0, 0, total=0)

    assert all(isnan(metric.of(nothing)[0]) for metric in METRICS.values())
    assert np.isnan(recall_by_rank(nothing)).all()


@given(MATCHES)
def test_every_metric_lies_between_0_and_1(rows: list[tuple[list[bool], int]]) -> None:
    own = several(rows)

    for metric in METRICS.values():
        values = metric.of(own)[own.total > 0]
        assert ((values >= 0) & (values <= 1 + 1e-12)).all()


@given(MATCHES)
def test_the_whole_basket_only_lowers_ndcg_and_never_where_the_list_can_hold_it(
    rows: list[tuple[list[bool], int]],
) -> None:
    own = several(rows)

    fits = (own.total > 0) & (own.total <= own.hits.shape[1])
    counted = own.total > 0
    assert (ndcg_whole(own)[counted] <= ndcg(own)[counted]).all()
    assert ndcg_whole(own)[fits] == pytest.approx(ndcg(own)[fits])


@given(st.integers(1, 8), st.integers(1, 12))
def test_the_best_list_has_an_ndcg_and_an_average_precision_of_1(limit: int, total: int) -> None:
    own = matches(*([1] * min(limit, total) + [0] * (limit - min(limit, total))), total=total)

    assert ndcg(own) == pytest.approx([1.0])
    assert average_precision(own) == pytest.approx([1.0])


@given(MATCHES)
def test_recall_by_rank_never_falls_and_ends_at_recall(rows: list[tuple[list[bool], int]]) -> None:
    own = several(rows)
    if not own.total.any():
        return

    by_rank = recall_by_rank(own)

    assert (np.diff(by_rank) >= 0).all()
    assert by_rank[-1] == pytest.approx(np.nanmean(recall(own)))


@given(MATCHES)
def test_a_customer_counts_the_same_alone_and_among_others(
    rows: list[tuple[list[bool], int]],
) -> None:
    together, alone = several(rows), several(rows[:1])

    for metric in METRICS.values():
        np.testing.assert_array_equal(metric.of(together)[:1], metric.of(alone))


def test_lists_are_cut_at_the_limit_and_filled_with_nothing() -> None:
    shown = padded([positions(4, 2, 9), positions(7), positions()], limit=2)

    assert shown.tolist() == [[4, 2], [7, -1], [-1, -1]]


def test_an_empty_place_is_no_hit_though_the_customer_before_bought_the_last_item() -> None:
    truths = [a_truth([9]), a_truth([3])]

    found = Sought.of(truths, part=ALL, items=10).found_in(
        padded([positions(1), positions()], limit=2)
    )

    assert not found.hits.any()


def test_repeats_and_new_items_are_found_apart() -> None:
    truths = [a_truth(repeat=[1], explore=[2, 3], unseen=1)]
    shown = padded([positions(3, 1, 5)], limit=3)

    again, new = (
        Sought.of(truths, part=part, items=6).found_in(shown) for part in (REPEAT, EXPLORE)
    )

    assert (again.hits.tolist(), again.total.tolist()) == ([[False, True, False]], [1])
    assert (new.hits.tolist(), new.total.tolist()) == ([[True, False, False]], [3])


def test_measure_gives_means_over_those_who_qualify_and_the_share_of_the_catalogue() -> None:
    truths = [a_truth(repeat=[1], explore=[7, 8]), a_truth(explore=[2], unseen=1)]

    metrics = measure([positions(5, 1, 7), positions(2)], truths, limit=3, items=10)

    assert metrics.overall.recall == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert (metrics.overall.customers, metrics.repeat.customers) == (2, 1)
    assert metrics.repeat.ndcg == pytest.approx(1 / log2(3))
    assert metrics.explore.recall == pytest.approx((1 / 2 + 1 / 2) / 2)
    assert metrics.coverage == pytest.approx(4 / 10)


def test_measure_against_the_whole_basket() -> None:
    truth = a_truth(explore=[0, 1, 2])

    metrics = measure([positions(0)], [truth], limit=1, items=5, whole=True)

    assert metrics.overall.ndcg == pytest.approx(1 / (1 + 1 / log2(3) + 1 / log2(4)))


def test_without_customers_nothing_is_known() -> None:
    metrics = measure([], [], limit=3, items=10)

    assert isnan(metrics.overall.recall)
    assert (metrics.overall.customers, metrics.coverage) == (0, 0.0)
