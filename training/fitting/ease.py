"""Item-item weights by ridge regression: dense where memory allows, sparse above."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import msgspec
import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from engine.domain.arrays import FloatArray, LongArray
from engine.errors import SettingsError
from engine.models.item_item import Ease
from training.fitting.co_purchases import baskets, strongest
from training.fitting.sparse_inverse import Neighbourhood, sparse_weights
from training.history import Purchases

GIGABYTE = 10**9
BLOCK_ITEMS = 512


class EaseConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ridge, what it is fitted on, how many weights an item keeps, and how a history weighs.

    `regularization` is added to every item's number of buyers. Items with fewer buyers than
    `minimum_buyers` are left out. `memory_gb` bounds the dense solution; above it each item is
    regressed on its `predictors` most alike, of the `gram_neighbours` pairs kept an item.
    """

    BOUNDS: ClassVar[Mapping[str, tuple[float, float]]] = {
        "regularization": (1, 10**9),
        "neighbours": (1, 10_000),
        "minimum_buyers": (1, 10**9),
        "memory_gb": (0, 10**6),
        "predictors": (1, 1_000),
        "gram_neighbours": (1, 10_000),
        "half_life_days": (0.01, 10**9),
        "power": (0, 1),
    }

    regularization: float = 400.0
    neighbours: int = 100
    minimum_buyers: int = 3
    memory_gb: float = 1.0
    predictors: int = 50
    gram_neighbours: int = 200
    half_life_days: float = 60.0
    power: float = 0.5


def fit_ease(purchases: Purchases, *, config: EaseConfig) -> Ease:
    """Weights of each item with enough buyers for the others, over customers and guests' orders.

    Steck (2019), "Embarrassingly shallow autoencoders for sparse data". Who bought an item, not
    how often, is what is fitted; other items have no weights. Raises SettingsError where the
    regularization does not do.
    """
    bought = baskets(purchases)
    bought.data[:] = 1
    known = np.flatnonzero(
        np.bincount(bought.indices, minlength=bought.shape[1]) >= config.minimum_buyers
    )
    try:
        weights = _weights(bought[:, known], config)
    except np.linalg.LinAlgError as error:
        raise SettingsError(
            f"ease.regularization {config.regularization:g} is too small for these purchases; "
            "raise it"
        ) from error
    return Ease(
        _among_all(weights, known, items=bought.shape[1]),
        half_life_days=config.half_life_days,
        power=config.power,
    )


def _weights(bought: sparse.csr_matrix, config: EaseConfig) -> sparse.csr_matrix:
    if dense_gigabytes(bought.shape[1]) <= config.memory_gb:
        return dense_weights(bought, regularization=config.regularization, most=config.neighbours)
    within = Neighbourhood(config.predictors, config.gram_neighbours)
    weights = sparse_weights(bought, regularization=config.regularization, within=within)
    return strongest(weights, most=config.neighbours)


def dense_gigabytes(items: int) -> float:
    """Memory that `dense_weights` needs for so many items: one float32 matrix and blocks of it."""
    return items * (4 * items + 5 * 8 * BLOCK_ITEMS) / GIGABYTE


def dense_weights(
    bought: sparse.csr_matrix, *, regularization: float, most: int
) -> sparse.csr_matrix:
    """Weights from the row's item to the column's, the largest in size of each row; float32.

    Steck (2019), in closed form: with P the inverse of X'X + regularization, the weight of i
    for j is -P[i, j] / P[j, j], and none for itself. One matrix is made, and inverted in place.
    """
    gram = _gram(bought)
    gram[np.diag_indices_from(gram)] += np.float32(regularization)
    inverse = _inverted(gram)
    scale: FloatArray = -np.reciprocal(inverse.diagonal())
    blocks = [
        _strongest_of(inverse[start : start + BLOCK_ITEMS] * scale, first=start, most=most)
        for start in range(0, inverse.shape[0], BLOCK_ITEMS)
    ]
    return sparse.vstack(blocks or [sparse.csr_matrix((0, 0), dtype=np.float32)], format="csr")


def _gram(bought: sparse.csr_matrix) -> FloatArray:
    """In how many rows two items meet, items x items."""
    items = bought.shape[1]
    gram = np.zeros((items, items), dtype=np.float32)
    columns = bought.T.tocsr()
    for start in range(0, items, BLOCK_ITEMS):
        block = slice(start, start + BLOCK_ITEMS)
        # As a sparse product of all items at once it would take three times the dense matrix.
        gram[block] = (columns[block] @ bought).toarray()
    return gram


def _inverted(matrix: FloatArray) -> FloatArray:
    """The inverse of a symmetric positive definite matrix, in the memory of the matrix."""
    if not len(matrix):
        return matrix
    # Transposed, a symmetric matrix lies in memory as LAPACK wants it, and is not copied.
    factor, failed = lapack.spotrf(matrix.T, lower=1, clean=0, overwrite_a=1)
    if failed:
        raise np.linalg.LinAlgError(f"not positive definite: leading minor {failed}")
    inverse: FloatArray
    inverse, _ = lapack.spotri(factor, lower=1, overwrite_c=1)
    for start in range(0, len(inverse), BLOCK_ITEMS):
        end = start + BLOCK_ITEMS
        inverse[start:end, end:] = inverse[end:, start:end].T
        corner = inverse[start:end, start:end]
        corner[:] = np.tril(corner) + np.tril(corner, -1).T
    return inverse


def _strongest_of(weights: FloatArray, *, first: int, most: int) -> sparse.csr_matrix:
    """The largest weights of rows from the `first` item on, none of an item for itself."""
    rows, items = weights.shape
    weights[np.arange(rows), first + np.arange(rows)] = 0
    kept = min(most, items - 1)
    place = np.argpartition(-np.abs(weights), kept, axis=1)[:, :kept].ravel()
    row = np.repeat(np.arange(rows), kept)
    sparsified = sparse.csr_matrix((weights[row, place], (row, place)), shape=weights.shape)
    sparsified.eliminate_zeros()
    sparsified.sort_indices()
    return sparsified


def _among_all(weights: sparse.csr_matrix, known: LongArray, *, items: int) -> sparse.csr_matrix:
    """Weights between the known items as weights between all, items x items."""
    lengths = np.zeros(items, dtype=np.int64)
    lengths[known] = np.diff(weights.indptr)
    indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    # Known items ascend, so that rows and columns keep their order.
    parts = (weights.data, known[weights.indices], indptr)
    return sparse.csr_matrix(parts, shape=(items, items))
