"""How customers come back and move, and how demand moves."""

from __future__ import annotations

import numpy as np

from engine.domain.histories import DAY_MS
from engine.loyalty.features.context import Orders
from engine.loyalty.shop.flows import Flows, flows, month_ends
from engine.loyalty.shop.months import month_of
from engine.loyalty.shop.retention import cohorts, repurchase_rate, retention, second_order
from engine.loyalty.shop.trend import Trend, trends
from engine.loyalty.trajectory import STAGES, stages
from training.report.assembly.sources import Sources
from training.report.data import Returning

MONTHS = 12
QUARTER_MONTHS = 3
# Fewer newcomers than these say little.
FEW_NEWCOMERS = 100


def returning(sources: Sources) -> Returning | None:
    """Cohorts, retention by quarter and the second order; None without orders."""
    orders, now, config = sources.orders(), sources.now_ms, sources.cuts.config
    if not len(orders):
        return None
    new, since_ms = _newcomers(orders, quarter=config.quarter)
    young = int(orders.day.min()) + config.year + config.quarter > now // DAY_MS
    return Returning(
        cohorts=cohorts(orders, now_ms=now),
        quarters=tuple(
            retention(
                orders, now_ms=now, months=QUARTER_MONTHS, confidence=config.report_confidence
            )
        ),
        benchmark_years=config.half_life_benchmark,
        repurchase=repurchase_rate(
            orders, now_ms=now, mature_days=config.year, confidence=config.report_confidence
        ),
        second=second_order(new, now_ms=now),
        waiting_for_second=int((np.diff(orders.indptr) == 1).sum()),
        newcomers_from_ms=since_ms,
        whole_year=not young,
    )


def _newcomers(orders: Orders, *, quarter: float) -> tuple[Orders, int | None]:
    """Orders of those who first came a quarter after the log begins, and from when; else all.

    Whose first order stands at the log's beginning is likely an old customer, and comes back.
    """
    filled = np.flatnonzero(np.diff(orders.indptr) > 0)
    since = int(orders.day.min() + quarter)
    new = filled[orders.day[orders.indptr[:-1][filled]] >= since]
    if len(new) < FEW_NEWCOMERS:
        return orders, None
    return orders.take(new), since * DAY_MS


def moves(sources: Sources) -> Flows | None:
    """Moves between stages in the months that are over, twelve at most; None without one.

    The log's first months are left out: until a habit has had time to show, nobody is loyal.
    """
    at = sources.states.goods.at
    if not len(at):
        return None
    config = sources.cuts.config
    habit = config.loyalty_windows * config.loyalty_window_least
    covered = month_of(sources.now_ms) - month_of(int(at.min() + habit * DAY_MS)) - 1
    if covered < 1:
        return None
    bounds = month_ends(sources.now_ms, months=min(MONTHS, covered))
    # Stages are as of the end of a day: the last one of the month before.
    found = stages(sources.states, sources.cuts, bounds - 1)
    return flows(found, bounds, names=STAGES)


def demand(sources: Sources) -> list[Trend]:
    """The trend of each category that anything was bought of."""
    facts, config = sources.states.facts, sources.cuts.config
    return trends(
        sources.states.goods,
        facts.category,
        names=facts.categories,
        now_ms=sources.now_ms,
        config=config,
    )
