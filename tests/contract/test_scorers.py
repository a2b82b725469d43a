"""What every scorer owes, whichever it is."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from engine.domain.histories import Histories
from engine.domain.ids import IdTable
from engine.models.model import SCORERS, Model
from engine.models.scorer import Scorer
from tests.builders import a_history, a_log, a_shop, histories
from training.config import AlsConfig, TrainConfig
from training.fit import fit_scorers
from training.history import Purchases, purchases_before

CONFIG = TrainConfig(als=AlsConfig(factors=8, iterations=5))


@pytest.fixture(scope="module")
def purchases() -> Purchases:
    return purchases_before(a_log(a_shop()), cut_ms=2**62)


@pytest.fixture(scope="module")
def scorers(purchases: Purchases) -> dict[str, Scorer]:
    return fit_scorers(purchases, config=CONFIG)


@pytest.fixture(params=sorted(SCORERS))
def scorer(request: pytest.FixtureRequest, scorers: dict[str, Scorer]) -> Scorer:
    return scorers[request.param]


def test_scores_have_the_shape_of_customers_by_items_and_are_finite_or_nan(
    scorer: Scorer, purchases: Purchases
) -> None:
    scores = scorer.score(purchases.customers)

    assert scores.shape == (len(purchases.customers), len(purchases.items))
    assert scores.dtype == np.float32
    assert (np.isfinite(scores) | np.isnan(scores)).all()


def test_the_same_question_gets_the_same_answer(scorer: Scorer, purchases: Purchases) -> None:
    first, second = scorer.score(purchases.customers), scorer.score(purchases.customers)

    np.testing.assert_array_equal(first, second)


def test_scoring_leaves_the_histories_as_they_were(scorer: Scorer, purchases: Purchases) -> None:
    before = {key: np.copy(value) for key, value in vars(purchases.customers).items()}

    scorer.score(purchases.customers)

    for key, value in vars(purchases.customers).items():
        np.testing.assert_array_equal(value, before[key])


def test_one_customer_alone_scores_as_among_others(scorer: Scorer, purchases: Purchases) -> None:
    together = scorer.score(purchases.customers)

    alone = scorer.score(purchases.customers.take([5]))

    np.testing.assert_allclose(alone[0], together[5], rtol=1e-4, atol=1e-5)


def test_items_the_model_does_not_know_change_nothing(scorer: Scorer, purchases: Purchases) -> None:
    known = a_history((0, ["item-01"]), (9, ["item-02"]))
    strange = a_history((0, ["item-01", "never-seen"]), (9, ["item-02", "nor-this"]))

    plain = scorer.score(histories(purchases.items, {"x": known}))
    mixed = scorer.score(histories(purchases.items, {"x": strange}))

    np.testing.assert_array_equal(plain, mixed)


def test_a_customer_without_history_is_no_error(scorer: Scorer, purchases: Purchases) -> None:
    scores = scorer.score(histories(purchases.items, {"new": ()}))

    assert scores.shape == (1, len(purchases.items))


def test_saved_and_restored_it_scores_the_same(scorer: Scorer, purchases: Purchases) -> None:
    restored = type(scorer).restore(scorer.arrays(), scorer.params())

    np.testing.assert_array_equal(
        restored.score(purchases.customers), scorer.score(purchases.customers)
    )


def test_the_arrays_hold_no_float64(scorer: Scorer) -> None:
    kinds = {array.dtype for array in scorer.arrays().values()}

    assert np.dtype(np.float64) not in kinds


def test_equal_data_and_seed_fit_equal_arrays(purchases: Purchases, scorer: Scorer) -> None:
    again = fit_scorers(purchases, config=CONFIG)[scorer.name]

    for key, array in scorer.arrays().items():
        np.testing.assert_array_equal(array, again.arrays()[key])


@pytest.mark.parametrize("name", ["popularity", "frequency", "item_item"])
def test_renaming_items_renames_the_answer(name: str) -> None:
    # ALS starts from random factors by position, so only its distribution is invariant.
    events = a_shop()
    backwards = {f"item-{number:02d}": f"x-{99 - number:02d}" for number in range(30)}
    renamed = [_renamed(event, backwards) for event in events]
    plain = purchases_before(a_log(events), cut_ms=2**62)
    other = purchases_before(a_log(renamed), cut_ms=2**62)

    scores = _scores(fit_scorers(plain, config=CONFIG)[name], plain.customers)
    others = _scores(fit_scorers(other, config=CONFIG)[name], other.customers)

    order = [other.items.index(backwards[item]) for item in plain.items.ids]
    np.testing.assert_allclose(scores, others[:, order], rtol=1e-5)


def test_a_model_survives_its_arrays_and_params(scorers: dict[str, Scorer]) -> None:
    model = Model("v", 1, IdTable(["é", "b/ c", "日本"]), {}, {"popularity": 1.0})

    text, offsets = model.items.to_arrays()

    assert IdTable.from_arrays(text, offsets).ids == model.items.ids


def _scores(scorer: Scorer, given: Histories) -> np.ndarray:
    return np.nan_to_num(scorer.score(given))


def _renamed(event, names):
    lines = tuple(
        type(line)(names[line.item_id], line.quantity, line.unit_price) for line in event.lines
    )
    return msgspec.structs.replace(event, lines=lines)
