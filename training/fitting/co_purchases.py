"""What linear item-item models are fitted on, and what they keep."""

from __future__ import annotations

import numpy as np
from implicit.nearest_neighbours import ItemItemRecommender
from scipy import sparse

from engine.domain.arrays import DoubleArray
from engine.models.interactions import interactions
from training.history import Purchases

ALL_CORES = 0  # as the library counts
# Far longer than any history: every order counts the same.
NO_DECAY_DAYS = 1e9
BLOCK_ITEMS = 4_096


def baskets(purchases: Purchases) -> sparse.csr_matrix:
    """How many orders held each item, a row for every customer and every guest's order.

    Rows x items, float32, without empty rows: a guest is one who ordered once.
    """
    everyone = sparse.vstack(
        [
            interactions(part, items=len(purchases.items), half_life_days=NO_DECAY_DAYS)
            for part in (purchases.customers, purchases.guests)
        ],
        format="csr",
    )
    return everyone[np.diff(everyone.indptr) > 0]


def scaled(matrix: sparse.csr_matrix, factors: DoubleArray) -> sparse.csr_matrix:
    """The matrix with every column times its factor, shape (columns,); as float64."""
    scaled = matrix.astype(np.float64)
    scaled.data *= factors[matrix.indices]
    return scaled


def largest_products(weighted: sparse.csr_matrix, *, most: int) -> sparse.csr_matrix:
    """The largest products of each column with the others, columns x columns, float64.

    `weighted` is float64 and not negative; at most so many a row, indices sorted, none of a
    column with itself, none that is zero.
    """
    items = weighted.shape[1]
    if weighted.nnz == 0:
        return sparse.csr_matrix((items, items), dtype=np.float64)
    # One more, for the column itself.
    library = ItemItemRecommender(K=min(most + 1, items), num_threads=ALL_CORES)
    library.fit(weighted, show_progress=False)
    products = library.similarity.tocoo()
    others = products.row != products.col
    parts = (products.data[others], (products.row[others], products.col[others]))
    found = sparse.csr_matrix(parts, shape=(items, items))
    # What is bought with less than the most others is filled up with zeros.
    found.eliminate_zeros()
    return strongest(found, most=most)


def strongest(matrix: sparse.csr_matrix, *, most: int) -> sparse.csr_matrix:
    """The entries of largest size in each row, at most so many, ties by column; sorted indices."""
    blocks = [
        _strongest(matrix[start : start + BLOCK_ITEMS], most=most)
        for start in range(0, matrix.shape[0], BLOCK_ITEMS)
    ]
    return sparse.vstack(blocks, format="csr") if blocks else matrix


def _strongest(matrix: sparse.csr_matrix, *, most: int) -> sparse.csr_matrix:
    lengths = np.diff(matrix.indptr)
    row = np.repeat(np.arange(matrix.shape[0]), lengths)
    order = np.lexsort((matrix.indices, -np.abs(matrix.data), row))
    rank = np.arange(matrix.nnz) - np.repeat(matrix.indptr[:-1], lengths)
    kept = order[rank < most]
    parts = (matrix.data[kept], (row[kept], matrix.indices[kept]))
    strongest = sparse.csr_matrix(parts, shape=matrix.shape)
    strongest.sort_indices()
    return strongest
