"""What customers are worth: the chance of another order, orders and money to come, margins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray, LongArray
from engine.domain.histories import DAY_MS
from engine.loyalty.cuts import Cuts
from engine.loyalty.feature import Feature, Kind
from engine.loyalty.features.accounts import value_type
from engine.loyalty.features.columns import columns_of
from engine.loyalty.features.context import Columns, Context, sums
from engine.loyalty.features.margins import MONTHS, Margins
from engine.loyalty.features.orders import cycle_days
from engine.loyalty.trajectory import own_horizon
from engine.loyalty.value.repeats import Repeats
from engine.loyalty.value_models import Fitted, Models

BANDS = ("low", "medium", "high")
_MODEL = "purchases, and a training with enough repeat customers"
_COSTS = "purchases; the items' cost makes it exact"

FEATURES: tuple[Feature, ...] = (
    Feature(
        "p_alive",
        Kind.SHARE,
        "Probability that the customer has not left for good.",
        _MODEL,
        "Still a customer with a probability of {p_alive:share}; last order "
        "{days_since_last:days} ago.",
    ),
    Feature(
        "churn_risk",
        Kind.SHARE,
        "Probability of no order within the next 90 days.",
        _MODEL,
        "No order within 90 days with a probability of {churn_risk:share}; last order "
        "{days_since_last:days} ago, usually every {cycle_days:days}.",
    ),
    Feature(
        "churn_risk_cycle",
        Kind.SHARE,
        "Probability of no order within two of the customer's own cycles, 90 days at least.",
        _MODEL,
        "No order within two cycles of {cycle_days:days} (90 days at least) with a probability of "
        "{churn_risk_cycle:share}.",
    ),
    Feature(
        "churn_band",
        Kind.CHOICE,
        "Churn risk in three bands.",
        _MODEL,
        "Churn risk {churn_band}: {churn_risk:share} for the next 90 days.",
        choices=BANDS,
    ),
    Feature(
        "expected_orders",
        Kind.NUMBER,
        "Orders to expect in the next 12 months.",
        _MODEL,
        "{expected_orders:number} orders to expect in 12 months; {orders_12m:count} in the last.",
    ),
    Feature(
        "expected_spend",
        Kind.MONEY,
        "Revenue to expect of each order to come.",
        _MODEL,
        "{expected_spend:money} to expect of an order; so far {average_order_value:money}.",
    ),
    Feature(
        "next_order_at",
        Kind.MOMENT,
        "Day by which the next order is as likely made as not, if the customer has not left.",
        f"{_MODEL}; a customer more likely gone than not, or due in over two years, has none",
        "Next order likely by {next_order_at:date}.",
    ),
    Feature(
        "clv_historic",
        Kind.MONEY,
        "Margin of all orders so far, discounted to the first.",
        _COSTS,
        "{clv_historic:money} margin so far, out of {revenue:money} revenue.",
    ),
    Feature(
        "clv_predicted",
        Kind.MONEY,
        "Margin to expect within the horizon of the customer lifetime value, discounted to today.",
        _MODEL,
        "{clv_predicted:money} margin to come: {expected_orders:number} orders in the next 12 "
        "months of {expected_spend:money} each.",
    ),
    Feature(
        "clv_total",
        Kind.MONEY,
        "Customer lifetime value: margin so far and margin to expect within the horizon.",
        _MODEL,
        "{clv_total:money} in all: {clv_historic:money} so far and {clv_predicted:money} to come.",
    ),
    Feature(
        "clv_residual",
        Kind.MONEY,
        "Margin to expect for as long as the relationship lasts, discounted to today.",
        _MODEL,
        "{clv_residual:money} margin to come without end of time.",
    ),
    Feature(
        "margin_12m",
        Kind.MONEY,
        "Margin of the last 12 months, after cost of items, contacts and returns.",
        _COSTS,
        "{margin_12m:money} margin in 12 months, out of {revenue_12m:money} revenue.",
    ),
    Feature(
        "margin_assumed",
        Kind.FLAG,
        "Whether the shop's default margin stands in for a cost that nobody told.",
        "purchases",
        sentences={
            "yes": "The shop's default margin stands in for costs that nobody told.",
            "no": "The cost of every item bought is known.",
        },
    ),
    Feature(
        "valuable",
        Kind.FLAG,
        "Whether the last 12 months left a margin, and the time to come is not expected to cost.",
        _COSTS,
        sentences={
            "yes": "Leaves a margin: {margin_12m:money} in the last 12 months.",
            "no": "Leaves no margin: {margin_12m:money} in the last 12 months.",
        },
    ),
    Feature(
        "break_even_month",
        Kind.NUMBER,
        "Month in which the margins first covered the cost of acquisition; 1 is the first.",
        "purchases, acquisition_cost in the configuration, and margins that have covered it",
        "Paid back in month {break_even_month:count} after {first_order_at:date}.",
    ),
)


@dataclass(frozen=True)
class Forecast:
    """What the models expect of n customers, shape (n,); NaN without an order or a model.

    Orders from now on: `chance` of one within a quarter, `own_chance` within the own horizon,
    `year` how many in a year, `horizon` and `endless` the discounted ones, `spend` revenue an
    order in minor units, `wait` days to the next.
    """

    alive: DoubleArray
    chance: DoubleArray
    own_chance: DoubleArray
    year: DoubleArray
    horizon: DoubleArray
    endless: DoubleArray
    spend: DoubleArray
    wait: DoubleArray


def compute(context: Context, known: Columns) -> Columns:
    """Columns of value; what a model has to say is unknown in a shop that has none."""
    margins = context.once(Margins.of)
    n, forecast = context.n, forecast_of(context, Models.of(context.cuts))
    share = margins.share(context)
    historic = np.where(n > 0, margins.present_value(context), np.nan)
    predicted = share * forecast.spend * forecast.horizon
    risk = 1 - forecast.chance
    low, high = context.cuts.config.churn_bands
    band = np.where(np.isnan(risk), np.nan, (risk >= low) * 1.0 + (risk >= high))
    due = (context.today + np.ceil(forecast.wait)) * DAY_MS
    about = {
        "p_alive": forecast.alive,
        "churn_risk": risk,
        "churn_risk_cycle": 1 - forecast.own_chance,
        "churn_band": band,
        "expected_orders": forecast.year,
        "expected_spend": forecast.spend,
        "next_order_at": due,
        "clv_historic": historic,
        "clv_predicted": predicted,
        "clv_total": historic + predicted,
        "clv_residual": share * forecast.spend * forecast.endless,
        **_margins(context, margins, predicted),
    }
    return columns_of(n, about, labels={"churn_band": BANDS})


def forecast_of(context: Context, models: Models) -> Forecast:
    """What the models expect of each customer."""
    found = np.full((8, len(context)), np.nan)
    (buyers,) = (context.n > 0).nonzero()
    if models and buyers.shape[0]:
        data, value = repeats_of(context, buyers), context.once(repeat_value)[buyers]
        horizon = own_horizon(context.cuts, context.once(cycle_days)[buyers])
        for rows, fitted in models.parts(context.once(value_type)[buyers]):
            found[:, buyers[rows]] = _expected(
                context.cuts, fitted, data.where(rows), value[rows], horizon[rows]
            )
    return Forecast(*found)


def _expected(
    cuts: Cuts, fitted: Fitted, data: Repeats, value: DoubleArray, horizon: DoubleArray
) -> tuple[DoubleArray, ...]:
    config, model, rate = cuts.config, fitted.repeat, interest_a_day(cuts)
    spend = np.full(len(data), np.nan)
    if fitted.spend is not None:
        spend = fitted.spend.expected_spend(data.frequency, value)
    return (
        model.p_alive(data),
        model.p_order_within(data, config.quarter),
        model.p_order_within(data, horizon),
        model.expected_orders(data, config.year),
        model.discounted_orders(data, horizon_days(cuts), rate=rate),
        model.discounted_orders(data, np.inf, rate=rate),
        spend,
        model.next_order_days(data),
    )


def repeats_of(context: Context, buyers: LongArray) -> Repeats:
    """Repeat behaviour of the customers at the positions, all of whom have an order."""
    return Repeats(
        (context.n[buyers] - 1).astype(np.float64), context.recency[buyers], context.age[buyers]
    )


def repeat_value(context: Context) -> DoubleArray:
    """Mean revenue of the orders after the first, in minor units, shape (n,); 0 without any.

    Fader, Hardie & Lee (2005) leave the first order out: it is not like the ones that follow.
    """
    orders = context.orders
    later = orders.value.copy()
    later[orders.indptr[:-1][context.n > 0]] = 0
    revenue = sums(later, orders.indptr)
    mean: DoubleArray = revenue / np.maximum(context.n - 1, 1)
    return mean


def horizon_days(cuts: Cuts) -> float:
    """The horizon of the customer lifetime value in days."""
    return cuts.config.horizon_months * cuts.config.year / MONTHS


def interest_a_day(cuts: Cuts) -> float:
    """The yearly interest as a continuous rate a day."""
    return float(np.log1p(cuts.config.yearly_interest)) / cuts.config.year


def _margins(
    context: Context, margins: Margins, predicted: DoubleArray
) -> dict[str, DoubleArray | BoolArray]:
    cost = context.cuts.config.acquisition_cost
    year = margins.of_year(context, until=np.full(len(context), context.today))
    paid_back = np.full(len(context), np.nan)
    if cost is not None:
        paid_back = margins.break_even(context, acquisition_cost=cost)
    return {
        "margin_12m": year,
        "margin_assumed": margins.assumed,
        # Nothing is known to speak against a customer whom no model judges.
        "valuable": (year > 0) & ~(predicted < 0),
        "break_even_month": paid_back,
    }
