"""Repurchase timing: which of a customer's items are due, as of the moment of asking.

After Bhagat, Muralidharan, Lobzhanidze and Vishwanath (2018), "Buy it again: modeling repeat
purchase recommendations": the score is P(bought again at all) x P(then within the horizon), the
rate of an item is gamma distributed, and a purchase just made holds the next one back. They bend
the elapsed time of a Poisson process towards the mean interval to that end; here the hazard's
course over the interval is learned (`Profile`), and a purchase that never comes again is a hazard
that dies away. The gamma of an item multiplies that hazard:

    score = 1 - exp(-shape / rate x (expected(elapsed + horizon) - expected(elapsed)))

with time in mean intervals of the customer and the item, themselves shrunk to the item's usual one
at the customer's pace. Items nobody buys twice have a small multiplier and stay near zero;
consumables have a large one and come back when they are due.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from engine.domain.arrays import AnyArray, DoubleArray, FloatArray, IntArray
from engine.domain.histories import DAY_MS
from engine.models.pairs import Pairs
from engine.models.query import Query
from engine.models.renewals import Occasions, Profile, intervals, occasions_of, pace
from engine.models.scores import SparseScores


@dataclass(frozen=True)
class Habits:
    """What is learned of each item, shape (items,) each, float32.

    `interval_days`: the usual days between two purchases by a customer of usual pace; `shape` and
    `rate` of the gamma distribution of the item's hazard relative to the profile.
    """

    interval_days: FloatArray
    shape: FloatArray
    rate: FloatArray


@dataclass(frozen=True)
class Timing:
    """Where customers stand with what they bought; each of shape (pairs,), float32.

    `purchases` counts occasions, `elapsed_days` since the last of them, `interval_days` is the
    mean interval to expect, and `probability` that of a purchase within the horizon.
    """

    pairs: Pairs
    purchases: IntArray
    elapsed_days: FloatArray
    interval_days: FloatArray
    probability: FloatArray


@dataclass(frozen=True)
class Rhythm:
    """The numbers beside the arrays.

    `horizon_days` is what the score looks ahead; `order_gap_days` the usual days between two
    orders; `pace_power` how far a customer's own pace stretches an item's interval (see `pace`);
    `interval_strength` as how many seen intervals the usual one counts.
    """

    horizon_days: float
    order_gap_days: float
    pace_power: float
    interval_strength: float


class RepurchaseTiming:
    """Scores only what the customer bought before; a list changes as days pass."""

    name: ClassVar[str] = "repurchase"

    def __init__(self, habits: Habits, profile: Profile, rhythm: Rhythm) -> None:
        self._habits = habits
        self._profile = profile
        self._rhythm = rhythm
        self._multiplier = habits.shape.astype(np.float64) / habits.rate

    def score(self, query: Query) -> SparseScores:
        """P(the customer buys the item within the horizon), 0 to 1; none for items never bought."""
        timing = self.timing(query)
        return SparseScores.of(timing.pairs, timing.probability, items=len(self._multiplier))

    def timing(self, query: Query) -> Timing:
        """Where each customer stands with each item bought, as of the query's now."""
        everything = occasions_of(query.bought)
        past = everything.where(everything.latest)
        interval = self._interval(query, past)
        # A till whose clock runs ahead has sold just now.
        elapsed = np.maximum(query.now_ms / DAY_MS - past.at_days, 0)
        soon = self._expected(past, (elapsed + self._rhythm.horizon_days) / interval)
        missed = self._expected(past, elapsed / interval)
        bounds = np.bincount(past.row, minlength=len(query)).cumsum()
        return Timing(
            pairs=Pairs(np.concatenate([np.zeros(1, np.int64), bounds]), past.item),
            purchases=past.rank.astype(np.int32),
            elapsed_days=elapsed.astype(np.float32),
            interval_days=interval.astype(np.float32),
            probability=-np.expm1(missed - soon).astype(np.float32),
        )

    def repeat_probability(self, *, within_days: float) -> FloatArray:
        """P(a first purchase is followed by another in so many days), shape (items,), float32.

        The repeat customer probability of Bhagat et al. (2018), for a customer of usual pace;
        those whose second purchase may still come speak for as long as they have been watched.
        """
        intervals_long = within_days / self._habits.interval_days.astype(np.float64)
        once = np.ones(len(intervals_long), dtype=np.int64)
        expected = self._profile.expected(once, intervals_long) * self._multiplier
        repeats: FloatArray = -np.expm1(-expected).astype(np.float32)
        return repeats

    def arrays(self) -> dict[str, AnyArray]:
        """The habits of the items and the profile of the hazard."""
        return {**vars(self._habits), **_arrays_of(self._profile)}

    def params(self) -> dict[str, Any]:
        """Horizon, usual gap between orders, and how much the personal counts."""
        return dict(vars(self._rhythm))

    @classmethod
    def restore(cls, arrays: Mapping[str, AnyArray], params: Mapping[str, Any]) -> Self:
        """The model that `arrays` and `params` came from."""
        floats = {name: np.asarray(arrays[name], dtype=np.float32) for name in _FLOATS}
        return cls(
            Habits(floats["interval_days"], floats["shape"], floats["rate"]),
            Profile(
                starts=floats["starts"],
                ranks=np.asarray(arrays["ranks"], dtype=np.int32),
                hazard=floats["hazard"],
            ),
            Rhythm(**params),
        )

    def _interval(self, query: Query, past: Occasions) -> DoubleArray:
        own = pace(
            query.histories,
            now_ms=query.now_ms,
            order_gap_days=self._rhythm.order_gap_days,
            power=self._rhythm.pace_power,
        )
        usual = self._habits.interval_days[past.item] * own[past.row]
        return intervals(past, usual, strength=self._rhythm.interval_strength)

    def _expected(self, past: Occasions, elapsed: DoubleArray) -> DoubleArray:
        return self._profile.expected(past.rank, elapsed) * self._multiplier[past.item]


_FLOATS = ("interval_days", "shape", "rate", "starts", "hazard")


def _arrays_of(profile: Profile) -> dict[str, AnyArray]:
    return {"starts": profile.starts, "ranks": profile.ranks, "hazard": profile.hazard}
