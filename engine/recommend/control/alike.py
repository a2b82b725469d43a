"""How alike candidates are to what is already in a list."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from engine.domain.arrays import BoolArray, FloatArray, IntArray, LongArray


class Alike:
    """Looks up, in a sparse matrix, how alike picked items and the candidates of their row are."""

    def __init__(self, item: IntArray, here: BoolArray, similar: sparse.csr_matrix) -> None:
        """`item` (n, w): candidates, of which `here` marks those that are no padding."""
        self._similar = similar
        self._width = item.shape[1]
        self._items = int(similar.shape[1])
        row = np.arange(item.shape[0], dtype=np.int64)[:, None] * self._items
        # Padding finds nothing: no neighbour has the key of another row's end.
        keys = np.where(here, row + item, -1).ravel()
        self._cell: LongArray = np.argsort(keys, kind="stable")
        self._keys: LongArray = keys[self._cell]

    def add(self, picked: LongArray | IntArray, share: np.float32, *, into: FloatArray) -> None:
        """Adds a share of the likeness to each row's picked item, shape (n,); -1 is none.

        `into` (n, w) is C-contiguous.
        """
        cell, value = self._found(picked)
        flat = into.reshape(-1)
        flat[cell] += share * value

    def _found(self, picked: LongArray | IntArray) -> tuple[LongArray, FloatArray]:
        """Where among the candidates the neighbours of the picked items are, and how alike."""
        entry, row = self._entries(picked)
        wanted = self._similar.indices[entry] + row * self._items
        place = self._keys.searchsorted(wanted)
        hit = self._keys.take(place, mode="clip") == wanted
        return self._cell[place[hit]], self._similar.data[entry[hit]]

    def _entries(self, picked: LongArray | IntArray) -> tuple[LongArray, LongArray | int]:
        """The entries of the picked items' rows in the matrix, and whose they are."""
        bounds = self._similar.indptr
        if len(picked) == 1:
            # The same as below, in a fifth of the steps.
            (own,) = picked.tolist()
            return np.arange(bounds[own] if own >= 0 else bounds[own + 1], bounds[own + 1]), 0
        start = bounds[picked].astype(np.int64)
        length = np.where(picked >= 0, bounds[picked + 1] - start, 0)
        ends = length.cumsum()
        entry = np.arange(ends[-1]) + (start - ends + length).repeat(length)
        return entry, np.arange(len(picked), dtype=np.int64).repeat(length)
