"""Features of the customer: rhythm, baskets, and what the loyalty engine makes of them."""

from __future__ import annotations

import numpy as np

from engine.domain.arrays import DoubleArray, FloatArray
from engine.domain.histories import Histories
from engine.loyalty.cuts import Cuts
from engine.loyalty.feature import Column
from engine.loyalty.features.context import Context
from engine.loyalty.features.registry import GROUPS
from engine.loyalty.purchases import states_of_purchases
from engine.loyalty.states import ItemFacts
from engine.recommend.features.asked import Asked, Columns

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


def people_columns(asked: Asked) -> Columns:
    """Columns of pairs that depend on the customer and the moment alone."""
    visits, lines = asked.visits, asked.lines
    orders, count = visits.orders.astype(np.float64), visits.lines.astype(np.float64)
    distinct = np.diff(lines.pairs.indptr).astype(np.float64)
    # Of known items: what came into the shop since the training is no repeat.
    known = np.diff(np.append(lines.starts, len(lines.age))[lines.pairs.indptr])
    gap = _ratio(visits.first - visits.last, orders - 1)
    own = {
        "customer_orders": orders,
        "customer_days_since": visits.last,
        "customer_tenure_days": visits.first,
        "customer_gap_days": gap,
        "customer_overdue": _ratio(visits.last, gap),
        "customer_lines_an_order": _ratio(count, orders),
        "customer_repeat_share": 1 - _ratio(distinct, known.astype(np.float64)),
        "customer_price": _price(asked),
    }
    if asked.cuts is not None and asked.facts is not None:
        histories, now_ms = asked.query.histories, asked.query.now_ms
        own |= loyalty(histories, asked.facts, asked.cuts, now_ms=now_ms)
    out = {name: values.astype(np.float32)[asked.row] for name, values in own.items()}
    with np.errstate(divide="ignore", invalid="ignore"):
        out["relative_price"] = asked.statistics.price[asked.pairs.item] / out["customer_price"]
    return out


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
    lines = asked.lines
    price = np.nan_to_num(asked.statistics.price[lines.pairs.item].astype(np.float64))
    row = lines.pairs.row()
    total = np.bincount(row, weights=price, minlength=len(asked.query))
    priced = np.bincount(row[price > 0], minlength=len(asked.query))
    return _ratio(total.astype(np.float64), priced.astype(np.float64))


def _ratio(above: DoubleArray | FloatArray, below: DoubleArray | FloatArray) -> DoubleArray:
    out = np.full(len(above), np.nan)
    np.divide(above, below, out=out, where=below > 0)
    return out
