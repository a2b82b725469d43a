"""The lifecycle stage of today, since when, and the one before, with or without an order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray, LongArray
from engine.domain.histories import DAY_MS
from engine.loyalty.features.context import Context
from engine.loyalty.stage_since import stage_since
from engine.loyalty.states import (
    BOT,
    CHECKOUT,
    IN_CART,
    NEVER,
    ByteArray,
    StageMemory,
)
from engine.loyalty.trajectory import (
    AWARENESS,
    EXPLORATION,
    NO_STAGE,
    Course,
)


@dataclass(frozen=True)
class StagesNow:
    """Per customer, shape (n,): stage and stage before, positions in STAGES or NO_STAGE (-1).

    `since` is ms, NaN where there is no stage.
    """

    stage: ByteArray
    before: ByteArray
    since: DoubleArray

    @classmethod
    def of(cls, context: Context, course: Course) -> StagesNow:
        """The stages as of the end of the UTC day of `now`.

        The log and the cuts alone say the stage: under the same cuts, who is gone stays so until a
        new order, for neither lateness nor the risk ever falls by waiting. What the last run said,
        if anything, says since when a stage holds that still does.
        """
        n, memory = context.n, context.states.memory
        everyone = np.arange(len(context))
        stage = course.stages(everyone, np.full(n.shape, context.today))
        since, before = np.full(n.shape, np.nan), np.full(n.shape, NO_STAGE, np.int8)
        kept = np.zeros(n.shape, np.bool_)
        if memory is not None:
            kept = (n > 0) & (memory.stage == stage) & (memory.since != NEVER)
            since[kept], before[kept] = memory.since[kept], memory.before[kept]
        (rows,) = ((n > 0) & ~kept).nonzero()
        if rows.shape[0]:
            days, before[rows] = stage_since(course, rows, stage[rows], today=context.today)
            since[rows] = days * DAY_MS
            _met_before(context, rows, days, before)
            if memory is not None:
                _moved(memory, rows, since, before)
        if np.count_nonzero(n) < n.shape[0]:
            _without_order(context, stage, since, before)
        return cls(stage, before, since)


def _moved(memory: StageMemory, rows: LongArray, since: DoubleArray, before: ByteArray) -> None:
    """Let the stage before be the one last said, and no stage begin before that one did."""
    said = rows[(memory.stage[rows] != NO_STAGE) & (memory.since[rows] != NEVER)]
    before[said] = memory.stage[said]
    since[said] = np.maximum(since[said], memory.since[said])


def _met_before(context: Context, rows: LongArray, days: LongArray, before: ByteArray) -> None:
    """Say awareness came before the first order where a sign of the customer did."""
    seen = context.states.people.seen_first[rows]
    first = context.first_day[rows]
    aware = (days == first) & (seen != NEVER) & (seen // DAY_MS < first)
    before[rows[aware]] = AWARENESS


def _without_order(
    context: Context, stage: ByteArray, since: DoubleArray, before: ByteArray
) -> None:
    """Fill in customers without an order: exploring by a cart of late, or seen within a year."""
    config, people, now_ms = context.cuts.config, context.states.people, context.now_ms
    none = context.n == 0
    begun, ended = _carts(context)
    seen_first = people.seen_first.astype(np.float64)
    # A sender's clock may run ahead: what is not yet tells nothing.
    aware = none & (people.seen_first != NEVER) & (people.seen_first <= now_ms)
    aware &= people.seen_last > now_ms - config.year * DAY_MS
    exploring = none & (now_ms - ended <= config.exploration_cart * DAY_MS)
    # A cart long ago: exploration ended some days after it.
    lapsed = aware & ~exploring & ~np.isnan(ended)
    stage[none] = NO_STAGE
    stage[aware], since[aware] = AWARENESS, seen_first[aware]
    since[lapsed], before[lapsed] = ended[lapsed] + config.exploration_cart * DAY_MS, EXPLORATION
    stage[exploring], since[exploring] = EXPLORATION, begun[exploring]
    before[exploring & (seen_first < begun)] = AWARENESS


def _carts(context: Context) -> tuple[DoubleArray, DoubleArray]:
    """When each customer's last row of carts, none long after another, began and ended, in ms.

    Shape (n,) each, NaN without a visit that filled a cart or began a checkout.
    """
    visits = context.states.visits
    begun, ended = np.full(len(context), np.nan), np.full(len(context), np.nan)
    carted = visits_with(context, IN_CART | CHECKOUT)
    rows, at = context.once(row_of_visits)[carted], visits.start[carted]
    if rows.shape[0]:
        fresh = np.ones(rows.shape, np.bool_)
        pause = context.cuts.config.exploration_cart * DAY_MS
        fresh[1:] = (rows[1:] != rows[:-1]) | (np.diff(at) > pause)
        start = np.maximum.accumulate(np.where(fresh, np.arange(rows.shape[0]), 0))
        # Of several entries for one customer the last one stays.
        begun[rows], ended[rows] = at[start], at
    return begun, ended


def row_of_visits(context: Context) -> LongArray:
    """The customer's position for every visit, shape (visits,)."""
    return context.states.visits.row()


def visits_of_people(context: Context) -> BoolArray:
    """Which visits up to now were not a robot's, shape (visits,)."""
    visits = context.states.visits
    of_people: BoolArray = ((visits.steps & BOT) == 0) & (visits.start <= context.now_ms)
    return of_people


def visits_with(context: Context, steps: int) -> BoolArray:
    """Which visits of people took any of the steps, shape (visits,)."""
    taken: BoolArray = (context.states.visits.steps & steps) != 0
    return context.once(visits_of_people) & taken
