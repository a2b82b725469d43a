"""Features of the customer: rhythm, baskets, and what the loyalty engine makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from engine.domain.arrays import DoubleArray
from engine.domain.histories import Histories
from engine.loyalty.cuts import Cuts
from engine.loyalty.feature import Column
from engine.loyalty.features.context import Context
from engine.loyalty.features.registry import GROUPS
from engine.loyalty.purchases import states_of_purchases
from engine.loyalty.states import ItemFacts
from engine.recommend.features.asked import Asked, Columns
from engine.recommend.features.held import ratio

# Of these groups, what a purchase history alone can tell.
LOYALTY_GROUPS = GROUPS[:4]
LOYALTY = (
    "cycle_days",
    "overdue",
    "rfm_r",
    "rfm_f",
    "rfm_m",
    "p_alive",
    "churn_risk",
    "churn_risk_cycle",
    "expected_orders",
    "clv_predicted",
    "discount_rate",
    "full_price_share",
)


PRICE = "customer_price"
RELATIVE = "relative_price"


def people_columns(asked: Asked) -> Columns:
    """Columns of pairs that depend on the customer and the moment alone."""
    names = asked.wanted(NAMES)
    if PRICE not in names and asked.wanted([RELATIVE]):
        names.append(PRICE)
    own = {name: OWN[name](asked) for name in names}
    if asked.cuts is not None and asked.facts is not None:
        histories, now_ms = asked.query.histories, asked.query.now_ms
        own |= loyalty(histories, asked.facts, asked.cuts, now_ms=now_ms)
    if not own:
        return {}
    of_pairs = np.stack(list(own.values())).astype(np.float32).take(asked.row, axis=-1)
    out = dict(zip(own, of_pairs, strict=True))
    if asked.wanted([RELATIVE]):
        with np.errstate(divide="ignore", invalid="ignore"):
            out[RELATIVE] = asked.statistics.price[asked.pairs.item] / out[PRICE]
    return out


def _gap(asked: Asked) -> DoubleArray:
    """The mean days between two orders of each customer, NaN before the second."""
    visits = asked.visits
    return ratio(visits.first - visits.last, visits.orders - 1.0)


def _repeat_share(asked: Asked) -> DoubleArray:
    """How much of what each customer bought was no first purchase, NaN for nothing bought."""
    bought = asked.query.bought
    bounds = bought.pairs.indptr
    # Of known items: what came into the shop since the training is no repeat.
    lines = np.append(bought.starts, len(bought.order))[bounds]
    distinct, known = bounds[1:] - bounds[:-1], lines[1:] - lines[:-1]
    return 1 - ratio(distinct.astype(np.float64), known.astype(np.float64))


def loyalty(
    histories: Histories, facts: ItemFacts, cuts: Cuts, *, now_ms: int
) -> dict[str, DoubleArray]:
    """Loyalty features of the customers as of now, from their purchases alone, (n,) each."""
    states = states_of_purchases(histories, facts)
    context = Context.of(states, cuts, now_ms=now_ms)
    known: dict[str, Column] = {}
    for group in LOYALTY_GROUPS:
        known.update(group.compute(context, known))
    return {f"loyalty_{name}": known[name].values for name in LOYALTY}


def _price(asked: Asked) -> DoubleArray:
    """The mean price of what each customer buys, NaN without any."""
    pairs = asked.query.bought.pairs
    price = asked.statistics.price[pairs.item].astype(np.float64)
    price[np.isnan(price)] = 0
    row = pairs.row()
    total = np.bincount(row, weights=price, minlength=len(asked.query))
    priced = np.bincount(row[price > 0], minlength=len(asked.query))
    return ratio(total.astype(np.float64), priced.astype(np.float64))


def _explore_share(asked: Asked) -> DoubleArray:
    """The share of first purchases in what each customer bought lately, NaN for nothing bought."""
    lines, bought = asked.lines, asked.query.bought
    faded = np.exp2(-lines.age / asked.horizon_days)
    customers = len(asked.query)
    first: DoubleArray = np.zeros(customers)
    np.add.at(first, lines.pairs.row(), faded[lines.starts])
    whole: DoubleArray = np.zeros(customers)
    np.add.at(whole, bought.row, faded)
    return ratio(first, whole)


# What is known of each customer, shape (n,) each.
OWN: Mapping[str, Callable[[Asked], DoubleArray]] = {
    "customer_orders": lambda asked: asked.visits.orders.astype(np.float64),
    "customer_days_since": lambda asked: asked.visits.last,
    "customer_tenure_days": lambda asked: asked.visits.first,
    "customer_gap_days": _gap,
    "customer_overdue": lambda asked: ratio(asked.visits.last, _gap(asked)),
    "customer_lines_an_order": lambda asked: ratio(
        asked.visits.lines.astype(np.float64), asked.visits.orders.astype(np.float64)
    ),
    "customer_repeat_share": _repeat_share,
    PRICE: _price,
    "customer_explore_share": _explore_share,
}
NAMES = tuple(OWN)
