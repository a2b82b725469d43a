"""Linear item-item models: what a customer bought speaks for the items near to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse

from engine.domain.arrays import AnyArray, FloatArray, IntArray, LongArray
from engine.domain.kept import kept
from engine.models.account import Account, unsaid
from engine.models.pairs import Weighed
from engine.models.query import Query
from engine.models.scores import SparseScores
from engine.models.sums import part_of, weighted_sums


class ItemItem:
    """The nearest neighbours of each item, as a sparse items x items matrix.

    A customer's score for an item is the sum, over the bought items, of what the customer's
    history weighs there times how near the two items are.
    """

    name: ClassVar[str] = "item_item"

    def __init__(
        self, similarity: sparse.csr_matrix, *, half_life_days: float, power: float = 1.0
    ) -> None:
        """`similarity`: float32, from the row's item to the column's, which may differ.

        A bought item weighs its orders, each halved for every half-life before the customer's
        last, summed and raised to `power`: below 1 the tenth order adds less than the second.
        """
        self._similarity = similarity
        self._half_life_days = half_life_days
        self._power = power

    @property
    def similarity(self) -> sparse.csr_matrix:
        """How near items are, from the row's item to the column's, float32."""
        return self._similarity

    def score(self, query: Query) -> SparseScores:
        """Nearness to what was bought; nothing for items to which no bought item is near.

        Nothing either where the parts of a score cancel to exactly zero. The product is summed
        row by row, so that who else is asked about changes no score.
        """
        sums = weighted_sums(query.once(self._weights), self._similarity)
        return SparseScores.by_weight(sums, items=int(self._similarity.shape[1]))

    def account(self, query: Query, items: IntArray, said: FloatArray) -> Account:
        """How what it said to the query's single customer of some items came about."""
        growth = query.bought.growth(half_life_days=self._half_life_days)
        held = query.once(self._weights)
        return _Account(self._similarity, held, growth ** np.float32(self._power), items, said)

    def nearest(self, item: int) -> tuple[IntArray, FloatArray]:
        """The items near to one item, by position, and how near each is; ascending positions."""
        own = slice(self._similarity.indptr[item], self._similarity.indptr[item + 1])
        return self._similarity.indices[own], self._similarity.data[own]

    def neighbours(self, item: int) -> FloatArray:
        """How near every item is to one item, shape (items,); NaN for those that are not."""
        near = np.full(self._similarity.shape[0], np.nan, dtype=np.float32)
        positions, scores = self.nearest(item)
        near[positions] = scores
        return near

    def arrays(self) -> dict[str, AnyArray]:
        """The similarity matrix in CSR form."""
        return {
            "data": self._similarity.data,
            "indices": self._similarity.indices,
            "indptr": self._similarity.indptr,
        }

    def params(self) -> dict[str, Any]:
        """The half-life in days and the power of the weights."""
        return {"half_life_days": self._half_life_days, "power": self._power}

    @classmethod
    def restore(cls, arrays: Mapping[str, AnyArray], params: Mapping[str, Any]) -> Self:
        """The model that `arrays` and `params` came from."""
        indptr = np.asarray(arrays["indptr"])
        items = indptr.shape[0] - 1
        parts = (np.asarray(arrays["data"]), np.asarray(arrays["indices"]), indptr)
        return cls(sparse.csr_matrix(parts, shape=(items, items), copy=False), **params)

    def _weights(self, query: Query) -> Weighed:
        held = query.bought.weights(half_life_days=self._half_life_days)
        return Weighed(held.pairs, held.weight ** np.float32(self._power))


@dataclass(frozen=True)
class _Account:
    """Sums over what a customer `held`; `growth` is by what the rest grows when one item goes."""

    similarity: sparse.csr_matrix
    held: Weighed
    growth: FloatArray
    items: IntArray
    said: FloatArray

    @kept
    def parts(self) -> FloatArray:
        """What each bought item adds to each score, shape (bought, items)."""
        near = part_of(self.similarity, self.held.pairs.item, self.items)
        near *= self.held.weight[:, None]
        return near

    def added(self, items: IntArray) -> FloatArray:
        """What each bought item adds to the scores, shape (bought, len(items))."""
        return self.parts[:, self.items.searchsorted(items)]

    def without(self, gone: LongArray) -> FloatArray:
        """The scores had a bought item never been bought, shape (len(gone), items)."""
        added = self.parts[gone].astype(np.float64)
        # As float64: of a score that only the item gone adds to exactly zero is left.
        said = np.where(np.isnan(self.said), np.float32(0), self.said)
        left = (said - added) * self.growth[gone, None]
        return unsaid(left.astype(np.float32))


class Ease(ItemItem):
    """What each bought item adds to the expectation of another, all others bought being equal.

    Steck (2019), "Embarrassingly shallow autoencoders for sparse data": unlike a similarity, a
    weight tells apart items that sell together from items that each sell with a third, and may
    be negative.
    """

    name: ClassVar[str] = "ease"
