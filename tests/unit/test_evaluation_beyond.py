"""What lists are like apart from being right, by hand and by their laws."""

from __future__ import annotations

from itertools import combinations
from math import isnan, log, log2, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import a_history, histories
from tests.contests import positions
from training.evaluation.alike import by_category, by_co_purchase, likeness
from training.evaluation.beyond import (
    SMOOTHING,
    coverage,
    diversity,
    exposure_gini,
    miscalibration,
    novelty,
    personalisation,
    properties_of,
    tastes_of,
)
from training.evaluation.metrics import padded

ITEMS = tuple("abcdef")
LISTS = st.lists(st.lists(st.integers(0, 5), max_size=4, unique=True), min_size=2, max_size=6)


def shown(*lists: list[int], limit: int = 4) -> np.ndarray:
    return padded([positions(*own) for own in lists], limit=limit)


def categories(*given: int) -> np.ndarray:
    return np.array(given, dtype=np.int32)


def test_coverage_is_the_share_of_the_catalogue_in_any_list() -> None:
    assert coverage(shown([0, 1], [1, 2]), items=12) == 3 / 12


def test_exposure_is_equal_when_every_item_is_shown_as_often_and_not_when_one_is_shown() -> None:
    assert exposure_gini(shown([0, 1], [2, 3]), items=4) == pytest.approx(0.0)
    assert exposure_gini(shown([2], [2]), items=4) == pytest.approx(1 - 1 / 4)


@given(LISTS)
def test_personalisation_is_the_mean_distance_of_all_pairs(lists: list[list[int]]) -> None:
    pairs = [1 - len({*one} & {*other}) / 4 for one, other in combinations(lists, 2)]

    assert personalisation(shown(*lists)) == pytest.approx(np.mean(pairs))


def test_one_list_alone_is_neither_personal_nor_the_same() -> None:
    assert isnan(personalisation(shown([1, 2])))


def test_novelty_is_the_mean_self_information_of_the_items() -> None:
    popularity = np.array([8, 4, 3, 0], dtype=np.float32)

    bits = novelty(shown([0, 1], [3], []), popularity)

    # The item that nobody ordered counts as ordered once: 16 orders in all.
    assert bits[:2] == pytest.approx([(log2(16 / 8) + log2(16 / 4)) / 2, log2(16 / 1)])
    assert isnan(bits[2])


def test_diversity_is_the_share_of_pairs_with_two_categories() -> None:
    alike = by_category(categories(0, 0, 1, -1))

    distances = diversity(shown([0, 1, 2], [0, 1, 3], [0, 3], [0]), alike)

    assert distances[:2] == pytest.approx([2 / 3, 0.0])
    assert np.isnan(distances[2:]).all()


def test_without_categories_diversity_looks_at_what_is_bought_together() -> None:
    past = histories(
        ITEMS, {"anna": a_history((0, ["a", "b"]), (1, ["a"])), "ben": a_history((0, ["a", "c"]))}
    )

    alike = likeness(past, categories(*[-1] * 6), shown=positions(0, 1, 2, 5))

    # a is in three orders, b and c in one each, together once; f is in none.
    found = alike(positions(0, 0, 1, 0), positions(1, 2, 2, 5))
    assert found == pytest.approx([1 / sqrt(3), 1 / sqrt(3), 0.0, 0.0])
    assert diversity(shown([0, 1, 2]), alike) == pytest.approx([1 - 2 / sqrt(3) / 3])


def test_two_customers_orders_of_the_same_day_are_two_orders() -> None:
    past = histories(ITEMS, {"anna": a_history((0, ["a"])), "ben": a_history((0, ["b"]))})

    alike = by_co_purchase(past, shown=positions(0, 1), items=6)

    assert alike(positions(0), positions(1)) == pytest.approx([0.0])


def test_miscalibration_is_the_divergence_of_the_categories_by_hand() -> None:
    past = histories(ITEMS, {"anna": a_history((0, ["a", "b"]), (1, ["a", "c"]))})
    category = categories(0, 0, 1, 1, 0, -1)

    divergence = miscalibration(shown([0, 2, 3, 5]), category, tastes_of(past, category))

    # Steck (2018): a past of 3/4 and 1/4 against a list of 1/3 and 2/3.
    mixed = [(1 - SMOOTHING) * q + SMOOTHING * p for p, q in ((3 / 4, 1 / 3), (1 / 4, 2 / 3))]
    expected = 3 / 4 * log(3 / 4 / mixed[0]) + 1 / 4 * log(1 / 4 / mixed[1])
    assert divergence == pytest.approx([expected])


def test_a_list_with_the_customers_own_mix_is_calibrated_and_one_without_any_of_it_is_not() -> None:
    past = histories(ITEMS, {who: a_history((0, ["a", "c"])) for who in ("anna", "ben")})
    category = categories(0, 0, 1, 1, 2, 2)

    divergence = miscalibration(shown([1, 3], [4, 5]), category, tastes_of(past, category))

    assert divergence == pytest.approx([0.0, log(1 / SMOOTHING)])


def test_whose_past_or_list_has_no_category_cannot_be_calibrated() -> None:
    past = histories(ITEMS, {"anna": a_history((0, ["a"])), "ben": a_history((0, ["f"]))})
    category = categories(0, 0, 1, 1, 2, -1)

    divergence = miscalibration(shown([5], [0]), category, tastes_of(past, category))

    assert np.isnan(divergence).all()


@given(LISTS)
def test_all_properties_keep_their_bounds(lists: list[list[int]]) -> None:
    past = histories(ITEMS, {f"c{n}": a_history((0, ["a", "d"])) for n in range(len(lists))})
    category = categories(0, 0, 1, 1, 2, -1)

    found = properties_of(
        shown(*lists),
        popularity=np.ones(6, dtype=np.float32),
        category=category,
        alike=by_category(category),
        tastes=tastes_of(past, category),
    )

    for name in ("coverage", "diversity", "gini", "personalisation", "filled"):
        assert isnan(found[name]) or -1e-12 <= found[name] <= 1 + 1e-12
    assert isnan(found["calibration"]) or 0 <= found["calibration"] <= log(1 / SMOOTHING) + 1e-9


def test_empty_lists_of_a_shop_without_categories_are_no_error() -> None:
    past = histories(ITEMS, {"anna": a_history((0, ["a"]))})
    category = categories(*[-1] * 6)

    found = properties_of(
        shown([]),
        popularity=np.zeros(6, dtype=np.float32),
        category=category,
        alike=likeness(past, category, shown=positions()),
        tastes=tastes_of(past, category),
    )

    assert (found["coverage"], found["filled"]) == (0.0, 0.0)
    assert isnan(found["novelty"]) and isnan(found["diversity"]) and isnan(found["calibration"])
