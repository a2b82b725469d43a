"""What surfaces are tried on: a model, what it knew, and the orders that came after."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property

import msgspec
import numpy as np

from engine.domain.arrays import BoolArray, FloatArray, IntArray, LongArray
from engine.domain.histories import DAY_MS, Histories, histories_of
from engine.domain.ids import MISSING
from engine.models.model import Model
from engine.models.popularity import Popularity
from engine.models.query import Query
from engine.recommend.answer import Answer, CatalogView, Request
from engine.recommend.basket import Hand, ranked_for_hand
from engine.recommend.recommender import Recommender
from training.contest import orders_with
from training.history import Purchases
from training.windows import Window, window

GUEST = -1
# Items that have been sold for less are new.
RECENT_DAYS = 28


class Extent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much is tried: at most so many customers or orders a surface, and items with an
    audience; how long lists are."""

    cases: int = 1_000
    items: int = 40
    limit: int = 10
    seed: int = 42


@dataclass(frozen=True)
class Order:
    """An order of the window: whose, a row of the field's customers or GUEST, and what it held.

    `items` are the distinct items that the model knows, ascending; `unseen` counts the others.
    """

    row: int
    at_ms: int
    items: LongArray
    unseen: int


@dataclass(frozen=True)
class Field:
    """What surfaces are tried on. Items are positions in the model's table, MISSING where it
    lacks one.

    `past` are all customers as the window began, `target` those of them who then bought;
    `customers` and `guests` hold everything to its end. `orders` (items,) counts those before
    it with each item. `stages` are row by row of `past`, None without one; empty: not known.
    """

    model: Model
    cooldown: timedelta
    target: Window
    past: Histories
    customers: Histories
    guests: Histories
    orders: FloatArray
    extent: Extent
    stages: Sequence[str | None] = ()

    @property
    def start_ms(self) -> int:
        """When the window begins."""
        return self.target.start_ms

    @property
    def items(self) -> int:
        """How many items the model knows."""
        return len(self.model.items)

    @property
    def has_categories(self) -> bool:
        """Whether any item's category is known."""
        return bool(np.any(self.model.assortment.category != MISSING))

    @cached_property
    def recommender(self) -> Recommender:
        """The recommender on trial."""
        return Recommender(self.model, cooldown=self.cooldown)

    @cached_property
    def view(self) -> CatalogView:
        """The catalogue with the categories that the model knows, everything to be had."""
        assortment = self.model.assortment
        return CatalogView(
            revision=1,
            categories={
                self.model.items[item]: assortment.categories[int(assortment.category[item])]
                for item in np.flatnonzero(assortment.category != MISSING).tolist()
            },
        )

    @cached_property
    def sellers(self) -> LongArray:
        """All items, those that sell best now first."""
        nobody = Query(histories_of([("", ())], items=self.model.items), self.start_ms)
        sold = self.model.scorers[Popularity.name].score(nobody).dense()[0]
        return np.argsort(-sold, kind="stable")

    @cached_property
    def placed(self) -> list[Order]:
        """The orders of the window, customers' first, each of them oldest first."""
        return [
            *_orders(self.customers, start_ms=self.start_ms),
            *(replace(each, row=GUEST) for each in _orders(self.guests, start_ms=self.start_ms)),
        ]

    def recent(self) -> BoolArray:
        """The items that were first sold in the last weeks before the window, shape (items,)."""
        first = np.full(self.items, np.iinfo(np.int64).max)
        for part in (self.customers, self.guests):
            known = part.item >= 0
            np.minimum.at(first, part.item[known], part.at[known])
        return (first >= self.start_ms - RECENT_DAYS * DAY_MS) & (first < self.start_ms)

    def first_at(self) -> LongArray:
        """When each customer bought first, ms, shape (customers,)."""
        return self.customers.at[self.customers.indptr[:-1]]

    def before(self, order: Order) -> Histories:
        """What the customer of an order had bought when placing it; no line for a guest."""
        if order.row == GUEST:
            return histories_of([("", ())], items=self.model.items)
        own = self.customers.take([order.row])
        return own.where(own.at < order.at_ms)

    def rng(self, surface: str) -> np.random.Generator:
        """The lots of one surface, which do not depend on which others are tried."""
        return np.random.default_rng([self.extent.seed, zlib.crc32(surface.encode())])

    def drawn(self, rng: np.random.Generator, count: int) -> LongArray:
        """At most as many of `count` cases as the extent allows, drawn evenly, ascending."""
        if count <= self.extent.cases:
            return np.arange(count)
        return np.sort(rng.choice(count, size=self.extent.cases, replace=False))

    def named(self, items: LongArray) -> tuple[str, ...]:
        """The ids of items."""
        return tuple(self.model.items[item] for item in items.tolist())

    def in_hand(
        self,
        hand: Hand,
        *,
        at_ms: int,
        customer: Histories | None = None,
        limit: int | None = None,
    ) -> LongArray:
        """What goes with items in hand, of which the model knows at least one."""
        request = Request(limit=limit or self.extent.limit)
        found = ranked_for_hand(
            self.recommender, hand, request, view=self.view, now_ms=at_ms, customer=customer
        )
        return np.zeros(0, dtype=np.int64) if found is None else found[1].items(0)

    def positions(self, answer: Answer) -> LongArray:
        """The items of an answer."""
        told = [each.item_id for each in answer.items]
        return self.model.items.indices(told).astype(np.int64)


def field_of(
    model: Model,
    before: Purchases,
    everything: Purchases,
    *,
    cooldown: timedelta,
    extent: Extent,
    stages: Sequence[str | None] = (),
) -> Field:
    """The field of a model that learned from `before`, where `everything` was bought in all."""
    positions = model.items.indices(everything.items.ids)
    return Field(
        model=model,
        cooldown=cooldown,
        target=window(before, everything),
        past=before.customers,
        customers=_known(everything.customers, positions),
        guests=_known(everything.guests, positions),
        orders=orders_with(before, model.items),
        extent=extent,
        stages=stages,
    )


def top(
    ranked: LongArray, *, limit: int, without: LongArray | IntArray | Sequence[int] = ()
) -> LongArray:
    """The first items of a ranking that are not among others."""
    left = np.asarray(without, dtype=np.int64)
    head = ranked[: limit + len(left)]
    return head[~np.isin(head, left)][:limit]


def followed(first: LongArray, then: LongArray, *, limit: int, without: LongArray) -> LongArray:
    """A list of the first ranking, and where that ends of the other one."""
    own = top(first, limit=limit, without=without)
    taken = np.concatenate([own, without])
    return np.concatenate([own, top(then, limit=limit - len(own), without=taken)])


def _known(histories: Histories, positions: IntArray) -> Histories:
    known: BoolArray = histories.item >= 0
    item = np.where(known, positions[histories.item], MISSING).astype(np.int32)
    return replace(histories, item=item)


def _orders(histories: Histories, *, start_ms: int) -> Iterator[Order]:
    """The orders from a time on; lines of one order stand together."""
    inside = np.flatnonzero(histories.at >= start_ms)
    if not len(inside):
        return
    row = histories.row()
    starts = np.flatnonzero(np.diff(histories.order[inside], prepend=-1))
    for lines in np.split(inside, starts[1:]):
        item = histories.item[lines]
        yield Order(
            row=int(row[lines[0]]),
            at_ms=int(histories.at[lines[0]]),
            items=np.unique(item[item != MISSING]).astype(np.int64),
            unseen=int(np.count_nonzero(item == MISSING)),
        )
