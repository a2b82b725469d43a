from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.runs import changes


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (([],), []),
        (([7],), [True]),
        (([7, 7, 8, 8, 7],), [True, False, True, False, True]),
        (([1, 1, 1, 2], [5, 5, 6, 6]), [True, False, True, True]),
    ],
)
def test_a_run_begins_where_any_key_changes(keys: tuple[list[int], ...], expected: list[bool]):
    assert changes(*(np.asarray(key, dtype=np.int64) for key in keys)).tolist() == expected


@given(st.lists(st.integers(0, 3), min_size=1, max_size=50))
def test_values_at_the_changes_each_as_long_as_its_run_are_the_values(values: list[int]):
    whole = np.asarray(values)

    starts = np.flatnonzero(changes(whole))

    again = whole[starts].repeat(np.diff(starts, append=len(whole)))
    assert again.tolist() == values
