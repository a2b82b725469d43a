"""Core customers, how loyal and how valuable they are beside others."""

from __future__ import annotations

import numpy as np

from engine.domain.arrays import DoubleArray
from engine.loyalty.feature import Feature, Kind
from engine.loyalty.features import wallet
from engine.loyalty.features.context import Columns, Context, column
from engine.loyalty.features.evidence import flag, mean_of, shown, tells
from engine.loyalty.features.wallet import fit_wallet

__all__ = ["CELLS", "FEATURES", "SCALED", "STANDARDISED", "compute", "fit_wallet"]

# Which of the three questions has a yes, as the sum of 1, 2 and 4.
CELLS = ("none", "q1", "q2", "q1_q2", "q3", "q1_q3", "q2_q3", "q1_q2_q3")
INDEX_BEST = 100.0
_MARKS = (
    "full_price_share",
    "payment_promptness",
    "low_service",
    "preference_stability",
    "purchase_frequency",
)
_CORE = "purchases; with discounts, categories, days_to_pay, contacts, costs the answers get firmer"

FEATURES: tuple[Feature, ...] = (
    Feature(
        "payment_promptness",
        Kind.SHARE,
        "How promptly orders are paid: 1 at once, 0 after 30 days or later, by the median order.",
        "purchases with the property days_to_pay",
        "Pays promptly: {payment_promptness:share}.",
    ),
    Feature(
        "low_service",
        Kind.SHARE,
        "How little service the customer asks for: 1 less the share of customers with fewer "
        "contacts an order.",
        "service_contact events, purchases and a training",
        "{low_service:share} of customers ask for as much service or more; contacts an order: "
        "{contacts_per_order:number}.",
    ),
    Feature(
        "purchase_frequency",
        Kind.SHARE,
        "Share of customers with fewer orders in the last 12 months.",
        "purchases and a training",
        "Orders in 12 months: {orders_12m:count}; {purchase_frequency:share} of others have fewer.",
    ),
    Feature(
        "core_marks",
        Kind.COUNT,
        "How many of the five marks of a core customer are known: full price, prompt payment, "
        "little service, stable taste, frequent purchases.",
        _CORE,
        "{core_marks:count} of the five marks of a core customer are known.",
    ),
    Feature(
        "core_mark_score",
        Kind.SHARE,
        "Mean of the five marks of a core customer, of three at least.",
        _CORE,
        "Marks of a core customer: {core_mark_score:share}, from {core_marks:count} of five.",
    ),
    *wallet.FEATURES,
    Feature(
        "core_score",
        Kind.COUNT,
        "How many of three questions have a yes: is the customer loyal and profitable (marks of "
        "0.6, margin in the top 30 %), is half the wallet spent here, does the shop offer this "
        "customer what others cannot. Questions without an answer are not counted.",
        _CORE,
        "{core_score:count} of the three questions on core customers have a yes.",
    ),
    Feature(
        "core_cell",
        Kind.CHOICE,
        "Which of the three questions have a yes: q1 loyal and profitable, q2 share of wallet, q3 "
        "differential value.",
        _CORE,
        choices=CELLS,
        sentences={
            "none": "Neither loyal and profitable, nor half the wallet, nor a special advantage.",
            "q1": "Loyal and profitable.",
            "q2": "Spends half the wallet or more here.",
            "q1_q2": "Loyal and profitable, and spends half the wallet or more here.",
            "q3": "Buys more than others of what only this shop has.",
            "q1_q3": "Loyal and profitable, and buys what only this shop has.",
            "q2_q3": "Spends half the wallet here, and buys what only this shop has.",
            "q1_q2_q3": "Loyal and profitable, half the wallet, and buys what only this shop has.",
        },
    ),
    Feature(
        "core_customer",
        Kind.FLAG,
        "Whether this is a core customer: loyal and profitable, and a yes to one more of the three "
        "questions; unknown while an answer that would decide it is.",
        _CORE,
        sentences={
            "yes": "A core customer: {core_score:count} of three questions have a yes.",
            "no": "No core customer: {core_score:count} of three questions have a yes, where it "
            "takes the first and one more.",
        },
    ),
    Feature(
        "loyalty_index",
        Kind.NUMBER,
        "0 to 100: half the share of wallet, half the chance of an order within 90 days.",
        "purchases and a training",
        "Loyalty {loyalty_index:number} of 100: risk of no order in 90 days {churn_risk:share}.",
    ),
    Feature(
        "loyalty_index_proxy",
        Kind.FLAG,
        "Whether the frequency of purchases stands in for an unknown share of wallet in the index.",
        "purchases and a training",
        sentences={
            "yes": "In the loyalty index, how often orders come stands in for the wallet.",
            "no": "The loyalty index is of the share of wallet, {share_of_wallet:share}.",
        },
    ),
    Feature(
        "value_rank",
        Kind.SHARE,
        "Share of customers with a smaller predicted value.",
        "purchases and a training",
        "Worth {clv_predicted:money} in the time to come: more than {value_rank:share} of "
        "customers.",
    ),
    Feature(
        "most_valuable",
        Kind.FLAG,
        "Whether the customer is among the most valuable fifth by predicted value.",
        "purchases and a training",
        sentences={
            "yes": "Among the most valuable: worth {clv_predicted:money} in the time to come, more "
            "than {value_rank:share} of customers.",
            "no": "Not among the most valuable: worth {clv_predicted:money} in the time to come, "
            "more than {value_rank:share} of customers.",
        },
    ),
)
SCALED: tuple[str, ...] = ("contacts_per_order", "orders_12m", "clv_predicted", *wallet.SCALED)
STANDARDISED: tuple[str, ...] = wallet.STANDARDISED


def compute(context: Context, known: Columns) -> Columns:
    """Columns of core customers, of the loyalty index, and of the rank by value."""
    columns = {**_three_marks(context, known), **wallet.compute(context)}
    everything = {**known, **columns}
    score, marks = mean_of([everything[name].values for name in _MARKS])
    least = context.cuts.config.core_marks
    columns["core_marks"] = column(marks.astype(np.float64), marks)
    columns["core_mark_score"] = column(score, np.where(marks >= least, marks, 0))
    everything |= columns
    return {
        **columns,
        **_questions(context, everything),
        **_index(context, everything),
        **_value(context, known),
    }


def _three_marks(context: Context, known: Columns) -> Columns:
    cuts, n = context.cuts, context.n
    days = context.states.people.days_to_pay
    contacts = known["contacts_per_order"]
    rank = cuts.scale01("contacts_per_order", contacts.values)
    told = contacts.evidence * tells(cuts, "contacts_per_order")
    frequency = cuts.scale01("orders_12m", known["orders_12m"].values)
    return {
        "payment_promptness": shown(np.clip(1.0 - days / cuts.config.month, 0.0, 1.0), n > 0),
        "low_service": shown(1.0 - rank, told),
        "purchase_frequency": shown(frequency, n),
    }


def _questions(context: Context, columns: Columns) -> Columns:
    """The three questions: 1 yes, 0 no, NaN where the customer's state does not say."""
    config = context.cuts.config
    first = _loyal_and_profitable(context, columns)
    wallet_share = columns["share_of_wallet"].values
    second = flag(wallet_share >= config.core_wallet, wallet_share)
    advantage = columns["differential_value"].values
    third = flag(advantage > 0, advantage)
    yes = [answer == 1 for answer in (first, second, third)]
    _, answered = mean_of((first, second, third))
    cell = yes[0] + 2.0 * yes[1] + 4.0 * yes[2]
    core = flag(yes[0] & (yes[1] | yes[2]))
    # Sure without the missing answers: a no to the first, or to both others; or yes already.
    no = (first == 0) | ((second == 0) & (third == 0))
    core[~no & (core == 0)] = np.nan
    return {
        "core_score": column(yes[0] + 1.0 * yes[1] + yes[2], answered),
        "core_cell": column(cell, answered, CELLS),
        "core_customer": shown(core, answered),
    }


def _loyal_and_profitable(context: Context, columns: Columns) -> DoubleArray:
    """The first question: one part that fails answers it even when the other is unknown."""
    config, top = context.cuts.config, context.cuts.top_margin
    score, margin = columns["core_mark_score"].values, columns["margin_12m"].values
    least = np.full(margin.shape, np.nan if top is None else top)
    marked = flag(score >= config.core_mark_score, score)
    profitable = flag(margin >= least, margin, least)
    return np.where((marked == 0) | (profitable == 0), 0.0, marked * profitable)


def _index(context: Context, columns: Columns) -> Columns:
    share, frequency = columns["share_of_wallet"], columns["purchase_frequency"]
    proxy = ~share.known
    patronage = np.where(proxy, frequency.values, share.values)
    retention = 1.0 - columns["churn_risk"].values
    weight = context.cuts.config.share_of_index
    index = INDEX_BEST * (weight * patronage + (1.0 - weight) * retention)
    evidence = columns["churn_risk"].evidence
    return {
        "loyalty_index": shown(index, evidence),
        "loyalty_index_proxy": shown(np.where(np.isnan(index), np.nan, proxy), evidence),
    }


def _value(context: Context, known: Columns) -> Columns:
    value = known["clv_predicted"]
    rank = context.cuts.scale01("clv_predicted", value.values)
    top = flag(rank >= 1.0 - context.cuts.config.most_valuable_share, rank)
    return {
        "value_rank": shown(rank, value.evidence),
        "most_valuable": shown(top, value.evidence),
    }
