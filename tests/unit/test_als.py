from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from engine.domain.arrays import FloatArray
from engine.domain.histories import DAY_MS, Histories
from engine.domain.ids import IdTable
from engine.models.als import Als, confidences
from engine.models.query import Query
from tests.builders import DAY_ZERO_MS, a_history, a_log, a_shop, histories
from training.fitting.als import AlsConfig, Warm, fit_als, noise_level, realigned
from training.history import Purchases, purchases_before

NOW_MS = DAY_ZERO_MS + 400 * DAY_MS
ITEMS = ("apple", "bread", "cheese", "dates", "eggs")
SMALL = AlsConfig(factors=8, regularization=0.3)


def an_als(factors: FloatArray, *, alpha: float = 4.0, regularization: float = 0.5) -> Als:
    return Als.of(factors, alpha=alpha, regularization=regularization, half_life_days=30.0)


def drawn(seed: int, *shape: int) -> FloatArray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def query(own: Histories, baskets: Histories | None = None) -> Query:
    return Query(own, NOW_MS, baskets)


def rows_of_confidence(lengths: list[int], *, items: int, seed: int) -> sparse.csr_matrix:
    """A customer for each length, with as many items at random confidences."""
    rng = np.random.default_rng(seed)
    chosen = [np.sort(rng.choice(items, size=length, replace=False)) for length in lengths]
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    certain = (1 + 9 * rng.random(bounds[-1])).astype(np.float32)
    return sparse.csr_matrix(
        (certain, np.concatenate(chosen).astype(np.int32), bounds), shape=(len(lengths), items)
    )


@pytest.fixture(scope="module")
def purchases() -> Purchases:
    return purchases_before(a_log(a_shop()), cut_ms=2**62)


def test_confidence_is_one_and_alpha_times_the_decayed_orders() -> None:
    own = histories(ITEMS, {"x": a_history((0, ["apple", "bread"]), (30, ["apple"]))})

    certain = confidences(own, items=5, alpha=4.0, half_life_days=30.0)

    # Apple: an order now and one a half-life ago, 1.5; bread: one a half-life ago.
    np.testing.assert_allclose(certain.toarray(), [[1 + 4 * 1.5, 1 + 4 * 0.5, 0, 0, 0]])
    assert certain.dtype == np.float32


def test_a_single_factor_folds_in_as_by_hand() -> None:
    # Equation 4 of Hu, Koren & Volinsky (2008) with one factor: c y / (sum y^2 + (c - 1) y^2 + l).
    als = an_als(np.array([[2.0], [1.0]], dtype=np.float32))
    certain = sparse.csr_matrix(np.array([[5.0, 0.0], [5.0, 3.0]], dtype=np.float32))

    own = als.fold_in(certain)

    alone = 5 * 2 / (4 + 1 + (5 - 1) * 4 + 0.5)
    both = (5 * 2 + 3 * 1) / (4 + 1 + (5 - 1) * 4 + (3 - 1) * 1 + 0.5)
    np.testing.assert_allclose(own, [[alone], [both]], rtol=1e-6)


@pytest.mark.parametrize("length", [1, 7, 8, 9, 12, 13, 100, 700])
def test_the_fold_in_solves_equation_4(length: int) -> None:
    factors = drawn(1, 900, 16)
    certain = rows_of_confidence([length], items=900, seed=length)

    own = an_als(factors).fold_in(certain)[0]

    y, c = factors.astype(np.float64), certain.toarray()[0].astype(np.float64)
    weighed = y.T @ (np.where(c > 0, c, 1)[:, None] * y) + 0.5 * np.eye(16)
    np.testing.assert_allclose(own, np.linalg.solve(weighed, y.T @ c), rtol=1e-3, atol=1e-5)


@given(lengths=st.lists(st.integers(0, 80), min_size=1, max_size=40), seed=st.integers(0, 99))
def test_folded_in_alone_or_in_a_block_the_factors_are_the_same(
    lengths: list[int], seed: int
) -> None:
    als = an_als(drawn(2, 80, 5))
    certain = rows_of_confidence(lengths, items=80, seed=seed)

    block = als.fold_in(certain)

    for row in range(len(lengths)):
        np.testing.assert_array_equal(als.fold_in(certain[row])[0], block[row])


def test_long_histories_fold_in_the_same_alone_and_in_a_block() -> None:
    als = an_als(drawn(3, 3_000, 64))
    certain = rows_of_confidence([*range(1, 60), 383, 384, 385, 769, 1_600], items=3_000, seed=4)

    block = als.fold_in(certain)

    for row in range(block.shape[0]):
        np.testing.assert_array_equal(als.fold_in(certain[row])[0], block[row])


def test_without_history_nothing_is_said() -> None:
    als = an_als(drawn(1, 5, 3))
    own = histories(ITEMS, {"new": (), "old": a_history((0, ["apple"]))})

    scores = als.score(query(own))

    assert np.isnan(scores.dense()[0]).all()
    assert np.isfinite(scores.dense()[1]).all()
    assert scores.best(5).indptr.tolist() == [0, 0, 5]


def added_by(model: Als, query: Query, items: np.ndarray) -> np.ndarray:
    """What each bought item adds to the scores of the items."""
    said = model.score(query).dense()[0, items]
    return model.account(query, items, said).added(items)


def test_what_was_bought_adds_up_to_the_score() -> None:
    als = an_als(drawn(1, 5, 3))
    own = query(histories(ITEMS, {"x": a_history((0, ["apple", "dates"]), (9, ["eggs"]))}))

    parts = added_by(als, own, np.arange(5))

    assert parts.shape == (3, 5)
    np.testing.assert_allclose(parts.sum(axis=0), als.score(own).dense()[0], rtol=1e-4, atol=1e-6)


def test_nothing_bought_contributes_nothing() -> None:
    own = query(histories(ITEMS, {"x": ()}))

    parts = added_by(an_als(drawn(1, 5, 3)), own, np.arange(2))

    assert parts.shape == (0, 2)


def test_restored_it_scores_the_same_to_the_bit(purchases: Purchases) -> None:
    als = fit_als(purchases, config=SMALL, seed=1)

    restored = Als.restore(als.arrays(), als.params())

    asked = query(purchases.customers)
    np.testing.assert_array_equal(restored.score(asked).dense(), als.score(asked).dense())
    assert {array.dtype.name for array in als.arrays().values()} == {"float32", "int32"}


def test_items_in_another_order_score_the_same() -> None:
    factors, order = drawn(1, 5, 3), np.array([3, 0, 4, 2, 1])
    shuffled = tuple(ITEMS[item] for item in order)
    bought = {"x": a_history((0, ["apple", "dates"]), (9, ["eggs"]))}

    scores = an_als(factors).score(query(histories(ITEMS, bought))).dense()
    others = an_als(factors[order]).score(query(histories(shuffled, bought))).dense()

    np.testing.assert_allclose(others, scores[:, order], rtol=1e-4)


def test_chance_has_the_singular_value_of_its_rows_and_columns() -> None:
    # Four customers with two items each, at confidence 3, of eight: 8 entries, squares 72.
    certain = sparse.csr_matrix(np.kron(np.eye(4), [[3.0, 3.0]]).astype(np.float32))

    assert noise_level(certain) == pytest.approx(np.sqrt(72 / 4) + np.sqrt(72 / 8))
    assert noise_level(sparse.csr_matrix((3, 4), dtype=np.float32)) == 1.0


def test_equal_purchases_and_seed_fit_equal_factors(purchases: Purchases) -> None:
    first, second = (fit_als(purchases, config=SMALL, seed=5) for _ in range(2))

    for name, array in first.arrays().items():
        np.testing.assert_array_equal(array, second.arrays()[name])


def test_a_taste_is_found(purchases: Purchases) -> None:
    als = fit_als(purchases, config=SMALL, seed=1)

    best = als.score(query(purchases.customers)).best(10)

    # Customers of the shop buy within their own ten items alone.
    tastes = np.array([int(name[1:]) % 3 for name in purchases.customers.customers])
    assert (best.item // 10 == tastes[best.row()]).mean() > 0.95


def test_no_purchases_fit_a_model_that_says_nothing() -> None:
    nothing = purchases_before(a_log([]), cut_ms=2**62)

    als = fit_als(nothing, config=SMALL, seed=1)

    assert als.score(query(histories((), {"x": ()}))).dense().shape == (1, 0)


def test_factors_follow_their_items_to_a_new_table() -> None:
    before = Warm(np.array([[1, 2], [3, 4], [5, 6]], np.float32), IdTable(["a", "b", "c"]))

    factors = realigned(before, IdTable(["c", "new", "a"]), seed=1)

    assert factors.dtype == np.float32
    np.testing.assert_array_equal(factors[[0, 2]], [[5, 6], [1, 2]])
    assert (np.abs(factors[1]) <= 0.01).all()
    assert factors[1].any()


def test_a_model_of_another_rank_starts_nothing(purchases: Purchases) -> None:
    other = Warm(drawn(1, len(purchases.items), 3), purchases.items)

    warm = fit_als(purchases, config=SMALL, seed=5, previous=other)

    cold = fit_als(purchases, config=SMALL, seed=5)
    np.testing.assert_array_equal(warm.items.factors, cold.items.factors)


def test_a_day_later_a_third_of_the_sweeps_does() -> None:
    events = a_shop(customers=150, days=120)
    yesterday = purchases_before(a_log(events), cut_ms=DAY_ZERO_MS + 60 * DAY_MS)
    today = purchases_before(a_log(events), cut_ms=DAY_ZERO_MS + 61 * DAY_MS)
    before = Warm.of(fit_als(yesterday, config=SMALL, seed=1), yesterday.items)

    warm = loss(fit_als(today, config=SMALL, seed=2, previous=before), today)

    assert SMALL.warm_iterations * 3 == SMALL.iterations
    assert warm <= 1.001 * loss(fit_als(today, config=SMALL, seed=2), today)


def test_customers_and_items_who_came_since_are_fitted_too() -> None:
    events = a_shop(customers=150, days=60)
    yesterday = purchases_before(a_log(events[:40]), cut_ms=2**62)
    today = purchases_before(a_log(events), cut_ms=2**62)
    before = Warm.of(fit_als(yesterday, config=SMALL, seed=1), yesterday.items)

    warm = fit_als(today, config=SMALL, seed=2, previous=before)

    assert len(yesterday.customers) < len(today.customers)
    assert len(warm.items) == len(today.items)
    assert warm.items.known == len(today.items)


def loss(als: Als, purchases: Purchases) -> float:
    """Equation 3 of Hu, Koren & Volinsky (2008), customers at their best for the item factors."""
    certain = als.confidence(purchases.customers)
    own, factors = als.fold_in(certain).astype(np.float64), als.items.by_item().astype(np.float64)
    c, bought = certain.toarray(), certain.toarray() > 0
    errors = np.where(bought, c, 1) * (bought - own @ factors.T) ** 2
    penalty = als.params()["regularization"] * ((own**2).sum() + (factors**2).sum())
    return float(errors.sum() + penalty)
