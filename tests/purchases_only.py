"""States of customers of whom nothing but purchases is known; and CDNOW's, to test against."""

from __future__ import annotations

import gzip
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray, LongArray
from engine.domain.histories import Histories, NetLine, histories_of
from engine.domain.ids import IdTable
from engine.loyalty.states import (
    NEVER,
    Cases,
    Consents,
    Contacts,
    Interests,
    ItemFacts,
    Mails,
    Opinions,
    People,
    Preferences,
    States,
    Visits,
)

CDNOW = Path(__file__).parents[2] / "shared" / "data" / "cdnow" / "CDNOW_sample.txt.gz"


def day_ms(day: str) -> int:
    """Midnight UTC of a day such as 19970930, in ms since 1970."""
    return round(datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).timestamp() * 1000)


def cdnow() -> Histories:
    """The 1/10 sample of Fader, Hardie & Lee (2005): 2,357 customers of early 1997."""
    bought: defaultdict[str, list[NetLine]] = defaultdict(list)
    with gzip.open(CDNOW, "rt", encoding="ascii") as lines:
        # Columns: id in the master file, id in the sample, day, CDs, dollars.
        for number, line in enumerate(lines):
            _, customer, day, units, dollars = line.split()
            cents = round(100 * float(dollars))
            bought[customer].append(NetLine(str(number), day_ms(day), "cd", float(units), cents))
    return histories_of(
        ((customer, sorted(own, key=lambda each: each.at_ms)) for customer, own in bought.items()),
        items=IdTable(["cd"]),
    )


def states_of_purchases(goods: Histories, *, items: IdTable | None = None) -> States:
    """States of customers who did nothing but buy, of items of no category and unknown cost."""
    n, items = len(goods), items or IdTable(["cd"])
    return States(
        goods=goods,
        people=_buyers(goods),
        visits=Visits(_none(n), _longs(), _longs(), _ints(), _ints()),
        interests=Interests(_none(n), _longs(), _ints(), _ints(), _ints(), _ints()),
        opinions=Opinions(_none(n), _longs(), _ints(), _doubles(), _ints(), _ints()),
        cases=Cases(_none(n), _longs(), _longs(), _longs(), _ints()),
        contacts=Contacts(_none(n), _longs(), _ints()),
        mails=Mails(_none(n), _longs(), np.zeros(0, np.int8), _ints()),
        preferences=Preferences(_none(n), _ints(), _doubles(), _longs(), _ints()),
        consents=Consents(_none(n), _ints(), _bools(), _longs()),
        words=IdTable(()),
        facts=ItemFacts(
            items,
            np.full(len(items), -1, np.int32),
            (),
            np.full(len(items), np.nan),
            np.zeros(len(items), np.bool_),
        ),
    )


def _buyers(goods: Histories) -> People:
    n, lines = len(goods), np.diff(goods.indptr)
    filled = lines > 0
    first = np.full(n, NEVER, np.int64)
    first[filled] = goods.at[goods.indptr[:-1][filled]]
    fresh = np.diff(goods.order, prepend=-1) != 0
    return People(
        seen_first=first,
        seen_last=np.where(filled, goods.last_at(), NEVER),
        signed_up=np.full(n, NEVER, np.int64),
        placed=np.bincount(goods.row(), weights=fresh, minlength=n).astype(np.int64),
        bought=lines,
        returned=np.zeros(n, np.int64),
        days_to_pay=np.full(n, np.nan),
        business=np.full(n, -1, np.int8),
    )


def _none(customers: int) -> LongArray:
    return np.zeros(customers + 1, np.int64)


def _longs() -> LongArray:
    return np.zeros(0, np.int64)


def _ints() -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.zeros(0, np.int32)


def _doubles() -> DoubleArray:
    return np.zeros(0, np.float64)


def _bools() -> BoolArray:
    return np.zeros(0, np.bool_)
