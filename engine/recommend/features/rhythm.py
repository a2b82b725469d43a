"""Features of when the customer bought the item: in how many stretches of time, how evenly."""

from __future__ import annotations

import numpy as np

from engine.domain.arrays import DoubleArray
from engine.recommend.features.asked import Asked, Columns
from engine.recommend.features.held import Lines, spread

# Lengths of stretches as multiples of the horizon, and what one counts for each one after it.
STRETCHES = ((0.25, 0.93), (0.5, 0.85), (1.0, 0.75))
FADED = tuple(f"stretches_{times:g}" for times, _ in STRETCHES)
SHARES = tuple(f"share_of_stretches_{times:g}" for times, _ in STRETCHES)
OVER_MEDIAN = "over_median_gap"
GAPS = ("gap_variation", "last_gap_days", "over_last_gap", OVER_MEDIAN)
NAMES = (*FADED, *SHARES, *GAPS)
# Orders closer than this are one visit as far as a rhythm goes.
_SHORTEST_GAP = 0.5


def rhythm_columns(asked: Asked) -> Columns:
    """Columns of pairs.

    Of the stretches of time back from now those in which the customer bought the item, and their
    share of all since the first purchase, late ones counting more: 0 for items never bought. And
    how the days between purchases vary (their standard deviation over their mean), the last of
    them, and the days since the last purchase over it and over their median: NaN for items not
    bought so often.
    """
    if not asked.wanted(NAMES):
        return {}
    lines = asked.lines
    if not len(lines.pairs):
        return _never(asked)
    out: Columns = {}
    if asked.wanted((*FADED, *SHARES)):
        stretches = _stretches(lines, asked.horizon_days)
        spread_out = spread(stretches, asked.position, missing=0.0)
        out |= zip((*FADED, *SHARES), spread_out, strict=True)
    if asked.wanted(GAPS):
        gaps = _gaps(lines, median=bool(asked.wanted([OVER_MEDIAN])))
        # The last is over the median, where that was asked for.
        out |= zip(GAPS, spread(gaps, asked.position, missing=np.nan), strict=False)
    return out


def _never(asked: Asked) -> Columns:
    never, unknown = np.zeros((2, len(asked.pairs)), dtype=np.float32)
    unknown[:] = np.nan
    return dict.fromkeys((*FADED, *SHARES), never) | dict.fromkeys(GAPS, unknown)


def _stretches(lines: Lines, horizon_days: float) -> DoubleArray:
    """What stretches with a purchase count, and their share, (2 * len(STRETCHES), pairs)."""
    times, kept = np.asarray(STRETCHES).T[:, :, None]
    back = np.floor(np.maximum(lines.age, 0) / (times * horizon_days))
    # Lines of a pair stand oldest first.
    fresh = np.ones(back.shape, dtype=np.bool_)
    np.not_equal(back[:, 1:], back[:, :-1], out=fresh[:, 1:])
    fresh[:, lines.starts] = True
    counted = lines.total(np.where(fresh, kept**back, 0))
    since_first = (1 - kept ** (back[:, lines.starts] + 1)) / (1 - kept)
    return np.vstack([counted, counted / since_first])


def _gaps(lines: Lines, *, median: bool) -> DoubleArray:
    """How days between purchases vary, the last, and the days since over it and the `median`."""
    times, ends = lines.bought.times, lines.ends()
    gap = np.zeros(len(lines.age))
    gap[1:] = lines.age[:-1] - lines.age[1:]
    gap[lines.starts] = 0
    count = np.maximum(times - 1, 1)
    mean, square = lines.total(np.stack([gap, gap * gap])) / count
    deviation = np.sqrt(np.maximum(square - mean * mean, 0))
    variation = np.full(len(times), np.nan)
    np.divide(deviation, mean, out=variation, where=(times > 2) & (mean > 0))
    last = np.where(times > 1, gap[ends], np.nan)
    since = lines.age[ends]
    usual = [last, _median(lines, gap)] if median else [last]
    return np.stack([variation, last, *(since / np.maximum(each, _SHORTEST_GAP) for each in usual)])


def _median(lines: Lines, gap: DoubleArray) -> DoubleArray:
    """The upper median of each pair's gaps, NaN for a single purchase."""
    times = lines.bought.times
    # The first line of a pair has no gap before it, and stands first.
    key = gap.copy()
    key[lines.starts] = -1
    ordered = gap[np.lexsort((key, np.arange(len(times)).repeat(times)))]
    middle = lines.starts + 1 + (times - 1) // 2
    found: DoubleArray = np.full(len(times), np.nan)
    found[times > 1] = ordered[middle[times > 1]]
    return found
