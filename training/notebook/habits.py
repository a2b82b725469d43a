"""How a shop's customers buy, as charts: when, how much, how often the same, and of what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from engine.charts.bars import Bar, Layer, bars, histogram, stacks
from engine.charts.lines import Scaling, Spot, curve
from engine.charts.theme import AMBER, BLUE
from engine.domain.arrays import BoolArray, DoubleArray, LongArray
from engine.domain.catalog import Item
from engine.domain.histories import DAY_MS, Histories
from training.history import Purchases
from training.notebook.shown import Picture
from training.report.words import count, share

MOST_GAP_WEEKS = 12
MOST_CATEGORIES = 12
TOP = 0.2


def again(histories: Histories) -> BoolArray:
    """Whether the customer had bought the item in an earlier order, by line, shape (lines,)."""
    order = _by_pair(histories)
    key = _pair(histories)[order]
    repeated = np.zeros(histories.lines, dtype=np.bool_)
    repeated[order[1:]] = key[1:] == key[:-1]
    return repeated


def gaps(histories: Histories) -> DoubleArray:
    """Days between one purchase of an item and the customer's next one of it, for all of them."""
    order = _by_pair(histories)
    key, at = _pair(histories)[order], histories.at[order]
    same = key[1:] == key[:-1]
    days: DoubleArray = (at[1:] - at[:-1])[same] / DAY_MS
    return days


def by_month(purchases: Purchases) -> Picture:
    """Purchase lines month by month, those of items bought before apart."""
    held = purchases.customers
    months = held.at.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
    repeated, first = again(held), int(months.min())
    size = int(months.max()) - first + 1
    old = np.bincount(months[repeated] - first, minlength=size)
    new = np.bincount(months[~repeated] - first, minlength=size)
    names = [_month(first + number) for number in range(size)]
    layers = [
        Layer("bought before", old.tolist(), BLUE),
        Layer("new to the customer", new.tolist(), AMBER),
    ]
    return Picture(
        stacks(
            names,
            layers,
            title=f"{share(float(repeated.mean()))} of all purchases are of items bought before",
            subtitle="Purchase lines by month. The first months look newer than they are: what was "
            "bought before the data begin is not known.",
        )
    )


def orders_per_customer(purchases: Purchases) -> Picture:
    """Customers by how many orders they placed."""
    held = purchases.customers
    pairs = np.unique(np.stack([held.row(), held.order], axis=1), axis=0)
    orders = np.bincount(pairs[:, 0], minlength=len(held))
    return Picture(
        histogram(
            _doubling(orders),
            across="orders of a customer",
            title=f"Half of the customers placed {count(float(np.median(orders)))} orders or more",
            subtitle="Customers by number of orders.",
        )
    )


def items_per_order(purchases: Purchases) -> Picture:
    """Orders by how many different items they hold."""
    _, sizes = np.unique(purchases.customers.order, return_counts=True)
    return Picture(
        histogram(
            _doubling(sizes),
            across="different items in an order",
            title=f"An order holds {sizes.mean():.1f} different items on average",
            subtitle="Orders by number of different items.",
        )
    )


def best_sellers(purchases: Purchases) -> Picture:
    """How much of what is bought the best-selling items make up."""
    sold = np.bincount(purchases.customers.item, minlength=len(purchases.items))
    sold = np.sort(sold[sold > 0])[::-1]
    reached = np.cumsum(sold) / sold.sum()
    at = np.unique(np.linspace(0, len(sold) - 1, 120).astype(int))
    points = [(0.0, 0.0), *(((each + 1) / len(sold), float(reached[each])) for each in at)]
    top = float(reached[max(round(len(sold) * TOP) - 1, 0)])
    return Picture(
        curve(
            points,
            [Spot(TOP, top, f"{share(TOP)} of the items, {share(top)} of the purchases")],
            Scaling("share of the items, best sellers first", "share of all purchases"),
            title=f"A fifth of the items makes {share(top)} of all purchases",
            subtitle=f"Of {count(len(sold))} items that anybody bought.",
        )
    )


def until_next(purchases: Purchases) -> Picture:
    """How long it takes until an item is bought again, in weeks."""
    days = gaps(purchases.customers)
    weeks = np.minimum((days / 7).astype(np.int64), MOST_GAP_WEEKS)
    counted = np.bincount(weeks, minlength=MOST_GAP_WEEKS + 1)
    rows = [
        Bar(_weeks(number), float(each), share(each / max(len(days), 1)))
        for number, each in enumerate(counted.tolist())
    ]
    middle = float(np.median(days)) if len(days) else 0.0
    return Picture(
        histogram(
            rows,
            across="weeks until the customer bought the item again",
            title=f"Half of all repeats come within {count(middle)} days",
            subtitle="Pauses between two purchases of one item by one customer. Long pauses are "
            "rarer than they should be: the data end before many of them do.",
        )
    )


def categories(purchases: Purchases, catalog: Mapping[str, Item]) -> Picture:
    """How much of each large category is bought again rather than for the first time."""
    held = purchases.customers
    names = [_category(catalog.get(item_id)) for item_id in purchases.items.ids]
    kinds, kind = np.unique(names, return_inverse=True)
    own = kind[held.item]
    total = np.bincount(own, minlength=len(kinds))
    repeated = np.bincount(own[again(held)], minlength=len(kinds))
    known = [at for at in np.argsort(-total, kind="stable").tolist() if kinds[at]]
    part = {at: float(repeated[at] / total[at]) for at in known[:MOST_CATEGORIES]}
    shown = sorted(part, key=lambda at: -part[at])
    rows = [Bar(str(kinds[at]).capitalize(), part[at], share(part[at])) for at in shown]
    return Picture(
        bars(
            rows,
            title=f"{rows[0].label} is bought again most, {rows[-1].label.lower()} least",
            subtitle=f"Share of purchases of an item that the customer had bought before, in the "
            f"{len(rows)} largest categories.",
        )
    )


def _pair(histories: Histories) -> LongArray:
    """A number for each line's customer and item."""
    return histories.row() * (int(histories.item.max(initial=0)) + 1) + histories.item


def _by_pair(histories: Histories) -> LongArray:
    """The lines by customer and item, oldest first."""
    order: LongArray = np.lexsort((histories.at, _pair(histories)))
    return order


def _doubling(numbers: LongArray) -> Sequence[Bar]:
    """How many numbers are 1, 2 to 3, 4 to 7 and so on."""
    step = np.log2(np.maximum(numbers, 1)).astype(np.int64)
    return [
        Bar(_from_to(2**at, 2 ** (at + 1) - 1), float(each), count(each))
        for at, each in enumerate(np.bincount(step).tolist())
    ]


def _from_to(low: int, high: int) -> str:
    return f"{low}" if low == high else f"{low}–{high}"


def _weeks(number: int) -> str:
    return f"{number}–{number + 1}" if number < MOST_GAP_WEEKS else f"{number}+"


def _month(number: int) -> str:
    at = datetime(1970 + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return f"{at:%b %y}" if at.month == 1 else f"{at:%b}"


def _category(item: Item | None) -> str:
    return (item.category if item else None) or ""
