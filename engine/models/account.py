"""How scores of a single customer came about: what each purchase adds, and what goes without it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np

from engine.domain.arrays import FloatArray, IntArray, LongArray
from engine.models.query import Query


class Account(Protocol):
    """What a scorer says to one customer of some items, ready to be worked out anew."""

    def added(self, items: IntArray) -> FloatArray:
        """What each bought item, ascending, adds to the scores, shape (bought, len(items)).

        All zero where scores are no sums over what was bought. The items are some of the account's.
        """

    def without(self, gone: LongArray) -> FloatArray:
        """The scores had a bought item never been bought, shape (len(gone), account's items).

        NaN where there is none: rounding apart, what the scorer says of the customer without it.
        `gone` are places among the bought items, which are ascending.
        """


@runtime_checkable
class Accountable(Protocol):
    """A scorer whose scores depend on what was bought, and that can tell how."""

    def account(self, query: Query, items: IntArray, said: FloatArray) -> Account:
        """The account of what it `said` to the query's single customer of ascending items."""


def unsaid(scores: FloatArray) -> FloatArray:
    """Sums as scores: where nothing adds to a sum there is none."""
    said: FloatArray = np.where(scores == 0, np.float32(np.nan), scores)
    return said
