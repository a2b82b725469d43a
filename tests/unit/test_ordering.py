"""Orders by plain sorts are those that stable sorts of positions find."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.kept import kept
from engine.models.ordering import ascending, best_first

VALUES = st.floats(width=32, allow_nan=True, allow_infinity=True)


@given(
    keys=st.lists(st.integers(0, 20), max_size=60),
    below=st.sampled_from([21, 2**40, 2**62]),
)
def test_keys_ascend_and_equal_ones_stay_as_they_stand(keys: list[int], below: int) -> None:
    given_keys = np.asarray(keys, dtype=np.int64)

    found = ascending(given_keys, below=below)

    assert found.tolist() == sorted(range(len(keys)), key=lambda at: (keys[at], at))


@given(
    pairs=st.lists(st.tuples(st.integers(0, 4), VALUES | st.sampled_from([0.0, -0.0])), max_size=60)
)
def test_the_best_of_each_row_comes_first_and_what_is_not_finite_last(
    pairs: list[tuple[int, float]],
) -> None:
    row = np.asarray([each for each, _ in pairs], dtype=np.int64)
    values = np.asarray([each for _, each in pairs], dtype=np.float32)

    found = best_first(row, values, rows=5)

    def place(at: int) -> tuple[int, bool, float, int]:
        finite = bool(np.isfinite(values[at]))
        return int(row[at]), not finite, -float(values[at]) if finite else 0.0, at

    assert found.tolist() == sorted(range(len(pairs)), key=place)


def test_a_kept_value_is_worked_out_once_for_each_owner() -> None:
    asked = []

    class Owner:
        @kept
        def value(self) -> int:
            """What is kept."""
            asked.append(self)
            return len(asked)

    first, second = Owner(), Owner()

    assert [first.value, first.value, second.value, first.value] == [1, 1, 2, 1]
    assert asked == [first, second]
    assert Owner.value.__doc__ == "What is kept."
