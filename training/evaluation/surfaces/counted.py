"""What was held together before the window, plainly counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import sparse

from engine.domain.arrays import LongArray
from training.evaluation.surfaces.field import Field


@dataclass(frozen=True)
class Counted:
    """Which groups, orders or customers, held which items: `held` is groups x items with ones."""

    held: sparse.csr_matrix
    holders: sparse.csr_matrix

    @classmethod
    def by_order(cls, field: Field) -> Self:
        """Orders of customers and of guests."""
        parts = (field.customers, field.guests)
        order = np.concatenate([part.order * 2 + at for at, part in enumerate(parts)])
        return cls._of(field, order)

    @classmethod
    def by_customer(cls, field: Field) -> Self:
        """Customers, each guest's order as one of them."""
        rows = [field.customers.row(), field.guests.row() + len(field.customers)]
        return cls._of(field, np.concatenate(rows))

    def beside(self, item: int) -> LongArray:
        """The other items that most groups with this one held, ties by position."""
        together = sparse.csr_matrix(self.holders[item] @ self.held)
        others = together.indices != item
        found, count = together.indices[others].astype(np.int64), together.data[others]
        ranked: LongArray = found[np.lexsort((found, -count))]
        return ranked

    @classmethod
    def _of(cls, field: Field, group: LongArray) -> Self:
        parts = (field.customers, field.guests)
        item = np.concatenate([part.item for part in parts]).astype(np.int64)
        at = np.concatenate([part.at for part in parts])
        before = (item >= 0) & (at < field.start_ms)
        _, group = np.unique(group[before], return_inverse=True)
        keys = np.unique(group * field.items + item[before])
        groups = int(group.max(initial=-1)) + 1
        every = np.ones(len(keys), dtype=np.float32)
        place = (keys // field.items, keys % field.items)
        held = sparse.csr_matrix((every, place), shape=(groups, field.items))
        return cls(held, held.T.tocsr())
