"""Holding what was said of customers against what they did, on numbers done by hand."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest

from engine.domain.histories import DAY_MS, Histories, NetLine, histories_of
from engine.domain.ids import IdTable
from engine.errors import DataRefused
from engine.loyalty.cuts import POOLED, Cuts, ValueModels
from engine.loyalty.feature import Column
from engine.loyalty.features.registry import Features
from engine.loyalty.purchases import plain_facts, states_of_purchases
from engine.loyalty.value.manifest import to_plain
from engine.loyalty.value.mbg_nbd import MbgNbd
from engine.loyalty.value.repeats import Repeats
from training.commands.holdout import verdicts
from training.holdout import (
    CHURN_RISK,
    CLV,
    Aftermath,
    Contest,
    Expected,
    Holdout,
    aftermath,
    compare,
    expected_of,
)

CUT_DAY = 100
CUT_MS = CUT_DAY * DAY_MS


def histories(**orders: list[tuple[float, int]]) -> Histories:
    """Lines of customers given as (day, value)."""
    lines = {
        who: [
            NetLine(f"{who}{number}", int(day * DAY_MS), "tea", 1.0, value)
            for number, (day, value) in enumerate(own)
        ]
        for who, own in orders.items()
    }
    return histories_of(lines.items(), items=IdTable(["tea"]))


def test_what_came_after_is_counted_by_day_and_only_within_the_weeks() -> None:
    later = histories(
        anna=[(50, 100), (100, 200), (100.5, 300), (103, 400)],
        ben=[(99.99, 500), (107, 600)],
        carl=[(101, 700)],
    )

    seen = aftermath(("ben", "anna", "dora"), later, cut_ms=CUT_MS, days=7)

    assert seen.bought.tolist() == [False, True, False]
    assert seen.orders.tolist() == [0, 2, 0]
    assert seen.spent.tolist() == [0, 900, 0]


def test_expected_are_the_value_models_at_the_exact_horizon() -> None:
    model = MbgNbd(0.5, 20.0, 0.9, 1.6)
    cuts = Cuts(
        as_of_ms=CUT_MS, rfm=Cuts.untrained().rfm, value={POOLED: ValueModels(to_plain(model))}
    )
    states = states_of_purchases(
        histories(anna=[(10, 100), (40, 100)], ben=[], carl=[(70, 100)]), plain_facts(["tea"])
    )

    told = expected_of(states, cuts, cut_ms=CUT_MS, days=91)

    data = Repeats.of([1.0, 0.0], [30.0, 0.0], [90.0, 30.0])
    assert told.chance[[0, 2]].tolist() == model.p_order_within(data, 91).tolist()
    assert told.orders[[0, 2]].tolist() == model.expected_orders(data, 91).tolist()
    assert isnan(told.chance[1])


def a_column(values: list[float] | np.ndarray, labels: tuple[str, ...] = ()) -> Column:
    own = np.asarray(values, dtype=np.float64)
    return Column(own, np.ones(own.shape, np.int32), labels)


def a_comparison(*, buyers: int = 200, risk: np.ndarray | None = None) -> Holdout:
    """Customers of whom the higher half buys, one of them nobody who ever bought."""
    n = buyers + 1
    place = np.arange(n, dtype=np.float64)
    bought = place > buyers / 2
    columns = {
        "orders": a_column(np.where(place == 0, np.nan, 2.0)),
        "tenure_days": a_column(np.full(n, 50.0)),
        "days_since_last": a_column(np.full(n, 10.0)),
        "average_order_value": a_column(np.full(n, 100.0)),
        "churn_risk": a_column(1 - place / n if risk is None else risk),
        "clv_predicted": a_column(place),
        "stage": a_column((place > 50) * 1.0, ("early", "late")),
        "rfm_segment": a_column(np.full(n, np.nan), ("champions",)),
        **{f"rfm_{each}": a_column(np.full(n, 3.0)) for each in "rfm"},
    }
    return compare(
        Features(tuple(f"c{number}" for number in range(n)), CUT_MS, columns),
        Expected(place / n, place / n * 2),
        Aftermath(bought, bought * 1.0, place * bought),
        cut_ms=CUT_MS,
        days=91,
    )


def test_groups_add_up_and_tell_expected_beside_seen() -> None:
    found = a_comparison()

    stages = found.groups["lifecycle stage"]
    assert [(each.name, each.customers) for each in stages] == [("early", 50), ("late", 150)]
    assert [each.again for each in stages] == [0, pytest.approx(100 / 150)]
    assert stages[0].expected == pytest.approx(np.arange(1, 51).mean() / 201)
    (unknown,) = found.groups["RFM segment"]
    assert (unknown.name, unknown.customers) == ("unknown", 200)
    assert [each.customers for each in found.groups["churn-risk decile"]] == [20] * 10
    assert found.customers == 200


def test_calibration_is_the_mean_distance_over_the_deciles() -> None:
    found = a_comparison()

    # Ten groups of twenty: the lower five bought nothing, the upper five all.
    expected = [np.arange(20 * each + 1, 20 * each + 21).mean() / 201 for each in range(10)]
    by_hand = np.mean([abs(own - (place > 4)) for place, own in enumerate(expected)])
    assert found.calibration_error == pytest.approx(by_hand)
    assert found.orders_expected == pytest.approx(np.arange(1, 201).sum() / 201 * 2)
    assert found.orders_seen == 100


def test_a_number_that_ranks_perfectly_wins_and_one_that_says_nothing_is_a_coin() -> None:
    contests = {each.name: each for each in a_comparison().contests}

    assert contests[CHURN_RISK].auc == 1.0
    assert contests["plain recency"].auc == 0.5


def test_unknown_customers_come_last_and_in_a_group_of_their_own() -> None:
    risk = np.linspace(1, 0, 201)
    risk[1:41] = np.nan

    found = a_comparison(risk=risk)

    groups = {each.name: each.customers for each in found.groups["churn-risk decile"]}
    assert groups["unknown"] == 40
    assert sum(groups.values()) == 200
    assert next(each.auc for each in found.contests if each.name == CHURN_RISK) == 1.0


def test_too_few_buyers_are_refused() -> None:
    with pytest.raises(DataRefused, match=r"99 customers had bought .* needs 100"):
        a_comparison(buyers=99)


def a_holdout(**figures: tuple[float, float]) -> Holdout:
    names = {"risk": CHURN_RISK, "clv": CLV, "recency": "plain recency"}
    plain = ["plain RFM (sum of scores)", "naive rate", "naive rate x mean order"]
    contests = [Contest(names[name], *own) for name, own in figures.items()]
    contests += [Contest(name, 0.5, 0.1) for name in plain]
    return Holdout(CUT_MS, 91, 200, {}, contests, 1.0, 1.0, 0.1)


def test_what_is_no_better_than_a_baseline_is_said_to_be_so() -> None:
    better, worse = verdicts(a_holdout(risk=(0.8, 0.2), clv=(0.7, 0.3), recency=(0.7, 0.4)))

    assert better == (
        "Churn risk tells who buys better than the best plain baseline: 0.800, plain recency 0.700."
    )
    assert worse == (
        "Predicted CLV tells who spends how much no better than the best plain baseline: 0.300, "
        "plain recency 0.400."
    )


def test_where_all_did_the_same_nothing_is_judged() -> None:
    nothing = float("nan")

    first, _ = verdicts(a_holdout(risk=(nothing, 0.2), clv=(0.7, 0.3), recency=(nothing, 0.4)))

    assert "cannot be judged" in first
