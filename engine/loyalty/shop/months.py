"""Calendar months in UTC, counted from January 1970."""

from __future__ import annotations

from datetime import date

import numpy as np

from engine.domain.arrays import LongArray
from engine.domain.histories import DAY_MS


def months_of(days: LongArray) -> LongArray:
    """The month of each day since 1970, same shape."""
    months: LongArray = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return months


def month_of(at_ms: int) -> int:
    """The month of a time."""
    return int(months_of(np.asarray([at_ms // DAY_MS], dtype=np.int64))[0])


def month_start_ms(month: int) -> int:
    """When a month begins, in ms."""
    return int(np.datetime64(month, "M").astype("datetime64[ms]").astype(np.int64))


def first_of(month: int) -> date:
    """The first day of a month."""
    return date(1970 + month // 12, 1 + month % 12, 1)
