"""What control knows of items and customers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from engine.domain.assortment import Assortment
from engine.domain.ids import IdTable
from engine.recommend.control.config import Control
from engine.recommend.control.goods import Goods, bands, head_of, likeness, margins
from engine.recommend.control.tastes import Tastes, category_mix, usual_band
from tests.builders import DAY_ZERO_MS, a_history, histories
from tests.controlling import NAN, some_goods


def an_assortment(category, price, cost) -> Assortment:
    return Assortment(
        category=np.asarray(category, dtype=np.int32),
        brand=np.full(len(category), -1, dtype=np.int32),
        kind=np.full(len(category), -1, dtype=np.int32),
        price=np.asarray(price, dtype=np.int64),
        cost=np.asarray(cost, dtype=np.int64),
        categories=IdTable(f"c{each}" for each in range(max(category) + 1)),
        brands=IdTable(()),
    )


def test_the_head_is_the_fewest_items_that_make_the_share_of_orders() -> None:
    orders = np.asarray([1, 50, 30, 9, 10], dtype=np.int64)

    assert head_of(orders, share=0.8).nonzero()[0].tolist() == [1, 2]
    assert head_of(orders, share=0.81).nonzero()[0].tolist() == [1, 2, 4]
    assert head_of(orders, share=1.0).all()
    assert not head_of(orders, share=0.0).any()


def test_nothing_is_the_head_of_what_nobody_ordered() -> None:
    assert not head_of(np.zeros(3, dtype=np.int64), share=0.8).any()
    assert head_of(np.zeros(0, dtype=np.int64), share=0.8).shape == (0,)


def test_a_band_is_the_share_of_the_category_that_is_cheaper() -> None:
    price = np.asarray([100, 500, 200, 200, -1, 900, 300], dtype=np.int64)
    category = np.asarray([0, 0, 0, 0, 0, 1, -1], dtype=np.int32)

    band = bands(price, category)

    # Of four, one is cheaper than the two that are equal, and of these each counts half.
    np.testing.assert_allclose(band, [0.125, 0.875, 0.5, 0.5, NAN, 0.5, 0.5])
    assert band.dtype == np.float32


def test_bands_of_goods_without_prices_are_unknown() -> None:
    unknown = bands(np.full(2, -1, dtype=np.int64), np.zeros(2, dtype=np.int32))

    assert np.isnan(unknown).all()


def test_an_unknown_margin_is_the_median_of_the_category_or_of_all() -> None:
    told = an_assortment(
        category=[0, 0, 0, 1, -1, 2, 2, 2],
        price=[100, 100, 100, 100, 100, 100, 100, 100],
        cost=[90, 70, -1, -1, -1, 50, 40, 10],
    )

    # Known margins: 10 and 30; 50, 60 and 90; of all of them the middle one is 50.
    assert margins(told).tolist() == [10, 30, 20, 50, 50, 50, 60, 90]


def test_margins_that_nobody_knows_are_all_the_same() -> None:
    assert margins(Assortment.unknown(3)).tolist() == [0, 0, 0]


def test_cold_items_have_few_orders_and_are_no_head() -> None:
    orders = np.asarray([5, 1, 3, 4, 0], dtype=np.int64)

    goods = Goods.of(Assortment.unknown(5), orders, control=Control(cold_orders=3, head_share=0.9))

    assert goods.head.tolist() == [True, False, True, True, False]
    assert goods.cold.tolist() == [False, True, False, False, True]


def test_similarity_outside_0_to_1_is_refused_with_a_remedy() -> None:
    weights = sparse.csr_matrix(np.asarray([[0, 7.5], [7.5, 0]], dtype=np.float32))

    with pytest.raises(ValueError, match="does not lie in 0 to 1; make it a cosine"):
        Goods.of(Assortment.unknown(2), np.ones(2, np.int64), control=Control(), similar=weights)


def test_likeness_is_relative_to_what_both_items_are_closest_to() -> None:
    closeness = sparse.csr_matrix(np.asarray([[9, 4, 1], [4, 0, 0], [1, 0, 0]], dtype=np.float32))

    alike = likeness(closeness)

    # 1 / sqrt(4 x 1) for the pair of items 0 and 2.
    np.testing.assert_allclose(alike.toarray(), [[0, 1, 0.5], [1, 0, 0], [0.5, 0, 0]])
    assert alike.dtype == np.float32


def test_likeness_of_a_neighbour_without_neighbours_goes_by_the_other_item() -> None:
    closeness = sparse.csr_matrix(np.asarray([[0, 4, 2], [4, 0, 0], [0, 0, 0]], np.float32))

    np.testing.assert_allclose(likeness(closeness).toarray()[0], [0, 1, 0.5])


def test_a_mix_counts_lines_of_known_categories() -> None:
    goods = some_goods([0, 0, 1, -1])
    told = histories(
        ["a", "b", "c", "d"],
        {
            "anna": a_history((0, ["a", "b"]), (1, ["a", "c", "d", "strange"])),
            "bert": a_history((0, ["d"])),
            "cleo": (),
        },
    )

    mix = category_mix(told, goods)

    assert mix.tolist() == [[0.75, 0.25], [0, 0], [0, 0]]
    assert mix.dtype == np.float32


def test_the_usual_band_is_the_mean_of_what_was_bought() -> None:
    goods = some_goods([0] * 3, band=[0.25, 0.75, NAN])
    told = histories(
        ["a", "b", "c"],
        {
            "anna": a_history((0, ["a", "b", "c"]), (1, ["b", "strange"]), (2, ["b"])),
            "bert": a_history((0, ["c"])),
        },
    )

    usual = usual_band(told, goods)

    np.testing.assert_array_equal(usual, np.asarray([0.625, NAN], dtype=np.float32))
    assert usual.dtype == np.float32


def test_tastes_are_worked_out_only_as_far_as_asked() -> None:
    goods = some_goods([0], band=[0.5])
    told = histories(["a"], {"anna": a_history((0, ["a"]))})

    nothing = Tastes.of(told, goods, control=Control(), now_ms=DAY_ZERO_MS)
    all_of_it = Tastes.of(
        told, goods, control=Control(calibration=0.1, price_affinity=0.1), now_ms=DAY_ZERO_MS
    )

    assert (nothing.customers, nothing.mix, nothing.band) == (("anna",), None, None)
    assert all_of_it.mix is not None
    assert all_of_it.band is not None
