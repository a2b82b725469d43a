"""What customers bought, as columns: the one shape that training, evaluation and serving share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from engine.domain.arrays import BoolArray, FloatArray, IntArray, LongArray
from engine.domain.ids import IdTable

DAY_MS = 86_400_000


class NetLine(NamedTuple):
    """Units of one item that one order still holds after refunds; money in minor units."""

    order_id: str
    at_ms: int
    item_id: str
    units: float
    value: int
    discount: int = 0


@dataclass(frozen=True)
class Histories:
    """Net purchase lines of n customers, grouped by customer and oldest first within one.

    `indptr` (n + 1,) bounds each customer's lines. Per line: `item`, a position in the item
    table the caller names, MISSING (-1) when the table lacks it; `order`, a number that is the
    same for lines of one order and differs between orders; `at`, ms since 1970 UTC; `units`;
    `value` and `discount`, minor units: what was paid, and what was taken off the price.
    """

    customers: tuple[str, ...]
    indptr: LongArray
    item: IntArray
    order: LongArray
    at: LongArray
    units: FloatArray
    value: LongArray
    discount: LongArray

    def __len__(self) -> int:
        return len(self.customers)

    @property
    def lines(self) -> int:
        """How many lines all customers have together."""
        return int(self.item.shape[0])

    def row(self) -> LongArray:
        """The customer's row of every line, shape (lines,)."""
        # As methods and slices, here and below: np.repeat and np.diff cost a lone customer more.
        return np.arange(len(self), dtype=np.int64).repeat(self.indptr[1:] - self.indptr[:-1])

    def last_at(self) -> LongArray:
        """Time of each customer's last line in ms, shape (n,); 0 for one without lines."""
        last = np.zeros(len(self), dtype=np.int64)
        filled = self.indptr[1:] > self.indptr[:-1]
        last[filled] = self.at[self.indptr[1:][filled] - 1]
        return last

    def where(self, mask: BoolArray) -> Histories:
        """The same customers with only the lines of the mask, shape (lines,)."""
        kept = np.bincount(self.row()[mask], minlength=len(self))
        return replace(
            self,
            indptr=np.concatenate([np.zeros(1, np.int64), np.cumsum(kept, dtype=np.int64)]),
            item=self.item[mask],
            order=self.order[mask],
            at=self.at[mask],
            units=self.units[mask],
            value=self.value[mask],
            discount=self.discount[mask],
        )

    def take(self, rows: Sequence[int] | LongArray) -> Histories:
        """The customers of the given rows, in that order."""
        return self.lacking(np.asarray(rows, dtype=np.int64), None)

    def lacking(self, rows: LongArray, gone: IntArray | None) -> Histories:
        """The customers of the rows, each without the lines of an item, `gone` (len(rows),)."""
        lengths = self.indptr[rows + 1] - self.indptr[rows]
        indptr = np.zeros(len(rows) + 1, dtype=np.int64)
        lengths.cumsum(out=indptr[1:])
        picked = (self.indptr[rows] - indptr[:-1]).repeat(lengths) + np.arange(indptr[-1])
        if gone is not None:
            left = (self.item[picked] != gone.repeat(lengths)).nonzero()[0]
            indptr, picked = left.searchsorted(indptr), picked[left]
        return Histories(
            customers=tuple(self.customers[row] for row in rows.tolist()),
            indptr=indptr,
            item=self.item[picked],
            order=self.order[picked],
            at=self.at[picked],
            units=self.units[picked],
            value=self.value[picked],
            discount=self.discount[picked],
        )


def histories_of(
    customers: Iterable[tuple[str, Sequence[NetLine]]], *, items: IdTable
) -> Histories:
    """Histories of customers given one by one, each with lines that are oldest first."""
    names: list[str] = []
    lengths: list[int] = [0]
    lines: list[NetLine] = []
    orders: list[tuple[int, str]] = []
    for row, (customer_id, own) in enumerate(customers):
        names.append(customer_id)
        lengths.append(len(own))
        lines.extend(own)
        # Two customers may share the id of an order, and not the order.
        orders.extend((row, line.order_id) for line in own)
    return Histories(
        customers=tuple(names),
        indptr=np.cumsum(np.asarray(lengths, dtype=np.int64)),
        item=items.indices([line.item_id for line in lines]),
        order=_numbered(orders),
        at=np.asarray([line.at_ms for line in lines], dtype=np.int64),
        units=np.asarray([line.units for line in lines], dtype=np.float32),
        value=np.asarray([line.value for line in lines], dtype=np.int64),
        discount=np.asarray([line.discount for line in lines], dtype=np.int64),
    )


def _numbered(orders: list[tuple[int, str]]) -> LongArray:
    numbers: dict[tuple[int, str], int] = {}
    return np.asarray([numbers.setdefault(each, len(numbers)) for each in orders], np.int64)
