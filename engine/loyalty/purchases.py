"""States of customers of whom nothing is known but what they bought."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from engine.domain.arrays import BoolArray
from engine.domain.assortment import UNKNOWN_MONEY, Assortment
from engine.domain.histories import DAY_MS, Histories
from engine.domain.ids import MISSING, IdTable
from engine.domain.runs import changes
from engine.loyalty.fold.rows import KEPT_DAYS
from engine.loyalty.fold.visits import VISIT_GAP_MS
from engine.loyalty.states import (
    NEVER,
    ORDERED,
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

_NO_INTS = np.zeros(0, np.int32)
_NO_LONGS = np.zeros(0, np.int64)
_NO_DOUBLES = np.zeros(0, np.float64)
_NO_BYTES = np.zeros(0, np.int8)
_NO_FLAGS = np.zeros(0, np.bool_)


def states_of_purchases(goods: Histories, facts: ItemFacts) -> States:
    """The states that the purchases leave, as if each order had been one event and no refund came.

    `facts.items` is the item table of the goods. Lines are oldest first within a customer, those
    of an order next to each other and of one time.
    """
    none, ints, longs = np.zeros(len(goods) + 1, np.int64), _NO_INTS, _NO_LONGS
    return States(
        goods=goods,
        people=_people(goods),
        visits=_visits(goods),
        interests=Interests(none, longs, ints, ints, ints, ints),
        opinions=Opinions(none, longs, ints, _NO_DOUBLES, ints, ints),
        cases=Cases(none, longs, longs, longs, ints),
        contacts=Contacts(none, longs, ints),
        mails=Mails(none, longs, _NO_BYTES, ints),
        preferences=Preferences(none, ints, _NO_DOUBLES, longs, ints),
        consents=Consents(none, ints, _NO_FLAGS, longs),
        words=IdTable(()),
        facts=facts,
    )


def plain_facts(items: Iterable[str]) -> ItemFacts:
    """Facts about items of which only the id is known."""
    table = IdTable(items)
    return ItemFacts(
        items=table,
        category=np.full(len(table), MISSING, np.int32),
        categories=(),
        cost=np.full(len(table), np.nan),
        exclusive=np.zeros(len(table), np.bool_),
    )


def facts_of(items: IdTable, assortment: Assortment) -> ItemFacts:
    """Facts about the items of a table, as its assortment has them."""
    return ItemFacts(
        items=items,
        category=assortment.category,
        categories=assortment.categories.ids,
        cost=np.where(assortment.cost == UNKNOWN_MONEY, np.nan, assortment.cost),
        exclusive=np.zeros(len(items), np.bool_),
    )


def _people(goods: Histories) -> People:
    n, lines = len(goods), np.diff(goods.indptr)
    first, last = np.full(n, NEVER, np.int64), np.full(n, NEVER, np.int64)
    filled = lines > 0
    first[filled] = goods.at[goods.indptr[:-1][filled]]
    last[filled] = goods.at[goods.indptr[1:][filled] - 1]
    return People(
        seen_first=first,
        seen_last=last,
        signed_up=np.full(n, NEVER, np.int64),
        placed=np.bincount(goods.row()[_new_order(goods)], minlength=n).astype(np.int64),
        bought=lines,
        returned=np.zeros(n, np.int64),
        days_to_pay=np.full(n, np.nan),
        business=np.full(n, -1, np.int8),
    )


def _visits(goods: Histories) -> Visits:
    """Visits made of orders: those of a day that are close to each other are one."""
    new_order = _new_order(goods)
    row, at = goods.row()[new_order], goods.at[new_order]
    day = at // DAY_MS
    last_day = np.zeros(len(goods), np.int64)
    last_day[row] = day
    kept = day > last_day[row] - KEPT_DAYS
    row, at, day = row[kept], at[kept], day[kept]
    fresh = changes(row, day)
    fresh[1:] |= at[1:] - at[:-1] > VISIT_GAP_MS
    starts = np.flatnonzero(fresh)
    ends = np.append(starts[1:], len(at))[: len(starts)]
    counts = np.bincount(row[starts], minlength=len(goods))
    return Visits(
        indptr=np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)]),
        start=at[starts],
        end=at[ends - 1],
        events=(ends - starts).astype(np.int32),
        steps=np.full(len(starts), ORDERED, np.int32),
    )


def _new_order(goods: Histories) -> BoolArray:
    """Which lines begin an order, shape (lines,)."""
    return changes(goods.row(), goods.order)
