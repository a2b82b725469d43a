"""Who that is gone may come back, and what trying is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray, LongArray
from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.features.context import Columns, Context
from engine.loyalty.features.margins import Margins
from engine.loyalty.features.orders import overdue_ratio
from engine.loyalty.features.value import horizon_days, interest_a_day, repeat_value
from engine.loyalty.trajectory import Course
from engine.loyalty.value.repeats import Repeats

_NEED_ENDED = "need_ended"
_DENIED = "denied"


@dataclass(frozen=True)
class WinBack:
    """Per customer, shape (n,); all unknown or false for those who are not gone.

    `chance` to come back, `value` of trying in minor units, `candidate` who left a margin, does not
    object and whose need has not ended, `trials` how many others the chance rests on.
    """

    chance: DoubleArray
    value: DoubleArray
    candidate: BoolArray
    trials: LongArray

    @classmethod
    def of(cls, context: Context, course: Course, known: Columns, *, gone: BoolArray) -> WinBack:
        """The chances and values of the customers who are `gone`."""
        chance, value = np.full(gone.shape, np.nan), np.full(gone.shape, np.nan)
        candidate, trials = np.zeros(gone.shape, np.bool_), np.zeros(gone.shape, np.int64)
        if not np.count_nonzero(gone):
            return cls(chance, value, candidate, trials)
        hits, tries = _past(context, context.once(overdue_ratio)[gone])
        prior = context.cuts.config.win_back_prior
        chance[gone] = (hits + prior[0]) / (tries + sum(prior))
        trials[gone] = tries
        margins = context.once(Margins.of)
        last = np.where(gone, context.last_day, 0).astype(np.int64)
        candidate = gone & (margins.of_year(context, until=last) > 0)
        candidate &= _not_said(known, "consent_email", _DENIED, candidate)
        candidate &= _not_said(known, "exit_reason", _NEED_ENDED, candidate)
        rows = candidate.nonzero()[0]
        value[rows] = chance[rows] * _value_if_back(context, course, margins, rows)
        return cls(chance, value - context.cuts.config.win_back_cost, candidate, trials)


def win_back_bucket(config: LoyaltyConfig, overdue: DoubleArray) -> LongArray:
    """The bucket of lateness, a position in `win_back_buckets`; the first holds all below it."""
    edges = np.asarray(config.win_back_buckets)
    bucket = np.searchsorted(edges, overdue, side="right") - 1
    return np.maximum(bucket, 0).astype(np.int64)


def bucket_name(edge: float) -> str:
    """The name under which the cuts keep a bucket that begins at an overdue ratio."""
    return f"{edge:g}"


def _past(context: Context, overdue: DoubleArray) -> tuple[LongArray, LongArray]:
    """How many as late as these came back, and out of how many, of the past customers' gaps."""
    cuts = context.cuts
    counts = [cuts.win_back.get(bucket_name(edge), (0, 0)) for edge in cuts.config.win_back_buckets]
    found = np.asarray(counts, dtype=np.int64)[win_back_bucket(cuts.config, overdue)]
    return found[:, 0], found[:, 1]


def _value_if_back(
    context: Context, course: Course, margins: Margins, rows: LongArray
) -> DoubleArray:
    """Margin of an order today and of those to follow it within the horizon, shape (m,)."""
    cuts, value = context.cuts, np.full(rows.shape, np.nan)
    # One more repeat, made today.
    age = context.age[rows]
    back = Repeats(context.n[rows].astype(np.float64), age, age)
    mean = context.once(repeat_value)[rows]
    for part, fitted in course.models.parts(course.types[rows]):
        if fitted.spend is None:
            continue
        data = back.where(part)
        following = fitted.repeat.discounted_orders(
            data, horizon_days(cuts), rate=interest_a_day(cuts)
        )
        spend = fitted.spend.expected_spend(data.frequency - 1, mean[part])
        value[part] = (1 + following) * spend
    return value * margins.share(context)[rows]


def _not_said(known: Columns, name: str, word: str, of: BoolArray) -> BoolArray:
    """Whose choice is not the word, unknown ones included, shape of `of`."""
    column = known.get(name)
    if column is None or word not in column.labels:
        return np.ones(of.shape, np.bool_)
    differs: BoolArray = column.values != column.labels.index(word)
    return differs
