"""Weights by ridge regression: against closed forms, and what is left of them above the limit."""

from __future__ import annotations

import tracemalloc

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse

from engine.domain.histories import NetLine
from engine.domain.ids import IdTable
from engine.errors import SettingsError
from engine.models.item_item import Ease
from engine.models.query import Query
from tests.builders import DAY_ZERO_MS, a_history, a_log, a_shop, histories
from training.fitting.ease import EaseConfig, dense_gigabytes, dense_weights, fit_ease
from training.fitting.sparse_inverse import Neighbourhood, sparse_weights
from training.history import Purchases, purchases_before

EVERY_ITEM = 1_000
CONFIG = EaseConfig(regularization=1, minimum_buyers=1)
SPARSE = msgspec.structs.replace(CONFIG, memory_gb=0)


def purchases_of(
    table: list[str],
    baskets: list[list[str]],
    guests: list[list[str]] | None = None,
) -> Purchases:
    """Customers of one order each, and orders of guests."""
    return Purchases(
        histories(table, _one_order_each(baskets)),
        histories(table, _one_order_each(guests or [])),
        IdTable(table),
        DAY_ZERO_MS,
    )


def _one_order_each(baskets: list[list[str]]) -> dict[str, tuple[NetLine, ...]]:
    return {str(row): a_history((0, basket)) for row, basket in enumerate(baskets)}


def random_baskets(rows: int, items: int, *, seed: int, density: float = 0.2) -> sparse.csr_matrix:
    """Rows x items of ones, some items together more often than others."""
    rng = np.random.default_rng(seed)
    likes = rng.random((rows, 3)) @ rng.random((3, items))
    bought = rng.random((rows, items)) < density * likes / likes.mean()
    return sparse.csr_matrix(bought.astype(np.float32))


def closed_form(bought: sparse.csr_matrix, regularization: float) -> np.ndarray:
    """Steck (2019): B = P / -diag(P), its diagonal zero; in float64."""
    dense = bought.toarray().astype(np.float64)
    inverse = np.linalg.inv(dense.T @ dense + regularization * np.eye(dense.shape[1]))
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights


def test_three_items_weigh_as_worked_out_by_hand() -> None:
    shop = purchases_of(["a", "b", "c"], [["a", "b"], ["b", "c"]])

    weights = fit_ease(shop, config=CONFIG).similarity.toarray()

    # X'X + 1 is [[2 1 0] [1 3 1] [0 1 2]], its inverse [[5 -2 1] [-2 4 -2] [1 -2 5]] / 8.
    expected = [[0, 2 / 4, -1 / 5], [2 / 5, 0, 2 / 5], [-1 / 5, 2 / 4, 0]]
    np.testing.assert_allclose(weights, expected, rtol=1e-6)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    items=st.integers(1, 30),
    regularization=st.floats(0.5, 500),
)
def test_dense_weights_are_those_of_the_closed_form(
    seed: int, items: int, regularization: float
) -> None:
    bought = random_baskets(80, items, seed=seed)

    weights = dense_weights(bought, regularization=regularization, most=EVERY_ITEM)

    assert weights.dtype == np.float32
    np.testing.assert_allclose(
        weights.toarray(), closed_form(bought, regularization), rtol=1e-3, atol=1e-5
    )


def test_blocks_of_items_are_put_together_in_their_places() -> None:
    # More items than a block holds, and not a multiple of it.
    bought = random_baskets(300, 600, seed=4, density=0.03)

    weights = dense_weights(bought, regularization=50, most=EVERY_ITEM)

    np.testing.assert_allclose(weights.toarray(), closed_form(bought, 50), rtol=1e-3, atol=1e-5)


def test_the_largest_weights_of_a_row_are_kept_also_negative_ones() -> None:
    bought = random_baskets(80, 20, seed=3)

    kept = dense_weights(bought, regularization=5, most=6)

    whole = closed_form(bought, 5)
    assert (np.diff(kept.indptr) == 6).all()
    assert (kept.data < 0).any()
    for row in range(20):
        largest = np.sort(np.argsort(-np.abs(whole[row]))[:6])
        np.testing.assert_array_equal(
            kept.indices[kept.indptr[row] : kept.indptr[row + 1]], largest
        )


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    items=st.integers(2, 90),
    regularization=st.floats(0.5, 500),
)
def test_regressed_on_every_other_item_the_sparse_weights_are_the_dense_ones(
    seed: int, items: int, regularization: float
) -> None:
    bought = random_baskets(80, items, seed=seed, density=0.5)
    # Items never bought together are not among each other's predictors.
    assume(((bought.T @ bought).toarray() > 0).all())
    everything = Neighbourhood(predictors=items, pairs=items)

    weights = sparse_weights(bought, regularization=regularization, within=everything)

    expected = closed_form(bought, regularization)
    np.testing.assert_allclose(weights.toarray(), expected, rtol=2e-3, atol=2e-5)


def test_each_item_is_regressed_on_the_items_most_like_it_alone() -> None:
    bought = random_baskets(200, 12, seed=5, density=0.4)
    dense = bought.toarray().astype(np.float64)
    gram = dense.T @ dense
    lengths = np.sqrt(np.diag(gram))
    alike = gram / np.outer(lengths, lengths)
    np.fill_diagonal(alike, -1)

    weights = sparse_weights(bought, regularization=7, within=Neighbourhood(4, 12)).toarray()

    for item in range(12):
        near = np.sort(np.argsort(-alike[item])[:4])
        ridge = gram[np.ix_(near, near)] + 7 * np.eye(4)
        expected = np.zeros(12)
        expected[near] = np.linalg.solve(ridge, gram[near, item])
        np.testing.assert_allclose(weights[:, item], expected, rtol=1e-4, atol=1e-6)


def test_of_few_kept_pairs_the_weights_are_about_those_of_all() -> None:
    bought = random_baskets(500, 60, seed=6, density=0.3)

    few = sparse_weights(bought, regularization=50, within=Neighbourhood(20, 20)).toarray()
    all_pairs = sparse_weights(bought, regularization=50, within=Neighbourhood(20, 60)).toarray()

    # With the pairs left out taken for none, the weights would be many times too large.
    assert np.abs(few - all_pairs).mean() < 0.1 * np.abs(all_pairs).mean()
    assert 0.9 < few.sum() / all_pairs.sum() < 1.1


@pytest.mark.parametrize("config", [CONFIG, SPARSE])
def test_the_items_of_a_guests_order_belong_together(config: EaseConfig) -> None:
    alone = purchases_of(["a", "b", "c"], [["a", "c"]])
    with_guests = purchases_of(["a", "b", "c"], [["a", "c"]], guests=[["a", "b"]])

    before, after = (fit_ease(shop, config=config) for shop in (alone, with_guests))

    assert np.isnan(before.neighbours(0)[1])
    assert after.neighbours(0)[1] > 0


@pytest.mark.parametrize("config", [CONFIG, SPARSE])
def test_who_bought_an_item_is_fitted_and_not_how_often(config: EaseConfig) -> None:
    table = ["a", "b"]
    once = histories(table, {"x": a_history((0, ["a", "b"])), "y": a_history((0, ["a"]))})
    often = histories(
        table, {"x": a_history((0, ["a", "b"]), (5, ["a"])), "y": a_history(*[(0, ["a"])] * 3)}
    )
    nobody = histories(table, {})

    first, second = (
        fit_ease(Purchases(each, nobody, IdTable(table), DAY_ZERO_MS), config=config)
        for each in (once, often)
    )

    np.testing.assert_array_equal(first.similarity.toarray(), second.similarity.toarray())


@pytest.mark.parametrize("config", [CONFIG, SPARSE])
def test_items_bought_by_too_few_have_no_weights(config: EaseConfig) -> None:
    shop = purchases_of(["a", "b", "c"], [["a", "b", "c"], ["a", "c"], ["a", "c"]])

    model = fit_ease(shop, config=msgspec.structs.replace(config, minimum_buyers=2))

    weights = model.similarity.toarray()
    assert not weights[1].any()
    assert not weights[:, 1].any()
    assert weights[0, 2] > 0
    assert weights[2, 0] > 0


def test_what_is_not_bought_with_others_says_nothing_and_a_rival_less_than_nothing() -> None:
    shop = purchases_of(["a", "b", "c", "d"], [["a", "b"], ["b", "c"], ["d"]])
    past = histories(["a", "b", "c", "d"], {"x": a_history((0, ["a"]))})

    scores = fit_ease(shop, config=CONFIG).score(Query(past, DAY_ZERO_MS)).dense()

    np.testing.assert_allclose(scores, [[np.nan, 0.5, -0.2, np.nan]], rtol=1e-6)


def test_the_estimate_is_the_matrix_itself_and_blocks_of_it() -> None:
    matrix = 4 * 20_000**2 / 10**9

    assert matrix < dense_gigabytes(20_000) < 1.3 * matrix


def test_the_dense_solution_needs_no_more_memory_than_estimated() -> None:
    bought = random_baskets(300, 2_000, seed=7, density=0.02)

    tracemalloc.start()
    dense_weights(bought, regularization=50, most=20)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < dense_gigabytes(2_000) * 10**9


def test_above_the_limit_the_dense_matrix_is_never_made() -> None:
    items = 2_000
    table = [f"{each:04}" for each in range(items)]
    rng = np.random.default_rng(8)
    baskets = [[table[item] for item in rng.choice(items, size=4)] for _ in range(2_000)]
    shop = purchases_of(table, baskets)
    config = msgspec.structs.replace(CONFIG, memory_gb=0.9 * dense_gigabytes(items))

    tracemalloc.start()
    limited = fit_ease(shop, config=config)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert limited.similarity.nnz > 0
    assert peak < 4 * items**2


@pytest.fixture(scope="module")
def shop() -> Purchases:
    return purchases_before(a_log(a_shop()), cut_ms=2**62)


@pytest.mark.parametrize("config", [CONFIG, SPARSE])
def test_no_item_weighs_for_itself_and_none_keeps_more_than_it_may(
    config: EaseConfig, shop: Purchases
) -> None:
    model = fit_ease(shop, config=msgspec.structs.replace(config, neighbours=5))

    weights = model.similarity
    assert model.name == Ease.name == "ease"
    assert weights.dtype == np.float32
    assert not weights.diagonal().any()
    assert 0 < np.diff(weights.indptr).max() <= 5


@pytest.mark.parametrize("config", [CONFIG, SPARSE])
def test_renaming_items_renames_their_weights(config: EaseConfig, shop: Purchases) -> None:
    last = len(shop.items) - 1
    own, guests = (
        type(each)(**{**vars(each), "item": (last - each.item).astype(np.int32)})
        for each in (shop.customers, shop.guests)
    )
    backwards = Purchases(own, guests, IdTable(reversed(shop.items.ids)), shop.until_ms)

    plain, mirror = (fit_ease(each, config=config) for each in (shop, backwards))

    np.testing.assert_allclose(
        mirror.similarity.toarray()[::-1, ::-1], plain.similarity.toarray(), rtol=1e-3, atol=1e-5
    )


@pytest.mark.parametrize("config", [CONFIG, SPARSE])
def test_equal_purchases_fit_equal_arrays(config: EaseConfig, shop: Purchases) -> None:
    first, second = (fit_ease(shop, config=config).arrays() for _ in range(2))

    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])


@pytest.mark.parametrize("config", [CONFIG, SPARSE])
def test_fitting_leaves_the_purchases_as_they_were(config: EaseConfig, shop: Purchases) -> None:
    before = {key: np.copy(value) for key, value in vars(shop.customers).items()}

    fit_ease(shop, config=config)

    for key, value in vars(shop.customers).items():
        np.testing.assert_array_equal(value, before[key])


@pytest.mark.parametrize("config", [CONFIG, SPARSE, EaseConfig()])
@pytest.mark.parametrize("baskets", [[], [["a"]], [["a"], ["b"]]])
def test_where_nothing_is_bought_together_no_item_weighs_for_another(
    config: EaseConfig, baskets: list[list[str]]
) -> None:
    model = fit_ease(purchases_of(["a", "b"], baskets), config=config)

    assert model.similarity.shape == (2, 2)
    assert model.similarity.nnz == 0


def test_a_regularization_too_small_is_named() -> None:
    twins = purchases_of(["a", "b"], [["a", "b"]] * 3)

    with pytest.raises(SettingsError, match=r"ease\.regularization 0 is too small.*raise it"):
        fit_ease(twins, config=msgspec.structs.replace(CONFIG, regularization=0))
