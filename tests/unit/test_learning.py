"""Learning from past windows: rows with the right labels, and trees that serve where they win."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import log2

import numpy as np
import pytest

from engine.domain.histories import DAY_MS
from engine.models.goals import Goal
from engine.recommend.answer import CatalogView, Request
from engine.recommend.recommender import Recommender
from tests.builders import DAY_ZERO_MS, a_log, a_shop, histories
from training.config import TrainConfig
from training.fit import Fitted, Recipe, fit
from training.fitting.als import AlsConfig
from training.fitting.ranker import Objective, fit_ranker, grown_for_each
from training.fitting.ranker_config import RankerConfig
from training.history import purchases_before
from training.learning import (
    Trial,
    blend_of,
    for_goal,
    grow,
    learnt_from,
    ndcg_each,
    regrow,
    with_rankers,
)
from training.rows import Rows, rows_of
from training.tune import START
from training.windows import Window, window

CUT_MS = DAY_ZERO_MS + 90 * DAY_MS
CONFIG = TrainConfig(
    als=AlsConfig(factors=8, iterations=5),
    ranker=RankerConfig(rounds=20, patience=5, minimum_rows=5, leaves=7),
)
RECIPE = Recipe(60.0, START)


def some_rows(size: list[int], bought: list[int], own: list[int], **columns: list[float]) -> Rows:
    """Rows with the given columns, customer by customer."""
    return Rows(
        names=tuple(columns),
        features=np.array(list(columns.values()), dtype=np.float32).T,
        bought=np.array(bought, dtype=np.bool_),
        own=np.array(own, dtype=np.bool_),
        size=np.array(size, dtype=np.int64),
    )


def made_up(*, customers: int, good_is_bought: bool, seed: int = 0) -> Rows:
    """Ten candidates a customer; the popular ones are bought, or else all others are."""
    rng = np.random.default_rng(seed)
    popular = rng.random((customers, 10)) < 0.3
    bought = popular if good_is_bought else ~popular
    noise = rng.random((customers, 10))
    return Rows(
        names=("popularity_of_best", "noise"),
        features=np.stack([popular.ravel(), noise.ravel()], axis=1).astype(np.float32),
        bought=bought.ravel(),
        own=np.tile(np.arange(10) < 5, customers),
        size=np.full(customers, 10),
    )


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    before = purchases_before(a_log(a_shop()), cut_ms=CUT_MS)
    return fit(before, {}, config=CONFIG, horizon_days=14)


@pytest.fixture(scope="module")
def target(fitted: Fitted) -> Window:
    after = purchases_before(a_log(a_shop()), cut_ms=CUT_MS + 14 * DAY_MS)
    return window(fitted.purchases, after)


def test_ndcg_of_candidates_by_hand() -> None:
    # The first customer buys the second and third best of three, the second one the last of two.
    rows = some_rows([3, 2], [1, 0, 1, 0, 1], [0] * 5)
    total = np.array([2, 3, 1, 9, 8], dtype=np.float32)

    found = ndcg_each(rows, total, limit=2)

    first = (1 / log2(3)) / (1 + 1 / log2(3))
    assert found.tolist() == pytest.approx([first, 1 / log2(3)])


def test_who_bought_none_of_the_candidates_does_not_count() -> None:
    rows = some_rows([2, 2], [1, 0, 0, 0], [0] * 4)
    nothing = some_rows([2], [0, 0], [0, 0])

    assert ndcg_each(rows, np.array([2, 1, 2, 1], dtype=np.float32), limit=1).tolist() == [1]
    assert ndcg_each(nothing, np.zeros(2, dtype=np.float32), limit=1).tolist() == []


def test_the_blend_is_read_off_the_columns() -> None:
    rows = some_rows([2], [0, 0], [0, 0], als_of_best=[1, 0.5], als=[7, 7], ease_of_best=[0, 1])

    found = blend_of(rows, {"als": 2.0, "ease": 0.5, "frequency": 9.0, "popularity": 0.0})

    assert found.tolist() == [2.0, 1.5]


def test_for_what_is_new_rows_of_what_was_bought_before_are_left_out() -> None:
    rows = some_rows([2, 1, 2], [1, 0, 1, 0, 1], [1, 0, 1, 0, 0], als=[1, 2, 3, 4, 5])

    new = for_goal(rows, Goal.NEW)

    assert for_goal(rows, Goal.ANY) is rows
    assert new.features[:, 0].tolist() == [2, 4, 5]
    assert new.bought.tolist() == [False, False, True]
    # The second customer's only candidate was bought before.
    assert new.size.tolist() == [1, 2]


def test_customers_who_bought_none_of_their_candidates_teach_no_order() -> None:
    rows = some_rows([2, 2, 1], [0, 0, 0, 1, 1], [0] * 5, als=[1, 2, 3, 4, 5])

    told = rows.told_apart()

    assert told.features[:, 0].tolist() == [3, 4, 5]
    assert told.size.tolist() == [2, 1]


def test_rows_say_what_was_bought_in_the_window_and_what_before(
    fitted: Fitted, target: Window
) -> None:
    rows = rows_of(fitted.model(RECIPE), target)

    # With thirty items each is a candidate: rows are the items in their order.
    assert rows.size.tolist() == [30] * len(target.truths)
    bought, own = rows.bought.reshape(-1, 30), rows.own.reshape(-1, 30)
    past = target.histories
    for row, truth in enumerate(target.truths):
        then = set(truth.repeat.tolist()) | set(truth.explore.tolist())
        before = set(past.item[past.indptr[row] : past.indptr[row + 1]].tolist())
        assert set(np.flatnonzero(bought[row]).tolist()) == then
        assert set(np.flatnonzero(own[row]).tolist()) == before


def test_features_of_rows_are_as_of_the_start_of_the_window(fitted: Fitted, target: Window) -> None:
    rows = rows_of(fitted.model(RECIPE), target)

    days_since = rows.features[:, rows.names.index("customer_days_since")].reshape(-1, 30)[:, 0]
    expected = (CUT_MS - target.histories.last_at()) / DAY_MS
    np.testing.assert_allclose(days_since, expected, rtol=1e-5)
    assert days_since.min() > 0


def test_a_window_of_too_many_rows_gives_those_of_some_customers(
    fitted: Fitted, target: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.learning.PROBE", 10)
    few = TrainConfig(ranker=RankerConfig(rows=1_000))

    rows = learnt_from(fitted, RECIPE, target, config=few)

    assert rows is not None
    assert rows.size.tolist() == [30] * (1_000 // 30)


@pytest.mark.parametrize(("customers", "rows"), [(50_000, 2_500_000), (50_001, 1_000_000)])
def test_a_window_of_a_large_shop_gives_fewer_rows(customers: int, rows: int) -> None:
    assert RankerConfig().rows_of(customers) == rows


def test_who_asks_for_few_rows_gets_no_more_in_a_large_shop() -> None:
    few = RankerConfig(rows=5_000, large_shop=10)

    assert few.rows_of(11) == 5_000


def test_a_window_in_which_nobody_bought_teaches_nothing(fitted: Fitted) -> None:
    nobody = Window(histories(fitted.purchases.items, {}), [], CUT_MS, 0)

    assert learnt_from(fitted, RECIPE, nobody, config=CONFIG) is None


def test_trees_that_learnt_what_no_longer_holds_lose_and_the_blend_serves(fitted: Fitted) -> None:
    past = [made_up(customers=40, good_is_bought=False, seed=seed) for seed in (1, 2)]
    later = made_up(customers=40, good_is_bought=True, seed=3)

    trials = grow(past, later, RECIPE, config=CONFIG, step=lambda _: None)
    rankers = regrow([*past, later], trials, config=CONFIG)

    assert {goal: trial.won for goal, trial in trials.items()} == {
        Goal.ANY: False,
        Goal.NEW: False,
    }
    assert trials[Goal.ANY].blend == 1
    assert rankers == {}
    assert with_rankers(fitted, rankers).model(RECIPE).ranker(Goal.ANY) is None


def test_trees_that_learnt_what_the_blend_does_not_see_win_and_serve(fitted: Fitted) -> None:
    # The less popular ones are bought, then and now: the blend has it the wrong way round.
    past = [made_up(customers=40, good_is_bought=False, seed=seed) for seed in (1, 2)]
    later = made_up(customers=40, good_is_bought=False, seed=3)

    trials = grow(past, later, RECIPE, config=CONFIG, step=lambda _: None)
    rankers = regrow([*past, later], trials, config=CONFIG)

    assert trials[Goal.ANY].won and trials[Goal.ANY].ranker == 1
    assert rankers.keys() == {Goal.ANY, Goal.NEW}
    assert with_rankers(fitted, rankers).model(RECIPE).ranker(Goal.ANY) is rankers[Goal.ANY]


def test_the_objective_whose_trees_rank_the_later_window_better_is_taken(monkeypatch) -> None:
    past = [made_up(customers=40, good_is_bought=False, seed=seed) for seed in (1, 2)]
    later = made_up(customers=40, good_is_bought=False, seed=3)
    grown = grown_for_each(past, later, goal=Goal.ANY, config=CONFIG)
    backwards = fit_ranker(
        [made_up(customers=40, good_is_bought=True)], goal=Goal.ANY, config=CONFIG, rounds=3
    )
    for worse, better in (grown, grown[::-1]):
        among = [replace(worse, ranker=backwards), better]
        monkeypatch.setattr("training.learning.grown_for_each", lambda *_, among=among, **__: among)

        trial = grow(past, later, RECIPE, config=CONFIG, step=lambda _: None)[Goal.ANY]

        assert (trial.objective, trial.rounds, trial.ranker) == (better.objective, better.rounds, 1)


@pytest.mark.parametrize("objective", list(Objective))
def test_trees_are_grown_for_what_is_asked(objective: Objective) -> None:
    past = [made_up(customers=40, good_is_bought=True)]

    ranker = fit_ranker(past, goal=Goal.NEW, config=CONFIG, rounds=2, objective=objective)

    text = ranker.arrays()["trees"].tobytes().decode()
    assert f"[objective: {objective.value}]" in text


def test_a_goal_of_which_nothing_was_bought_gets_no_trees_and_breaks_nothing() -> None:
    habits = made_up(customers=40, good_is_bought=True)
    habits = replace(habits, own=np.ones_like(habits.own))

    trials = grow([habits], habits, RECIPE, config=CONFIG, step=lambda _: None)
    rankers = regrow([habits], {goal: Trial(5, 1.0, 0.0) for goal in Goal}, config=CONFIG)

    assert Goal.NEW not in trials
    assert Goal.ANY in trials
    assert Goal.NEW not in rankers


def test_a_draw_is_the_blends() -> None:
    assert Trial(rounds=3, ranker=0.52, blend=0.5, error=0.01).won
    assert not Trial(rounds=3, ranker=0.51, blend=0.5, error=0.02).won
    assert not Trial(rounds=3, ranker=0.5, blend=0.5).won
    assert not Trial(rounds=3, ranker=float("nan"), blend=0.5).won


def test_only_the_goal_whose_trees_won_gets_trees() -> None:
    past = [made_up(customers=40, good_is_bought=True)]
    trials = {Goal.ANY: Trial(4, 0.5, 0.6), Goal.NEW: Trial(3, 0.6, 0.5)}

    found = regrow(past, trials, config=CONFIG)

    assert found.keys() == {Goal.NEW}


def test_equal_rows_and_seed_grow_equal_trees_of_so_many_rounds() -> None:
    past = [made_up(customers=40, good_is_bought=True)]

    one = fit_ranker(past, goal=Goal.ANY, config=CONFIG, rounds=7)
    other = fit_ranker(past, goal=Goal.ANY, config=CONFIG, rounds=7)

    assert one.arrays()["trees"].tobytes().decode().count("Tree=") == 7
    assert one.arrays()["trees"].tobytes() == other.arrays()["trees"].tobytes()


@pytest.mark.parametrize("request_", [Request(), Request(new_only=True)], ids=["any", "new"])
def test_trees_serve_who_has_a_past_and_leave_everyone_else_to_the_blend(
    fitted: Fitted, target: Window, request_: Request
) -> None:
    rows = learnt_from(fitted, RECIPE, target, config=CONFIG)
    assert rows is not None
    trials = {goal: Trial(5, 1.0, 0.0) for goal in (Goal.ANY, Goal.NEW)}
    grown = with_rankers(fitted, regrow([rows], trials, config=CONFIG)).model(RECIPE)
    plain = fitted.model(RECIPE)
    strangers = histories(fitted.purchases.items, {"new": ()})

    def scores(model, past) -> list[list[tuple[str, float]]]:
        recommender = Recommender(model, cooldown=timedelta(0))
        answers = recommender.recommend(past, request_, view=CatalogView(), now_ms=CUT_MS)
        return [[(item.item_id, item.score) for item in answer.items] for answer in answers]

    assert scores(grown, strangers) == scores(plain, strangers)
    some = target.histories.take([0, 1, 2])
    assert all(
        one != other for one, other in zip(scores(grown, some), scores(plain, some), strict=True)
    )
