"""What repeat models know of customers: how many repeats, when the last, and out of how long."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray, LongArray

# Neither counts nor ages get there in any unit of time; sums of squares of them stay numbers.
_ABSURD = 1e12


@dataclass(frozen=True)
class Repeats:
    """Repeat behaviour of n customers in the sense of BG/NBD, float64 arrays of shape (n,).

    `frequency` counts the days with an order after the first one, `recency` is the days from the
    first to the last order, `age` the days from the first order to now. Any other unit of time
    does as well when horizons and rates use the same one. Fader, Hardie & Lee (2005).
    """

    frequency: DoubleArray
    recency: DoubleArray
    age: DoubleArray

    @classmethod
    def of(cls, frequency: object, recency: object, age: object) -> Repeats:
        """Repeats from anything array-like; scalars become arrays of length one."""
        values = (frequency, recency, age)
        return cls(*(np.atleast_1d(np.asarray(each, dtype=np.float64)) for each in values))

    def __len__(self) -> int:
        return int(self.frequency.shape[0])

    @property
    def usable(self) -> BoolArray:
        """Customers a model can be fitted on, shape (n,): watched for a while, consistent.

        A recency beyond the age, or a repeat without one, is a fault of whoever counted.
        """
        counted = (self.frequency >= 0) & (self.frequency < _ABSURD)
        watched = (self.age > 1 / _ABSURD) & (self.age < _ABSURD)
        ordered = (self.recency >= 0) & (self.recency <= self.age)
        usable: BoolArray = counted & watched & ordered
        usable &= (self.frequency > 0) | (self.recency == 0)
        return usable

    @cached_property
    def distinct_frequency(self) -> tuple[DoubleArray, LongArray]:
        """Distinct frequencies, rising, and the position of each customer's in them."""
        if len(self) == 1:
            # With every event a single customer is asked for: nothing to sort then.
            return self.frequency, np.zeros(1, np.int64)
        distinct, position = np.unique(self.frequency, return_inverse=True)
        return distinct, position

    @cached_property
    def alive(self) -> dict[object, DoubleArray]:
        """By model the probability that a customer has not left, of models asked for it before."""
        return {}

    def where(self, mask: BoolArray | LongArray | slice) -> Repeats:
        """The customers picked by a mask, by positions or by a slice."""
        return Repeats(self.frequency[mask], self.recency[mask], self.age[mask])

    def divided_by(self, unit: float) -> Repeats:
        """The same customers with times counted in another unit."""
        return Repeats(self.frequency, self.recency / unit, self.age / unit)


def one_newcomer() -> Repeats:
    """A customer at the moment of the first order."""
    return Repeats.of(0.0, 0.0, 0.0)


def compress(data: Repeats) -> tuple[Repeats, DoubleArray]:
    """Distinct customers, sorted, and how many there are of each, shape (distinct,).

    Sums over them come out the same to the last bit in whatever order the customers came.
    """
    order = np.lexsort((data.age, data.recency, data.frequency))
    rows = data.where(order)
    fresh = np.ones(len(rows), dtype=np.bool_)
    for values in (rows.frequency, rows.recency, rows.age):
        if values is rows.frequency:
            fresh[1:] = values[1:] != values[:-1]
        else:
            fresh[1:] |= values[1:] != values[:-1]
    starts = np.flatnonzero(fresh)
    weights = np.diff(np.append(starts, len(rows))).astype(np.float64)
    return rows.where(starts), weights
