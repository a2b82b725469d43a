"""What every answer of a scorer owes, against sorting and picking by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from engine.models.pairs import Pairs
from engine.models.scores import SameScores, Scores, SparseScores, best_of_rows, ranked

# Few different values, so that ties are the rule; the infinite ones are scores like any other.
VALUES = (-np.inf, -1.5, 0.0, 0.25, 1.0, 7.0, np.inf)


@st.composite
def a_dense_block(draw: st.DrawFn) -> np.ndarray:
    """Scores of some customers for some items, NaN where there is none."""
    customers, items = draw(st.integers(0, 5)), draw(st.integers(1, 12))
    cells = st.lists(
        st.sampled_from((*VALUES, np.nan)), min_size=customers * items, max_size=customers * items
    )
    return np.asarray(draw(cells), dtype=np.float32).reshape(customers, items)


def sparse_scores(block: np.ndarray) -> SparseScores:
    """The block as a matrix of its scores alone."""
    row, item = np.nonzero(~np.isnan(block))
    bounds = np.concatenate([[0], np.bincount(row, minlength=len(block)).cumsum()])
    matrix = sparse.csr_matrix((block[row, item], item.astype(np.int32), bounds), block.shape)
    return SparseScores(matrix)


def same_scores(block: np.ndarray) -> SameScores:
    """The block's first row for everyone."""
    first = block[0] if len(block) else np.zeros(block.shape[1], np.float32)
    return SameScores(first, customers=len(block))


def sparse_with_unsaid(block: np.ndarray) -> SparseScores:
    """The block as a matrix with an entry for every item, those without a score being NaN."""
    customers, items = block.shape
    bounds = np.arange(customers + 1) * items
    item = np.tile(np.arange(items, dtype=np.int32), customers)
    return SparseScores(sparse.csr_matrix((block.ravel(), item, bounds), block.shape))


BUILDERS = (sparse_scores, same_scores, sparse_with_unsaid)


def some_pairs(draw: st.DrawFn, shape: tuple[int, int]) -> Pairs:
    chosen = draw(
        st.lists(st.booleans(), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1])
    )
    row, item = np.nonzero(np.asarray(chosen, dtype=bool).reshape(shape))
    return Pairs.of(row, item, customers=shape[0])


def lists(pairs: Pairs) -> list[list[int]]:
    """The items of each customer."""
    bounds = pairs.indptr
    return [pairs.item[bounds[row] : bounds[row + 1]].tolist() for row in range(pairs.customers)]


def sorted_out(
    dense: np.ndarray, most: int, allowed: np.ndarray, without: Pairs
) -> list[list[int]]:
    """The same by the simplest means: sort everything, pass over what may not be."""
    taken = lists(without)
    return [
        sorted(
            [
                item
                for item in np.argsort(-scores, kind="stable").tolist()
                if not np.isnan(scores[item]) and allowed[item] and item not in taken[row]
            ][:most]
        )
        for row, scores in enumerate(dense)
    ]


@pytest.mark.parametrize("build", BUILDERS)
@given(st.data())
def test_the_best_are_those_that_sorting_everything_finds(build, data: st.DataObject) -> None:
    scores: Scores = build(data.draw(a_dense_block()))
    most = data.draw(st.integers(0, 14))
    items = scores.shape[1]
    allowed = np.asarray(data.draw(st.lists(st.booleans(), min_size=items, max_size=items)))
    without = data.draw(st.composite(some_pairs)(scores.shape))
    dense = scores.dense()

    restricted = scores.best(most, allowed=allowed, without=without)
    free = scores.best(most)

    assert lists(restricted) == sorted_out(dense, most, allowed, without)
    everything, nothing = np.ones(items, bool), Pairs.empty(scores.shape[0])
    assert lists(free) == sorted_out(dense, most, everything, nothing)


@pytest.mark.parametrize("build", BUILDERS)
@given(st.data())
def test_the_score_of_a_pair_is_that_of_the_whole(build, data: st.DataObject) -> None:
    scores: Scores = build(data.draw(a_dense_block()))
    asked = data.draw(st.composite(some_pairs)(scores.shape))

    found = scores.at(asked)

    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, scores.dense()[asked.row(), asked.item])


@pytest.mark.parametrize("build", BUILDERS)
@given(st.data())
def test_scores_keep_float32_and_best_keeps_int32(build, data: st.DataObject) -> None:
    scores: Scores = build(data.draw(a_dense_block()))

    chosen = scores.best(3)

    assert scores.dense().dtype == np.float32
    assert (chosen.indptr.dtype, chosen.item.dtype) == (np.int64, np.int32)


@given(st.data())
def test_one_row_alone_gives_what_it_gives_among_others(data: st.DataObject) -> None:
    block = data.draw(a_dense_block())

    together = lists(sparse_scores(block).best(2))

    for row in range(len(block)):
        assert lists(sparse_scores(block[row : row + 1]).best(2)) == [together[row]]


def test_scores_of_pairs_are_those_of_the_matrix_with_the_same_entries() -> None:
    pairs = Pairs.of(np.array([0, 1, 1]), np.array([2, 0, 1]), customers=3)
    values = np.float32([3, 0, 5])

    scores = SparseScores.of(pairs, values, items=3)

    blank = np.nan
    expected = np.float32([[blank, blank, 3], [0, 5, blank], [blank, blank, blank]])
    np.testing.assert_array_equal(scores.dense(), expected)
    assert scores.shape == (3, 3)
    assert lists(scores.best(1)) == [[2], [1], []]


def test_an_entry_of_zero_is_a_score_and_what_has_no_entry_is_none() -> None:
    matrix = sparse.csr_matrix((np.float32([0, 2]), [0, 2], [0, 2]), shape=(1, 3))

    dense = SparseScores(matrix).dense()

    np.testing.assert_array_equal(dense, np.float32([[0, np.nan, 2]]))


def test_the_most_popular_is_passed_on_when_the_head_is_gone() -> None:
    scores = SameScores(np.arange(1_000, 0, -1, dtype=np.float32), customers=2)
    allowed = np.arange(1_000) >= 900
    bought = Pairs.of(np.zeros(50, np.int64), np.arange(900, 950), customers=2)

    chosen = scores.best(3, allowed=allowed, without=bought)

    assert lists(chosen) == [[950, 951, 952], [900, 901, 902]]


def test_asking_changes_nothing_of_what_was_handed_in() -> None:
    matrix = sparse.csr_matrix(np.float32([[1, 0, 3], [0, 5, 6]]))
    allowed = np.array([True, True, False])
    before = matrix.copy()

    SparseScores(matrix).best(1, allowed=allowed, without=Pairs.empty(2))

    np.testing.assert_array_equal(matrix.toarray(), before.toarray())
    assert allowed.tolist() == [True, True, False]


def test_ranked_puts_the_highest_first_ties_by_position_and_leaves_out_what_is_not() -> None:
    scores = np.float32([1, np.nan, 3, 1, 3])

    assert ranked(scores).tolist() == [2, 4, 0, 3]


def test_rows_of_very_different_length_each_keep_their_best() -> None:
    rng = np.random.default_rng(1)
    lengths = np.array([0, 3, 1_000, 17, 1, 64, 65, 0])
    bounds = np.concatenate([[0], lengths.cumsum()])
    values = rng.integers(0, 40, bounds[-1]).astype(np.float32)

    chosen = best_of_rows(values, bounds, most=10)

    for start, end in itertools.pairwise(bounds):
        expected = np.sort(np.argsort(-values[start:end], kind="stable")[:10])
        assert np.flatnonzero(chosen[start:end]).tolist() == expected.tolist()


def test_pairs_come_sorted_and_once() -> None:
    pairs = Pairs.of(np.array([2, 0, 2, 2]), np.array([5, 1, 4, 5]), customers=4)

    assert lists(pairs) == [[1], [], [4, 5], []]
    assert pairs.row().tolist() == [0, 2, 2]
    assert pairs.keys(items=10).tolist() == [1, 24, 25]


def test_pairs_of_a_mask_keep_their_customers() -> None:
    pairs = Pairs.of(np.array([0, 0, 1]), np.array([1, 2, 2]), customers=2)

    kept = pairs.where(np.array([False, True, False]))

    assert lists(kept) == [[2], []]
