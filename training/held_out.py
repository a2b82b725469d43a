"""Purchases without times: what is held out of them at random, and of whom.

Of every customer a random part is held out at once. Some of them settle the blend, the others are
the test: so one fit serves both, and the blend is settled on data as dense as those of the test.
Held out of what is left once more, customers' hidden test items would count as mistakes there,
most against whoever finds them best.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.domain.arrays import LongArray
from engine.errors import DataRefused
from engine.recommend.eligibility import bought_pairs
from training.evaluation.metrics import Truth
from training.history import Purchases
from training.windows import Window

# Of what each customer bought this share is held out.
HELD_OUT = 0.2


@dataclass(frozen=True)
class Parts:
    """What is known, and what was held out of it: of some customers to tune by, of others to test.

    `validation` is empty where only one customer could be asked.
    """

    known: Purchases
    validation: Window
    test: Window


def parted(purchases: Purchases, *, most: int, seed: int) -> Parts:
    """The purchases in parts; at most half of the customers, and at most `most`, are to tune by.

    Raises DataRefused when nobody has two items.
    """
    known, everyone = held_out(purchases, share=HELD_OUT, seed=seed)
    count = len(everyone.truths)
    size = min(most, count // 2)
    drawn = np.random.default_rng(seed + 1).permutation(count)
    return Parts(known, _of(everyone, drawn[:size]), _of(everyone, drawn[size:]))


def held_out(purchases: Purchases, *, share: float, seed: int) -> tuple[Purchases, Window]:
    """The purchases without a random share of each customer's items, and these to be found.

    Of a customer with two items or more at least one is held out, and at least one kept; who has
    fewer is not asked about. All of a customer's lines of an item go together. Raises DataRefused
    when nobody has two items.
    """
    everyone = purchases.customers
    pairs = bought_pairs(everyone)
    sizes = np.diff(pairs.indptr)
    most = np.where(sizes > 1, np.maximum((share * sizes).astype(np.int64), 1), 0)
    if not most.any():
        raise DataRefused("no customer has two items: nothing can be held out to learn from")
    drawn = np.random.default_rng(seed).random(len(pairs))
    row = pairs.row()
    shuffled = np.lexsort((drawn, row))
    place = np.arange(len(pairs)) - pairs.indptr[:-1].repeat(sizes)
    hidden = pairs.where(np.isin(np.arange(len(pairs)), shuffled[place < most[row]]))
    items = len(purchases.items)
    line = everyone.row() * items + everyone.item
    rest = everyone.where(~np.isin(line, hidden.keys(items=items)))
    asked = np.flatnonzero(most)
    truths = [
        Truth(_NOTHING, hidden.item[hidden.indptr[each] : hidden.indptr[each + 1]].astype(int), 0)
        for each in asked
    ]
    target = Window(rest.take(asked), truths, purchases.until_ms, newcomers=0)
    return replace(purchases, customers=rest), target


def _of(everyone: Window, drawn: LongArray) -> Window:
    """Some customers of a window, in its order."""
    rows = np.sort(drawn)
    return replace(
        everyone,
        histories=everyone.histories.take(rows),
        truths=[everyone.truths[row] for row in rows],
    )


_NOTHING: LongArray = np.zeros(0, dtype=np.int64)
