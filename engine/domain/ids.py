"""Tables of opaque external ids: a position for every id and an id for every position."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.domain.arrays import IntArray, LongArray

MISSING = -1


class IdTable:
    """An immutable, ordered table of distinct ids."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._ids: tuple[str, ...] = tuple(ids)

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, index: int) -> str:
        return self._ids[index]

    def __contains__(self, external_id: str) -> bool:
        return external_id in self._positions

    @property
    def ids(self) -> tuple[str, ...]:
        """All ids, in order of position."""
        return self._ids

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {external_id: index for index, external_id in enumerate(self._ids)}

    def index(self, external_id: str) -> int:
        """Position of an id, MISSING (-1) when the table does not hold it."""
        return self._positions.get(external_id, MISSING)

    def indices(self, external_ids: Sequence[str]) -> IntArray:
        """Position of each id, shape (len(external_ids),), MISSING (-1) for unknown ids."""
        positions = self._positions
        return np.fromiter(
            (positions.get(each, MISSING) for each in external_ids),
            dtype=np.int32,
            count=len(external_ids),
        )

    def to_arrays(self) -> tuple[NDArray[np.uint8], LongArray]:
        """The ids as UTF-8 bytes end to end and the offset of each, shape (len + 1,)."""
        encoded = [each.encode() for each in self._ids]
        lengths = np.fromiter((len(each) for each in encoded), dtype=np.int64, count=len(encoded))
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
        return np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets

    @classmethod
    def from_arrays(cls, text: NDArray[np.uint8], offsets: LongArray) -> IdTable:
        """The table that `to_arrays` wrote."""
        data = text.tobytes()
        bounds = offsets.tolist()
        return cls(data[start:end].decode() for start, end in itertools.pairwise(bounds))
