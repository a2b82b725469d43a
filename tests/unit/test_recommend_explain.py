"""Why an item is in a list: without the purchase that is named, it would fall."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pytest

from engine.domain.events import Event
from engine.domain.histories import DAY_MS, Histories
from engine.models.goals import Goal
from engine.models.interactions import bought
from engine.models.model import Model
from engine.models.pairs import Pairs
from engine.models.query import Query
from engine.recommend.answer import Answer, CatalogView, Reason, ReasonCode, Request
from engine.recommend.recommender import Recommender
from engine.recommend.scoring import Scored, ask, score
from tests.builders import DAY_ZERO_MS, a_history, a_log, a_model, a_purchase, histories
from training.config import TrainConfig
from training.fit import Fitted, Recipe, fit
from training.fitting.als import AlsConfig
from training.fitting.ranker_config import RankerConfig
from training.history import purchases_before
from training.learning import Trial, learnt_from, regrow, with_rankers
from training.tune import START
from training.windows import window

NOW_MS = DAY_ZERO_MS + 100 * DAY_MS
GROUPS, IN_GROUP = 8, 10
CUSTOMERS = 60
CONFIG = TrainConfig(
    als=AlsConfig(factors=8, iterations=5), ranker=RankerConfig(minimum_rows=5, leaves=7)
)
RECIPE = Recipe(60.0, START)
# Two falls that differ by less are told apart by rounding.
ROUNDING = 1e-6


def a_varied_shop() -> list[Event]:
    """Customers of mixed tastes: few orders of few items, popular and rare ones."""
    rng = np.random.default_rng(3)
    events: list[Event] = []
    for customer in range(150):
        taste = rng.dirichlet(np.full(GROUPS, 0.3))
        for day in np.sort(rng.uniform(0, 120, size=rng.integers(3, 9))):
            groups = rng.choice(GROUPS, p=taste, size=rng.integers(1, 5))
            places = np.minimum(rng.zipf(1.6, size=len(groups)) - 1, IN_GROUP - 1)
            basket = sorted({f"i{each:02d}" for each in groups * IN_GROUP + places})
            events.append(
                a_purchase(f"e{len(events)}", f"c{customer:03d}", basket, day=round(float(day), 3))
            )
    return events


@dataclass(frozen=True)
class Told:
    """A new item in a customer's list: the reason, and how far it falls without each purchase."""

    reason: Reason
    falls: dict[str, float]


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    before = purchases_before(a_log(a_varied_shop()), cut_ms=NOW_MS)
    return fit(before, {}, config=CONFIG, horizon_days=14)


@pytest.fixture(scope="module")
def with_trees(fitted: Fitted) -> Model:
    after = purchases_before(a_log(a_varied_shop()), cut_ms=NOW_MS + 20 * DAY_MS)
    rows = learnt_from(fitted, RECIPE, window(fitted.purchases, after), config=CONFIG)
    assert rows is not None
    served = {goal: Trial(20, ranker=1.0, blend=0.0) for goal in (Goal.ANY, Goal.NEW)}
    return with_rankers(fitted, regrow([rows], served, config=CONFIG)).model(RECIPE)


def told(model: Model, past: Histories, request: Request) -> list[Told]:
    """Every new item of every list."""
    recommender = Recommender(model, cooldown=timedelta(0))
    (ranked,) = recommender.rank(past, request, view=CatalogView(), now_ms=NOW_MS)
    answers = recommender.answers(ranked, request, goal=request.goal)
    return [
        Told(item.reasons[0], {name: fall[item.item_id] for name, fall in falls.items()})
        for row, answer in enumerate(answers)
        for falls in [falls_of(model, ranked.scored, row, goal=request.goal)]
        for item in answer.items
        if item.item_id not in falls
    ]


def falls_of(model: Model, scored: Scored, row: int, *, goal: Goal) -> dict[str, dict[str, float]]:
    """For each purchase of a customer, by how much the score of each candidate falls without it."""
    part = slice(int(scored.pairs.indptr[row]), int(scored.pairs.indptr[row + 1]))
    pairs = Pairs(np.array([0, part.stop - part.start]), scored.pairs.item[part])
    names = [model.items[int(item)] for item in pairs.item]
    own = scored.query.histories.take([row])
    falls: dict[str, dict[str, float]] = {}
    for item in bought(own).tolist():
        query = Query(own.where(own.item != item), NOW_MS)
        lacking = score(model, query, pairs, ask(model, query), goal=goal)
        fall = (scored.total[part] - lacking.total).tolist()
        falls[model.items[item]] = dict(zip(names, fall, strict=True))
    return falls


def held_share(found: list[Told]) -> float:
    """How often the named purchase is the one without which the item falls furthest of all."""
    named = [(each.falls, each.reason.item_id) for each in found if each.reason.item_id]
    return float(np.mean([falls[own] >= max(falls.values()) - ROUNDING for falls, own in named]))


REQUESTS = pytest.mark.parametrize(
    "request_", [Request(), Request(new_only=True)], ids=["any", "new"]
)
SERVED_BY = pytest.mark.parametrize("trees", [False, True], ids=["blend", "trees"])


@SERVED_BY
@REQUESTS
def test_without_the_named_purchase_the_item_falls_and_mostly_furthest_of_all(
    fitted: Fitted, with_trees: Model, request_: Request, trees: bool
) -> None:
    model = with_trees if trees else fitted.model(RECIPE)
    past = fitted.purchases.customers.take(np.arange(CUSTOMERS))

    found = told(model, past, request_)

    named = [each for each in found if each.reason.item_id]
    assert len(named) > 100
    assert {each.reason.code for each in named} == {ReasonCode.BECAUSE_YOU_BOUGHT}
    assert all(each.falls[each.reason.item_id] > 0 for each in named)
    assert held_share(found) >= 0.95


@SERVED_BY
@REQUESTS
def test_what_is_told_to_be_popular_is_seldom_there_for_a_purchase(
    fitted: Fitted, with_trees: Model, request_: Request, trees: bool
) -> None:
    model = with_trees if trees else fitted.model(RECIPE)
    past = fitted.purchases.customers.take(np.arange(CUSTOMERS))

    found = told(model, past, request_)

    plain = [each for each in found if each.reason.code is ReasonCode.POPULAR]
    falling = [each for each in plain if max(each.falls.values()) > ROUNDING]
    assert len(falling) <= 0.02 * len(found)


@pytest.mark.parametrize("seed", range(20))
def test_of_few_purchases_the_one_named_is_always_the_one_that_matters_most(seed: int) -> None:
    model = a_model(items=[f"i{n}" for n in range(12)], weights={"als": 0.7, "item_item": 0.5})
    rng = np.random.default_rng(seed)
    names = [f"i{n}" for n in rng.choice(12, size=4, replace=False)]
    past = histories(model.items, {"anna": a_history((0, names[:2]), (30, names[2:]))})

    found = told(model, past, Request(limit=3, new_only=True))

    assert len(found) == 3
    for each in found:
        deepest = max(each.falls.values())
        if deepest > ROUNDING:
            assert each.falls[each.reason.item_id] == pytest.approx(deepest)
        else:
            assert each.reason == Reason(ReasonCode.POPULAR)


def test_the_reasons_of_one_customer_do_not_depend_on_who_else_is_asked_about(
    fitted: Fitted, with_trees: Model
) -> None:
    past = fitted.purchases.customers.take(np.arange(CUSTOMERS))

    for model in (fitted.model(RECIPE), with_trees):
        recommender = Recommender(model, cooldown=timedelta(0))

        def answers(some: Histories, by: Recommender = recommender) -> list[Answer]:
            return by.recommend(some, Request(), view=CatalogView(), now_ms=NOW_MS)

        together = answers(past)
        for row in (0, 7, CUSTOMERS - 1):
            assert answers(past.take([row])) == [together[row]]


def test_what_was_bought_before_is_there_to_be_bought_again(fitted: Fitted) -> None:
    past = fitted.purchases.customers.take(np.arange(CUSTOMERS))
    items, model = fitted.purchases.items, fitted.model(RECIPE)
    recommender = Recommender(model, cooldown=timedelta(0))

    answers = recommender.recommend(past, Request(), view=CatalogView(), now_ms=NOW_MS)

    for row, answer in enumerate(answers):
        own = {items[int(item)] for item in bought(past.take([row]))}
        for item in answer.items:
            again = item.reasons[0].code is ReasonCode.BUY_AGAIN
            assert again == (item.item_id in own)
            assert item.reasons[0].item_id in ({None} if again else own | {None})
