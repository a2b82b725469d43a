"""What control must know of the items of a model, as columns; built once for a catalogue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from engine.domain.arrays import BoolArray, DoubleArray, FloatArray, IntArray, LongArray
from engine.domain.assortment import UNKNOWN_MONEY, Assortment
from engine.domain.ids import MISSING
from engine.domain.runs import changes
from engine.recommend.control.config import Control


@dataclass(frozen=True)
class Goods:
    """Of n items: `category` and `brand` (n,), positions in the assortment's tables, MISSING (-1)
    when unknown.

    `band` (n,): where the price lies among those of the category, 0 cheap to 1 dear, NaN when
    unknown. `margin` (n,): price less cost in minor units, and for an item of unknown margin the
    median of its category's, or of all. `head` and `cold` (n,): see `Control`; no item is both.
    `similar`: how alike two items are bought, items x items, 0 to 1, no entry: not at all; None
    when nobody knows.
    """

    category: IntArray
    brand: IntArray
    categories: int
    band: FloatArray
    margin: FloatArray
    head: BoolArray
    cold: BoolArray
    similar: sparse.csr_matrix | None = None

    def __len__(self) -> int:
        return int(self.category.shape[0])

    @classmethod
    def of(
        cls,
        assortment: Assortment,
        orders: LongArray,
        *,
        control: Control,
        similar: sparse.csr_matrix | None = None,
    ) -> Goods:
        """What follows from the catalogue and from the orders each item was in, shape (items,).

        Raises ValueError when `similar` does not lie in 0 to 1.
        """
        head = head_of(orders, share=control.head_share)
        return cls(
            category=assortment.category,
            brand=assortment.brand,
            categories=len(assortment.categories),
            band=bands(assortment.price, assortment.category),
            margin=margins(assortment),
            head=head,
            cold=~head & (orders <= control.cold_orders),
            similar=None if similar is None else _checked(similar),
        )


def head_of(orders: LongArray, *, share: float) -> BoolArray:
    """The fewest items that make a share of all orders, ties by position, shape (items,)."""
    order = np.argsort(-orders, kind="stable")
    reached = np.cumsum(orders[order])
    head = np.zeros(len(orders), dtype=np.bool_)
    if len(orders) and reached[-1] > 0 and share > 0:
        # A hair less, or rounding of the product could ask for one item more.
        enough = share * reached[-1] * (1 - 1e-12)
        head[order[: int(np.searchsorted(reached, enough)) + 1]] = True
    return head


def bands(price: LongArray, category: IntArray) -> FloatArray:
    """Where each price lies among those of its category, 0 to 1, shape (items,).

    The share of the category's priced items that are cheaper, equal prices counting half. Items
    without a category are compared with each other; NaN without a price.
    """
    band: FloatArray = np.full(len(price), np.nan, dtype=np.float32)
    priced = np.flatnonzero(price != UNKNOWN_MONEY)
    group, own = category[priced].astype(np.int64), price[priced]
    order = np.lexsort((own, group))
    group, own = group[order], own[order]
    first = np.searchsorted(group, group, side="left")
    members = np.searchsorted(group, group, side="right") - first
    # Equal prices of a group stand together: the middle of the run is the same for all of them.
    begun = changes(group, own)
    run, start = np.cumsum(begun) - 1, np.flatnonzero(begun)
    stop = np.append(start[1:], len(own))
    middle = (start + stop)[run] / 2 - first
    band[priced[order]] = middle / np.maximum(members, 1)
    return band


def margins(assortment: Assortment) -> FloatArray:
    """Price less cost in minor units, shape (items,); 0 for all when no item's is known.

    An item of unknown margin has the median of its category, or of all items.
    """
    known = (assortment.price != UNKNOWN_MONEY) & (assortment.cost != UNKNOWN_MONEY)
    own = (assortment.price - assortment.cost).astype(np.float64)
    if not known.any():
        return np.zeros(len(assortment), dtype=np.float32)
    usual = np.full(len(assortment.categories) + 1, np.median(own[known]))
    inside = known & (assortment.category != MISSING)
    _set_medians(usual, assortment.category[inside], own[inside])
    # MISSING (-1) is the last place: that of all items.
    return np.where(known, own, usual[assortment.category]).astype(np.float32)


def _set_medians(usual: DoubleArray, group: IntArray, values: DoubleArray) -> None:
    order = np.lexsort((values, group))
    group, values = group[order], values[order]
    names, first, count = np.unique(group, return_index=True, return_counts=True)
    low, high = first + (count - 1) // 2, first + count // 2
    usual[names] = (values[low] + values[high]) / 2


def _checked(similar: sparse.csr_matrix) -> sparse.csr_matrix:
    if similar.nnz and not (similar.data.min() >= 0 and similar.data.max() <= 1 + 1e-5):
        raise ValueError(
            f"similarity from {similar.data.min()} to {similar.data.max()} does not lie in 0 to "
            "1; make it a cosine, or pass it through `likeness`"
        )
    return similar.astype(np.float32, copy=False)


def likeness(closeness: sparse.csr_matrix) -> sparse.csr_matrix:
    """Closeness without a unit, such as BM25 weights, as likeness from 0 to 1.

    Each entry relative to what the two items are at most close to anything: the geometric mean
    of the greatest of their rows. An item is not its own neighbour, what is not above 0 is none.
    """
    matrix = closeness.tocoo()
    kept = (matrix.row != matrix.col) & (matrix.data > 0)
    row, column, data = matrix.row[kept], matrix.col[kept], matrix.data[kept]
    greatest = np.zeros(closeness.shape[0], dtype=np.float32)
    np.maximum.at(greatest, row, data)
    # An item that is only ever a neighbour has no row of its own to go by.
    greatest[greatest == 0] = np.inf
    most = np.where(np.isinf(greatest[column]), greatest[row], greatest[column])
    relative = np.minimum(data / np.sqrt(greatest[row] * most), 1).astype(np.float32)
    return sparse.csr_matrix((relative, (row, column)), shape=closeness.shape)
