"""Since when customers are in their stage, found from their orders alone, to the day."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from engine.domain.arrays import BoolArray, LongArray
from engine.loyalty.features.orders import cycle_of
from engine.loyalty.states import ByteArray
from engine.loyalty.trajectory import (
    EXPLORATION,
    FAMILIARITY,
    LOYALTY,
    NO_STAGE,
    SEPARATION,
    Course,
)

_WEEK = 7
# Looks at once: a lone customer is looked at on many days in one step, many customers on few each.
_LOOKS = 4_096
_MOST_PROBES = 64
# A day that never comes.
_FAR = 2**31
_Condition: TypeAlias = Callable[[LongArray, LongArray], BoolArray]


def stage_since(
    course: Course, row: LongArray, stage: ByteArray, *, today: int
) -> tuple[LongArray, ByteArray]:
    """The UTC day on which each customer's stage of today began, and the stage before; shape (m,).

    `stage` is what `course.stages` says of the customers in `row` today; all have an order. The
    stage before is NO_STAGE for one who has been in a single one since the first order. A spell of
    loyalty, or a break in one, of less than a week may go unseen.
    """
    since = course.day[course.indptr[row]].copy()
    gone = stage == SEPARATION
    if gone.any():
        since[gone] = _gone_since(course, row[gone], today)
    several = (stage == FAMILIARITY) | (stage == LOYALTY)
    if several.any():
        since[several] = _ordering_since(course, row[several], stage[several], today)
    before = np.full(row.shape, NO_STAGE, dtype=np.int8)
    moved = np.flatnonzero(stage != EXPLORATION)
    before[moved] = course.stages(row[moved], since[moved] - 1)
    return since, before


def _gone_since(course: Course, row: LongArray, today: int) -> LongArray:
    """The first day of separation after the last order: once gone, only an order brings back."""
    full = np.full(row.shape, today)
    look = course.look(row, full)
    last = today - look.since
    config = course.cuts.config
    # On the one day still within the turning point, on the other beyond the point of separation.
    present = last + np.floor(config.turning_overdue * look.cycle).astype(np.int64)
    absent = last + np.floor(config.separation_overdue * look.cycle).astype(np.int64) + 1
    return _first_day(course.separated, row, present, np.minimum(absent, today))


def _first_day(
    condition: _Condition, row: LongArray, before: LongArray, after: LongArray
) -> LongArray:
    """The first day in (before, after] of a condition that holds on `after` and stays once true."""
    before, after = np.minimum(before, after - 1), after.copy()
    while (open_ := np.flatnonzero(after - before > 1)).shape[0]:
        probes = min(max(_LOOKS // open_.shape[0], 1), _MOST_PROBES)
        low, high = before[open_, None], after[open_, None]
        days = low + (high - low) * np.arange(1, probes + 1) // (probes + 1)
        held = condition(np.repeat(row[open_], probes), days.ravel()).reshape(days.shape)
        # Days rise along a row, and so does what is true of them.
        false = probes - held.sum(axis=1)
        edges = np.concatenate([low, days, high], axis=1)
        at = np.arange(open_.shape[0])
        before[open_], after[open_] = edges[at, false], edges[at, false + 1]
    return after


def _ordering_since(course: Course, row: LongArray, stage: ByteArray, today: int) -> LongArray:
    """The first day of the run of familiarity or loyalty that lasts until today."""
    floor, earliest = _second_start(course)[row], _earliest_loyalty(course, row)
    # Somebody loyal was not before the earliest day; others are looked at only where loyalty is
    # possible, and at last have been as they are since their floor.
    end = np.where(stage == LOYALTY, earliest - _WEEK, np.maximum(earliest, floor))
    # Weeks are counted from 1970, so that the same days are looked at tomorrow.
    top = np.full(row.shape, today // _WEEK * _WEEK)
    since = floor.copy()
    looking = np.flatnonzero(top >= end)
    while looking.shape[0]:
        weeks = min(max(_LOOKS // looking.shape[0], 4), _MOST_PROBES)
        days = top[looking, None] - _WEEK * np.arange(weeks)
        unlike = course.on(row[looking], days) != stage[looking, None]
        unlike &= days >= end[looking, None]
        broken = unlike.any(axis=1)
        hit, week = looking[broken], unlike[broken].argmax(axis=1)
        since[hit] = _day_after(course, row[hit], stage[hit], days[broken, week], today)
        top[looking] -= _WEEK * weeks
        looking = looking[~broken & (top[looking] >= end[looking])]
    return np.maximum(since, floor)


def _day_after(
    course: Course, row: LongArray, stage: ByteArray, unlike: LongArray, today: int
) -> LongArray:
    """The day after the last of the week from `unlike` on that is unlike the stage, shape (m,)."""
    days = unlike[:, None] + np.arange(_WEEK)
    differs = (course.on(row, days) != stage[:, None]) & (days <= today)
    after: LongArray = (np.where(differs, days, unlike[:, None]) + 1).max(axis=1)
    return after


def _second_start(course: Course) -> LongArray:
    """The day from which each customer is past exploration without a break, shape (n,).

    That of the last order after a separation, or of the second order; of the first for those
    without a second.
    """
    indptr, day = course.indptr, course.day
    n = np.diff(indptr)
    start = np.zeros(n.shape, np.int64)
    start[n > 0] = day[(indptr[:-1] + (n > 1))[n > 0]]
    row = np.repeat(np.arange(n.shape[0]), n)
    back = np.flatnonzero(np.arange(row.shape[0]) > indptr[row])
    # Most gaps are too short to have been a separation; the day before the order decides.
    quiet = day[back] - 1 - day[back - 1]
    span = day[back - 1] - day[indptr[row[back]]]
    cycle = cycle_of(course.cuts, span, back - 1 - indptr[row[back]])
    back = back[quiet > course.cuts.config.turning_overdue * cycle]
    back = back[course.separated(row[back], day[back] - 1)]
    # Of several entries for one customer the last one stays.
    start[row[back]] = day[back]
    return start


def _earliest_loyalty(course: Course, row: LongArray) -> LongArray:
    """A day before which none of the customers was loyal; far away for those with few orders."""
    config, begin = course.cuts.config, course.indptr[row]
    enough = begin + config.loyalty_orders - 1
    able = enough < course.indptr[row + 1]
    nth = course.day[np.where(able, enough, begin)]
    tenure = np.ceil(config.loyalty_tenure_cycles * course.cuts.cycle).astype(np.int64)
    return np.where(able, np.maximum(nth, course.day[begin] + tenure), _FAR)
