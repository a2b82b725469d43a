"""Item-item neighbours: what is bought by the same customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse

from engine.domain.arrays import AnyArray, FloatArray
from engine.domain.histories import Histories
from engine.models.interactions import bought, interactions


class ItemItem:
    """The nearest neighbours of each item, as a sparse items x items matrix."""

    name: ClassVar[str] = "item_item"

    def __init__(self, similarity: sparse.csr_matrix, *, half_life_days: float) -> None:
        self._similarity = similarity
        self._half_life_days = half_life_days

    def score(self, histories: Histories) -> FloatArray:
        """Similarity to the bought items, weighted by recency; NaN where none is similar."""
        scores: FloatArray = (self._weights(histories) @ self._similarity).toarray()
        scores[scores == 0] = np.nan
        return scores

    def contributions(self, histories: Histories, items: AnyArray) -> FloatArray:
        """What each bought item adds to each score, shape (bought items, len(items))."""
        near: FloatArray = self._similarity[bought(histories)][:, items].toarray()
        weights: FloatArray = self._weights(histories).data
        return near * weights[:, None]

    def neighbours(self, item: int) -> FloatArray:
        """Similarity of every item to one item, shape (items,); NaN where there is none."""
        scores: FloatArray = self._similarity[item].toarray()[0]
        scores[scores == 0] = np.nan
        return scores

    def arrays(self) -> dict[str, AnyArray]:
        """The similarity matrix in CSR form."""
        return {
            "data": self._similarity.data,
            "indices": self._similarity.indices,
            "indptr": self._similarity.indptr,
        }

    def params(self) -> dict[str, Any]:
        """The half-life in days."""
        return {"half_life_days": self._half_life_days}

    @classmethod
    def restore(cls, arrays: Mapping[str, AnyArray], params: Mapping[str, Any]) -> Self:
        """The model that `arrays` and `params` came from."""
        indptr = np.asarray(arrays["indptr"])
        items = indptr.shape[0] - 1
        parts = (np.asarray(arrays["data"]), np.asarray(arrays["indices"]), indptr)
        return cls(sparse.csr_matrix(parts, shape=(items, items), copy=False), **params)

    def _weights(self, histories: Histories) -> sparse.csr_matrix:
        return interactions(
            histories, items=self._similarity.shape[0], half_life_days=self._half_life_days
        )
