"""Neighbouring customers: what people with the same habits buy these days.

Hu, He, Gao & Zhang (2020), "Modeling personalized item frequency information for next-basket
recommendation" (TIFU-KNN), and Faggioli, Polato & Aiolli (2020), "Recency aware collaborative
filtering for next basket recommendation" (UP-CF). Other than there weights fade by the calendar,
and the customer's own purchases are another scorer's business: blending is learned elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from engine.domain.arrays import AnyArray, DoubleArray, FloatArray, IntArray, LongArray
from engine.domain.ids import MISSING
from engine.models.account import Account, unsaid
from engine.models.interactions import Bought
from engine.models.pairs import Weighed
from engine.models.postings import Postings, heaviest, highest, shares
from engine.models.query import Query
from engine.models.scores import SparseScores, best_of_rows
from engine.models.sums import part_of, weighted_sums

OwnerArray: TypeAlias = NDArray[np.uint64]


@dataclass(frozen=True)
class StoredCustomers:
    """Customers to be neighbours, under numbers instead of names.

    `owner` (stored,): what `owners_of` makes of the id, each once. `tastes` is the index by
    which they are found. `habits`, stored x items, float32: what each of them bought of late.
    """

    owner: OwnerArray
    tastes: Postings
    habits: sparse.csr_matrix

    def without(self, owners: OwnerArray) -> StoredCustomers:
        """The customers that are none of the given ones."""
        gone = np.isin(self.owner, owners)
        return StoredCustomers(
            owner=self.owner[~gone],
            tastes=self.tastes.without(gone),
            habits=self.habits[np.flatnonzero(~gone)],
        )


@dataclass(frozen=True)
class Likeness:
    """How neighbours are found, the same in fitting and in serving.

    A customer's taste is the orders of each item, halved for every `half_life_days` before the
    customer's last, times the item's rarity; the heaviest `per_customer` of them. The nearest
    `neighbours` count as their likeness raised to `sharpness`.
    """

    half_life_days: float
    per_customer: int
    neighbours: int
    sharpness: float

    def tastes(self, bought: Bought, rarity: FloatArray) -> Weighed:
        """What tells each customer from others; `rarity` (items,)."""
        return heaviest(self.telling(bought, rarity), most=self.per_customer)

    def telling(self, bought: Bought, rarity: FloatArray) -> Weighed:
        """As `tastes`, however many items there are."""
        every = bought.weights(half_life_days=self.half_life_days)
        every = Weighed(every.pairs, every.weight * rarity[every.pairs.item])
        left = every.weight > 0
        # So far back that nothing is left of it.
        return every if left.all() else every.where(left)


class NeighbourCustomers:
    """The mean of what the most similar customers bought of late, the more similar more."""

    name: ClassVar[str] = "neighbours"

    def __init__(self, stored: StoredCustomers, rarity: FloatArray, *, likeness: Likeness) -> None:
        """`rarity` (items,): how much an item in common says, float32."""
        self._stored = stored
        self._rarity = rarity
        self._likeness = likeness
        self._by_owner = np.argsort(stored.owner, kind="stable")
        self._owners = stored.owner[self._by_owner]

    def score(self, query: Query) -> SparseScores:
        """Orders of the item by the neighbours, faded as of the training; bought before or not.

        Nothing for items none of the neighbours bought, and nothing at all for a customer without
        purchases or without neighbours. Nobody is a neighbour of their own.
        """
        heard = shares(self._near(query), power=self._likeness.sharpness)
        said = weighted_sums(heard, self._stored.habits)
        return SparseScores.by_weight(said, items=len(self._rarity))

    def account(self, query: Query, items: IntArray, said: FloatArray) -> Account:
        """How what it said to the query's single customer of some items came about."""
        return _Account(self._stored, self._likeness, query.once(self._customer), items, said)

    def without(self, owners: OwnerArray) -> NeighbourCustomers:
        """The model without the customers whose owner numbers (`owners_of`) are given.

        Nothing of theirs is left in its arrays, but for their part in the items' rarity.
        """
        return type(self)(self._stored.without(owners), self._rarity, likeness=self._likeness)

    def arrays(self) -> dict[str, AnyArray]:
        """Owners, the index, what the stored customers bought of late, and the items' rarity."""
        habits = self._stored.habits
        return {
            **self._stored.tastes.arrays(),
            "owner": self._stored.owner,
            "habits_indptr": habits.indptr,
            "habits_item": habits.indices,
            "habits_weight": habits.data,
            "rarity": self._rarity,
        }

    def params(self) -> dict[str, Any]:
        """How neighbours are found."""
        return asdict(self._likeness)

    @classmethod
    def restore(cls, arrays: Mapping[str, AnyArray], params: Mapping[str, Any]) -> Self:
        """The model that `arrays` and `params` came from."""
        owner: OwnerArray = np.asarray(arrays["owner"], dtype=np.uint64)
        rarity: FloatArray = np.asarray(arrays["rarity"], dtype=np.float32)
        parts = tuple(np.asarray(arrays[f"habits_{key}"]) for key in ("weight", "item", "indptr"))
        shape = (owner.shape[0], rarity.shape[0])
        stored = StoredCustomers(
            owner=owner,
            tastes=Postings.restore(arrays, holders=owner.shape[0]),
            habits=sparse.csr_matrix(parts, shape=shape, copy=False),
        )
        return cls(stored, rarity, likeness=Likeness(**params))

    def _near(self, query: Query) -> Weighed:
        """The nearest stored customers of each customer, and how near."""
        most = self._likeness.neighbours
        if len(query) == 1:
            customer = query.once(self._customer)
            alike = customer.apart_from(customer.alike)
            return highest(alike.astype(np.float32)[None], most=most)
        tastes = self._likeness.tastes(query.bought, self._rarity)
        apart = self._number(owners_of(query.histories.customers))
        return self._stored.tastes.nearest(tastes, most=most, apart=apart)

    def _customer(self, query: Query) -> _Customer:
        """The query's single customer."""
        telling = self._likeness.telling(query.bought, self._rarity)
        most = self._likeness.per_customer
        told = best_of_rows(telling.weight, telling.pairs.indptr, most=most)
        tastes, spare = telling, None
        if not told.all():
            # What comes next in weight is heard once a heavier one is gone.
            tastes, spare = telling.where(told), heaviest(telling.where(~told), most=1)
        return _Customer(
            bought=query.bought.pairs.item,
            tastes=tastes,
            spare=spare,
            alike=self._stored.tastes.likeness(tastes),
            stored=int(self._number(owners_of(query.histories.customers))[0]),
        )

    def _number(self, owners: OwnerArray) -> LongArray:
        """The stored customer of each owner number, shape (len(owners),), or MISSING."""
        if not len(self._owners):
            return np.full(len(owners), MISSING, dtype=np.int64)
        place = np.minimum(self._owners.searchsorted(owners), len(self._owners) - 1)
        number: LongArray = np.where(
            self._owners[place] == owners, self._by_owner[place], np.int64(MISSING)
        )
        return number


@dataclass(frozen=True)
class _Customer:
    """A customer's items, and what of them tells the customer from others.

    `tastes` are those that are heard, `spare` the one heard in another's stead, None without one;
    `alike` (stored,) how much each stored customer is like this one, who is `stored` among them
    or MISSING.
    """

    bought: IntArray
    tastes: Weighed
    spare: Weighed | None
    alike: DoubleArray
    stored: int

    def apart_from(self, alike: DoubleArray) -> DoubleArray:
        """The likeness of all stored customers but the customer's own, who has none."""
        if self.stored == MISSING:
            return alike
        others = alike.copy()
        others[self.stored] = 0
        return others


@dataclass(frozen=True)
class _Account:
    """What the neighbours would say of some items had the customer other tastes."""

    stored: StoredCustomers
    likeness: Likeness
    customer: _Customer
    items: IntArray
    said: FloatArray

    def added(self, items: IntArray) -> FloatArray:
        """Nothing: the mean of some neighbours is no sum over what brought them together."""
        return np.zeros((len(self.customer.bought), len(items)), dtype=np.float32)

    def without(self, gone: LongArray) -> FloatArray:
        """The scores had a bought item never been bought, shape (len(gone), items).

        Whoever buys less of late weighs all else alike higher: it changes no neighbour, no share.
        """
        tastes = self.customer.tastes
        item = self.customer.bought[gone]
        place = tastes.pairs.item.searchsorted(item)
        tells = tastes.pairs.item.take(place, mode="clip") == item
        scores = self.said[None].repeat(len(gone), axis=0)
        if tells.any():
            scores[tells] = self._said_without(place[tells])
        return scores

    def _said_without(self, gone: LongArray) -> FloatArray:
        """The scores without a taste each, by its place, shape (len(gone), items)."""
        customer, tastes = self.customer, self.stored.tastes
        whole = customer.alike
        if customer.spare is not None:
            whole = whole + tastes.likeness(customer.spare)
        near, likely = tastes.nearest_without(
            customer.tastes,
            customer.apart_from(whole),
            gone,
            most=self.likeness.neighbours,
        )
        heard = shares(near, power=self.likeness.sharpness)
        share = np.zeros((len(gone), len(likely)), dtype=np.float32)
        share[heard.pairs.row(), heard.pairs.item] = heard.weight
        used = np.zeros(len(likely), dtype=np.bool_)
        used[heard.pairs.item] = True
        stored = likely[used]
        return unsaid(
            share.compress(used, axis=1) @ part_of(self.stored.habits, stored, self.items)
        )


def owners_of(customers: Iterable[str]) -> OwnerArray:
    """A number for each customer id that does not tell the id: 64 bits of its BLAKE2b hash."""
    digests = b"".join(blake2b(each.encode(), digest_size=8).digest() for each in customers)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)
