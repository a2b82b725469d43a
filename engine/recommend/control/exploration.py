"""Which places are given to chance, the same all day for a customer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.domain.arrays import BoolArray, DoubleArray, LongArray
from engine.domain.histories import DAY_MS

# Steele, Lea & Flood (2014), SplitMix64: the step from state to state, and the mixing of one.
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX = ((30, np.uint64(0xBF58476D1CE4E5B9)), (27, np.uint64(0x94D049BB133111EB)))


@dataclass(frozen=True)
class Draws:
    """For n customers and each place: `given` (n, places), whether it goes to a cold item;
    `which` (n, places), 0 to below 1, how far down the cold candidates.

    `share` is the chance of `given`.
    """

    given: BoolArray
    which: DoubleArray
    share: float


def draws(customers: Sequence[str], *, places: int, share: float, now_ms: int, seed: int) -> Draws:
    """What chance says of each place, a function of customer, UTC day, seed and place alone."""
    day = now_ms // DAY_MS
    # Text has no vectorised digest; one takes about a microsecond.
    states = np.fromiter((_state(each, day, seed) for each in customers), np.uint64, len(customers))
    even = np.arange(places, dtype=np.uint64) * np.uint64(2)
    given = _uniform(states[:, None] + (even + np.uint64(1)) * _STEP) < share
    which = _uniform(states[:, None] + (even + np.uint64(2)) * _STEP)
    return Draws(given=given, which=which, share=share)


def drawn(pool: BoolArray, which: DoubleArray) -> tuple[LongArray, LongArray]:
    """The candidate each row's `which` (n,) points to in its pool, and the pool's size, (n,).

    `pool` has shape (n, w); a row with an empty pool points to candidate 0.
    """
    upto = pool.cumsum(axis=1)
    size = upto[:, -1]
    wanted = np.floor(which * size)
    return (upto > wanted[:, None]).argmax(axis=1), size


def _state(customer: str, day: int, seed: int) -> int:
    told = f"{seed}|{day}|{customer}".encode()
    return int.from_bytes(hashlib.blake2b(told, digest_size=8).digest(), "little")


def _uniform(state: NDArray[np.uint64]) -> DoubleArray:
    """Numbers from 0 to below 1 with 53 bits each."""
    for shift, factor in _MIX:
        state = (state ^ (state >> np.uint64(shift))) * factor
    state = state ^ (state >> np.uint64(31))
    return (state >> np.uint64(11)).astype(np.float64) * 2.0**-53
