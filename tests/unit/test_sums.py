"""Weighted sums of a sparse matrix's rows, and parts of it, beside plain dense arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from engine.models import sums
from engine.models.pairs import Pairs, Weighed
from engine.models.sums import part_of, weighted_sums


def whole(rng: np.random.Generator, shape: tuple[int, int], share: float) -> np.ndarray:
    """Small whole numbers: their sums are exact, and some of them cancel."""
    return (rng.integers(-2, 3, shape) * (rng.random(shape) < share)).astype(np.float32)


def weighed(block: np.ndarray) -> Weighed:
    row, item = np.nonzero(block)
    return Weighed(Pairs.of(row, item, customers=len(block)), block[row, item])


@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(0, 7), st.integers(1, 9), st.integers(1, 11)),
    share=st.sampled_from([0.1, 0.6]),
)
def test_sums_are_the_matrix_product_where_it_is_not_zero(
    seed: int, shape: tuple[int, int, int], share: float
) -> None:
    rng = np.random.default_rng(seed)
    customers, things, items = shape
    held, matrix = whole(rng, (customers, things), share), whole(rng, (things, items), share)

    found = weighted_sums(weighed(held), sparse.csr_matrix(matrix))

    np.testing.assert_array_equal(found.matrix(columns=items).toarray(), held @ matrix)
    assert (found.weight != 0).all()
    assert found.weight.dtype == np.float32


def test_sums_are_the_same_in_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    held = rng.random((9, 30), dtype=np.float32) * (rng.random((9, 30)) < 0.4)
    held[4] = 0
    matrix = sparse.csr_matrix(
        rng.random((30, 50), dtype=np.float32) * (rng.random((30, 50)) < 0.3)
    )
    together = weighted_sums(weighed(held), matrix)

    for rows in (1, 2, 4):
        monkeypatch.setattr(sums, "CELLS", rows * 50)
        blocks = weighted_sums(weighed(held), matrix)

        assert blocks.weight.tobytes() == together.weight.tobytes()
        np.testing.assert_array_equal(blocks.pairs.item, together.pairs.item)
        np.testing.assert_array_equal(blocks.pairs.indptr, together.pairs.indptr)


def test_a_part_has_the_rows_and_columns_asked_for() -> None:
    matrix = whole(np.random.default_rng(1), (6, 8), 0.7)
    rows, columns = np.array([4, 0, 4]), np.array([1, 2, 7])

    found = part_of(sparse.csr_matrix(matrix), rows, columns)

    np.testing.assert_array_equal(found, matrix[np.ix_(rows, columns)])
    assert part_of(sparse.csr_matrix(matrix), rows[:0], columns).shape == (0, 3)
