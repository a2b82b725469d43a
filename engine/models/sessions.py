"""Orders like the basket in hand: what went together with what is in it.

Kersbergen, Sprangers & Schelter (2022), "Serenade: low-latency session-based recommendation in
e-commerce at scale" (VMIS-kNN), with orders as the sessions. It knows nobody: orders carry no
customer, and an anonymous visitor is answered like anyone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse

from engine.domain.arrays import AnyArray, FloatArray, IntArray, LongArray
from engine.domain.histories import Histories
from engine.models.interactions import summed
from engine.models.postings import Postings, in_order, shares, spans
from engine.models.query import Query
from engine.models.scores import SparseScores


@dataclass(frozen=True)
class StoredSessions:
    """Orders of several items, the newest first.

    `index` has for each item the newest sessions with it. `contents`, sessions x items, float32:
    an entry for every item of a session, which is the session's weight, lower the older it is.
    `rarity` (items,), float32: how much it says that an item is in a session near to a basket.
    `commonness` (items,), float32: what is to be expected of an item beside any other.
    """

    index: Postings
    contents: sparse.csr_matrix
    rarity: FloatArray
    commonness: FloatArray


@dataclass(frozen=True)
class Overlap:
    """How a basket is compared with sessions.

    The newest item of a basket counts 1, each before it `step_decay` times the one after, the
    newest `per_basket` of them. The nearest `neighbours` sessions are heard.
    """

    neighbours: int
    per_basket: int
    step_decay: float


class Sessions:
    """What is in the sessions that share most with the basket."""

    name: ClassVar[str] = "sessions"

    def __init__(self, stored: StoredSessions, *, overlap: Overlap) -> None:
        """`stored`: the sessions to compare with."""
        self._stored = stored
        self._overlap = overlap

    def score(self, query: Query) -> SparseScores:
        """How much the sessions nearest to each basket speak for an item.

        The share of them with the item, by likeness and age, times the item's rarity. Nothing
        for what is in the basket, and nothing at all where it is empty or there are no baskets.
        """
        items = self._stored.index.items
        if query.baskets is None:
            return SparseScores(sparse.csr_matrix((len(query), items), dtype=np.float32))
        baskets = self._baskets(query.baskets)
        return SparseScores(
            self._stored.index.in_blocks(baskets, lambda own, _rows: self._scores(own))
        )

    def bought_together(self, items: IntArray) -> SparseScores:
        """How far other items share the sessions of each of the items, a row for each of them.

        The weights of the newest sessions with both, summed, over the other's commonness.
        Nothing for an item itself and for what it never met.
        """
        given = np.asarray(items, dtype=np.int64)
        index = self._stored.index
        length = index.indptr[given + 1] - index.indptr[given]
        holder = index.holder[spans(index.indptr[given], length)]
        bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(length, dtype=np.int64)])
        every = np.ones(len(holder), dtype=np.float32)
        shape = (len(given), index.holders)
        together = sparse.csr_matrix((every, holder, bounds), shape=shape) @ self._stored.contents
        together.data /= self._stored.commonness[together.indices]
        own = np.arange(len(given) + 1, dtype=np.int64)
        return SparseScores(_apart(in_order(together), own, given))

    def arrays(self) -> dict[str, AnyArray]:
        """The index, the contents of the sessions, and what is known of each item."""
        contents = self._stored.contents
        return {
            **self._stored.index.arrays(),
            "contents_indptr": contents.indptr,
            "contents_item": contents.indices,
            "contents_weight": contents.data,
            "rarity": self._stored.rarity,
            "commonness": self._stored.commonness,
        }

    def params(self) -> dict[str, Any]:
        """How sessions are compared."""
        return asdict(self._overlap)

    @classmethod
    def restore(cls, arrays: Mapping[str, AnyArray], params: Mapping[str, Any]) -> Self:
        """The model that `arrays` and `params` came from."""
        rarity: FloatArray = np.asarray(arrays["rarity"], dtype=np.float32)
        parts = tuple(np.asarray(arrays[f"contents_{key}"]) for key in ("weight", "item", "indptr"))
        shape = (parts[2].shape[0] - 1, rarity.shape[0])
        stored = StoredSessions(
            index=Postings.restore(arrays, holders=shape[0]),
            contents=sparse.csr_matrix(parts, shape=shape, copy=False),
            rarity=rarity,
            commonness=np.asarray(arrays["commonness"], dtype=np.float32),
        )
        return cls(stored, overlap=Overlap(**params))

    def _baskets(self, baskets: Histories) -> sparse.csr_matrix:
        """The weight of each item in each basket, baskets x items."""
        known = baskets.where(baskets.item >= 0)
        steps = known.indptr[known.row() + 1] - 1 - np.arange(known.lines)
        weights: FloatArray = np.power(self._overlap.step_decay, steps).astype(np.float32)
        weights[steps >= self._overlap.per_basket] = 0
        # An entry of nothing stays: what is in the basket is not to be shown, however long ago.
        return summed(known, weights, items=self._stored.index.items)

    def _scores(self, baskets: sparse.csr_matrix) -> sparse.csr_matrix:
        near = self._stored.index.nearest(baskets, most=self._overlap.neighbours)
        scores = shares(near) @ self._stored.contents
        scores.data *= self._stored.rarity[scores.indices]
        return _apart(in_order(scores), baskets.indptr, baskets.indices)


def _apart(
    scores: sparse.csr_matrix, indptr: LongArray, item: LongArray | IntArray
) -> sparse.csr_matrix:
    """The scores without the items that stand in each row's part of `item`."""
    rows, items = scores.shape
    number = np.arange(rows, dtype=np.int64) * items
    keys = number.repeat(np.diff(scores.indptr)) + scores.indices
    gone = number.repeat(np.diff(indptr)) + item
    kept = np.ones(len(keys), dtype=np.bool_)
    place = keys.searchsorted(gone)
    found = keys.take(place, mode="clip") == gone if len(keys) else np.zeros(len(gone), np.bool_)
    kept[place[found]] = False
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(kept, dtype=np.int64)])
    parts = (scores.data[kept], scores.indices[kept], before[scores.indptr])
    return sparse.csr_matrix(parts, shape=scores.shape, copy=False)
