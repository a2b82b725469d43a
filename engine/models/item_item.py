"""Linear item-item models: what a customer bought speaks for the items near to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse

from engine.domain.arrays import AnyArray, FloatArray, IntArray
from engine.domain.histories import Histories
from engine.models.interactions import bought, interactions
from engine.models.postings import in_order
from engine.models.query import Query
from engine.models.scores import SparseScores


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
        return SparseScores(in_order(self._weights(query.histories) @ self._similarity))

    def contributions(self, query: Query, items: AnyArray) -> FloatArray:
        """What each bought item adds to each score, shape (bought items, len(items)).

        For a single customer; the rows follow `bought(query.histories)`.
        """
        near: FloatArray = self._similarity[bought(query.histories)][:, items].toarray()
        weights: FloatArray = self._weights(query.histories).data
        return near * weights[:, None]

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

    def _weights(self, histories: Histories) -> sparse.csr_matrix:
        weights = interactions(
            histories, items=self._similarity.shape[0], half_life_days=self._half_life_days
        )
        weights.data **= np.float32(self._power)
        return weights


class Ease(ItemItem):
    """What each bought item adds to the expectation of another, all others bought being equal.

    Steck (2019), "Embarrassingly shallow autoencoders for sparse data": unlike a similarity, a
    weight tells apart items that sell together from items that each sell with a third, and may
    be negative.
    """

    name: ClassVar[str] = "ease"
