"""Many customers' states as columns: what every feature is computed from.

A fold of one customer's events and a query over the whole log end here, in equal columns.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.domain.arrays import BoolArray, DoubleArray, IntArray, LongArray
from engine.domain.histories import Histories
from engine.domain.ids import IdTable

ByteArray: TypeAlias = NDArray[np.int8]
# Stands for "never" in columns of times.
NEVER = -1

# What happened during a visit, one bit each.
VIEWED = 1
VIEWED_TWICE = 2
IN_CART = 4
CHECKOUT = 8
ORDERED = 16
BOT = 32
DIRECT = 64

SENT, OPENED, CLICKED = 0, 1, 2


@dataclass(frozen=True)
class Rows:
    """Rows of n customers, grouped by customer; `indptr` (n + 1,) bounds each customer's rows."""

    indptr: LongArray

    def __len__(self) -> int:
        return int(self.indptr[-1])

    def row(self) -> LongArray:
        """The customer's position for every row, shape (rows,)."""
        return np.repeat(np.arange(self.indptr.shape[0] - 1), np.diff(self.indptr))

    def where(self, mask: BoolArray) -> Self:
        """The same customers with only the rows of the mask, shape (rows,)."""
        kept = np.concatenate([np.zeros(1, np.int64), np.cumsum(mask, dtype=np.int64)])
        return replace(
            self,
            indptr=kept[self.indptr],
            **{name: column[mask] for name, column in self._columns().items()},
        )

    def take(self, customers: LongArray) -> Self:
        """The rows of the customers at the given positions, in that order."""
        lengths = np.diff(self.indptr)[customers]
        indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
        picked = np.repeat(self.indptr[customers] - indptr[:-1], lengths) + np.arange(indptr[-1])
        return replace(
            self,
            indptr=indptr,
            **{name: column[picked] for name, column in self._columns().items()},
        )

    def _columns(self) -> dict[str, NDArray[Any]]:
        return {each.name: getattr(self, each.name) for each in fields(self)[1:]}


@dataclass(frozen=True)
class Visits(Rows):
    """Visits to the site, oldest first: first and last event in ms, events, and what was done.

    A visit ends after 30 minutes without an event, and at midnight UTC. `steps` holds the bits
    VIEWED, VIEWED_TWICE (one item), IN_CART, CHECKOUT, ORDERED, BOT, DIRECT.
    """

    start: LongArray
    end: LongArray
    events: IntArray
    steps: IntArray


@dataclass(frozen=True)
class Interests(Rows):
    """Views, clicks and additions to the cart (less removals) by UTC day and item, by both."""

    day: LongArray
    item: IntArray
    views: IntArray
    clicks: IntArray
    carts: IntArray


@dataclass(frozen=True)
class Opinions(Rows):
    """Ratings and answers, oldest first; `value` 0 to 1, NaN where the answer is `word`.

    `topic` and `word` are positions in the words; `item` one in the items. MISSING (-1): none.
    """

    at: LongArray
    topic: IntArray
    value: DoubleArray
    word: IntArray
    item: IntArray


@dataclass(frozen=True)
class Cases(Rows):
    """Complaints, oldest first: when opened, first answered and resolved, in ms or NEVER."""

    opened: LongArray
    answered: LongArray
    resolved: LongArray
    topic: IntArray


@dataclass(frozen=True)
class Contacts(Rows):
    """Contacts with the service that the customer began, oldest first."""

    at: LongArray
    topic: IntArray


@dataclass(frozen=True)
class Mails(Rows):
    """Mail sent (0), opened (1) and clicked (2), oldest first."""

    at: LongArray
    kind: ByteArray
    topic: IntArray


@dataclass(frozen=True)
class Preferences(Rows):
    """The last word on each topic, sorted by topic's text; `times` it was spoken of."""

    topic: IntArray
    value: DoubleArray
    at: LongArray
    times: IntArray


@dataclass(frozen=True)
class Consents(Rows):
    """The last decision on each purpose, sorted by its text."""

    topic: IntArray
    granted: BoolArray
    at: LongArray


@dataclass(frozen=True)
class People:
    """One number a customer; times in ms, NEVER (-1) for what did not happen.

    `seen_first` and `seen_last` are of what the customer did or said, not of what was sent.
    `placed` counts orders and `bought` their lines before refunds, `returned` the lines of which
    something was taken back. `days_to_pay` is the median over orders that told, NaN for none.
    `business` is 1 for a business account, 0 for a consumer, -1 when nobody said.
    """

    seen_first: LongArray
    seen_last: LongArray
    signed_up: LongArray
    placed: LongArray
    bought: LongArray
    returned: LongArray
    days_to_pay: DoubleArray
    business: ByteArray

    def take(self, customers: LongArray) -> People:
        """The customers at the given positions, in that order."""
        return People(**{each.name: getattr(self, each.name)[customers] for each in fields(self)})


@dataclass(frozen=True)
class ItemFacts:
    """What features need to know of the items: category and cost, in order of `items`.

    `category` is a position in `categories`, MISSING (-1) when nobody said; `cost` in minor units
    a unit, NaN when nobody said; `exclusive` marks items that no competitor sells.
    """

    items: IdTable
    category: IntArray
    categories: tuple[str, ...]
    cost: DoubleArray
    exclusive: BoolArray


@dataclass(frozen=True)
class StageMemory:
    """What the last run said of each customer: lifecycle stage, since when, the one before.

    `stage` and `before` are positions in `lifecycle.STAGES`, MISSING when never said; `since` in
    ms.
    """

    stage: ByteArray
    since: LongArray
    before: ByteArray

    def take(self, customers: LongArray) -> StageMemory:
        """The customers at the given positions, in that order."""
        return StageMemory(
            **{each.name: getattr(self, each.name)[customers] for each in fields(self)}
        )


@dataclass(frozen=True)
class States:
    """The states of n customers. Item positions are in `facts.items`, topics in `words`."""

    goods: Histories
    people: People
    visits: Visits
    interests: Interests
    opinions: Opinions
    cases: Cases
    contacts: Contacts
    mails: Mails
    preferences: Preferences
    consents: Consents
    words: IdTable
    facts: ItemFacts
    memory: StageMemory | None = None

    def __len__(self) -> int:
        return len(self.goods)

    @property
    def customers(self) -> tuple[str, ...]:
        """The customers' ids."""
        return self.goods.customers

    def take(self, customers: LongArray) -> States:
        """The customers at the given positions, in that order."""
        return replace(
            self,
            memory=self.memory.take(customers) if self.memory else None,
            **{name: getattr(self, name).take(customers) for name in _OF_CUSTOMERS},
        )


_OF_CUSTOMERS = (
    "goods",
    "people",
    "visits",
    "interests",
    "opinions",
    "cases",
    "contacts",
    "mails",
    "preferences",
    "consents",
)
