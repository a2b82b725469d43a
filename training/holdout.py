"""What the customer model said of customers, against what they then did.

Features are taken as of a day in the past, from nothing later. Then the weeks after it are looked
up: who bought again, and for how much.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray
from engine.domain.histories import DAY_MS, Histories
from engine.errors import DataRefused
from engine.loyalty.cuts import Cuts
from engine.loyalty.feature import Column
from engine.loyalty.features.accounts import value_type
from engine.loyalty.features.context import Context
from engine.loyalty.features.registry import Features
from engine.loyalty.features.rows import values_of
from engine.loyalty.features.value import repeats_of
from engine.loyalty.states import States
from engine.loyalty.value.health import auc, average_ranks, rank_correlation
from engine.loyalty.value_models import Models

WEEKS = 13
GROUPS = 10
CHURN_RISK, CLV = "churn risk", "predicted CLV"
# Fewer customers say more about chance than about a model.
MINIMUM_CUSTOMERS = 100
Columns: TypeAlias = Mapping[str, Column]


@dataclass(frozen=True)
class Aftermath:
    """What n customers did in the weeks after the cut: if they bought, on how many days, for what.

    `spent` is what they paid for what they kept, in minor units.
    """

    bought: BoolArray
    orders: DoubleArray
    spent: DoubleArray


@dataclass(frozen=True)
class Expected:
    """What the value models expect of n customers in the weeks, shape (n,); NaN: nothing.

    `chance` is that of an order, `orders` how many days with one.
    """

    chance: DoubleArray
    orders: DoubleArray

    def of(self, customers: BoolArray) -> Expected:
        """That of the customers of a mask."""
        return Expected(self.chance[customers], self.orders[customers])


@dataclass(frozen=True)
class Group:
    """Customers of one kind: how many, what was expected of them, what they did.

    `expected` is the mean chance to buy within the weeks, NaN when nothing was expected; `again`
    the share that did; `spent` the mean in minor units.
    """

    name: str
    customers: int
    expected: float
    again: float
    spent: float


@dataclass(frozen=True)
class Contest:
    """How well a number tells beforehand who buys (AUC) and who spends how much (Spearman)."""

    name: str
    auc: float
    spend_correlation: float


@dataclass(frozen=True)
class Holdout:
    """The comparison: groups by kind, the model beside plain baselines, totals.

    `orders_expected` and `orders_seen` are totals over all customers; `calibration_error` is the
    mean distance between expected and seen shares over deciles of the risk, by customers.
    """

    cut_ms: int
    days: float
    customers: int
    groups: Mapping[str, list[Group]]
    contests: list[Contest]
    orders_expected: float
    orders_seen: float
    calibration_error: float


def aftermath(customers: Sequence[str], later: Histories, *, cut_ms: int, days: float) -> Aftermath:
    """What the customers did in the days after the cut, by the histories of a later day."""
    after = later.where((later.at >= cut_ms) & (later.at < cut_ms + days * DAY_MS))
    position = {customer_id: row for row, customer_id in enumerate(customers)}
    row = np.asarray([position.get(each, -1) for each in after.customers], dtype=np.int64)
    known = row >= 0
    ordered = np.zeros(len(customers))
    spent = np.zeros(len(customers))
    line_row, day = after.row(), after.at // DAY_MS
    fresh = np.ones(after.lines, dtype=np.bool_)
    fresh[1:] = (line_row[1:] != line_row[:-1]) | (day[1:] != day[:-1])
    orders = np.bincount(line_row[fresh], minlength=len(after))
    values = np.bincount(line_row, weights=after.value, minlength=len(after))
    ordered[row[known]], spent[row[known]] = orders[known], values[known]
    return Aftermath(ordered > 0, ordered, spent)


def expected_of(states: States, cuts: Cuts, *, cut_ms: int, days: float) -> Expected:
    """What the cuts' value models expect of each customer in the days after the cut."""
    context = Context.of(states, cuts, now_ms=cut_ms)
    chance, orders = (np.full(len(states), np.nan) for _ in range(2))
    buyers = np.flatnonzero(context.n > 0)
    data = repeats_of(context, buyers)
    for rows, fitted in Models.of(cuts).parts(value_type(context)[buyers]):
        own = data.where(rows)
        chance[buyers[rows]] = fitted.repeat.p_order_within(own, days)
        orders[buyers[rows]] = fitted.repeat.expected_orders(own, days)
    return Expected(chance, orders)


def compare(
    features: Features, expected: Expected, seen: Aftermath, *, cut_ms: int, days: float
) -> Holdout:
    """The features of customers with an order, against what they did in the days after."""
    columns = features.columns
    buyers = columns["orders"].values > 0
    if np.count_nonzero(buyers) < MINIMUM_CUSTOMERS:
        raise DataRefused(
            f"{np.count_nonzero(buyers)} customers had bought before the last "
            f"{days:g} days; a comparison needs {MINIMUM_CUSTOMERS}"
        )
    positions = np.flatnonzero(buyers)
    own = {name: each.take(positions) for name, each in columns.items()}
    then = Aftermath(seen.bought[buyers], seen.orders[buyers], seen.spent[buyers])
    told = expected.of(buyers)
    deciles = _by_decile(own["churn_risk"], told, then)
    return Holdout(
        cut_ms=cut_ms,
        days=days,
        customers=len(positions),
        groups={
            "lifecycle stage": _by_label(own["stage"], told, then),
            "RFM segment": _by_label(own["rfm_segment"], told, then),
            "churn-risk decile": deciles,
            "CLV decile": _by_decile(own["clv_predicted"], told, then),
        },
        contests=[_contest(name, read(own), then) for name, read in _CONTESTANTS.items()],
        orders_expected=float(np.nansum(told.orders)),
        orders_seen=float(then.orders.sum()),
        calibration_error=_calibration_error(deciles),
    )


def _rfm_sum(own: Columns) -> DoubleArray:
    total: DoubleArray = own["rfm_r"].values + own["rfm_f"].values + own["rfm_m"].values
    return total


def _naive_rate(own: Columns) -> DoubleArray:
    """Repeat orders a day, as if nobody ever left."""
    repeats, age = own["orders"].values - 1, own["tenure_days"].values
    rate: DoubleArray = repeats / np.maximum(age, 1.0)
    return rate


_CONTESTANTS: Mapping[str, Callable[[Columns], DoubleArray]] = {
    CHURN_RISK: lambda own: -own["churn_risk"].values,
    CLV: lambda own: own["clv_predicted"].values,
    "plain recency": lambda own: -own["days_since_last"].values,
    "plain RFM (sum of scores)": _rfm_sum,
    "naive rate": _naive_rate,
    "naive rate x mean order": lambda own: _naive_rate(own) * own["average_order_value"].values,
}

# What needs no model: the others must do better to be worth their name.
BASELINES = tuple(name for name in _CONTESTANTS if name.startswith(("plain", "naive")))


def _contest(name: str, score: DoubleArray, then: Aftermath) -> Contest:
    # A customer of whom the number is unknown comes last: nothing speaks for them.
    known = ~np.isnan(score)
    least = float(score[known].min()) if known.any() else 0.0
    filled = np.where(known, score, least - 1)
    return Contest(name, auc(filled, then.bought), rank_correlation(filled, then.spent))


def _by_label(column: Column, told: Expected, then: Aftermath) -> list[Group]:
    labels = np.asarray([each if each is not None else "unknown" for each in values_of(column)])
    order = [*column.labels, "unknown"]
    return [_group(name, labels == name, told, then) for name in order if np.any(labels == name)]


def _by_decile(column: Column, told: Expected, then: Aftermath) -> list[Group]:
    """Ten groups of rising values, ties in one group; the unknown apart."""
    known = column.known
    share = (average_ranks(column.values[known]) - 0.5) / max(1, int(known.sum()))
    decile = np.full(known.shape, -1)
    decile[known] = np.minimum(GROUPS - 1, np.floor(share * GROUPS)).astype(np.int64)
    names = {-1: "unknown", **{number: str(number + 1) for number in range(GROUPS)}}
    return [
        _group(names[number], decile == number, told, then)
        for number in (*range(GROUPS), -1)
        if np.any(decile == number)
    ]


def _group(name: str, members: BoolArray, told: Expected, then: Aftermath) -> Group:
    chance = told.chance[members]
    return Group(
        name=name,
        customers=int(members.sum()),
        expected=float(np.nanmean(chance)) if np.any(~np.isnan(chance)) else float("nan"),
        again=float(then.bought[members].mean()),
        spent=float(then.spent[members].mean()),
    )


def _calibration_error(deciles: list[Group]) -> float:
    known = [each for each in deciles if not np.isnan(each.expected)]
    customers = sum(each.customers for each in known)
    if not customers:
        return float("nan")
    return sum(abs(each.expected - each.again) * each.customers for each in known) / customers
