"""What rows of a customer prove: means, the last of them, and what it means that there are none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray, IntArray, LongArray
from engine.loyalty.cuts import Cuts
from engine.loyalty.feature import Column
from engine.loyalty.features.context import Context, column, float_sums, sums
from engine.loyalty.states import NEVER, Preferences, Rows


def tells(cuts: Cuts, name: str) -> bool:
    """Whether the shop sends what the feature counts, so that none of it means zero.

    The trained scale shows it: somebody has some. A shop that never trained has not shown it. While
    cuts are being fitted there is no scale yet, and the zeros have to be in it.
    """
    scale = cuts.scales.get(name)
    if scale is None:
        return cuts.as_of_ms > 0
    return len(scale) > 0 and scale[-1] > 0


def counted(count: LongArray, *, told: bool | BoolArray) -> Column:
    """A count as a column: its zeros are known, by one observation, where they are `told`."""
    return column(count.astype(np.float64), np.maximum(count, told))


def shown(
    values: DoubleArray, evidence: LongArray | IntArray | BoolArray, labels: tuple[str, ...] = ()
) -> Column:
    """A column in which what is unknown has no evidence, and what has no evidence is unknown."""
    return column(values, np.where(np.isnan(values), 0, evidence), labels)


def mean_rows(values: DoubleArray, mask: BoolArray, rows: Rows) -> tuple[DoubleArray, LongArray]:
    """Mean of the masked rows' values by customer and how many they are, both of shape (n,)."""
    count = sums(mask, rows.indptr)
    chosen = np.where(mask, values, 0.0)
    total = float_sums(chosen, rows.row(), customers=count.shape[0])
    return np.where(count > 0, total / np.maximum(count, 1), np.nan), count


def answers(
    context: Context, topic: str, *, days: float | None = None
) -> tuple[DoubleArray, LongArray]:
    """Mean of the ratings or answers on a topic in the last so many days, by default a year.

    0 to 1, shape (n,); NaN without one, and beside it how many they are.
    """
    opinions, word = context.states.opinions, context.states.words.index(topic)
    if word < 0 or not len(opinions):
        return context.unknown
    days = context.cuts.config.attitude_days if days is None else days
    mask = (opinions.topic == word) & ~np.isnan(opinions.value)
    return mean_rows(opinions.value, mask & context.within(opinions.at, days), opinions)


def is_newer(indptr: LongArray) -> BoolArray:
    """Which rows are in the newer half of their customer's, the middle one of an odd count too."""
    begin, counts = indptr[:-1], indptr[1:] - indptr[:-1]
    newer: BoolArray = np.arange(indptr[-1]) >= (begin + counts // 2).repeat(counts)
    return newer


def last_at(at: LongArray, rows: Rows, *, of: BoolArray | None = None) -> LongArray:
    """The latest of each customer's rows, or of some of them, in ms, shape (n,), or NEVER."""
    latest = np.full(rows.indptr.shape[0] - 1, NEVER, np.int64)
    if at.shape[0]:
        row = rows.row()
        np.maximum.at(latest, row if of is None else row[of], at if of is None else at[of])
    return latest


def consent(context: Context, purpose: str) -> DoubleArray:
    """The last word on a purpose, shape (n,): 1 granted, 0 denied, NaN when never asked."""
    consents, decided = context.states.consents, np.full(len(context), np.nan)
    if len(consents) and (word := context.states.words.index(purpose)) >= 0:
        mask = (consents.topic == word) & (consents.at <= context.now_ms)
        decided[consents.row()[mask]] = consents.granted[mask]
    return decided


def stated(context: Context) -> Preferences:
    """The preferences spoken of up to now."""
    preferences = context.states.preferences
    later = preferences.at > context.now_ms
    return preferences.where(~later) if np.count_nonzero(later) else preferences


def distinct(keys: LongArray) -> LongArray:
    """The keys without repetition, rising; np.unique, which hashes, takes a hundred times longer.

    Measured with numpy 2.4 on two million keys.
    """
    ordered = np.sort(keys)
    fresh = np.ones(ordered.shape, np.bool_)
    fresh[1:] = ordered[1:] != ordered[:-1]
    return ordered[fresh]


def mean_of(terms: Sequence[DoubleArray]) -> tuple[DoubleArray, LongArray]:
    """Mean of the terms that are known by customer, and how many are, both of shape (n,)."""
    every = np.array(terms)
    known = ~np.isnan(every)
    count: LongArray = np.add.reduce(known, axis=0, dtype=np.int64)
    # Added one after another: a plain sum over an axis may be taken in another order for another
    # number of customers.
    total = np.add.accumulate(np.where(known, every, 0.0), axis=0)[-1]
    return np.where(count > 0, total / np.maximum(count, 1), np.nan), count


def flag(condition: BoolArray, *parts: DoubleArray) -> DoubleArray:
    """1 where the condition holds, 0 where not, NaN where one of its parts is unknown."""
    values = condition.astype(np.float64)
    for part in parts:
        values[np.isnan(part)] = np.nan
    return values
