"""Item factors by falling norm: the order in which an exact search can stop early."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from engine.domain.arrays import AnyArray, FloatArray, IntArray, LongArray


@dataclass(frozen=True)
class ItemFactors:
    """Factors of n items, laid out by falling norm; equal norms by item.

    `factors` (n, rank), `norm` (n,) and `item` (n,), the item that stands there, follow places.
    Nothing is known of an item whose factors are all zero: such items stand last.
    """

    factors: FloatArray
    norm: FloatArray
    item: IntArray

    def __len__(self) -> int:
        return int(self.factors.shape[0])

    @property
    def rank(self) -> int:
        """How many factors an item has."""
        return int(self.factors.shape[1])

    @cached_property
    def known(self) -> int:
        """How many items have factors: those of the first so many places."""
        return int(np.count_nonzero(self.norm))

    @cached_property
    def falling(self) -> FloatArray:
        """The norms of the known items below zero, so that they ascend, shape (known,)."""
        return -self.norm[: self.known]

    @cached_property
    def place(self) -> IntArray:
        """The place of each item, shape (n,)."""
        place = np.empty(len(self), dtype=np.int32)
        place[self.item] = np.arange(len(self), dtype=np.int32)
        return place

    def of(self, items: IntArray | LongArray) -> FloatArray:
        """The factors of some items, shape (len(items), rank)."""
        return self.factors[self.place[items]]

    def by_item(self) -> FloatArray:
        """The factors in the order of items, shape (n, rank)."""
        return self.factors[self.place]

    def at_places(self, places: LongArray) -> ItemFactors:
        """Only the items of some ascending places, who keep their names but not their places."""
        return ItemFactors(self.factors[places], self.norm[places], self.item[places])

    def arrays(self) -> dict[str, AnyArray]:
        """What `restore` needs."""
        return {"item_factors": self.factors, "norm": self.norm, "item": self.item}

    @classmethod
    def restore(cls, arrays: Mapping[str, AnyArray]) -> Self:
        """The table that `arrays` came from; memory-mapped arrays are not read."""
        return cls(
            factors=np.asarray(arrays["item_factors"], dtype=np.float32),
            norm=np.asarray(arrays["norm"], dtype=np.float32),
            item=np.asarray(arrays["item"], dtype=np.int32),
        )

    @classmethod
    def from_items(cls, factors: FloatArray) -> Self:
        """The table of factors given in the order of items, shape (n, rank)."""
        norm = norms(factors)
        item = np.argsort(-norm, kind="stable").astype(np.int32)
        return cls(np.ascontiguousarray(factors[item], dtype=np.float32), norm[item], item)


def norms(vectors: FloatArray) -> FloatArray:
    """The Euclidean length of each row, shape (n,)."""
    squares = np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64)
    lengths: FloatArray = np.sqrt(squares).astype(np.float32)
    return lengths
