"""The stage of the relationship, its strength, and what to do about it."""

from __future__ import annotations

import numpy as np

from engine.domain.arrays import DoubleArray, LongArray
from engine.domain.histories import DAY_MS
from engine.loyalty.feature import Feature, Kind
from engine.loyalty.features.columns import columns_of
from engine.loyalty.features.context import Columns, Context, column
from engine.loyalty.features.orders import overdue_ratio
from engine.loyalty.features.stages import (
    StagesNow,
    row_of_visits,
    visits_of_people,
    visits_with,
)
from engine.loyalty.features.strength import strength_on
from engine.loyalty.features.win_back import WinBack
from engine.loyalty.states import (
    CHECKOUT,
    IN_CART,
    ORDERED,
    VIEWED,
    VIEWED_TWICE,
    ByteArray,
)
from engine.loyalty.trajectory import LOYALTY, NO_STAGE, SEPARATION, STAGES, Course

STATUSES = ("suspect", "prospect", "current", "lost")
LEVELS = ("visitor", "browser", "shopper", "buyer")
STRATEGIES = ("acquire", "develop", "retain", "win_back", "let_go")
_SUSPECT, _PROSPECT, _CURRENT, _LOST = range(len(STATUSES))
_SHOPPER = VIEWED_TWICE | IN_CART | CHECKOUT | ORDERED
_BROWSER = VIEWED | _SHOPPER
_EVENTS = "purchases, or events of an identified customer"
_LATE = "last order {days_since_last:days} ago, {overdue:number} times the usual {cycle_days:days}"

FEATURES: tuple[Feature, ...] = (
    Feature(
        "stage",
        Kind.CHOICE,
        "Stage of the customer lifecycle, by the customer's own rhythm of ordering.",
        _EVENTS,
        choices=STAGES,
        sentences={
            "awareness": "Known and without an order, since {stage_since:date}.",
            "exploration": "Trying the shop since {stage_since:date}: one order, or a cart.",
            "familiarity": "{orders:count} orders, in this stage since {stage_since:date}; "
            f"{_LATE}.",
            "loyalty": "Orders regularly since {stage_since:date}: {orders:count} orders, the last "
            "{days_since_last:days} ago, usually every {cycle_days:days}.",
            "separation": f"Drifted off since {{stage_since:date}}: {_LATE}.",
        },
    ),
    Feature(
        "stage_since",
        Kind.MOMENT,
        "UTC day since when the stage holds.",
        _EVENTS,
        "In the stage {stage} since {stage_since:date}.",
    ),
    Feature(
        "previous_stage",
        Kind.CHOICE,
        "The stage before this one.",
        f"{_EVENTS}, and a stage before this one",
        "Was in the stage {previous_stage} until {stage_since:date}.",
        choices=STAGES,
    ),
    Feature(
        "relationship_strength",
        Kind.SHARE,
        "From 0 to 1: alive, with many orders, from several categories.",
        "purchases, and a training with enough repeat customers",
        "{orders:count} orders and a {p_alive:share} probability of still being a customer make a "
        "strength of {relationship_strength:share}.",
    ),
    Feature(
        "strength_slope",
        Kind.NUMBER,
        "Change of the relationship's strength over 90 days.",
        "purchases, and a training with enough repeat customers",
        "Strength changed by {strength_slope:number} in 90 days, to {relationship_strength:share}.",
    ),
    Feature(
        "customer_status",
        Kind.CHOICE,
        "Suspect, prospect, current or lost customer.",
        _EVENTS,
        choices=STATUSES,
        sentences={
            "suspect": "Known, without an order or a sign of interest in 90 days.",
            "prospect": "Without an order, but looked at items in the last 90 days.",
            "current": f"A current customer: {_LATE}.",
            "lost": f"Lost: {_LATE}.",
        },
    ),
    Feature(
        "visitor_level",
        Kind.CHOICE,
        "The furthest a visit of the last 12 months went.",
        "events of visits: views, carts, checkouts, purchases",
        "The best visit of the last 12 months was that of a {visitor_level}.",
        choices=LEVELS,
    ),
    Feature(
        "win_back_chance",
        Kind.SHARE,
        "How many customers as late as this one came back within 180 days.",
        "purchases of a customer in separation",
        f"{{win_back_chance:share}} of customers as late come back; {_LATE}.",
    ),
    Feature(
        "win_back_value",
        Kind.MONEY,
        "What trying to win the customer back is worth: chance times value, less the cost.",
        "a customer in separation who left a margin and does not object, and a training",
        "{win_back_value:money}, at a chance of {win_back_chance:share} to come back.",
    ),
    Feature(
        "strategy",
        Kind.CHOICE,
        "What to do about the customer now.",
        _EVENTS,
        choices=STRATEGIES,
        sentences={
            "acquire": "No order yet: win the first one.",
            "develop": "{orders:count} orders in {tenure_days:days}: make it a habit.",
            "retain": "Orders regularly, every {cycle_days:days}: keep it so.",
            "win_back": "Drifted off, and worth {win_back_value:money} to win back.",
            "let_go": f"Not worth the cost of winning back: {_LATE}.",
        },
    ),
)


def compute(context: Context, known: Columns) -> Columns:
    """Columns of the lifecycle; stages are as of the end of the UTC day of `now`."""
    n, course = context.n, Course.of(context)
    now = StagesNow.of(context, course)
    evidence = np.maximum(n, now.stage != NO_STAGE)
    quarter = int(context.cuts.config.quarter)
    strength, before = strength_on(context, course, context.today, context.today - quarter)
    back = WinBack.of(context, course, known, gone=now.stage == SEPARATION)
    about_buyers = {"relationship_strength": strength, "strength_slope": strength - before}
    about_stage = {
        "stage": _choice(now.stage),
        "stage_since": now.since,
        "previous_stage": _choice(now.before),
    }
    about_return = {"win_back_chance": back.chance, "win_back_value": back.value}
    about_everybody = {
        "customer_status": _status(context, now),
        "strategy": _strategy(n, now.stage, back),
    }
    return {
        **columns_of(evidence, about_stage, labels={"stage": STAGES, "previous_stage": STAGES}),
        **columns_of(n, about_buyers),
        **columns_of(
            np.maximum(n, 1),
            about_everybody,
            labels={"customer_status": STATUSES, "strategy": STRATEGIES},
        ),
        "visitor_level": column(*_visitor_level(context), LEVELS),
        **columns_of(n + back.trials, about_return),
    }


def _choice(stage: ByteArray) -> DoubleArray:
    return np.where(stage == NO_STAGE, np.nan, stage)


def _status(context: Context, now: StagesNow) -> LongArray:
    config, visits = context.cuts.config, context.states.visits
    lately = visits.end > context.now_ms - config.quarter * DAY_MS
    interested = lately & visits_with(context, VIEWED | VIEWED_TWICE | IN_CART | CHECKOUT)
    status = np.full(len(context), _SUSPECT)
    status[context.once(row_of_visits)[interested]] = _PROSPECT
    status[context.n > 0] = _CURRENT
    gone = now.since <= context.now_ms - config.lost_after * DAY_MS
    lost = (now.stage == SEPARATION) & gone
    status[lost | (context.once(overdue_ratio) > config.lost_overdue)] = _LOST
    return status


def _visitor_level(context: Context) -> tuple[DoubleArray, LongArray]:
    """The furthest step of the last year's visits, and how many visits there were."""
    visits = context.states.visits
    lately = visits.start > context.now_ms - context.cuts.config.year * DAY_MS
    lately &= context.once(visits_of_people)
    row, steps = context.once(row_of_visits)[lately], visits.steps[lately]
    level = np.zeros(len(context))
    # Every visit counts at each level up to its own, so that the last write is the furthest.
    for number, furthest in enumerate((_BROWSER, _SHOPPER, ORDERED), start=1):
        level[row[(steps & furthest) != 0]] = number
    return level, np.bincount(row, minlength=len(context))


def _strategy(n: LongArray, stage: ByteArray, back: WinBack) -> DoubleArray:
    """Positions in STRATEGIES; unknown for who is gone where no model says what they are worth."""
    acquire, develop, retain, win_back, let_go = (float(each) for each in range(len(STRATEGIES)))
    strategy = np.full(n.shape, develop)
    strategy[stage == LOYALTY] = retain
    gone = stage == SEPARATION
    strategy[gone] = let_go
    strategy[gone & (back.value > 0)] = win_back
    strategy[gone & back.candidate & np.isnan(back.value)] = np.nan
    strategy[n == 0] = acquire
    return strategy
