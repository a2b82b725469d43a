"""Windows of time that models have not seen: who bought, and what, with a past before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.domain.arrays import IntArray, LongArray
from engine.domain.histories import Histories
from training.evaluation.metrics import Truth
from training.history import Purchases


@dataclass(frozen=True)
class Window:
    """Customers with a past who bought something in a window, and what they bought.

    `drawn_from` is how many there were when these are some of them, drawn evenly.
    """

    histories: Histories
    truths: Sequence[Truth]
    start_ms: int
    newcomers: int
    drawn_from: int | None = None


def window(before: Purchases, after: Purchases, *, until_ms: int | None = None) -> Window:
    """What was bought from the cut of `before` on, and before `until_ms`.

    Customers without a past are counted, not scored. `until_ms` is that of `after` when it is not
    given.
    """
    rows = {customer: row for row, customer in enumerate(before.customers.customers)}
    end = after.until_ms if until_ms is None else until_ms
    times = after.customers.at
    bought = after.customers.where((times >= before.until_ms) & (times < end))
    positions = before.items.indices(after.items.ids)
    known: list[int] = []
    truths: list[Truth] = []
    newcomers = 0
    for number, customer in enumerate(bought.customers):
        own = bought.item[bought.indptr[number] : bought.indptr[number + 1]]
        if not len(own):
            continue
        if customer not in rows:
            newcomers += 1
            continue
        known.append(rows[customer])
        truths.append(truth_of(before.customers, rows[customer], positions[np.unique(own)]))
    return Window(before.customers.take(known), truths, before.until_ms, newcomers)


def sample(everyone: Window, *, size: int, seed: int) -> Window:
    """At most `size` customers of a window, drawn evenly."""
    if len(everyone.truths) <= size:
        return everyone
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(everyone.truths), size=size, replace=False))
    return replace(
        everyone,
        histories=everyone.histories.take(rows),
        truths=[everyone.truths[row] for row in rows],
        drawn_from=everyone.drawn_from or len(everyone.truths),
    )


def only_new(target: Window) -> Window:
    """The customers of a window who bought something new to them, and only that."""
    rows = [row for row, truth in enumerate(target.truths) if len(truth.explore) + truth.unseen]
    return replace(
        target,
        histories=target.histories.take(rows),
        truths=[replace(target.truths[row], repeat=_NOTHING) for row in rows],
    )


_NOTHING: LongArray = np.zeros(0, dtype=np.int64)


def truth_of(histories: Histories, row: int, bought: LongArray | IntArray) -> Truth:
    """What a customer bought, given as distinct positions of items, MISSING (-1) for unknown."""
    own = histories.item[histories.indptr[row] : histories.indptr[row + 1]]
    known = bought[bought >= 0].astype(np.int64)
    before = np.isin(known, own)
    return Truth(known[before], known[~before], int((bought < 0).sum()))
