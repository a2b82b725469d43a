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

from engine.domain.arrays import AnyArray, FloatArray, IntArray
from engine.domain.histories import Histories
from engine.models.interactions import bought_of
from engine.models.pairs import Pairs, Weighed, spans
from engine.models.postings import Postings, shares
from engine.models.query import Query
from engine.models.scores import SparseScores
from engine.models.sums import weighted_sums


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
            nothing = np.zeros(0, dtype=np.float32)
            return SparseScores.of(Pairs.empty(len(query)), nothing, items=items)
        baskets = self._baskets(query.baskets)
        near = self._stored.index.nearest(baskets, most=self._overlap.neighbours)
        said = weighted_sums(shares(near), self._stored.contents)
        rare = Weighed(said.pairs, said.weight * self._stored.rarity[said.pairs.item])
        return SparseScores.by_weight(_apart(rare, baskets.pairs, items=items), items=items)

    def bought_together(self, items: IntArray) -> SparseScores:
        """How far other items share the sessions of each of the items, a row for each of them.

        The weights of the newest sessions with both, summed, over the other's commonness.
        Nothing for an item itself and for what it never met.
        """
        given, index = np.asarray(items, dtype=np.int32), self._stored.index
        length = index.indptr[given + 1] - index.indptr[given]
        holder = index.holder[spans(index.indptr[given], length)]
        bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(length, dtype=np.int64)])
        every = Weighed(Pairs(bounds, holder), np.ones(len(holder), dtype=np.float32))
        together = weighted_sums(every, self._stored.contents)
        weight = together.weight / self._stored.commonness[together.pairs.item]
        own = Pairs(np.arange(len(given) + 1, dtype=np.int64), given)
        apart = _apart(Weighed(together.pairs, weight), own, items=index.items)
        return SparseScores.by_weight(apart, items=index.items)

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

    def _baskets(self, baskets: Histories) -> Weighed:
        """The weight of each item in each basket."""
        known = baskets.where(baskets.item >= 0)
        steps = known.indptr[known.row() + 1] - 1 - np.arange(known.lines)
        weights: FloatArray = np.power(self._overlap.step_decay, steps).astype(np.float32)
        weights[steps >= self._overlap.per_basket] = 0
        # An entry of nothing stays: what is in the basket is not to be shown, however long ago.
        return bought_of(known).summed(weights)


def _apart(scores: Weighed, gone: Pairs, *, items: int) -> Weighed:
    """The scores without the pairs that are gone."""
    return scores.where(~np.isin(scores.pairs.keys(items=items), gone.keys(items=items)))
