"""Whether a value model may be published: enough data, and a holdout it predicts well enough."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec
import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray
from engine.loyalty.value.gamma_gamma import GammaGamma, Spend
from engine.loyalty.value.model import RepeatModel
from engine.loyalty.value.repeats import Repeats


class HealthRules(msgspec.Struct, frozen=True):
    """What a model must show; days, shares, and numbers of customers."""

    least_customers: int = 500
    least_repeaters: int = 100
    least_days: float = 180.0
    least_sum_ratio: float = 0.7
    most_sum_ratio: float = 1.3
    least_auc: float = 0.55
    # Recency alone ranks well where all customers came at once; much worse than it is a fault.
    auc_below_recency: float = 0.05
    # Beyond this spend depends on frequency, which Gamma-Gamma assumes it does not.
    most_correlation: float = 0.3


@dataclass(frozen=True)
class Holdout:
    """What n customers did in the `days` after the calibration, float64 arrays of shape (n,).

    `orders` counts days with an order, `spend` is their value in the unit of the mean value.
    """

    orders: DoubleArray
    spend: DoubleArray
    days: float


@dataclass(frozen=True)
class Health:
    """How well a model predicted the holdout; NaN where it cannot be told.

    `mae` is that of the orders of a customer, `naive_mae` that of repeats / age * days;
    `sum_ratio` predicted over actual orders of all; `auc` how expected orders rank who ordered
    again, `churn_auc` how the probability of an order does, `recency_auc` how the last order's date
    does; `spend_rank_correlation` Spearman's of predicted and actual spend. `reasons` say why the
    model is not healthy, `notes` what to bear in mind although it is.
    """

    mae: float
    naive_mae: float
    sum_ratio: float
    auc: float
    churn_auc: float
    recency_auc: float
    spend_rank_correlation: float
    reasons: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def healthy(self) -> bool:
        """Whether the model may be published."""
        return not self.reasons


def too_little_data(data: Repeats, *, rules: HealthRules | None = None) -> tuple[str, ...]:
    """Why there is too little to fit a model on; empty when there is enough."""
    rules = rules or HealthRules()
    kept = data.where(data.usable)
    repeaters = int(np.count_nonzero(kept.frequency >= 1))
    days = float(kept.age.max()) if len(kept) else 0.0
    found = (
        (len(kept), rules.least_customers, "customers with an order"),
        (repeaters, rules.least_repeaters, "customers who ordered again"),
        (days, rules.least_days, "days since the first order of all"),
    )
    return tuple(
        f"{what}: {have:g}, at least {need:g} are needed; ingest more history"
        for have, need, what in found
        if have < need
    )


def backtest(
    model: RepeatModel,
    spend_model: GammaGamma,
    calibration: Repeats,
    *,
    mean_value: DoubleArray,
    holdout: Holdout,
    rules: HealthRules | None = None,
) -> Health:
    """The health of models fitted on the calibration, by what came after; rows are customers.

    `mean_value` (n,) is that of a customer's repeats in the calibration, 0 or NaN without one.
    """
    rules = rules or HealthRules()
    orders = model.expected_orders(calibration, holdout.days)
    spend = orders * spend_model.expected_spend(calibration.frequency, mean_value)
    watched = np.where(calibration.age > 0, calibration.age, np.inf)
    naive = calibration.frequency / watched * holdout.days
    again = holdout.orders > 0
    measured = Health(
        mae=_mean_error(orders, holdout.orders),
        naive_mae=_mean_error(naive, holdout.orders),
        sum_ratio=_ratio(float(orders.sum()), float(holdout.orders.sum())),
        auc=auc(orders, again),
        churn_auc=auc(model.p_order_within(calibration, holdout.days), again),
        recency_auc=auc(calibration.recency - calibration.age, again),
        spend_rank_correlation=rank_correlation(spend, holdout.spend),
        reasons=too_little_data(calibration, rules=rules),
        notes=_notes(Spend(calibration.frequency, mean_value), rules),
    )
    return replace(measured, reasons=(*measured.reasons, *_faults(measured, rules)))


def auc(scores: DoubleArray, positive: BoolArray) -> float:
    """Probability that a positive scores above a negative, ties half; NaN without one of each."""
    ranks = average_ranks(scores)
    hits = int(np.count_nonzero(positive))
    misses = positive.size - hits
    if not (hits and misses):
        return float("nan")
    return (float(ranks[positive].sum()) - hits * (hits + 1) / 2) / (hits * misses)


def rank_correlation(one: DoubleArray, other: DoubleArray) -> float:
    """Spearman's rank correlation, ties sharing their mean rank; NaN when one does not vary."""
    if one.size < 2 or not (np.ptp(one) > 0 and np.ptp(other) > 0):
        return float("nan")
    return float(np.corrcoef(average_ranks(one), average_ranks(other))[0, 1])


def average_ranks(values: DoubleArray) -> DoubleArray:
    """Ranks from 1, the mean of theirs for equal values, shape (n,)."""
    _, position, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: DoubleArray = (np.cumsum(counts) - (counts - 1) / 2)[position]
    return ranks


def _mean_error(predicted: DoubleArray, actual: DoubleArray) -> float:
    return float(np.abs(predicted - actual).mean()) if actual.size else float("nan")


def _ratio(predicted: float, actual: float) -> float:
    return predicted / actual if actual > 0 else float("nan")


def _faults(health: Health, rules: HealthRules) -> list[str]:
    if not (np.isfinite(health.sum_ratio) and np.isfinite(health.auc)):
        return ["holdout: needs customers who ordered again and others who did not; make it longer"]
    faults = []
    if not rules.least_sum_ratio <= health.sum_ratio <= rules.most_sum_ratio:
        faults.append(
            f"orders predicted / actual: {health.sum_ratio:.2f}, must lie within "
            f"{rules.least_sum_ratio} to {rules.most_sum_ratio}; keep the previous model"
        )
    if not health.mae <= health.naive_mae:
        faults.append(
            f"mean error: {health.mae:.3f} orders a customer, {health.naive_mae:.3f} by each "
            "customer's own rate so far; keep the previous model"
        )
    least = max(rules.least_auc, health.recency_auc - rules.auc_below_recency)
    if not health.auc >= least:
        faults.append(
            f"AUC of who orders again: {health.auc:.3f}, at least {least:.3f} is needed "
            f"(recency alone: {health.recency_auc:.3f}); keep the previous model"
        )
    return faults


def _notes(spend: Spend, rules: HealthRules) -> tuple[str, ...]:
    correlation = spend.correlation()
    if not abs(correlation) >= rules.most_correlation:
        return ()
    return (
        f"correlation of repeats and order value: {correlation:.2f}; expected spend assumes none "
        f"(below {rules.most_correlation} either way), judge it by the rank correlation",
    )
