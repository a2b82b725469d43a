"""What a population of customers says of its rhythm: days between orders, and who comes back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray, LongArray
from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.features.context import Context
from engine.loyalty.features.orders import cycle_of
from engine.loyalty.features.win_back import bucket_name


@dataclass(frozen=True)
class Gaps:
    """Times between orders in days, shape (m,): those that ended in an order, and open ones.

    `watched` is the days from the gap's begin until today, `cycle` the customer's own at its begin.
    """

    days: LongArray
    watched: LongArray
    ended: BoolArray
    cycle: DoubleArray

    @classmethod
    def of(cls, context: Context, *, after_repeats: bool = False) -> Gaps:
        """Every order of every customer begins a gap; the last one's is open until today.

        `after_repeats` leaves out the gaps that a customer's first order began.
        """
        orders = context.orders
        row = orders.row()
        last = np.zeros(row.shape, np.bool_)
        last[orders.indptr[1:][context.n > 0] - 1] = True
        following = np.append(orders.day[1:], 0)
        until = np.where(last, context.today, following)
        begin = orders.indptr[row]
        number = np.arange(row.shape[0]) - begin
        cycle = cycle_of(context.cuts, orders.day - orders.day[begin], number)
        gaps = cls(until - orders.day, context.today - orders.day, ~last, cycle)
        return gaps._where(number > 0) if after_repeats else gaps

    def _where(self, mask: BoolArray) -> Gaps:
        return Gaps(self.days[mask], self.watched[mask], self.ended[mask], self.cycle[mask])


def median_gap(gaps: Gaps) -> float:
    """The days after which half of the orders have been followed by another (Kaplan & Meier 1958).

    Open gaps count for as long as they have lasted: the median of those that ended is too short, as
    long ones have not had the time to end. Where not even half are followed by another within the
    time watched, half of those that are. NaN without a gap that ended.
    """
    if not gaps.ended.any():
        return float("nan")
    ended = np.bincount(gaps.days[gaps.ended])
    censored = np.bincount(gaps.days[~gaps.ended], minlength=ended.shape[0])
    # A gap open on the day that another ends counts among those at risk on it.
    left = (ended.sum() + censored.sum()) - np.concatenate(
        [[0], np.cumsum(ended + censored[: ended.shape[0]])[:-1]]
    )
    stays = np.cumprod(1 - ended / np.maximum(left, 1))
    half = 0.5 if stays[-1] <= 0.5 else float(1 + stays[-1]) / 2
    return float(np.argmax(stays <= half))


def observed_median_gap(gaps: Gaps) -> float:
    """The median of the gaps that ended; too short, as `median_gap` says. NaN without one."""
    return float(np.median(gaps.days[gaps.ended])) if gaps.ended.any() else float("nan")


def win_backs(gaps: Gaps, config: LoyaltyConfig) -> dict[str, tuple[int, int]]:
    """By bucket of lateness: how many came back in time, of how many that became as late.

    Only gaps count that have been watched for all of the time there is to come back: to count
    returns as they come, and those who stay away later, would make returning look likely.
    """
    counts: dict[str, tuple[int, int]] = {}
    for edge in config.win_back_buckets:
        late_on = np.ceil(edge * gaps.cycle)
        waited = gaps.days - late_on
        late = np.where(gaps.ended, waited > 0, waited >= 0)
        late &= gaps.watched - late_on >= config.win_back_days
        back = late & gaps.ended & (waited <= config.win_back_days)
        counts[bucket_name(edge)] = (int(back.sum()), int(late.sum()))
    return counts
