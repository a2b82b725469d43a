"""Recency, frequency and monetary value of customers, and their scores from 1 to 5.

Scores compare a customer with thresholds that were frozen when a model was trained, so that a
score moves when its customer does something, not when somebody else does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.domain.arrays import BoolArray, DoubleArray, LongArray
from engine.domain.histories import DAY_MS, Histories
from engine.errors import ModelUnavailable

ScoreArray: TypeAlias = NDArray[np.int8]
Days: TypeAlias = tuple[float, float, float, float]
Counts: TypeAlias = tuple[int, int, int, int]

WINDOW_DAYS = 365.0
# Quintiles of a smaller population say more about chance than about customers.
MINIMUM_CUSTOMERS = 500
# Days since the last order below which a customer scores 2, 3, 4 and 5: a year, a half, a quarter
# and a month, the usual review periods of a shop that says nothing else.
ABSOLUTE_RECENCY: Days = (365.0, 180.0, 90.0, 30.0)
# One order, two, three to four, five to nine, ten or more.
ABSOLUTE_FREQUENCY: Counts = (1, 2, 4, 9)


@dataclass(frozen=True)
class RfmValues:
    """What n customers did up to `now`; every array has shape (n,).

    `recency_days` and `first_age_days` are the days since the last and the first order, NaN for a
    customer without one. `frequency` counts days with an order and `monetary` sums their value in
    minor units, both inside the last `window_days`. `orders` counts days with an order over
    everything.
    """

    recency_days: DoubleArray
    frequency: LongArray
    monetary: LongArray
    first_age_days: DoubleArray
    orders: LongArray
    window_days: float = WINDOW_DAYS

    def __len__(self) -> int:
        return int(self.frequency.shape[0])

    @property
    def scored(self) -> BoolArray:
        """Customers that have an order and therefore scores, shape (n,)."""
        return np.isfinite(self.recency_days)


class RfmCuts(msgspec.Struct, frozen=True):
    """Frozen thresholds between neighbouring scores, four for each of the three values.

    `frequency` and `monetary` rise: the score is one more than the number of thresholds that the
    value exceeds. `recency` is in days and falls: one more than the number of thresholds that the
    days stay below. `method` says whether they are quintiles of a population or fixed. They hold
    for values taken over the same `window_days`.
    """

    method: Literal["quintile", "absolute"]
    recency: Days
    frequency: Counts
    monetary: Counts
    window_days: float = WINDOW_DAYS

    def to_dict(self) -> dict[str, Any]:
        """The cuts as values that JSON holds without loss."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> RfmCuts:
        """The cuts that `to_dict` wrote; raises ModelUnavailable when they are something else."""
        try:
            return msgspec.convert(plain, cls)
        except msgspec.ValidationError as error:
            raise ModelUnavailable(f"rfm_cuts: {error}; train the model again") from error


@dataclass(frozen=True)
class RfmScores:
    """Scores of n customers, int8 of shape (n,): 1 (least) to 5, 0 for one without an order."""

    r: ScoreArray
    f: ScoreArray
    m: ScoreArray

    def codes(self) -> LongArray:
        """The three scores as one number such as 545, shape (n,); 0 for one without an order."""
        return 100 * self.r.astype(np.int64) + 10 * self.f.astype(np.int64) + self.m


def rfm_values(histories: Histories, *, now_ms: int, window_days: float = WINDOW_DAYS) -> RfmValues:
    """The values of each customer as of `now_ms`; what came later does not exist yet.

    Orders on the same UTC day count once (Fader, Hardie & Lee 2005 count CDNOW that way): a basket
    paid in two parts is no repeat. The window holds what came after `now - window_days`.
    """
    later = histories.lines and int(histories.at.max()) > now_ms
    known = histories.where(histories.at <= now_ms) if later else histories
    inside = known.at > now_ms - window_days * DAY_MS
    row = known.row()
    day = known.at // DAY_MS
    fresh = np.ones(known.lines, dtype=np.bool_)
    fresh[1:] = (row[1:] != row[:-1]) | (day[1:] != day[:-1])
    # The first line of a day may lie before the window and a later one within it.
    fresh_inside = inside.copy()
    fresh_inside[1:] &= fresh[1:] | ~inside[:-1]
    return RfmValues(
        recency_days=_age_days(known, now_ms, first=False),
        frequency=_sums(fresh_inside, known.indptr),
        monetary=_sums(np.where(inside, known.value, 0), known.indptr),
        first_age_days=_age_days(known, now_ms, first=True),
        orders=_sums(fresh, known.indptr),
        window_days=window_days,
    )


def fit_rfm_cuts(values: RfmValues, *, minimum: int = MINIMUM_CUSTOMERS) -> RfmCuts:
    """Cuts that give every customer in `values` the score 1 + floor(5 * #{u < v} / N), at most 5.

    N counts the customers with an order; customers of equal value get equal scores. With fewer
    than `minimum` of them recency and frequency get fixed cuts, and money, which has no scale that
    fits every currency and shop, quintiles of whoever is there (zeros when nobody is).
    """
    scored = values.scored
    monetary = _whole(_quintiles(values.monetary[scored]))
    if np.count_nonzero(scored) < max(minimum, 1):
        return RfmCuts(
            "absolute", ABSOLUTE_RECENCY, ABSOLUTE_FREQUENCY, monetary, values.window_days
        )
    first, second, third, fourth = (-_quintiles(-values.recency_days[scored])).tolist()
    return RfmCuts(
        method="quintile",
        recency=(first, second, third, fourth),
        frequency=_whole(_quintiles(values.frequency[scored])),
        monetary=monetary,
        window_days=values.window_days,
    )


def rfm_scores(values: RfmValues, cuts: RfmCuts) -> RfmScores:
    """The scores of each customer under the cuts."""
    scored = values.scored
    # NaN is below no threshold, and is masked to 0 with the rest of its customer.
    r = 1 + (values.recency_days[:, None] < np.asarray(cuts.recency)).sum(axis=1)
    f = 1 + (values.frequency[:, None] > np.asarray(cuts.frequency)).sum(axis=1)
    m = 1 + (values.monetary[:, None] > np.asarray(cuts.monetary)).sum(axis=1)
    return RfmScores(*(np.where(scored, each, 0).astype(np.int8) for each in (r, f, m)))


def _age_days(histories: Histories, now_ms: int, *, first: bool) -> DoubleArray:
    filled = np.diff(histories.indptr) > 0
    edges = histories.indptr[:-1] if first else histories.indptr[1:] - 1
    ages = np.full(len(histories), np.nan)
    ages[filled] = (now_ms - histories.at[edges[filled]]) / DAY_MS
    return ages


def _sums(values: NDArray[np.integer[Any]] | BoolArray, indptr: LongArray) -> LongArray:
    """Exact sums of the values of each customer's lines, shape (n,)."""
    running = np.concatenate([np.zeros(1, np.int64), np.cumsum(values, dtype=np.int64)])
    sums: LongArray = running[indptr[1:]] - running[indptr[:-1]]
    return sums


def _quintiles(values: NDArray[Any]) -> NDArray[Any]:
    """For s = 1 to 4 the k-th smallest value with k = ceil(s * N / 5); zeros when N is 0.

    More than s fifths of the population lie below a value exactly when the k-th smallest does.
    """
    count = int(values.shape[0])
    if count == 0:
        return np.zeros(4, dtype=values.dtype)
    ranks = [(step * count + 4) // 5 - 1 for step in (1, 2, 3, 4)]
    quintiles: NDArray[Any] = np.partition(values, sorted(set(ranks)))[ranks]
    return quintiles


def _whole(thresholds: NDArray[Any]) -> Counts:
    first, second, third, fourth = (int(each) for each in thresholds)
    return (first, second, third, fourth)
