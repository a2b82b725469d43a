"""A model version as a whole: what it holds, and what of it survives arrays and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import lightgbm
import msgspec
import numpy as np
import pytest
from implicit.cpu.als import AlternatingLeastSquares
from scipy import sparse
from threadpoolctl import threadpool_limits

from engine.domain.arrays import AnyArray
from engine.domain.assortment import UNKNOWN_MONEY, Assortment
from engine.domain.catalog import Item
from engine.domain.ids import IdTable
from engine.errors import ModelUnavailable
from engine.loyalty.cuts import Cuts
from engine.models.als import Als
from engine.models.goals import Goal
from engine.models.item_statistics import ItemStatistics
from engine.models.model import SCORERS, Model, Ranking, restore
from engine.models.popularity import Popularity
from engine.models.ranker import Ranker
from tests.builders import a_history, a_model, histories
from training.fitting.item_statistics import fit_item_statistics
from training.history import Purchases

MANY = 3_000
FRUIT = {
    "apple": Item("apple", category="fruit", brand="Orchard", price=120, cost=70),
    "dates": Item("dates", category="fruit", price=0),
    "eggs": Item("eggs", category="dairy", brand="Farm"),
    "soap": Item("soap", category="household"),
}


@pytest.fixture(scope="module")
def ranker() -> Ranker:
    """Trees that put rows with a larger first feature higher."""
    rng = np.random.default_rng(1)
    features = rng.normal(size=(400, 2)).astype(np.float32)
    data = lightgbm.Dataset(
        features,
        (features[:, 0] > 0).astype(np.float32),
        group=np.full(20, 20),
        params={"verbosity": -1},
    )
    params = {"objective": "lambdarank", "verbosity": -1, "num_leaves": 7, "seed": 1}
    trees = lightgbm.train(params, data, num_boost_round=10)
    return Ranker(trees.model_to_string(num_iteration=-1), names=("price", "é unknown"))


@pytest.fixture
def model(ranker: Ranker) -> Model:
    """A model with everything that one may hold."""
    plain = a_model()
    past = histories(plain.items, {"anna": a_history((0, ["apple"]), (9, ["apple", "eggs"]))})
    bought = Purchases(past, histories(plain.items, {}), plain.items, plain.until_ms)
    assortment = Assortment.of(plain.items, FRUIT)
    statistics = fit_item_statistics(bought, assortment, horizon_days=14)
    return replace(
        plain,
        blends={**plain.blends, Goal.NEW: {"als": 1.0}},
        assortment=assortment,
        ranking=Ranking(statistics, 14.0, {Goal.ANY: ranker}),
        cuts=msgspec.structs.replace(Cuts.untrained(), version="v1"),
    )


def read_back(model: Model) -> Model:
    """The model after its numbers went through JSON, as a store writes them."""
    params = msgspec.json.decode(msgspec.json.encode(model.params()))
    return restore(model.version, model.arrays(), params)


def equal(one: Mapping[str, AnyArray], other: Mapping[str, AnyArray]) -> None:
    assert one.keys() == other.keys()
    for name, array in one.items():
        assert array.dtype == other[name].dtype, name
        np.testing.assert_array_equal(array, other[name])


def test_everything_of_a_model_survives_its_arrays_and_params(model: Model) -> None:
    restored = read_back(model)

    equal(restored.arrays(), model.arrays())
    assert restored.params() == model.params()
    assert restored.items.ids == model.items.ids
    assert restored.blends == model.blends
    assert restored.cuts == model.cuts
    assert restored.assortment.categories.ids == ("dairy", "fruit")


def test_restored_trees_give_every_row_the_same_score(model: Model, ranker: Ranker) -> None:
    restored = read_back(model).ranker(Goal.ANY)
    features = np.random.default_rng(2).normal(size=(MANY, 2)).astype(np.float32)
    features[::7, 1] = np.nan

    assert restored is not None
    assert restored.names == ("price", "é unknown")
    np.testing.assert_array_equal(restored.rank(features), ranker.rank(features))


def test_a_row_ranks_the_same_alone_and_among_thousands(ranker: Ranker) -> None:
    features = np.random.default_rng(3).normal(size=(MANY, 2)).astype(np.float32)

    together = ranker.rank(features)

    assert together.dtype == np.float32
    assert [ranker.rank(features[row : row + 1])[0] for row in range(50)] == together[:50].tolist()
    assert ranker.rank(features[:0]).shape == (0,)


def test_trees_rank_by_what_they_were_shown(ranker: Ranker) -> None:
    low, high = ranker.rank(np.array([[-1, 0], [1, 0]], dtype=np.float32))

    assert high > low


def test_a_goal_without_trees_or_blend_of_its_own_is_served_as_any(model: Model) -> None:
    assert model.ranker(Goal.ANY) is not None
    assert model.ranker(Goal.NEW) is None
    assert replace(model, ranking=None).ranker(Goal.ANY) is None
    assert model.weights(Goal.NEW) == {"als": 1.0}
    assert model.weights(Goal.BASKET) == model.blends[Goal.ANY]


def test_an_array_of_double_precision_is_refused_by_name() -> None:
    twice = Popularity(np.ones(5), half_life_days=30.0)  # type: ignore[arg-type]
    model = replace(a_model(), scorers={"popularity": twice})

    with pytest.raises(TypeError, match=r"popularity\.weights is float64"):
        model.arrays()


@pytest.mark.parametrize(
    "breakage",
    [
        lambda arrays, params: arrays.pop("popularity.weights"),
        lambda arrays, params: arrays.pop("items.offsets"),
        lambda arrays, params: arrays.pop("assortment.category"),
        lambda arrays, params: params.pop("blends"),
        lambda arrays, params: params["blends"].update(elsewhere={}),
        lambda arrays, params: params["scorers"].update(strange={}),
        lambda arrays, params: params["scorers"]["popularity"].update(more=1),
    ],
)
def test_what_does_not_fit_together_is_no_model(breakage, model: Model) -> None:
    arrays, params = model.arrays(), model.params()
    breakage(arrays, params)

    with pytest.raises(ModelUnavailable, match="v1 cannot be read"):
        restore("v1", arrays, params)


def test_every_scorer_goes_by_its_own_name() -> None:
    assert {name: kind.name for name, kind in SCORERS.items()} == {name: name for name in SCORERS}
    assert len(SCORERS) == 8


def test_an_assortment_knows_what_the_catalogue_says_and_marks_the_rest() -> None:
    items = IdTable(["apple", "bread", "dates", "eggs"])

    known = Assortment.of(items, FRUIT)

    # Soap, which the table lacks, brings no category; bread is in the table only.
    assert known.categories.ids == ("dairy", "fruit")
    assert known.brands.ids == ("Farm", "Orchard")
    assert known.category.tolist() == [1, -1, 1, 0]
    assert known.brand.tolist() == [1, -1, -1, 0]
    assert known.price.tolist() == [120, UNKNOWN_MONEY, 0, UNKNOWN_MONEY]
    assert known.cost.tolist() == [70, UNKNOWN_MONEY, UNKNOWN_MONEY, UNKNOWN_MONEY]


def test_an_assortment_survives_its_arrays() -> None:
    names = IdTable(["é", "日本", "plain"])
    told = {"é": Item("é", category="Käse", brand="ブランド", price=3), "plain": Item("plain")}

    for known in (Assortment.of(names, told), Assortment.unknown(3), Assortment.unknown(0)):
        restored = Assortment.restore(known.arrays())

        equal(restored.arrays(), known.arrays())
        assert restored.categories.ids == known.categories.ids
        assert restored.brands.ids == known.brands.ids
        assert len(restored) == len(known)


def test_a_table_of_ids_survives_its_arrays() -> None:
    names = IdTable(["é", "b/ c", "", "日本"])

    text, offsets = names.to_arrays()

    assert IdTable.from_arrays(text, offsets).ids == names.ids


def test_item_statistics_survive_their_arrays(model: Model) -> None:
    assert model.ranking is not None
    known = model.ranking.statistics

    restored = ItemStatistics.restore(known.arrays(), known.half_lives)

    equal(restored.arrays(), known.arrays())
    assert restored.half_lives == known.half_lives


def test_folding_in_agrees_with_the_library_that_fitted_the_factors() -> None:
    confidence = sparse.random(40, 25, density=0.2, random_state=0, format="csr", dtype=np.float32)
    confidence.data = 1 + 10 * confidence.data
    with threadpool_limits(limits=1, user_api="blas"):
        library = AlternatingLeastSquares(factors=8, regularization=0.05, random_state=1)
        library.fit(confidence, show_progress=False)
        expected = library.recalculate_user(np.arange(40), confidence)
    own = Als.of(library.item_factors, alpha=10.0, regularization=0.05, half_life_days=90)

    factors = own.fold_in(confidence)

    np.testing.assert_allclose(factors, expected, rtol=2e-3, atol=2e-4)
