from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.arrays import BoolArray, FloatArray
from engine.models.factor_scores import FactorScores
from engine.models.item_factors import ItemFactors
from engine.models.pairs import Pairs

CUSTOMERS, ITEMS, RANK = 300, 5_000, 64


def drawn(seed: int, *shape: int) -> FloatArray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def uneven(seed: int, items: int, rank: int) -> FloatArray:
    """Factors as of a real catalogue: a few items are long, most are short."""
    return drawn(seed, items, rank) / np.arange(1, items + 1, dtype=np.float32)[:, None]


def scores_of(own: FloatArray, factors: FloatArray) -> FactorScores:
    return FactorScores(own, ItemFactors.from_items(factors))


def sorted_out(
    scores: FloatArray, most: int, allowed: BoolArray | None, without: Pairs | None
) -> list[list[int]]:
    """The best items of each customer by sorting everything."""
    scores = scores.copy()
    if allowed is not None:
        scores[:, ~allowed] = np.nan
    if without is not None:
        scores[without.row(), without.item] = np.nan
    best = np.argsort(-scores, axis=1, kind="stable")
    return [
        sorted(item for item in row[:most].tolist() if not np.isnan(own[item]))
        for row, own in zip(best, scores, strict=True)
    ]


def lists(pairs: Pairs) -> list[list[int]]:
    return [part.tolist() for part in np.split(pairs.item, pairs.indptr[1:-1])]


def some_pairs(seed: int, count: int, *, customers: int, items: int) -> Pairs:
    rng = np.random.default_rng(seed)
    row, item = rng.integers(customers, size=count), rng.integers(items, size=count)
    return Pairs.of(row, item, customers=customers)


@given(
    seed=st.integers(0, 2**32 - 1),
    customers=st.integers(1, 70),
    items=st.integers(1, 300),
    rank=st.integers(1, 9),
    most=st.integers(1, 40),
    share=st.sampled_from([None, 0.05, 0.5, 1.0]),
    barred=st.integers(0, 400),
)
def test_the_best_are_those_that_sorting_everything_finds(  # noqa: PLR0917 one law
    seed: int,
    customers: int,
    items: int,
    rank: int,
    most: int,
    share: float | None,
    barred: int,
) -> None:
    rng = np.random.default_rng(seed)
    # Small whole numbers tie all the time, and make customers and items without factors.
    own = rng.integers(-1, 2, (customers, rank)).astype(np.float32)
    factors = rng.integers(-1, 2, (items, rank)).astype(np.float32)
    scores = scores_of(own, factors)
    allowed = None if share is None else rng.random(items) < share
    without = some_pairs(seed, barred, customers=customers, items=items)

    best = scores.best(most, allowed=allowed, without=without)

    assert lists(best) == sorted_out(scores.dense(), most, allowed, without)


@pytest.mark.parametrize("most", [1, 10, 200, 4_000, ITEMS + 1])
@pytest.mark.parametrize("kind", [drawn, uneven])
def test_a_block_over_a_catalogue_is_exact(kind, most: int) -> None:
    own, factors = drawn(1, 40, RANK), kind(2, ITEMS, RANK)
    scores = scores_of(own, factors)
    without = some_pairs(3, 2_000, customers=40, items=ITEMS)
    allowed = np.random.default_rng(4).random(ITEMS) < 0.9

    best = scores.best(most, allowed=allowed, without=without)

    assert lists(best) == sorted_out(scores.dense(), most, allowed, without)


def test_scores_that_differ_by_less_than_rounding_are_told_apart_as_they_are_given() -> None:
    # Thousands of items within some last bits of one another, where the order of a sum decides.
    own = drawn(1, 50, RANK)
    factors = np.repeat(drawn(2, 50, RANK), 100, axis=0) * (1 + 1e-7 * drawn(3, ITEMS, RANK))
    scores = scores_of(own, factors.astype(np.float32))

    best = scores.best(30)

    assert lists(best) == sorted_out(scores.dense(), 30, None, None)


def test_equal_items_are_taken_in_the_order_of_their_positions() -> None:
    scores = scores_of(drawn(1, 3, RANK) ** 2, np.repeat(drawn(2, 1, RANK) ** 2, 500, axis=0))

    best = scores.best(4)

    assert lists(best) == [[0, 1, 2, 3]] * 3


@pytest.mark.parametrize("kind", [drawn, uneven])
def test_a_customer_alone_has_the_scores_and_the_best_of_the_block(kind) -> None:
    own, factors = drawn(1, CUSTOMERS, RANK), kind(2, ITEMS, RANK)
    block = scores_of(own, factors)
    asked = some_pairs(5, 9_000, customers=CUSTOMERS, items=ITEMS)

    best, scores = lists(block.best(60)), np.split(block.at(asked), asked.indptr[1:-1])

    for row in range(0, CUSTOMERS, 7):
        alone = FactorScores(own[row : row + 1], ItemFactors.from_items(factors))
        mine = Pairs.of(
            np.zeros(len(lists(asked)[row]), np.int64), np.array(lists(asked)[row]), customers=1
        )
        assert lists(alone.best(60)) == [best[row]]
        np.testing.assert_array_equal(alone.at(mine), scores[row])


def test_a_score_is_the_dot_product() -> None:
    own, factors = drawn(1, 5, RANK), drawn(2, 40, RANK)

    scores = scores_of(own, factors).dense()

    assert scores.dtype == np.float32
    exact = own.astype(np.float64) @ factors.astype(np.float64).T
    np.testing.assert_allclose(scores, exact, rtol=1e-4, atol=1e-5)


def test_scores_of_pairs_are_those_of_the_whole() -> None:
    scores = scores_of(drawn(1, 30, 7), drawn(2, 400, 7))
    pairs = some_pairs(3, 9_000, customers=30, items=400)

    asked = scores.at(pairs)

    np.testing.assert_array_equal(asked, scores.dense()[pairs.row(), pairs.item])


@pytest.mark.parametrize("rank", [1, 2, 3, 8, 31, 64, 200])
def test_a_pair_alone_scores_as_among_others(rank: int) -> None:
    scores = scores_of(drawn(1, 30, rank), drawn(2, 400, rank))
    pairs = some_pairs(3, 300, customers=30, items=400)

    together = scores.at(pairs)

    for position in range(len(pairs)):
        alone = scores.at(pairs.where(np.arange(len(pairs)) == position))
        np.testing.assert_array_equal(alone, together[position : position + 1])


def test_factors_next_to_nothing_are_searched_as_any() -> None:
    # Products underflow on the way, all of them or some.
    own, factors = drawn(1, 20, 6) * np.float32(1e-20), drawn(2, 3_000, 6) * np.float32(1e-19)
    scores = scores_of(own, factors)

    best = scores.best(15)

    assert lists(best) == sorted_out(scores.dense(), 15, None, None)


def test_who_and_what_has_no_factors_has_no_score() -> None:
    own, factors = drawn(1, 3, 4), drawn(2, 5, 4)
    own[1], factors[3] = 0, 0

    scores = scores_of(own, factors)

    missing = np.isnan(scores.dense())
    assert missing[1].all()
    assert missing[:, 3].all()
    assert missing.sum() == 5 + 2
    assert lists(scores.best(5)) == [[0, 1, 2, 4], [], [0, 1, 2, 4]]


@pytest.mark.parametrize(
    ("own", "factors", "most"),
    [((0, 4), (5, 4), 3), ((3, 4), (0, 4), 3), ((3, 4), (5, 4), 0)],
)
def test_nobody_nothing_and_no_item_asked_for_are_no_errors(own, factors, most) -> None:
    scores = scores_of(drawn(1, *own), drawn(2, *factors))

    best = scores.best(most)

    assert best.customers == own[0]
    assert len(best) == 0


def test_nothing_allowed_leaves_nothing() -> None:
    scores = scores_of(drawn(1, 3, 4), drawn(2, 5, 4))

    best = scores.best(2, allowed=np.zeros(5, dtype=np.bool_))

    assert lists(best) == [[], [], []]


def test_asking_leaves_the_factors_as_they_were() -> None:
    own, factors = drawn(1, 40, 8), drawn(2, 900, 8)
    before = own.copy(), factors.copy()
    scores = scores_of(own, factors)

    scores.best(10, without=some_pairs(3, 50, customers=40, items=900))
    scores.dense()

    np.testing.assert_array_equal(own, before[0])
    np.testing.assert_array_equal(factors, before[1])


def test_item_factors_stand_by_falling_norm_and_are_found_by_item() -> None:
    factors = np.array([[1, 0], [0, 3], [0, 0], [2, 2], [-3, 0]], dtype=np.float32)

    table = ItemFactors.from_items(factors)

    assert table.item.tolist() == [1, 4, 3, 0, 2]
    assert table.known == 4
    np.testing.assert_array_equal(table.by_item(), factors)
    np.testing.assert_array_equal(table.of(np.array([3, 1])), factors[[3, 1]])


def test_item_factors_survive_their_arrays() -> None:
    table = ItemFactors.from_items(drawn(1, 20, 3))

    restored = ItemFactors.restore(table.arrays())

    np.testing.assert_array_equal(restored.by_item(), table.by_item())
    np.testing.assert_array_equal(restored.falling, table.falling)
