"""What customers say, and what they keep to themselves."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from engine.domain.arrays import DoubleArray
from engine.loyalty.feature import Column, Feature, Kind
from engine.loyalty.features import departure, satisfaction, service
from engine.loyalty.features.context import Columns, Context, column, counts, sums
from engine.loyalty.features.evidence import is_newer, mean_of, mean_rows, shown

_DISSATISFACTION: tuple[Feature, ...] = (
    Feature(
        "order_size_change",
        Kind.NUMBER,
        "What an order of the newer half is worth more (above 0) or less (below) than one of the "
        "older half, as a share of the larger of the two; from the fourth order on.",
        "purchases",
        "Value of an order, the newer half of {orders:count} orders against the older: "
        "{order_size_change:share}.",
    ),
    Feature(
        "rating_change",
        Kind.NUMBER,
        "Mean of the newer half of the ratings less the mean of the older half.",
        "rating events, two at least",
        "Ratings moved by {rating_change:number} of the scale.",
    ),
    Feature(
        "silent_dissatisfaction",
        Kind.SHARE,
        "How much the customer's behaviour looks like dissatisfaction beside others': smaller "
        "orders, lateness, returns, falling ratings, contacts, ignored mail, those that are known. "
        "A ranking, not a probability.",
        "purchases; ratings, contacts and mail where there are any; a training",
        "Looks dissatisfied at {silent_dissatisfaction:share}: {overdue:number} usual cycles since "
        "the last order, sends back {return_rate:share}.",
    ),
)
FEATURES: tuple[Feature, ...] = (
    *satisfaction.FEATURES,
    *service.FEATURES,
    *departure.FEATURES,
    *_DISSATISFACTION,
)
SCALED: tuple[str, ...] = service.SCALED
# What speaks of dissatisfaction when it is high (1) or low (-1).
_SIGNS = {
    "order_size_change": -1.0,
    "overdue": 1.0,
    "return_rate": 1.0,
    "rating_change": -1.0,
    "contacts_per_order": 1.0,
    "mail_ignored": 1.0,
}
STANDARDISED: tuple[str, ...] = tuple(_SIGNS)


def compute(context: Context, known: Columns) -> Columns:
    """Columns of opinions, complaints, exits and silent dissatisfaction."""
    served = service.compute(context, known)
    columns = {
        **satisfaction.compute(context, known, served),
        **served,
        **departure.compute(context, known),
        "order_size_change": _order_size_change(context),
        "rating_change": _rating_change(context),
    }
    columns["silent_dissatisfaction"] = _silent(context, {**known, **columns})
    return columns


def _order_size_change(context: Context) -> Column:
    orders, n = context.orders, context.n
    newer = is_newer(orders.indptr)
    late = sums(np.where(newer, orders.value, 0), orders.indptr) / np.maximum(n - n // 2, 1)
    early = sums(np.where(newer, 0, orders.value), orders.indptr) / np.maximum(n // 2, 1)
    larger = np.maximum(late, early)
    enough = (n >= context.cuts.config.stability_orders) & (larger > 0)
    # Bounded on both sides, so that one huge order does not set the scale for everybody.
    change = (late - early) / np.where(enough, larger, 1.0)
    return column(change, np.where(enough, n, 0))


def _rating_change(context: Context) -> Column:
    opinions, word = context.states.opinions, context.states.words.index("rating")
    if word < 0 or not len(opinions):
        return column(*context.unknown)
    mask = (opinions.topic == word) & ~np.isnan(opinions.value) & (opinions.at <= context.now_ms)
    ratings = opinions.where(mask)
    newer = is_newer(ratings.indptr)
    late, _ = mean_rows(ratings.value, newer, ratings)
    early, _ = mean_rows(ratings.value, ~newer, ratings)
    return shown(late - early, counts(ratings.indptr))


def _silent(context: Context, columns: Columns) -> Column:
    """The logistic of the mean of standardised signs, evidence the number of signs."""
    signs: list[DoubleArray] = [
        direction * context.cuts.standardised(name, columns[name].values)
        for name, direction in _SIGNS.items()
    ]
    mean, count = mean_of(signs)
    return column(expit(mean), count)
