"""A made-up shop of any size, the same every time, with what makes real purchases hard to learn.

A few items sell most, most customers buy little and a few buy much, everybody has tastes and
habits with a rhythm, customers come and go, and the weeks before Christmas are not like others.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.domain.arrays import DoubleArray, IntArray, LongArray

START = np.datetime64("2024-01-01T00:00:00", "s")
DAYS = 730
LINES_PER_ORDER = 4
ITEMS_PER_CATEGORY = 250
TASTES = 3
HABITS = 6
# Of lines: from a habit that is due, else from a taste, else anything; and what is new this month.
HABIT_SHARE, TASTE_SHARE, TREND_SHARE = 0.7, 0.8, 0.2
# How unequal customers are (the shape of a gamma distribution), and how long one stays, in days.
ACTIVITY_SHAPE, STAY_DAYS = 0.6, 400.0
CHUNK_ROWS = 1 << 20


@dataclass(frozen=True)
class Purchases:
    """Lines of a shop, oldest order first; shape (lines,) each.

    `order` ascends. `second` counts from START; `price` is in minor units, `category` by item.
    """

    customer: IntArray
    item: IntArray
    order: IntArray
    second: LongArray
    quantity: IntArray
    price: IntArray
    category: IntArray


@dataclass(frozen=True)
class _Orders:
    """Orders, oldest first: whose, when, and the how manyth of the customer's; (orders,) each."""

    customer: LongArray
    second: LongArray
    number: LongArray


@dataclass(frozen=True)
class _Shelves:
    """Items by category: `first` and `size` of each category among items in shelf order."""

    first: LongArray
    size: LongArray

    @property
    def items(self) -> int:
        """How many items there are."""
        return int(self.size.sum())


def shop(*, customers: int, items: int, purchases: int, seed: int) -> Purchases:
    """So many order lines of two years; everyone orders, four lines an order on average.

    `purchases` must be at least `customers`; hardly any item is twice in an order.
    """
    rng = np.random.default_rng(seed)
    orders = _orders(customers, max(customers, purchases // LINES_PER_ORDER), rng)
    line = _spread(purchases, len(orders.customer), rng)
    shelves = _shelves(items, rng)
    shelf = _chosen(orders, line, customers, shelves, rng)
    shelf = _once_an_order(shelf, line, shelves, rng)
    # Positions say nothing of popularity: a shop's ids do not either.
    item = rng.permutation(items)[shelf].astype(np.int32)
    kind = np.searchsorted(shelves.first, np.arange(items), side="right") - 1
    category = np.empty(items, dtype=np.int32)
    category[item] = kind[shelf].astype(np.int32)
    price = np.exp(rng.normal(6.2, 0.9, items)).astype(np.int64) + 50
    return Purchases(
        customer=orders.customer[line].astype(np.int32),
        item=item,
        order=line.astype(np.int32),
        second=orders.second[line],
        quantity=rng.geometric(0.75, purchases).astype(np.int32),
        price=_asked(price, item, orders.second[line], rng),
        category=category,
    )


def write_parquet(bought: Purchases, path: Path) -> Path:
    """The purchases as a file that `regulars ingest` reads without a mapping."""
    with pq.ParquetWriter(path, _SCHEMA) as writer:
        for start in range(0, len(bought.item), CHUNK_ROWS):
            writer.write_table(_chunk(bought, slice(start, start + CHUNK_ROWS)))
    return path


_SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("item_id", pa.string()),
        ("order_id", pa.string()),
        ("occurred_at", pa.timestamp("s")),
        ("quantity", pa.int32()),
        ("unit_price", pa.string()),
        ("category", pa.string()),
    ]
)


def _chunk(bought: Purchases, rows: slice) -> pa.Table:
    item, price = bought.item[rows], bought.price[rows]
    cents = pc.utf8_lpad(pa.array(price % 100).cast(pa.string()), 2, "0")
    columns = [
        _named("c", bought.customer[rows]),
        _named("i", item),
        _named("o", bought.order[rows]),
        pa.array(START + bought.second[rows].astype("timedelta64[s]")),
        pa.array(bought.quantity[rows]),
        pc.binary_join_element_wise(pa.array(price // 100).cast(pa.string()), cents, "."),
        _named("k", bought.category[item]),
    ]
    return pa.Table.from_arrays(columns, schema=_SCHEMA)


def _named(letter: str, numbers: IntArray) -> pa.Array:
    return pc.binary_join_element_wise(letter, pa.array(numbers).cast(pa.string()), "")


def _spread(many: int, places: int, rng: np.random.Generator, shape: float = 2.0) -> LongArray:
    """A place for each of so many things, ascending: every place has one, some have many more."""
    weights = rng.gamma(shape, size=places)
    more = rng.multinomial(many - places, weights / weights.sum())
    return np.arange(places).repeat(more + 1)


def _orders(customers: int, orders: int, rng: np.random.Generator) -> _Orders:
    """Who orders when: from joining to leaving, at any time, more in some weeks than in others."""
    owner = _spread(orders, customers, rng, ACTIVITY_SHAPE)
    joined = rng.random(customers) ** 1.3 * 0.98
    left = np.minimum(joined + rng.exponential(STAY_DAYS / DAYS, customers), 1.0)
    moment = joined[owner] + (left - joined)[owner] * rng.random(len(owner))
    second = _busy(moment)
    inside = np.lexsort((second, owner))
    number = np.empty(len(owner), dtype=np.int64)
    number[inside] = np.arange(len(owner)) - np.searchsorted(owner, owner)
    by_time = np.argsort(second, kind="stable")
    return _Orders(owner[by_time], second[by_time], number[by_time])


def _busy(moment: DoubleArray) -> LongArray:
    """Seconds since START of moments between 0 and 1, denser before Christmas and at weekends."""
    day = np.arange(DAYS)
    weight = 1 + 0.25 * (day % 7 >= 5) + 0.9 * np.exp(-(((day % 365 - 345) / 18) ** 2))
    bounds = np.concatenate([[0.0], np.cumsum(weight)])
    seconds = np.interp(moment * bounds[-1], bounds, np.arange(DAYS + 1) * 86_400.0)
    whole: LongArray = np.minimum(seconds, DAYS * 86_400 - 1).astype(np.int64)
    return whole


def _shelves(items: int, rng: np.random.Generator) -> _Shelves:
    """Categories of very different sizes, each with an item at least."""
    kinds = max(items // ITEMS_PER_CATEGORY, min(items, 8))
    size = np.bincount(_spread(items, kinds, rng, 0.8), minlength=kinds)
    return _Shelves(np.cumsum(size) - size, size)


def _chosen(
    orders: _Orders, line: LongArray, customers: int, shelves: _Shelves, rng: np.random.Generator
) -> LongArray:
    """The item of every line, in shelf order: a habit that is due, a taste, or anything."""
    owner = orders.customer[line]
    tastes = _by_popularity(len(shelves.size), customers * TASTES, rng).reshape(customers, TASTES)
    taste = np.minimum(rng.geometric(0.6, len(line)), TASTES) - 1
    kind = tastes[owner, taste]
    anything = rng.random(len(line)) >= TASTE_SHARE
    kind[anything] = _by_popularity(len(shelves.size), int(anything.sum()), rng)
    month = orders.second[line] // (30 * 86_400)
    shelf = _of_kind(kind, month, shelves, rng)
    habits = _of_kind(
        tastes[:, np.arange(HABITS) % TASTES].ravel(), np.zeros(customers * HABITS), shelves, rng
    ).reshape(customers, HABITS)
    habit = (np.arange(len(line)) - np.searchsorted(line, line)) % HABITS
    # The first habit is due with every order, the next with every second, and so on.
    due = (orders.number[line] + owner) % (habit + 1) == 0
    due &= rng.random(len(line)) < HABIT_SHARE
    shelf[due] = habits[owner[due], habit[due]]
    return shelf


def _of_kind(
    kind: LongArray, month: LongArray | DoubleArray, shelves: _Shelves, rng: np.random.Generator
) -> LongArray:
    """An item of each category; some of them one that is wanted this month."""
    size = shelves.size[kind]
    place = np.floor((size + 1.0) ** rng.random(len(kind))).astype(np.int64) - 1
    trend = rng.random(len(kind)) < TREND_SHARE
    place[trend] += (month[trend] * 7 + kind[trend]).astype(np.int64)
    chosen: LongArray = shelves.first[kind] + place % size
    return chosen


def _by_popularity(places: int, many: int, rng: np.random.Generator) -> LongArray:
    """So many of the places, the n-th drawn about 1/n as often as the first (Zipf)."""
    drawn: LongArray = np.floor((places + 1.0) ** rng.random(many)).astype(np.int64) - 1
    return drawn


def _once_an_order(
    shelf: LongArray, line: LongArray, shelves: _Shelves, rng: np.random.Generator
) -> LongArray:
    """The items with those drawn twice in an order drawn anew, from all alike."""
    for _ in range(2):
        key = line * shelves.items + shelf
        order = np.argsort(key, kind="stable")
        again = order[1:][key[order[1:]] == key[order[:-1]]]
        shelf[again] = rng.integers(shelves.items, size=len(again))
    return shelf


def _asked(
    price: LongArray, item: IntArray, second: LongArray, rng: np.random.Generator
) -> IntArray:
    """What an item cost that day: prices rise by the year, and a tenth is on offer each month."""
    month = second // (30 * 86_400)
    offered = (item * 31 + month * 17) % 10 == 0
    risen = price[item] * (1 + 0.04 * second / (365 * 86_400))
    cut = rng.choice([0.7, 0.8, 0.9], size=len(item))
    return np.where(offered, risen * cut, risen).astype(np.int32)
