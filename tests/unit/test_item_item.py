"""Neighbours of items: their formulas by hand, and what a linear model owes a customer."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from engine.domain.histories import Histories, NetLine
from engine.domain.ids import IdTable
from engine.models.account import Accountable
from engine.models.item_item import Ease, ItemItem
from engine.models.query import Query
from engine.models.scorer import Scorer
from tests.builders import DAY_ZERO_MS, a_history, a_log, a_shop, histories
from training.fitting.ease import EaseConfig
from training.fitting.item_item import ItemItemConfig, fit_item_item
from training.history import Purchases, purchases_before

NOW_MS = DAY_ZERO_MS
BM25 = ItemItemConfig(weighting="bm25")
COSINE = ItemItemConfig(weighting="cosine", shrinkage=0)


def an_item_item(near: list[list[float]], power: float = 1.0) -> ItemItem:
    return ItemItem(sparse.csr_matrix(np.float32(near)), half_life_days=60, power=power)


def a_random_one(items: int, *, seed: int) -> Ease:
    near = sparse.random(items, items, density=0.3, random_state=seed, format="csr")
    near.data -= 0.5
    return Ease(near.astype(np.float32), half_life_days=30, power=0.5)


def random_histories(customers: int, *, items: int, seed: int) -> Histories:
    rng = np.random.default_rng(seed)
    names = [str(each) for each in range(items)]
    orders = [
        [
            (float(day), list(rng.choice(names, size=3, replace=False)))
            for day in range(rng.integers(5))
        ]
        for _ in range(customers)
    ]
    return histories(names, {str(row): a_history(*own) for row, own in enumerate(orders)})


def purchases_of(
    table: list[str],
    customers: dict[str, tuple[NetLine, ...]],
    guests: dict[str, tuple[NetLine, ...]] | None = None,
) -> Purchases:
    return Purchases(
        histories(table, customers), histories(table, guests or {}), IdTable(table), NOW_MS
    )


def test_a_score_is_the_sum_of_weight_times_nearness_over_the_bought_items() -> None:
    model = an_item_item([[0, 0, 2, 0], [0, 0, 1, -3], [0, 0, 0, 0], [0, 0, 0, 0]])
    past = histories(["a", "b", "c", "d"], {"x": a_history((0, ["a"]), (60, ["b"]))})

    scores = model.score(Query(past, NOW_MS)).dense()

    # a was bought one half-life before b; nothing is near to a or b themselves.
    np.testing.assert_array_equal(scores, np.float32([[np.nan, np.nan, 0.5 * 2 + 1, -3]]))


def test_with_a_power_of_a_half_four_orders_count_twice() -> None:
    model = an_item_item([[0, 1], [0, 0]], power=0.5)
    four = a_history(*[(60.0, ["a"])] * 4)

    scores = model.score(Query(histories(["a", "b"], {"x": four}), NOW_MS)).dense()

    assert scores[0, 1] == 2.0


def added_by(model: ItemItem, query: Query, items: np.ndarray) -> np.ndarray:
    """What each bought item adds to the scores of the items."""
    said = model.score(query).dense()[0, items]
    return model.account(query, items, said).added(items)


def test_an_item_bought_lately_speaks_louder_for_its_neighbours() -> None:
    past = histories(["a", "b", "c"], {"c": a_history((0, ["a"]), (60, ["b"]))})
    model = an_item_item([[0, 0, 1], [0, 0, 1], [0, 0, 0]])

    parts = added_by(model, Query(past, NOW_MS), np.array([2]))

    assert parts[:, 0].tolist() == [0.5, 1.0]


@pytest.mark.parametrize("seed", range(3))
def test_what_the_bought_items_contribute_adds_up_to_the_score(seed: int) -> None:
    model = a_random_one(6, seed=seed)
    past = histories(list("abcdef"), {"c": a_history((0, ["a", "d"]), (20, ["d", "f"]))})

    parts = added_by(model, Query(past, NOW_MS), np.arange(6))

    scores = model.score(Query(past, NOW_MS)).dense()[0]
    assert parts.shape == (3, 6)
    np.testing.assert_allclose(parts.sum(axis=0), np.nan_to_num(scores), rtol=1e-5, atol=1e-6)


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), row=st.integers(0, 11))
def test_a_customer_alone_scores_to_the_bit_as_among_others(seed: int, row: int) -> None:
    model = a_random_one(40, seed=seed)
    past = random_histories(12, items=40, seed=seed)

    together = model.score(Query(past, NOW_MS))
    alone = model.score(Query(past.take([row]), NOW_MS))

    np.testing.assert_array_equal(alone.dense()[0], together.dense()[row])


def test_the_best_items_are_those_with_the_highest_scores() -> None:
    model = a_random_one(40, seed=1)
    past = random_histories(12, items=40, seed=1)

    chosen = model.score(Query(past, NOW_MS)).best(5)

    dense = np.nan_to_num(model.score(Query(past, NOW_MS)).dense(), nan=-np.inf)
    assert len(chosen) > 0
    for row in range(12):
        own = chosen.item[chosen.indptr[row] : chosen.indptr[row + 1]]
        expected = [
            each
            for each in np.argsort(-dense[row], kind="stable")[:5]
            if dense[row, each] > -np.inf
        ]
        assert own.tolist() == sorted(expected)


def test_items_the_model_does_not_know_change_nothing() -> None:
    model = an_item_item([[0, 1], [1, 0]])
    known = histories(["a", "b"], {"x": a_history((0, ["a"]), (9, ["b"]))})
    mixed = histories(["a", "b"], {"x": a_history((0, ["a", "new"]), (9, ["b", "other"]))})

    plain = model.score(Query(known, NOW_MS)).dense()

    np.testing.assert_array_equal(model.score(Query(mixed, NOW_MS)).dense(), plain)


def test_nothing_is_said_to_a_customer_without_history() -> None:
    nobody = histories(["a", "b"], {"x": (), "y": ()})

    scores = an_item_item([[0, 1], [1, 0]]).score(Query(nobody, NOW_MS))

    assert scores.shape == (2, 2)
    assert np.isnan(scores.dense()).all()


def test_scoring_leaves_the_query_and_the_model_as_they_were() -> None:
    model = a_random_one(40, seed=2)
    past = random_histories(5, items=40, seed=2)
    given_before = {key: np.copy(value) for key, value in vars(past).items()}
    model_before = {key: np.copy(value) for key, value in model.arrays().items()}

    model.score(Query(past, NOW_MS)).best(3)

    for key, value in vars(past).items():
        np.testing.assert_array_equal(value, given_before[key])
    for key, value in model.arrays().items():
        np.testing.assert_array_equal(value, model_before[key])


@pytest.mark.parametrize("kind", [ItemItem, Ease])
def test_restored_from_mapped_files_it_scores_the_same(
    kind: type[ItemItem], tmp_path: Path
) -> None:
    model = kind(a_random_one(40, seed=3).similarity, half_life_days=9.0, power=0.7)
    past = random_histories(5, items=40, seed=3)
    for name, array in model.arrays().items():
        np.save(tmp_path / f"{name}.npy", array)

    mapped = {name: np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in model.arrays()}
    restored = kind.restore(mapped, msgspec.json.decode(msgspec.json.encode(model.params())))

    np.testing.assert_array_equal(
        restored.score(Query(past, NOW_MS)).dense(), model.score(Query(past, NOW_MS)).dense()
    )
    assert np.dtype(np.float64) not in {array.dtype for array in model.arrays().values()}


def test_both_names_are_scorers_that_explain() -> None:
    models: list[Scorer] = [a_random_one(5, seed=1), an_item_item([[0, 1], [1, 0]])]

    assert [model.name for model in models] == ["ease", "item_item"]
    assert all(isinstance(model, Accountable) for model in models)


def test_the_nearest_of_an_item_are_the_entries_of_its_row() -> None:
    model = an_item_item([[0, 0.5, 0, -0.25], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])

    positions, scores = model.nearest(0)

    assert positions.tolist() == [1, 3]
    assert scores.tolist() == [0.5, -0.25]
    np.testing.assert_array_equal(model.neighbours(0), np.float32([np.nan, 0.5, np.nan, -0.25]))
    assert np.isnan(model.neighbours(1)).all()


def test_the_cosine_of_two_items_is_that_of_rows_of_length_one() -> None:
    shop = purchases_of(["a", "b"], {"x": a_history((0, ["a", "b"])), "y": a_history((0, ["a"]))})

    model = fit_item_item(shop, config=COSINE)

    # Columns (1/sqrt 2, 1) and (1/sqrt 2, 0): 1/2 over the root of 3/2 x 1/2.
    assert model.neighbours(0)[1] == pytest.approx(1 / np.sqrt(3))
    assert model.neighbours(1)[0] == pytest.approx(1 / np.sqrt(3))


def test_shrinkage_gives_each_column_as_many_average_purchases_more() -> None:
    shop = purchases_of(["a", "b"], {"x": a_history((0, ["a", "b"])), "y": a_history((0, ["a"]))})

    model = fit_item_item(shop, config=msgspec.structs.replace(COSINE, shrinkage=3))

    # Three purchases hold two rows of length one: 3 x 2/3 is added to either column.
    assert model.neighbours(0)[1] == pytest.approx(0.5 / np.sqrt(3.5 * 2.5))


def test_two_items_in_a_small_basket_are_more_alike_than_two_in_one_of_everything() -> None:
    shop = purchases_of(
        list("abcdefg"),
        {"x": a_history((0, ["a", "b"])), "y": a_history((0, ["c", "d", "e", "f", "g"]))},
    )

    model = fit_item_item(shop, config=msgspec.structs.replace(COSINE, shrinkage=1))

    assert model.neighbours(0)[1] > model.neighbours(2)[3]


def test_bm25_multiplies_saturated_counts_with_the_rarity_of_the_customers_choice() -> None:
    shop = purchases_of(
        ["a", "b", "c", "d"],
        {"x": a_history((0, ["a", "b"]), (1, ["a"])), "y": a_history((0, ["c"]))},
    )

    model = fit_item_item(shop, config=msgspec.structs.replace(BM25, k1=1.0, b=0.5))

    # Orders of a, b, c, d: 2, 1, 1, 0, so 1 on average; x chose 2 items of 4: ln 4 - ln 3.
    rarity = np.log(4 / 3)
    a = 2 * 2 / (1 * (0.5 + 0.5 * 2) + 2) * rarity
    b = 1 * 2 / (1 * (0.5 + 0.5 * 1) + 1) * rarity
    assert model.neighbours(0)[1] == pytest.approx(a * b)
    assert np.isnan(model.neighbours(2)).all()


@pytest.mark.parametrize("config", [COSINE, BM25])
def test_the_orders_of_guests_count(config: ItemItemConfig) -> None:
    table = ["a", "b", "c", "d", "e"]
    known = {"x": a_history((0, ["c"]))}
    alone = purchases_of(table, known)
    with_guests = purchases_of(table, known, {"1": a_history((0, ["a", "b"]))})

    near, nearer = (fit_item_item(shop, config=config) for shop in (alone, with_guests))

    assert np.isnan(near.neighbours(0)[1])
    assert nearer.neighbours(0)[1] > 0


@pytest.fixture(scope="module")
def shop() -> Purchases:
    return purchases_before(a_log(a_shop()), cut_ms=2**62)


@pytest.mark.parametrize("config", [ItemItemConfig(neighbours=4), BM25])
def test_no_item_is_near_to_itself_and_none_keeps_more_than_it_may(
    config: ItemItemConfig, shop: Purchases
) -> None:
    near = fit_item_item(shop, config=config).similarity

    assert near.dtype == np.float32
    assert near.nnz > 0
    assert not near.diagonal().any()
    assert np.diff(near.indptr).max() <= config.neighbours


def test_fewer_neighbours_are_the_nearest_of_more(shop: Purchases) -> None:
    many = fit_item_item(shop, config=ItemItemConfig(neighbours=20))

    few = fit_item_item(shop, config=ItemItemConfig(neighbours=4))

    for item in range(len(shop.items)):
        nearest = np.sort(many.nearest(item)[1])[::-1][:4]
        np.testing.assert_array_equal(np.sort(few.nearest(item)[1])[::-1], nearest)


@pytest.mark.parametrize("config", [COSINE, BM25])
def test_renaming_items_renames_their_neighbours(config: ItemItemConfig, shop: Purchases) -> None:
    backwards = Purchases(
        mirrored(shop.customers, len(shop.items)),
        mirrored(shop.guests, len(shop.items)),
        IdTable(reversed(shop.items.ids)),
        shop.until_ms,
    )

    plain, mirror = (fit_item_item(each, config=config) for each in (shop, backwards))

    np.testing.assert_allclose(
        mirror.similarity.toarray()[::-1, ::-1], plain.similarity.toarray(), rtol=1e-5, atol=1e-7
    )


def test_equal_purchases_fit_equal_arrays(shop: Purchases) -> None:
    first, second = (fit_item_item(shop, config=ItemItemConfig()).arrays() for _ in range(2))

    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])


@pytest.mark.parametrize("config", [COSINE, BM25])
@pytest.mark.parametrize("table", [[], ["a"], ["a", "b"]])
def test_where_nobody_bought_two_things_nothing_is_near(
    config: ItemItemConfig, table: list[str]
) -> None:
    shop = purchases_of(table, {"x": a_history((0, table[:1])) if table else ()})

    model = fit_item_item(shop, config=config)

    assert model.similarity.shape == (len(table), len(table))
    assert model.similarity.nnz == 0


@pytest.mark.parametrize("kind", [ItemItemConfig, EaseConfig])
def test_every_number_of_a_config_has_bounds_and_its_default_keeps_them(
    kind: type[ItemItemConfig] | type[EaseConfig],
) -> None:
    numbers = {
        key: value
        for key, value in msgspec.structs.asdict(kind()).items()
        if not isinstance(value, str)
    }

    assert set(kind.BOUNDS) == set(numbers)
    for key, (low, high) in kind.BOUNDS.items():
        assert low <= numbers[key] <= high


def mirrored(past: Histories, items: int) -> Histories:
    return Histories(**{**vars(past), "item": (items - 1 - past.item).astype(np.int32)})
