"""What every scorer owes, whichever it is, fitted as training fits it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from engine.domain.arrays import BoolArray, FloatArray
from engine.domain.assortment import Assortment
from engine.domain.catalog import Item
from engine.domain.events import Event
from engine.domain.histories import DAY_MS, Histories, NetLine, histories_of
from engine.domain.ids import IdTable
from engine.models.als import Als
from engine.models.goals import Goal
from engine.models.model import SCORERS, Model
from engine.models.pairs import Pairs
from engine.models.popularity import Popularity
from engine.models.query import Query
from engine.models.scorer import Scorer
from engine.models.sessions import Sessions
from engine.store.model_store import ModelStore
from tests.builders import DAY_ZERO_MS, a_history, a_log, a_shop, histories
from training.config import TrainConfig
from training.fit import fit
from training.fitting.als import AlsConfig, Warm
from training.history import Purchases, purchases_before

CONFIG = TrainConfig(als=AlsConfig(factors=8, iterations=5))
END_MS = DAY_ZERO_MS + 120 * DAY_MS
NOW_MS = END_MS + 3 * DAY_MS
BOUGHT = tuple(f"item-{number:02d}" for number in range(30))
SAME = {item_id: item_id for item_id in BOUGHT}
# The other way round, so that every tie by position falls the other way.
RENAMED = {item_id: f"x-{99 - number:02d}" for number, item_id in enumerate(BOUGHT)}


@dataclass(frozen=True)
class Shop:
    """A shop's purchases, the scorers fitted on them, and what to ask of these."""

    purchases: Purchases
    scorers: Mapping[str, Scorer]
    query: Query


def fitted(events: list[Event], names: Mapping[str, str], warm: Warm | None = None) -> Shop:
    purchases = purchases_before(a_log(events), cut_ms=END_MS)
    told = {
        names[item_id]: Item(names[item_id], category=f"aisle {int(item_id[-2:]) // 10}")
        for item_id in BOUGHT
    }
    scorers = fit(purchases, told, config=CONFIG, horizon_days=7, warm=warm).scorers
    baskets = baskets_of(purchases.customers, purchases.items, names)
    return Shop(purchases, scorers, Query(purchases.customers, NOW_MS, baskets))


def baskets_of(customers: Histories, items: IdTable, names: Mapping[str, str]) -> Histories:
    """Three items in the hands of each customer, in an order that names have no part in."""
    rng = np.random.default_rng(4)
    held = {
        customer: [
            NetLine("basket", NOW_MS, names[BOUGHT[number]], 1.0, 0)
            for number in rng.choice(30, size=3, replace=False)
        ]
        for customer in customers.customers
    }
    return histories_of(held.items(), items=items)


@pytest.fixture(scope="module")
def shop() -> Shop:
    return fitted(a_shop(), SAME)


@pytest.fixture(params=sorted(SCORERS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def scorer(name: str, shop: Shop) -> Scorer:
    return shop.scorers[name]


def dense(scorer: Scorer, query: Query) -> FloatArray:
    return scorer.score(query).dense()


def alone(query: Query, row: int) -> Query:
    baskets = None if query.baskets is None else query.baskets.take([row])
    return Query(query.histories.take([row]), query.now_ms, baskets)


def bytes_of(histories: Histories) -> dict[str, bytes]:
    return {
        key: value.tobytes() for key, value in vars(histories).items() if hasattr(value, "tobytes")
    }


def sorted_naively(
    scores: FloatArray, most: int, allowed: BoolArray, without: set[tuple[int, int]]
) -> list[list[int]]:
    """The best of every row, by sorting all that may be chosen."""
    return [
        sorted(
            sorted(
                (
                    item
                    for item in range(len(row))
                    if allowed[item] and not np.isnan(row[item]) and (number, item) not in without
                ),
                key=lambda item: (-row[item], item),
            )[:most]
        )
        for number, row in enumerate(scores)
    ]


def test_training_fits_every_scorer_there_is(shop: Shop) -> None:
    assert set(shop.scorers) == set(SCORERS)


def test_scores_have_the_shape_of_customers_by_items_and_are_finite_or_nan(
    scorer: Scorer, shop: Shop
) -> None:
    scores = scorer.score(shop.query)
    found = scores.dense()

    assert scores.shape == found.shape == (len(shop.query), len(shop.purchases.items))
    assert found.dtype == np.float32
    assert (np.isfinite(found) | np.isnan(found)).all()
    # Everyone has a past and a basket: each scorer has something to say, and not one thing only.
    assert np.isfinite(found).any(axis=1).all()
    assert len(np.unique(found[np.isfinite(found)])) > 5


def test_the_same_question_gets_the_same_answer(scorer: Scorer, shop: Shop) -> None:
    first, second = dense(scorer, shop.query), dense(scorer, shop.query)

    assert first.tobytes() == second.tobytes()


def test_scoring_leaves_the_query_and_the_model_as_they_were(scorer: Scorer, shop: Shop) -> None:
    baskets = shop.query.baskets
    assert baskets is not None
    before = bytes_of(shop.query.histories), bytes_of(baskets)
    own = {key: array.tobytes() for key, array in scorer.arrays().items()}

    scores = scorer.score(shop.query)
    scores.best(5, without=Pairs.of(np.arange(3), np.arange(3), customers=len(shop.query)))
    scores.dense()

    assert (bytes_of(shop.query.histories), bytes_of(baskets)) == before
    assert {key: array.tobytes() for key, array in scorer.arrays().items()} == own


@pytest.mark.parametrize("row", [0, 5, 59])
def test_one_customer_alone_scores_to_the_bit_as_among_others(
    scorer: Scorer, shop: Shop, row: int
) -> None:
    together, own = scorer.score(shop.query), scorer.score(alone(shop.query, row))

    assert own.dense()[0].tobytes() == together.dense()[row].tobytes()
    best = together.best(7)
    assert own.best(7).item.tolist() == best.item[best.indptr[row] : best.indptr[row + 1]].tolist()


def test_the_score_of_a_pair_is_that_of_the_whole(scorer: Scorer, shop: Shop) -> None:
    rng = np.random.default_rng(6)
    count, items = len(shop.query), len(shop.purchases.items)
    pairs = Pairs.of(rng.integers(count, size=300), rng.integers(items, size=300), customers=count)

    scores = scorer.score(shop.query)

    np.testing.assert_array_equal(scores.at(pairs), scores.dense()[pairs.row(), pairs.item])


@pytest.mark.parametrize("most", [1, 4, 100])
def test_the_best_are_those_that_sorting_everything_finds(
    scorer: Scorer, shop: Shop, most: int
) -> None:
    rng = np.random.default_rng(8)
    count, items = len(shop.query), len(shop.purchases.items)
    allowed = rng.random(items) < 0.7
    row, item = np.nonzero(rng.random((count, items)) < 0.2)
    without = Pairs.of(row, item, customers=count)
    scores = scorer.score(shop.query)

    whole, some = scores.best(most), scores.best(most, allowed=allowed, without=without)

    everything = sorted_naively(scores.dense(), most, np.ones(items, np.bool_), set())
    taken = set(zip(row.tolist(), item.tolist(), strict=True))
    rest = sorted_naively(scores.dense(), most, allowed, taken)
    for found, expected in ((whole, everything), (some, rest)):
        assert [own.tolist() for own in np.split(found.item, found.indptr[1:-1])] == expected


def test_items_the_model_does_not_know_change_nothing(scorer: Scorer, shop: Shop) -> None:
    items = shop.purchases.items

    def asked(*more: str) -> Query:
        past = a_history((0, ["item-01", *more]), (9, ["item-02", *more]))
        basket = a_history((20, ["item-03", *more]))
        return Query(histories(items, {"x": past}), NOW_MS, histories(items, {"x": basket}))

    plain, mixed = dense(scorer, asked()), dense(scorer, asked("never-seen", "nor-this"))

    assert plain.tobytes() == mixed.tobytes()


@pytest.mark.parametrize("past", [(), a_history((0, ["never-seen"]))], ids=["empty", "unknown"])
def test_of_a_customer_without_a_known_purchase_only_popularity_speaks(
    scorer: Scorer, shop: Shop, past: tuple[NetLine, ...]
) -> None:
    items = shop.purchases.items
    nobody = histories(items, {"new": past})

    for query in (Query(nobody, NOW_MS), Query(nobody, NOW_MS, nobody)):
        found = scorer.score(query)

        personal = scorer.name != Popularity.name
        assert found.shape == (1, len(items))
        assert np.isnan(found.dense()).all() == personal
        assert len(found.best(9)) == (0 if personal else 9)


def test_nobody_asked_about_is_no_error(scorer: Scorer, shop: Shop) -> None:
    nobody = histories(shop.purchases.items, {})

    found = scorer.score(Query(nobody, NOW_MS, nobody))

    assert found.dense().shape == (0, len(shop.purchases.items))
    assert len(found.best(3)) == 0


def test_without_baskets_only_the_scorer_of_baskets_is_silent(scorer: Scorer, shop: Shop) -> None:
    found = dense(scorer, Query(shop.query.histories, NOW_MS))

    assert np.isnan(found).all() == (scorer.name == Sessions.name)


def test_saved_and_restored_it_scores_the_same(scorer: Scorer, shop: Shop) -> None:
    params = msgspec.json.decode(msgspec.json.encode(scorer.params()))

    restored = type(scorer).restore(scorer.arrays(), params)

    assert dense(restored, shop.query).tobytes() == dense(scorer, shop.query).tobytes()
    assert restored.params() == scorer.params()


def test_mapped_from_a_store_all_of_them_score_the_same(shop: Shop, tmp_path) -> None:
    store = ModelStore(tmp_path / "models")
    items = shop.purchases.items
    model = Model(
        version="v1",
        until_ms=END_MS,
        items=items,
        scorers=shop.scorers,
        blends={Goal.ANY: {"popularity": 1.0}},
        assortment=Assortment.unknown(len(items)),
    )

    store.save(model, created_at="2026-01-01T00:00:00+00:00", training={})
    loaded = store.load("v1")

    assert loaded.scorers.keys() == shop.scorers.keys()
    for name, scorer in shop.scorers.items():
        found = dense(loaded.scorers[name], shop.query)
        assert found.tobytes() == dense(scorer, shop.query).tobytes(), name


def test_the_arrays_hold_no_float64_and_no_objects(scorer: Scorer) -> None:
    kinds = {array.dtype for array in scorer.arrays().values()}

    assert np.dtype(np.float64) not in kinds
    assert not any(kind.hasobject for kind in kinds)


@pytest.mark.parametrize("threads", [1, 2])
def test_equal_data_and_seed_fit_equal_arrays(shop: Shop, threads: int) -> None:
    """Whatever else in the process has set the threads of linear algebra to, which rounds by it."""
    with threadpool_limits(limits=threads, user_api="blas"):
        again = fitted(a_shop(), SAME)

    for name, scorer in shop.scorers.items():
        own, other = scorer.arrays(), again.scorers[name].arrays()
        assert own.keys() == other.keys()
        assert {key: own[key].tobytes() for key in own} == {
            key: other[key].tobytes() for key in own
        }, name


@pytest.fixture(scope="module")
def renamed(shop: Shop) -> tuple[Shop, Shop]:
    """The shop, and the same with its items under other names and so in another order.

    Factors begin at random by position; both begin where the shop's own ended, name by name.
    """
    als = shop.scorers[Als.name]
    assert isinstance(als, Als)
    warm = Warm.of(als, shop.purchases.items)
    other = replace(warm, items=IdTable(RENAMED[each] for each in warm.items.ids))
    return (
        fitted(a_shop(), SAME, warm),
        fitted([_renamed(event) for event in a_shop()], RENAMED, other),
    )


def test_renaming_items_renames_the_answer(name: str, renamed: tuple[Shop, Shop]) -> None:
    plain, other = renamed
    order = [other.purchases.items.index(RENAMED[each]) for each in plain.purchases.items.ids]

    scores = dense(plain.scorers[name], plain.query)
    others = dense(other.scorers[name], other.query)[:, order]

    # The same sums in another order.
    np.testing.assert_allclose(scores, others, rtol=1e-4, atol=1e-6)


def _renamed(event: Event) -> Event:
    lines = tuple(
        type(line)(RENAMED[line.item_id], line.quantity, line.unit_price) for line in event.lines
    )
    return msgspec.structs.replace(event, lines=lines)
