"""Implicit-feedback matrix factorisation with customers folded in from their history.

Hu, Koren & Volinsky (2008), "Collaborative filtering for implicit feedback datasets". Only item
factors are kept: a customer's factors are the closed-form solution of equation 4 for the history
at hand, so that a purchase counts at once and the artifact holds nothing about any customer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse

from engine.domain.arrays import AnyArray, DoubleArray, FloatArray, IntArray, LongArray
from engine.domain.histories import Histories
from engine.domain.kept import kept
from engine.models.account import Account
from engine.models.factor_scores import FactorScores
from engine.models.interactions import interactions
from engine.models.item_factors import ItemFactors
from engine.models.pairs import Pairs, Weighed
from engine.models.query import Query

# Histories are filled up to one of these lengths, at most half as much again, and solved
# together by length. A customer's length, and with it every rounding, is their own affair: alone
# or in a block the factors are the same to the bit.
WIDTHS = np.sort(np.concatenate([2 ** np.arange(3, 31), 3 * 2 ** np.arange(2, 30)]))
# Numbers in the factors and systems that are worked on together: they stay in the cache.
CELLS = 2**17


def confidences(
    histories: Histories, *, items: int, alpha: float, half_life_days: float
) -> sparse.csr_matrix:
    """1 + alpha x weight of every bought item, customers x items, float32, columns sorted."""
    weights = interactions(histories, items=items, half_life_days=half_life_days)
    weights.data = 1 + np.float32(alpha) * weights.data
    return weights


class Als:
    """Item factors, and the fold-in that turns a history into customer factors."""

    name: ClassVar[str] = "als"

    def __init__(
        self,
        items: ItemFactors,
        gram: FloatArray,
        *,
        alpha: float,
        regularization: float,
        half_life_days: float,
    ) -> None:
        """`gram`: the items' factors times themselves, shape (rank, rank)."""
        self._items = items
        self._gram = gram
        self._alpha = alpha
        self._regularization = regularization
        self._half_life_days = half_life_days
        ridge = np.float32(regularization) * np.eye(items.rank, dtype=np.float32)
        self._base: FloatArray = gram + ridge

    @classmethod
    def of(
        cls, factors: FloatArray, *, alpha: float, regularization: float, half_life_days: float
    ) -> Self:
        """The model of factors in the order of items, shape (items, rank)."""
        items = ItemFactors.from_items(factors)
        return cls(
            items,
            items.factors.T @ items.factors,
            alpha=alpha,
            regularization=regularization,
            half_life_days=half_life_days,
        )

    @property
    def items(self) -> ItemFactors:
        """The factors of the items."""
        return self._items

    def confidence(self, histories: Histories) -> sparse.csr_matrix:
        """Confidence in every bought item, customers x items, at least 1."""
        return confidences(
            histories,
            items=len(self._items),
            alpha=self._alpha,
            half_life_days=self._half_life_days,
        )

    def fold_in(self, confidence: sparse.csr_matrix) -> FloatArray:
        """Customer factors for rows of confidences, shape (customers, rank).

        A customer without history gets zeros.
        """
        pairs = Pairs(confidence.indptr.astype(np.int64, copy=False), confidence.indices)
        return self._folded(Weighed(pairs, confidence.data))

    def score(self, query: Query) -> FactorScores:
        """Dot product of customer and item factors.

        NaN for customers without history, and for items that no known customer bought.
        """
        if len(query) != 1 or not len(query.bought.pairs):
            return FactorScores(self._folded(self._confident(query)), self._items)
        system, target = query.once(self._equation)
        return FactorScores(np.linalg.solve(system, target[..., None])[..., 0], self._items)

    def account(self, query: Query, items: IntArray, said: FloatArray) -> Account:
        """How what it said to the query's single customer of some items came about."""
        return _Account(self, query, items, query.once(self._confident))

    def system(self, query: Query) -> tuple[DoubleArray, DoubleArray]:
        """Both sides of equation 4 for a single customer who bought something."""
        system, target = query.once(self._equation)
        return system[0].astype(np.float64), target[0].astype(np.float64)

    def grown(self, query: Query, confidence: Weighed) -> dict[int, FloatArray]:
        """A single customer's factors without an item whose going lets all other weights grow.

        By its place among those bought; there is at most one.
        """
        growth = query.bought.growth(half_life_days=self._half_life_days)
        found = {}
        for gone in np.flatnonzero(growth != 1).tolist():
            weights = 1 + growth[gone] * (confidence.weight - 1)
            left = Weighed(confidence.pairs, weights).where(np.arange(len(growth)) != gone)
            found[gone] = self._folded(left)[0]
        return found

    def arrays(self) -> dict[str, AnyArray]:
        """The item factors by falling norm, and their Gram matrix."""
        return {**self._items.arrays(), "gram": self._gram}

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
        gram = np.asarray(arrays["gram"], dtype=np.float32)
        return cls(ItemFactors.restore(arrays), gram, **params)

    def _confident(self, query: Query) -> Weighed:
        held = query.bought.weights(half_life_days=self._half_life_days)
        return Weighed(held.pairs, 1 + np.float32(self._alpha) * held.weight)

    def _equation(self, query: Query) -> tuple[FloatArray, FloatArray]:
        """Both sides of equation 4, of a single customer who bought something."""
        confidence = query.once(self._confident)
        width = int(WIDTHS[WIDTHS.searchsorted(len(confidence.pairs))])
        return self._systems(confidence, np.zeros(1, np.int64), width)

    def _folded(self, confidence: Weighed) -> FloatArray:
        own = np.zeros((confidence.pairs.customers, self._items.rank), dtype=np.float32)
        for rows, width in self._alike(confidence.pairs.indptr):
            systems, targets = self._systems(confidence, rows, width)
            own[rows] = np.linalg.solve(systems, targets[..., None])[..., 0]
        return own

    def _alike(self, bounds: LongArray) -> Iterator[tuple[LongArray, int]]:
        """Customers who are solved together, and the length their histories are filled up to."""
        lengths = bounds[1:] - bounds[:-1]
        widths = WIDTHS[np.searchsorted(WIDTHS, lengths)]
        filled = lengths > 0
        for width in np.unique(widths[filled]).tolist():
            rows = np.flatnonzero(filled & (widths == width))
            together = max(1, CELLS // ((width + self._items.rank) * self._items.rank))
            for start in range(0, rows.size, together):
                yield rows[start : start + together], width

    def _systems(
        self, confidence: Weighed, rows: LongArray, width: int
    ) -> tuple[FloatArray, FloatArray]:
        """The left and right sides of equation 4, one linear system a customer."""
        bounds, position = confidence.pairs.indptr, np.arange(width)
        own = position < (bounds[rows + 1] - bounds[rows])[:, None]
        line = np.where(own, bounds[rows][:, None] + position, 0)
        factors = self._items.of(confidence.pairs.item[line])
        weights = np.where(own, confidence.weight[line], np.float32(0))
        # What has been filled up has weight 0 here and below, so it adds nothing.
        beyond = np.sqrt(np.maximum(weights - 1, 0))[..., None] * factors
        systems: FloatArray = self._base + beyond.transpose(0, 2, 1) @ beyond
        targets: FloatArray = (weights[:, None, :] @ factors)[:, 0]
        return systems, targets


@dataclass(frozen=True)
class _Account:
    """The dot products of one customer, who might have bought less."""

    model: Als
    query: Query
    items: IntArray
    confidence: Weighed

    @kept
    def system(self) -> tuple[DoubleArray, DoubleArray]:
        """Both sides of equation 4."""
        return self.model.system(self.query)

    def added(self, items: IntArray) -> FloatArray:
        """What each bought item adds to the scores, shape (bought, len(items)).

        Hu, Koren & Volinsky (2008), section 5: the score is a sum over the bought items.
        """
        bought = self.confidence.pairs.item
        if not len(bought):
            return np.zeros((0, len(items)), dtype=np.float32)
        solved = np.linalg.solve(self.system[0], self.model.items.of(items).T)
        own = self.model.items.of(bought) * self.confidence.weight[:, None]
        added: FloatArray = own @ solved.astype(np.float32)
        return added

    def without(self, gone: LongArray) -> FloatArray:
        """The scores had a bought item never been bought, shape (len(gone), items)."""
        own = np.zeros((len(gone), self.model.items.rank), dtype=np.float32)
        if len(self.confidence.pairs) > 1:
            own[:] = self._downdated(gone)
            grown = self.model.grown(self.query, self.confidence)
            for place, factors in grown.items():
                own[gone == place] = factors
        asked = self.model.items.of(self.items)
        scores: FloatArray = own @ asked.T
        scores[~own.any(axis=1)] = np.nan
        scores[:, ~asked.any(axis=1)] = np.nan
        return scores

    def _downdated(self, gone: LongArray) -> DoubleArray:
        """The customer's factors without what each item adds to both sides, (len(gone), rank).

        What it adds to the left side is of rank one: Sherman & Morrison (1950).
        """
        system, target = self.system
        weight = self.confidence.weight[gone].astype(np.float64)
        factors = self.model.items.of(self.confidence.pairs.item[gone]).astype(np.float64)
        solved = np.linalg.solve(system, np.vstack([target, factors]).T).T
        whole, along = solved[0], solved[1:]
        rest = whole - weight[:, None] * along
        beyond = weight - 1
        reach = (factors * along).sum(axis=1)
        back = beyond * (factors * rest).sum(axis=1) / (1 - beyond * reach)
        downdated: DoubleArray = rest + back[:, None] * along
        return downdated
