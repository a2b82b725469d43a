"""Tables of many customers as columns, each function for one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from operator import attrgetter
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.domain.arrays import BoolArray, DoubleArray, IntArray, LongArray
from engine.domain.ids import IdTable
from engine.loyalty.fold.choices import Consent, Preference
from engine.loyalty.fold.interests import Interest
from engine.loyalty.fold.mails import Mail
from engine.loyalty.fold.opinions import Opinion
from engine.loyalty.fold.service import Case, Contact
from engine.loyalty.fold.visits import BOT_EVENTS_A_MINUTE, MINUTE_MS, Visit
from engine.loyalty.states import (
    BOT,
    ByteArray,
    Cases,
    Consents,
    Contacts,
    Interests,
    Mails,
    Opinions,
    Preferences,
    Visits,
)

Row_co = TypeVar("Row_co", covariant=True)
Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True)
class Table(Generic[Row_co]):
    """Rows of n customers end to end; `indptr` (n + 1,) bounds each customer's."""

    indptr: LongArray
    rows: Sequence[Row_co]

    def longs(self, field: str) -> LongArray:
        """A field of whole numbers, shape (rows,)."""
        return self._column(field, np.int64)

    def ints(self, field: str) -> IntArray:
        """A field of small whole numbers, shape (rows,)."""
        return self._column(field, np.int32)

    def bytes(self, field: str) -> ByteArray:
        """A field of numbers below 128, shape (rows,)."""
        return self._column(field, np.int8)

    def flags(self, field: str) -> BoolArray:
        """A field of yes and no, shape (rows,)."""
        return self._column(field, np.bool_)

    def doubles(self, field: str) -> DoubleArray:
        """A field of numbers, NaN for None, shape (rows,)."""
        if not self.rows:
            return np.empty(0)
        values = map(attrgetter(field), self.rows)
        known = (np.nan if value is None else value for value in values)
        return np.fromiter(known, np.float64, len(self.rows))

    def positions(self, field: str, texts: IdTable) -> IntArray:
        """Where the table holds a field's texts, MISSING (-1) for None, shape (rows,)."""
        if not self.rows:
            return np.empty(0, np.int32)
        # No text of the table is empty.
        return texts.indices([text or "" for text in map(attrgetter(field), self.rows)])

    def texts(self, field: str) -> set[str]:
        """The texts of a field."""
        if not self.rows:
            return set()
        return {text for text in map(attrgetter(field), self.rows) if text is not None}

    def _column(self, field: str, kind: type[Scalar]) -> NDArray[Scalar]:
        # Most tables of most customers are empty.
        if not self.rows:
            return np.empty(0, kind)
        return np.fromiter(map(attrgetter(field), self.rows), kind, len(self.rows))


def table(own: Sequence[Sequence[Row_co]]) -> Table[Row_co]:
    """The rows of customers given one by one."""
    bounds = list(accumulate(map(len, own), initial=0))
    return Table(np.asarray(bounds, np.int64), list(chain.from_iterable(own)))


def visits_of(visits: Table[Visit]) -> Visits:
    """Visits as columns, oldest first; those too quick for a person are marked as a robot's."""
    start, end, events = visits.longs("start"), visits.longs("end"), visits.ints("events")
    most = BOT_EVENTS_A_MINUTE * np.maximum(end - start, MINUTE_MS)
    bot = np.where(events.astype(np.int64) * MINUTE_MS > most, np.int32(BOT), np.int32(0))
    return Visits(visits.indptr, start, end, events, visits.ints("steps") | bot)


def interests_of(interests: Table[Interest], items: IdTable) -> Interests:
    """Interests as columns, each customer's sorted by day and item."""
    return Interests(
        interests.indptr,
        interests.longs("day"),
        interests.positions("item_id", items),
        interests.ints("views"),
        interests.ints("clicks"),
        interests.ints("carts"),
    )


def opinions_of(opinions: Table[Opinion], words: IdTable, items: IdTable) -> Opinions:
    """Opinions as columns, each customer's oldest first."""
    return Opinions(
        opinions.indptr,
        opinions.longs("at_ms"),
        opinions.positions("topic", words),
        opinions.doubles("value"),
        opinions.positions("word", words),
        opinions.positions("item_id", items),
    )


def cases_of(cases: Table[Case], words: IdTable) -> Cases:
    """Cases as columns, each customer's oldest first."""
    return Cases(
        cases.indptr,
        cases.longs("opened"),
        cases.longs("answered"),
        cases.longs("resolved"),
        cases.positions("topic", words),
    )


def contacts_of(contacts: Table[Contact], words: IdTable) -> Contacts:
    """Contacts as columns, each customer's oldest first."""
    return Contacts(contacts.indptr, contacts.longs("at_ms"), contacts.positions("topic", words))


def mails_of(mails: Table[Mail], words: IdTable) -> Mails:
    """Mails as columns, each customer's oldest first."""
    return Mails(
        mails.indptr, mails.longs("at_ms"), mails.bytes("kind"), mails.positions("topic", words)
    )


def preferences_of(preferences: Table[Preference], words: IdTable) -> Preferences:
    """Preferences as columns, each customer's sorted by topic."""
    return Preferences(
        preferences.indptr,
        preferences.positions("topic", words),
        preferences.doubles("value"),
        preferences.longs("at_ms"),
        preferences.ints("times"),
    )


def consents_of(consents: Table[Consent], words: IdTable) -> Consents:
    """Consents as columns, each customer's sorted by purpose."""
    return Consents(
        consents.indptr,
        consents.positions("topic", words),
        consents.flags("granted"),
        consents.longs("at_ms"),
    )
