"""Implicit-feedback matrix factorisation with customers folded in from their history.

Hu, Koren & Volinsky (2008), "Collaborative filtering for implicit feedback datasets". Only item
factors are kept: a customer's factors are the closed-form solution of equation 4 for the history
at hand, so that a purchase counts at once and the artifact holds nothing about any customer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse

from engine.domain.arrays import AnyArray, FloatArray
from engine.domain.histories import Histories
from engine.models.interactions import bought, interactions


class Als:
    """Item factors, and the fold-in that turns a history into customer factors."""

    name: ClassVar[str] = "als"

    def __init__(
        self, factors: FloatArray, *, alpha: float, regularization: float, half_life_days: float
    ) -> None:
        self._factors = factors
        self._alpha = alpha
        self._regularization = regularization
        self._half_life_days = half_life_days
        rank = factors.shape[1]
        self._base: FloatArray = (
            factors.T @ factors + regularization * np.eye(rank, dtype=np.float32)
        ).astype(np.float32)

    def confidence(self, histories: Histories) -> sparse.csr_matrix:
        """Confidence 1 + alpha x weight of every bought item, customers x items."""
        weights = interactions(
            histories, items=self._factors.shape[0], half_life_days=self._half_life_days
        )
        weights.data = 1 + np.float32(self._alpha) * weights.data
        return weights

    def fold_in(self, confidence: sparse.csr_matrix) -> FloatArray:
        """Customer factors for rows of confidences, shape (customers, factors).

        A customer without history gets zeros.
        """
        systems, targets = self._systems(confidence)
        return np.linalg.solve(systems, targets[..., None])[..., 0]

    def score(self, histories: Histories) -> FloatArray:
        """Dot product of customer and item factors; NaN rows for customers without history."""
        confidence = self.confidence(histories)
        scores: FloatArray = self.fold_in(confidence) @ self._factors.T
        scores[np.diff(confidence.indptr) == 0] = np.nan
        return scores

    def contributions(self, histories: Histories, items: AnyArray) -> FloatArray:
        """What each bought item adds to each score, shape (bought items, len(items)).

        Hu, Koren & Volinsky (2008), section 5: the score is a sum over the bought items.
        """
        confidence = self.confidence(histories)
        system = self._systems(confidence)[0][0]
        own = self._factors[bought(histories)] * confidence.data[:, None]
        parts: FloatArray = own @ np.linalg.solve(system, self._factors[items].T)
        return parts

    def arrays(self) -> dict[str, AnyArray]:
        """The item factors, shape (items, factors)."""
        return {"item_factors": self._factors}

    def params(self) -> dict[str, Any]:
        """Alpha, regularisation and the half-life in days."""
        return {
            "alpha": self._alpha,
            "regularization": self._regularization,
            "half_life_days": self._half_life_days,
        }

    @classmethod
    def restore(cls, arrays: Mapping[str, AnyArray], params: Mapping[str, Any]) -> Self:
        """The model that `arrays` and `params` came from."""
        return cls(np.asarray(arrays["item_factors"], dtype=np.float32), **params)

    def _systems(self, confidence: sparse.csr_matrix) -> tuple[FloatArray, FloatArray]:
        """The left and right sides of equation 4, one linear system a customer."""
        rank = self._factors.shape[1]
        systems = np.repeat(self._base[None], confidence.shape[0], axis=0)
        targets = np.zeros((confidence.shape[0], rank), dtype=np.float32)
        bounds = confidence.indptr
        for row in range(confidence.shape[0]):
            own = slice(bounds[row], bounds[row + 1])
            factors, weights = self._factors[confidence.indices[own]], confidence.data[own]
            systems[row] += (factors.T * (weights - 1)) @ factors
            targets[row] = weights @ factors
        return systems, targets
