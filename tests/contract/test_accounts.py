"""What every scorer with an account owes: the score without a purchase is the one it would give."""

from __future__ import annotations

import numpy as np
import pytest

from engine.domain.arrays import FloatArray
from engine.domain.histories import Histories
from engine.models.account import Accountable
from engine.models.frequency import PersonalFrequency
from engine.models.model import SCORERS
from engine.models.popularity import Popularity
from engine.models.query import Query
from engine.models.repurchase import RepurchaseTiming
from engine.models.scorer import Scorer
from engine.models.sessions import Sessions
from tests.builders import DAY_ZERO_MS, a_history, a_log, a_shop, histories
from training.config import TrainConfig
from training.fit import fit
from training.fitting.als import AlsConfig
from training.fitting.neighbours import NeighboursConfig
from training.history import Purchases, purchases_before

NOW_MS = DAY_ZERO_MS + 123 * 86_400_000
# So few items of each customer, and neighbours, that what is next in weight comes into play.
FEW = NeighboursConfig(per_customer=3, neighbours=4, fewest_items=1)
CONFIG = TrainConfig(als=AlsConfig(factors=8, iterations=5), neighbours=FEW)
# They say nothing of what a customer has not bought, or the same to everyone.
WITHOUT = {Popularity.name, PersonalFrequency.name, RepurchaseTiming.name, Sessions.name}
ITEMS = np.arange(30, dtype=np.int32)


@pytest.fixture(scope="module")
def purchases() -> Purchases:
    return purchases_before(a_log(a_shop()), cut_ms=NOW_MS)


@pytest.fixture(scope="module")
def scorers(purchases: Purchases) -> dict[str, Scorer]:
    return dict(fit(purchases, {}, config=CONFIG, horizon_days=7).scorers)


@pytest.fixture(params=sorted(SCORERS.keys() - WITHOUT))
def scorer(request: pytest.FixtureRequest, scorers: dict[str, Scorer]) -> Scorer:
    return scorers[str(request.param)]


def scores(scorer: Scorer, past: Histories) -> FloatArray:
    return scorer.score(Query(past, NOW_MS)).dense()[0]


def left(scorer: Scorer, past: Histories) -> FloatArray:
    """By its account, what is left of the scores without each of the bought items."""
    query = Query(past, NOW_MS)
    assert isinstance(scorer, Accountable)
    account = scorer.account(query, ITEMS, scores(scorer, past))
    return account.without(np.arange(len(query.bought.pairs)))


def asked_anew(scorer: Scorer, past: Histories) -> FloatArray:
    """What it says of the customer without each of the bought items."""
    bought = Query(past, NOW_MS).bought.pairs.item
    return np.stack([scores(scorer, past.where(past.item != item)) for item in bought])


def test_scorers_have_an_account_where_a_new_item_can_fall(scorers: dict[str, Scorer]) -> None:
    assert {name for name, each in scorers.items() if not isinstance(each, Accountable)} == WITHOUT


@pytest.mark.parametrize("row", range(0, 60, 4))
def test_without_a_purchase_it_says_what_it_says_of_the_rest(
    scorer: Scorer, purchases: Purchases, row: int
) -> None:
    past = purchases.customers.take([row])

    np.testing.assert_allclose(left(scorer, past), asked_anew(scorer, past), rtol=2e-4, atol=1e-6)


def test_what_was_bought_last_and_alone_takes_its_time_with_it(
    scorer: Scorer, purchases: Purchases
) -> None:
    lines = a_history((0, ["item-01", "item-02"]), (5, ["item-11"]), (60, ["item-21"]))
    past = histories(purchases.items, {"x": lines})

    np.testing.assert_allclose(left(scorer, past), asked_anew(scorer, past), rtol=2e-4, atol=1e-6)


def test_without_the_only_purchase_nothing_is_said(scorer: Scorer, purchases: Purchases) -> None:
    past = histories(purchases.items, {"x": a_history((0, ["item-01", "never-seen"]))})

    assert np.isnan(left(scorer, past)).all()


def test_what_each_purchase_adds_is_what_is_lost_with_it(
    scorer: Scorer, purchases: Purchases
) -> None:
    past = purchases.customers.take([3])
    query = Query(past, NOW_MS)
    said = scores(scorer, past)
    assert isinstance(scorer, Accountable)

    added = scorer.account(query, ITEMS, said).added(ITEMS)

    assert added.shape == (len(query.bought.pairs), len(ITEMS))
    if scorer.name in {"item_item", "ease"}:
        np.testing.assert_allclose(added.sum(axis=0), np.nan_to_num(said), rtol=1e-4, atol=1e-6)
