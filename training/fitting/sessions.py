"""Choosing the orders that baskets are compared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import msgspec
import numpy as np
from scipy import sparse

from engine.domain.arrays import DoubleArray, FloatArray, IntArray, LongArray
from engine.domain.histories import DAY_MS
from engine.models.postings import Postings, strongest
from engine.models.sessions import Overlap, Sessions, StoredSessions
from training.history import Purchases


class SessionsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which orders to store, and how a basket is compared with them.

    The newest `stored` orders of several items are kept. An order is found by its `per_session`
    rarest items, of each item by the newest `per_item` orders, and speaks for its `heard` rarest:
    what is in every order finds none, and yet is bought with all. An order's say is halved for
    every `half_life_days` before the end of the data. A long order is like a basket by its overlap
    over its length to the power `length`. `rarity` is the power of an item's inverse frequency in
    the score for a basket. What is bought together is lowered by the power `commonness` of an
    item's orders, with `damping` orders more: .5 is the cosine, and 0 plain counts, which name
    best what else an order holds. `Overlap` says what the rest is.
    """

    BOUNDS: ClassVar[Mapping[str, tuple[float, float]]] = {
        "stored": (1, 10**7),
        "per_session": (2, 10_000),
        "heard": (2, 10_000),
        "per_item": (1, 10**6),
        "half_life_days": (0.01, 10**9),
        "length": (0, 2),
        "neighbours": (1, 10_000),
        "per_basket": (1, 1_000),
        "step_decay": (0.01, 1),
        "rarity": (0, 2),
        "commonness": (0, 1),
        "damping": (0.001, 10**6),
    }

    stored: int = 200_000
    per_session: int = 40
    heard: int = 200
    per_item: int = 500
    half_life_days: float = 120.0
    length: float = 0.25
    neighbours: int = 400
    per_basket: int = 20
    step_decay: float = 0.95
    rarity: float = 0.5
    # As good as counts on two shops; of two items met equally often the rarer comes first.
    commonness: float = 0.05
    damping: float = 30.0


def fit_sessions(purchases: Purchases, *, config: SessionsConfig) -> Sessions:
    """Customers' and guests' orders alike, the newest first."""
    held, at = _orders(purchases)
    newest = _newest(held, at, most=config.stored)
    held, at = held[newest], at[newest]
    ages = (purchases.until_ms - at) / DAY_MS
    weight: FloatArray = np.exp2(-ages / config.half_life_days).astype(np.float32)
    found, heard = (_rarest(held, most=most) for most in (config.per_session, config.heard))
    stored = StoredSessions(
        index=_index(found, most=config.per_item, power=config.length),
        contents=_with_data(heard, np.repeat(weight, np.diff(heard.indptr))),
        rarity=_rarity(held, power=config.rarity),
        commonness=_commonness(held, weight, damping=config.damping, power=config.commonness),
    )
    overlap = Overlap(
        neighbours=config.neighbours,
        per_basket=config.per_basket,
        step_decay=config.step_decay,
    )
    return Sessions(stored, overlap=overlap)


def _orders(purchases: Purchases) -> tuple[sparse.csr_matrix, LongArray]:
    """The items of every order, orders x items with ones, and when it was, shape (orders,)."""
    parts = (purchases.customers, purchases.guests)
    # The numbers of two parts may be the same, and not the orders.
    order = np.concatenate([part.order * 2 + number for number, part in enumerate(parts)])
    item = np.concatenate([part.item for part in parts])
    at = np.concatenate([part.at for part in parts])
    _, first, row = np.unique(order, return_index=True, return_inverse=True)
    known = item >= 0
    shape = (len(first), len(purchases.items))
    every = np.ones(int(known.sum()), dtype=np.float32)
    held = sparse.csr_matrix((every, (row[known], item[known])), shape=shape)
    held.sum_duplicates()
    held.data[:] = 1
    return held, at[first]


def _newest(held: sparse.csr_matrix, at: LongArray, *, most: int) -> LongArray:
    """The newest orders of more than one item; of those at the same time the first in the data."""
    ranked: LongArray = np.argsort(-at, kind="stable")
    several: LongArray = ranked[np.diff(held.indptr)[ranked] > 1]
    return several[:most]


def _rarest(held: sparse.csr_matrix, *, most: int) -> sparse.csr_matrix:
    """The rarest items of each order, at most so many, ties by position.

    A wholesaler's order of hundreds of lines would cost as much as hundreds of others. What is
    common is in enough other orders.
    """
    orders = np.bincount(held.indices, minlength=held.shape[1])
    rarity = _with_data(held, (1 / orders[held.indices]).astype(np.float32))
    return strongest(rarity, most=most)


def _rarity(held: sparse.csr_matrix, *, power: float) -> FloatArray:
    """log(1 + orders / orders with the item), raised to the power, shape (items,)."""
    orders = np.bincount(held.indices, minlength=held.shape[1])
    inverse: DoubleArray = np.log1p(max(held.shape[0], 1) / np.maximum(orders, 1))
    return (inverse**power).astype(np.float32)


def _commonness(
    held: sparse.csr_matrix, weight: FloatArray, *, damping: float, power: float
) -> FloatArray:
    """The weights of the orders with each item, summed, to a power, shape (items,).

    Orders with two items over the roots for both are their cosine. What is due to the one asked
    about is left out: it is the same for all that went with it. So many orders of damping keep
    a single coincidence of two rare items low.
    """
    spread: DoubleArray = held.T @ weight.astype(np.float64)
    return ((spread + damping) ** power).astype(np.float32)


def _index(kept: sparse.csr_matrix, *, most: int, power: float) -> Postings:
    """The newest orders of each item; `kept` has the newest in its first row."""
    length = np.diff(kept.indptr)
    weight = np.repeat(np.power(np.maximum(length, 1.0), -power).astype(np.float32), length)
    by_item = _with_data(kept, weight).tocsc()
    place = np.arange(by_item.nnz) - np.repeat(by_item.indptr[:-1], np.diff(by_item.indptr))
    newest = place < most
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(newest, dtype=np.int64)])
    holder: IntArray = by_item.indices[newest].astype(np.int32, copy=False)
    return Postings(before[by_item.indptr], holder, by_item.data[newest], holders=kept.shape[0])


def _with_data(matrix: sparse.csr_matrix, data: FloatArray) -> sparse.csr_matrix:
    return sparse.csr_matrix((data, matrix.indices, matrix.indptr), shape=matrix.shape)
