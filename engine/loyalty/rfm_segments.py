"""The eleven named RFM segments: an exact partition of the 125 codes, and what guards it.

The table is the one in common use in marketing tools. Alone it calls customers with one order
"can't lose" and customers of half a year "new": the guards move those.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from engine.domain.arrays import BoolArray
from engine.loyalty.rfm import RfmScores, RfmValues

# A customer is new for this long after the first order.
NEW_FOR_DAYS = 60.0


class Segment(StrEnum):
    """A segment of customers by recency, frequency and monetary value."""

    CHAMPIONS = "champions"
    LOYAL = "loyal"
    POTENTIAL_LOYALIST = "potential_loyalist"
    NEW_CUSTOMERS = "new_customers"
    PROMISING = "promising"
    NEED_ATTENTION = "need_attention"
    ABOUT_TO_SLEEP = "about_to_sleep"
    AT_RISK = "at_risk"
    CANT_LOSE_THEM = "cant_lose_them"
    HIBERNATING = "hibernating"
    LOST = "lost"
    PROSPECT = "prospect"


def _codes(text: str) -> frozenset[int]:
    return frozenset(int(code) for code in text.split())


CODES: Mapping[Segment, frozenset[int]] = MappingProxyType(
    {
        Segment.CHAMPIONS: _codes("555 554 544 545 454 455 445"),
        Segment.LOYAL: _codes("543 444 435 355 354 345 344 335"),
        Segment.POTENTIAL_LOYALIST: _codes(
            "553 551 552 541 542 533 532 531 452 451 442 441 431 453 433 432 423 353 352 351 342 "
            "341 333 323"
        ),
        Segment.NEW_CUSTOMERS: _codes("512 511 422 421 412 411 311"),
        Segment.PROMISING: _codes(
            "525 524 523 522 521 515 514 513 425 424 413 414 415 315 314 313"
        ),
        Segment.NEED_ATTENTION: _codes("535 534 443 434 343 334 325 324"),
        Segment.ABOUT_TO_SLEEP: _codes("331 321 312 221 213 231 241 251"),
        Segment.AT_RISK: _codes(
            "255 254 245 244 253 252 243 242 235 234 225 224 153 152 145 143 142 135 134 133 125 "
            "124"
        ),
        Segment.CANT_LOSE_THEM: _codes("155 154 144 214 215 115 114 113"),
        Segment.HIBERNATING: _codes("332 322 233 232 223 222 132 123 122 212 211"),
        Segment.LOST: _codes("111 112 121 131 141 151"),
    }
)
_NEEDS_TWO_ORDERS = (
    Segment.CHAMPIONS,
    Segment.LOYAL,
    Segment.AT_RISK,
    Segment.CANT_LOSE_THEM,
)
SEGMENTS = tuple(Segment)
# Rows: recency 5 down to 1; columns: frequency 1 up to 5.
_GRID = (
    "new_customers potential_loyalist potential_loyalist champions champions",
    "promising potential_loyalist potential_loyalist loyal loyal",
    "about_to_sleep about_to_sleep need_attention loyal loyal",
    "hibernating hibernating at_risk at_risk cant_lose_them",
    "lost hibernating at_risk at_risk cant_lose_them",
)
_Positions = NDArray[np.intp]


def rfm_segments(scores: RfmScores, values: RfmValues) -> list[tuple[Segment, Segment]]:
    """Each customer's segment by code alone and the one after the guards, in order.

    Champions, loyal, at risk and can't lose need two orders, new customers a single order of the
    last 60 days. A customer without an order is a prospect in both.
    """
    raw, guarded = segment_positions(scores, values)
    return [
        (SEGMENTS[before], SEGMENTS[after])
        for before, after in zip(raw.tolist(), guarded.tolist(), strict=True)
    ]


def segment_positions(scores: RfmScores, values: RfmValues) -> tuple[_Positions, _Positions]:
    """What `rfm_segments` says as positions in SEGMENTS: by code alone, and after the guards."""
    raw = _BY_CODE[scores.codes()]
    return raw, _guarded(raw, scores, values)


def grid_positions(scores: RfmScores) -> _Positions:
    """The segment by recency and frequency only, shape (n,), positions in SEGMENTS."""
    return _BY_GRID[scores.r, scores.f]


def _by_grid() -> _Positions:
    """The position of every pair of scores from 0 to 5; prospect where a score is 0."""
    table = np.full((6, 6), SEGMENTS.index(Segment.PROSPECT), dtype=np.intp)
    for r, names in zip((5, 4, 3, 2, 1), _GRID, strict=True):
        table[r, 1:] = [SEGMENTS.index(Segment(name)) for name in names.split()]
    return table


_BY_GRID = _by_grid()


def _by_code() -> _Positions:
    """The position in `SEGMENTS` of every code from 0 to 555; prospect where there is no code."""
    table = np.full(556, SEGMENTS.index(Segment.PROSPECT), dtype=np.intp)
    for segment, codes in CODES.items():
        table[list(codes)] = SEGMENTS.index(segment)
    return table


_BY_CODE = _by_code()


_STRONG = np.isin(np.arange(len(SEGMENTS)), [SEGMENTS.index(each) for each in _NEEDS_TWO_ORDERS])


def _guarded(raw: _Positions, scores: RfmScores, values: RfmValues) -> _Positions:
    single, recent = values.orders < 2, scores.r >= 3
    lone = _STRONG[raw] & single
    # A missing first order compares false; such a customer is a prospect and no rule's concern.
    new = single & (values.first_age_days <= NEW_FOR_DAYS)
    not_new = (raw == SEGMENTS.index(Segment.NEW_CUSTOMERS)) & ~new
    guarded = raw.copy()
    rules: tuple[tuple[BoolArray, Segment], ...] = (
        (lone & recent, Segment.PROMISING),
        (lone & ~recent, Segment.HIBERNATING),
        (not_new & (scores.r >= 4), Segment.PROMISING),
        (not_new & (scores.r < 4), Segment.ABOUT_TO_SLEEP),
    )
    for mask, segment in rules:
        guarded[mask] = SEGMENTS.index(segment)
    return guarded
