"""Neighbours of every item: what the same customers bought."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import msgspec
import numpy as np
from implicit.nearest_neighbours import bm25_weight
from scipy import sparse

from engine.models.item_item import ItemItem
from training.fitting.co_purchases import baskets, largest_products, scaled
from training.history import Purchases


class ItemItemConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which similarity, how many neighbours an item keeps, and how a history weighs.

    `shrinkage` is for the cosine: buyers of nothing else that every item is given. `k1` and `b`
    are for BM25: saturation, and how much an item's own popularity counts against it.
    """

    BOUNDS: ClassVar[Mapping[str, tuple[float, float]]] = {
        "neighbours": (1, 10_000),
        "shrinkage": (0, 10**6),
        "k1": (0, 1_000),
        "b": (0, 1),
        "half_life_days": (0.01, 10**9),
        "power": (0, 1),
    }

    weighting: Literal["cosine", "bm25"] = "cosine"
    neighbours: int = 50
    shrinkage: float = 30.0
    k1: float = 1.2
    b: float = 0.75
    half_life_days: float = 60.0
    power: float = 1.0


def fit_item_item(purchases: Purchases, *, config: ItemItemConfig) -> ItemItem:
    """The nearest neighbours of each item over customers and guests' orders.

    An item is no neighbour of its own: buying again is another scorer's business.
    """
    near = largest_products(_weighted(baskets(purchases), config), most=config.neighbours)
    return ItemItem(
        near.astype(np.float32), half_life_days=config.half_life_days, power=config.power
    )


def _weighted(bought: sparse.csr_matrix, config: ItemItemConfig) -> sparse.csr_matrix:
    if not bought.nnz:
        return bought
    if config.weighting == "cosine":
        return cosine_weight(bought, shrinkage=config.shrinkage)
    return bm25_weight(bought.T, K1=config.k1, B=config.b).T.tocsr()


def cosine_weight(bought: sparse.csr_matrix, *, shrinkage: float) -> sparse.csr_matrix:
    """Counts of orders weighed such that the products of columns are shrunken cosines; float64.

    Deshpande & Karypis (2004), "Item-based top-N recommendation algorithms": rows of unit
    length, so that two items in a small basket are more alike than two in one of everything.
    Shrinkage adds as much to each column's squared length as so many purchases hold on average.
    `bought` holds at least one.
    """
    logs = bought.astype(np.float64)
    logs.data = np.log1p(logs.data)
    lengths = np.sqrt(np.bincount(_row(logs), weights=logs.data**2, minlength=logs.shape[0]))
    logs.data /= lengths[_row(logs)]
    squares = np.bincount(logs.indices, weights=logs.data**2, minlength=logs.shape[1])
    squares += shrinkage * squares.sum() / logs.nnz
    # An item nobody bought has no column to scale.
    return scaled(logs, 1 / np.sqrt(np.where(squares > 0, squares, 1.0)))


def _row(matrix: sparse.csr_matrix) -> np.ndarray:
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
