"""Choosing the customers to be neighbours, and indexing what they are known by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import msgspec
import numpy as np
from scipy import sparse

from engine.domain.arrays import DoubleArray, FloatArray, LongArray
from engine.domain.histories import DAY_MS, Histories
from engine.models.interactions import bought_of, summed
from engine.models.neighbours import (
    Likeness,
    NeighbourCustomers,
    OwnerArray,
    StoredCustomers,
    owners_of,
)
from engine.models.postings import Postings, strongest
from training.history import Purchases


class NeighboursConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to store, how neighbours are found, and what of theirs counts.

    `stored` customers of at least `fewest_items` are kept, the most active; of each the heaviest
    `per_customer` items, of each item the `per_item` for whom it says most. `half_life_days`
    is of habits, from a customer's own last order; `trend_half_life_days` of what the
    neighbours bought, from the end of the data. An item counts as its inverse frequency raised
    to `rarity`. `asymmetry` is the alpha of UP-CF: 0.5 is the cosine, below it customers who
    bought much are held to be less like others.
    """

    BOUNDS: ClassVar[Mapping[str, tuple[float, float]]] = {
        "stored": (1, 10**7),
        "fewest_items": (1, 1_000),
        "per_customer": (1, 10_000),
        "per_item": (1, 10**6),
        "neighbours": (1, 10_000),
        "half_life_days": (0.01, 10**9),
        "trend_half_life_days": (0.01, 10**9),
        "rarity": (0, 2),
        "asymmetry": (0, 1),
        "sharpness": (0, 5),
    }

    stored: int = 50_000
    fewest_items: int = 2
    per_customer: int = 100
    per_item: int = 300
    neighbours: int = 150
    half_life_days: float = 90.0
    trend_half_life_days: float = 30.0
    rarity: float = 0.5
    asymmetry: float = 0.375
    sharpness: float = 1.0


def fit_neighbours(purchases: Purchases, *, config: NeighboursConfig) -> NeighbourCustomers:
    """The most active customers as neighbours; guests, who come once, are none."""
    owners = owners_of(purchases.customers.customers)
    rows = _most_active(purchases, owners, config)
    kept = purchases.customers.take(rows)
    rarity = _rarity(kept, items=len(purchases.items), power=config.rarity)
    likeness = Likeness(
        half_life_days=config.half_life_days,
        per_customer=config.per_customer,
        neighbours=config.neighbours,
        sharpness=config.sharpness,
    )
    tastes = likeness.tastes(bought_of(kept), rarity).matrix(columns=len(rarity))
    tastes = _scaled(tastes, asymmetry=config.asymmetry)
    stored = StoredCustomers(
        owner=owners[rows],
        tastes=Postings.of(tastes, most=config.per_item),
        habits=_habits(kept, purchases, config),
    )
    return NeighbourCustomers(stored, rarity, likeness=likeness)


def _most_active(purchases: Purchases, owners: OwnerArray, config: NeighboursConfig) -> LongArray:
    """Rows of the customers with most orders, the recent ones counting more; ties by owner."""
    customers = purchases.customers
    every = np.ones(customers.lines, dtype=np.float32)
    variety = np.diff(summed(customers, every, items=len(purchases.items)).indptr)
    _, first = np.unique(customers.order, return_index=True)
    ages = (purchases.until_ms - customers.at[first]) / DAY_MS
    activity = np.bincount(
        customers.row()[first],
        weights=np.exp2(-ages / config.half_life_days),
        minlength=len(customers),
    )
    ranked: LongArray = np.lexsort((owners, -activity))
    varied: LongArray = ranked[variety[ranked] >= config.fewest_items]
    return varied[: config.stored]


def _rarity(customers: Histories, *, items: int, power: float) -> FloatArray:
    """log(1 + customers / buyers) of each item, raised to the power, shape (items,).

    The inverse frequency of Spärck Jones (1972), which never falls to nothing for an item that
    everyone buys.
    """
    every = np.ones(customers.lines, dtype=np.float32)
    buyers = np.bincount(summed(customers, every, items=items).indices, minlength=items)
    inverse: DoubleArray = np.log1p(max(len(customers), 1) / np.maximum(buyers, 1))
    return (inverse**power).astype(np.float32)


def _scaled(tastes: sparse.csr_matrix, *, asymmetry: float) -> sparse.csr_matrix:
    """Tastes over their length to the power 2 (1 - asymmetry), as Faggioli et al. (2020) have it.

    The length of the customer asked about is left out: it changes no neighbour and no share.
    """
    row = np.repeat(np.arange(tastes.shape[0]), np.diff(tastes.indptr))
    squares = np.bincount(row, weights=tastes.data.astype(np.float64) ** 2)
    scaled = tastes.copy()
    scaled.data = (tastes.data / squares[row] ** (1 - asymmetry)).astype(np.float32)
    return scaled


def _habits(
    customers: Histories, purchases: Purchases, config: NeighboursConfig
) -> sparse.csr_matrix:
    """Orders of each item, halved for every half-life of the trend, the heaviest of each row."""
    ages = (purchases.until_ms - customers.at) / DAY_MS
    weights: FloatArray = np.exp2(-ages / config.trend_half_life_days).astype(np.float32)
    habits = summed(customers, weights, items=len(purchases.items))
    habits.eliminate_zeros()
    return strongest(habits, most=config.per_customer)
