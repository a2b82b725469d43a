"""Ridge regression of each item on the few items most like it, for when all are too many.

A sparse substitute for the inverse of Steck (2019), "Embarrassingly shallow autoencoders for
sparse data", in the manner of Steck (2019), "Markov random fields for collaborative filtering":
small dense systems over neighbourhoods of a sparsified matrix of co-purchases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from engine.domain.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from training.fitting.co_purchases import largest_products, scaled, strongest

BLOCK_ITEMS = 64
NOWHERE = -1
ShortArray: TypeAlias = NDArray[np.int16]


@dataclass(frozen=True)
class Neighbourhood:
    """How many items each is regressed on, and how many pairs of co-purchases an item keeps."""

    predictors: int
    pairs: int


def sparse_weights(
    bought: sparse.csr_matrix, *, regularization: float, within: Neighbourhood
) -> sparse.csr_matrix:
    """Weights from the row's item to the column's, at most `predictors` a column; float32.

    `bought` is rows x items of ones. With every item among the predictors and every pair kept,
    the weights are those of the dense solution.
    """
    buyers = np.maximum(np.bincount(bought.indices, minlength=bought.shape[1]), 1)
    cosines = scaled(bought, 1 / np.sqrt(buyers))
    alike = largest_products(cosines, most=max(within.pairs, within.predictors))
    systems = _Systems(
        alike=alike.astype(np.float32),
        floor=_floor(alike, most=max(within.pairs, within.predictors)),
        ridge=(1 + regularization / buyers).astype(np.float32),
        reach=np.sqrt(buyers).astype(np.float32),
    )
    predictors = strongest(systems.alike, most=within.predictors)
    return _solved(systems, predictors)


@dataclass(frozen=True)
class _Systems:
    """Normal equations in cosines: every item's column scaled to length one.

    `alike` holds the cosines kept. One that is not kept is at most the `floor` of either item,
    (items,), and taken to be just that: zero would leave the equations indefinite where many
    pairs are missing, and weights without bounds.
    """

    alike: sparse.csr_matrix
    floor: FloatArray
    ridge: FloatArray
    reach: FloatArray

    def matrices(self, items: IntArray, there: BoolArray, *, place: ShortArray) -> FloatArray:
        """The left sides for sets of items, shape (sets, size, size); ones where none is there.

        `items` (sets, size) are positions, of which those not `there` do not count; `place` is
        NOWHERE throughout, at least (sets, all items), and so again afterwards.
        """
        floor = np.where(there, self.floor[items], np.float32(0))
        matrix: FloatArray = np.minimum(floor[:, :, None], floor[:, None, :])
        sets, first = np.nonzero(there)
        place[sets, items[there]] = first
        rows = self.alike[items[there]]
        lengths = np.diff(rows.indptr)
        sets_of, first_of = np.repeat(sets, lengths), np.repeat(first, lengths)
        second_of = place[sets_of, rows.indices]
        place[sets, items[there]] = NOWHERE
        kept = second_of != NOWHERE
        own, one, other = sets_of[kept], first_of[kept], second_of[kept]
        # Of a pair, one of the items may have kept the other and not the other way round.
        matrix[own, one, other] = matrix[own, other, one] = rows.data[kept]
        diagonal = np.arange(items.shape[1])
        matrix[:, diagonal, diagonal] = np.where(there, self.ridge[items], np.float32(1))
        return matrix


def _solved(systems: _Systems, predictors: sparse.csr_matrix) -> sparse.csr_matrix:
    """The weights of each row's predictors for its item, as a column."""
    count = predictors.shape[0]
    lengths = np.diff(predictors.indptr)
    size = int(lengths.max(initial=0))
    place = np.full((BLOCK_ITEMS, count), NOWHERE, dtype=np.int16)
    weights: FloatArray = np.empty(predictors.nnz, dtype=np.float32)
    for start in range(0, count, BLOCK_ITEMS):
        end = min(start + BLOCK_ITEMS, count)
        own = slice(predictors.indptr[start], predictors.indptr[end])
        there: BoolArray = np.arange(size) < lengths[start:end, None]
        items: IntArray = np.zeros(there.shape, dtype=np.int32)
        items[there] = predictors.indices[own]
        sides: FloatArray = np.zeros(there.shape, dtype=np.float32)
        sides[there] = predictors.data[own]
        left = systems.matrices(items, there, place=place)
        # Systems this small are slower with several threads to each.
        with threadpool_limits(limits=1, user_api="blas"):
            answer = np.linalg.solve(left, sides[..., None])[..., 0]
        # Back from columns of length one to columns of ones.
        weights[own] = answer[there] / systems.reach[items[there]]
    target = np.repeat(np.arange(count), lengths)
    parts = (weights * systems.reach[target], (predictors.indices, target))
    return sparse.csr_matrix(parts, shape=predictors.shape)


def _floor(alike: sparse.csr_matrix, *, most: int) -> FloatArray:
    """What no cosine left out exceeds, by item: zero for one of which none was left out."""
    lengths = np.diff(alike.indptr)
    least: DoubleArray = np.full(alike.shape[0], np.inf)
    np.minimum.at(least, np.repeat(np.arange(alike.shape[0]), lengths), alike.data)
    return np.where(lengths == most, least, 0).astype(np.float32)
