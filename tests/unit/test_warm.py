"""When a training starts its factors at the live model's, and why it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace as with_values

from engine.domain.assortment import Assortment
from engine.domain.histories import DAY_MS
from engine.domain.ids import IdTable
from engine.models.als import Als
from engine.models.goals import Goal
from engine.models.model import Model
from engine.models.popularity import Popularity
from engine.store.model_store import ModelStore
from tests.builders import DAY_ZERO_MS, a_log, a_shop
from training.config import TrainConfig
from training.fitting.als import AlsConfig, fit_als
from training.history import Purchases, purchases_before
from training.warm import Start, changed, start_of, told

CONFIG = TrainConfig(als=AlsConfig(factors=4, iterations=3, warm_iterations=1))


@pytest.fixture(scope="module")
def purchases() -> Purchases:
    log = a_log(a_shop(customers=20, days=30))
    return purchases_before(log, cut_ms=DAY_ZERO_MS + 20 * DAY_MS)


@pytest.fixture(scope="module")
def als(purchases: Purchases) -> Als:
    return fit_als(purchases, config=CONFIG.als, seed=CONFIG.seed)


def a_store(
    folder: Path,
    als: Als | None,
    purchases: Purchases,
    *,
    items: IdTable | None = None,
    runs: int = 0,
) -> ModelStore:
    """A store whose live model `v1` has the factors, made by CONFIG."""
    count = len(purchases.items if items is None else items)
    popularity = Popularity(np.ones(count, np.float32), half_life_days=30.0)
    scorers = {"popularity": popularity} | ({} if als is None else {"als": als})
    model = Model(
        version="v1",
        until_ms=purchases.until_ms,
        items=purchases.items if items is None else items,
        scorers=scorers,
        blends={Goal.ANY: {"popularity": 1.0}},
        assortment=Assortment.unknown(count),
    )
    store = ModelStore(folder)
    note = {"config": msgspec.to_builtins(CONFIG), "factors": Start(runs=runs).note()}
    store.save(model, created_at="2026-06-01T00:00:00+00:00", training=note)
    store.publish("v1")
    return store


def test_it_starts_at_the_live_models_factors(
    tmp_path: Path, als: Als, purchases: Purchases
) -> None:
    store = a_store(tmp_path, als, purchases, runs=2)

    start = start_of(store, purchases, config=CONFIG)

    assert (start.version, start.runs, start.why) == ("v1", 3, None)
    assert start.warm is not None
    assert start.warm.items.ids == purchases.items.ids
    np.testing.assert_array_equal(start.warm.factors, als.items.by_item())
    assert told(start.note()) == "warm from v1, training 3 in a row"


def test_without_a_live_model_it_starts_cold(tmp_path: Path, purchases: Purchases) -> None:
    start = start_of(ModelStore(tmp_path), purchases, config=CONFIG)

    assert start == Start(why="no model is live")
    assert told(start.note()) == "cold: no model is live"


def other_als(config: TrainConfig) -> TrainConfig:
    return with_values(config, als=with_values(config.als, alpha=9.0))


def other_seed(config: TrainConfig) -> TrainConfig:
    return with_values(config, seed=7)


def asked_for_cold(config: TrainConfig) -> TrainConfig:
    return with_values(config, warm=with_values(config.warm, runs=0))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (other_als, "another configuration"),
        (other_seed, "another configuration"),
        (asked_for_cold, "as asked"),
    ],
)
def test_by_another_configuration_it_starts_cold(
    tmp_path: Path,
    als: Als,
    purchases: Purchases,
    change: Callable[[TrainConfig], TrainConfig],
    why: str,
) -> None:
    store = a_store(tmp_path, als, purchases)

    start = start_of(store, purchases, config=change(CONFIG))

    assert start.warm is None
    assert why in told(start.note())


def test_what_other_models_are_fitted_by_makes_no_difference(
    tmp_path: Path, als: Als, purchases: Purchases
) -> None:
    store = a_store(tmp_path, als, purchases)
    config = with_values(CONFIG, ease=with_values(CONFIG.ease, regularization=50.0))

    assert start_of(store, purchases, config=config).version == "v1"


def test_a_chain_of_warm_starts_is_cut_by_a_cold_one(
    tmp_path: Path, als: Als, purchases: Purchases
) -> None:
    most = CONFIG.warm.runs
    last = a_store(tmp_path / "last", als, purchases, runs=most - 1)
    over = a_store(tmp_path / "over", als, purchases, runs=most)

    assert start_of(last, purchases, config=CONFIG).runs == most
    assert start_of(over, purchases, config=CONFIG) == Start(why=f"{most} in a row started warm")


def test_a_look_back_never_starts_at_what_a_later_day_taught(
    tmp_path: Path, als: Als, purchases: Purchases
) -> None:
    store = a_store(tmp_path, als, purchases)
    earlier = replace(purchases, until_ms=purchases.until_ms - DAY_MS)

    start = start_of(store, earlier, config=CONFIG)

    assert start == Start(why="the live model knows later purchases")


def test_where_the_items_have_become_others_it_starts_cold(
    tmp_path: Path, als: Als, purchases: Purchases
) -> None:
    ids = list(purchases.items.ids)
    store = a_store(tmp_path, als, purchases, items=IdTable([*ids[:-3], "x", "y", "z"]))

    start = start_of(store, purchases, config=CONFIG)

    # Three of thirty are no longer there, and three others are.
    assert start == Start(why="10% of the items came or went")


def test_a_live_model_without_factors_or_unreadable_is_no_start(
    tmp_path: Path, als: Als, purchases: Purchases
) -> None:
    bare = a_store(tmp_path / "bare", None, purchases)
    broken = a_store(tmp_path / "broken", als, purchases)
    (tmp_path / "broken" / "v1" / "als.norm.npy").write_bytes(b"torn")

    assert start_of(bare, purchases, config=CONFIG) == Start(why="the live model has none")
    assert "cannot be read" in told(start_of(broken, purchases, config=CONFIG).note())


def test_the_share_of_items_that_changed_is_of_the_larger_table() -> None:
    four, other = IdTable(["a", "b", "c", "d"]), IdTable(["b", "c", "d", "e", "f"])

    assert changed(four, four) == 0
    assert changed(four, other) == changed(other, four) == pytest.approx(2 / 5)
    assert changed(IdTable([]), IdTable([])) == 0
    assert changed(IdTable([]), four) == 1
