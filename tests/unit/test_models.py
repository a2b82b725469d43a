"""The scorers' formulas, against hand calculations and the laws of their papers."""

from __future__ import annotations

import numpy as np
import pytest
from implicit.cpu.als import AlternatingLeastSquares
from scipy import sparse
from threadpoolctl import threadpool_limits

from engine.models.als import Als
from engine.models.frequency import PersonalFrequency
from engine.models.interactions import decayed, interactions
from engine.models.item_item import ItemItem
from engine.models.popularity import Popularity
from tests.builders import DAY_ZERO_MS, a_history, histories

DAY_MS = 86_400_000


def test_a_purchase_one_half_life_before_the_last_weighs_half() -> None:
    past = histories(["a", "b"], {"c": a_history((0, ["a"]), (30, ["b"]))})

    assert decayed(past, half_life_days=30).tolist() == [0.5, 1.0]


def test_weights_of_repeated_orders_add_up_and_units_do_not_count() -> None:
    past = histories(["a"], {"c": a_history((0, ["a"]), (30, ["a"]), (60, ["a"]))})

    weights = interactions(past, items=1, half_life_days=30)

    assert weights[0, 0] == pytest.approx(1 + 0.5 + 0.25)


def test_data_from_long_ago_weigh_like_data_from_today() -> None:
    recent = histories(["a"], {"c": a_history((0, ["a"]), (30, ["a"]))})
    ancient = histories(["a"], {"c": a_history((-9000, ["a"]), (-8970, ["a"]))})

    assert decayed(recent, half_life_days=1).tolist() == decayed(ancient, half_life_days=1).tolist()


def test_popularity_counts_orders_halved_by_age() -> None:
    past = histories(["a", "b"], {"c": a_history((0, ["a"]), (10, ["a", "b"]))})

    popularity = Popularity.fit(
        [past], items=2, until_ms=DAY_ZERO_MS + 10 * DAY_MS, half_life_days=10
    )

    assert popularity.score(past)[0].tolist() == [1.5, 1.0]


def test_frequency_cannot_say_anything_of_what_was_never_bought() -> None:
    past = histories(["a", "b"], {"c": a_history((0, ["a"]))})

    scores = PersonalFrequency(items=2, half_life_days=30).score(past)

    assert scores[0, 0] == 1.0
    assert np.isnan(scores[0, 1])


def test_folding_in_agrees_with_the_library_that_fitted_the_factors() -> None:
    confidence = sparse.random(40, 25, density=0.2, random_state=0, format="csr", dtype=np.float32)
    confidence.data = 1 + 10 * confidence.data
    with threadpool_limits(limits=1, user_api="blas"):
        library = AlternatingLeastSquares(factors=8, regularization=0.05, random_state=1)
        library.fit(confidence, show_progress=False)
        expected = library.recalculate_user(np.arange(40), confidence)
    own = Als(library.item_factors, alpha=10.0, regularization=0.05, half_life_days=90)

    factors = own.fold_in(confidence)

    np.testing.assert_allclose(factors, expected, rtol=2e-3, atol=2e-4)


@pytest.fixture
def als() -> Als:
    factors = np.random.default_rng(2).normal(size=(6, 4)).astype(np.float32)
    return Als(factors, alpha=3.0, regularization=0.1, half_life_days=60)


@pytest.fixture
def item_item() -> ItemItem:
    near = np.random.default_rng(3).uniform(size=(6, 6)).astype(np.float32)
    np.fill_diagonal(near, 0)
    return ItemItem(sparse.csr_matrix(near), half_life_days=60)


@pytest.mark.parametrize("name", ["als", "item_item"])
def test_what_the_bought_items_contribute_adds_up_to_the_score(
    name: str, request: pytest.FixtureRequest
) -> None:
    scorer = request.getfixturevalue(name)
    past = histories(list("abcdef"), {"c": a_history((0, ["a", "d"]), (20, ["d", "f"]))})
    items = np.arange(6)

    parts = scorer.contributions(past, items)

    assert parts.shape == (3, 6)
    np.testing.assert_allclose(parts.sum(axis=0), scorer.score(past)[0], rtol=1e-4)


def test_an_item_bought_lately_speaks_louder_for_its_neighbours() -> None:
    near = sparse.csr_matrix(np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0]], dtype=np.float32))
    past = histories(["a", "b", "c"], {"c": a_history((0, ["a"]), (60, ["b"]))})

    parts = ItemItem(near, half_life_days=60).contributions(past, np.array([2]))

    assert parts[:, 0].tolist() == [0.5, 1.0]
