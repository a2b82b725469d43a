"""Who wants an item: the customers named for it, against who then bought it."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from engine.domain.arrays import BoolArray, DoubleArray, LongArray
from engine.domain.histories import DAY_MS
from engine.recommend.audience import wanting
from training.evaluate import FINAL
from training.evaluation.surfaces.field import Field
from training.evaluation.surfaces.judged import Asked, judged
from training.evaluation.surfaces.results import Surface

AUDIENCE = Asked(
    "Audience of an item",
    "Of the customers named as most likely to want an item: how many bought it?",
    "item",
)
LATEST = "its latest buyers"
OFTEN = "its most frequent buyers"
LOT = "anybody, by lot"
# An item that fewer bought says more of chance than of a model.
FEWEST_BUYERS = 20
# So many customers a marketer would write to.
NAMED = 50
_HALF_LIFE_DAYS = 60.0


def audiences(field: Field) -> Surface | None:
    """Items by lot of those with enough buyers in the window, among all customers with a past."""
    rng = field.rng(AUDIENCE.name)
    bought = _buyers(field)
    enough = np.asarray([item for item, own in bought.items() if len(own) >= FEWEST_BUYERS])
    if not len(enough):
        return None
    most = min(field.extent.items, len(enough))
    items = np.sort(rng.choice(np.sort(enough), size=most, replace=False)).astype(np.int32)
    scores = {
        FINAL: wanting(field.model, field.past, items, now_ms=field.start_ms).astype(np.float64),
        **_by_habit(field, items.astype(np.int64)),
        LOT: rng.random((len(field.past), len(items))),
    }
    buyers = np.zeros((len(field.past), len(items)), dtype=np.bool_)
    for at, item in enumerate(items.tolist()):
        buyers[bought[item], at] = True
    # Whoever scores alike is put in an order that is the same for all contenders.
    tie = rng.permutation(len(field.past))
    values = {name: _measured(own, buyers, tie) for name, own in scores.items()}
    return judged(AUDIENCE, values, drawn_from=len(enough), rng=rng)


def auc(scores: DoubleArray, buyers: BoolArray) -> float:
    """The chance that a buyer scores above another customer, ties counting half.

    Mann & Whitney (1947) by ranks; NaN without buyers, or with nobody else. Both shape (n,).
    """
    some = int(buyers.sum())
    others = len(buyers) - some
    if not some or not others:
        return float("nan")
    ranks = rankdata(scores)[buyers].sum()
    return float((ranks - some * (some + 1) / 2) / (some * others))


def _measured(scores: DoubleArray, buyers: BoolArray, tie: LongArray) -> dict[str, DoubleArray]:
    """Precision of the first and AUC for each item, from (customers, items)."""
    count = scores.shape[1]
    first = np.asarray(
        [buyers[np.lexsort((tie, -scores[:, at]))[:NAMED], at].mean() for at in range(count)]
    )
    above = np.asarray([auc(scores[:, at], buyers[:, at]) for at in range(count)])
    return {f"Precision@{NAMED}": first, "AUC": above}


def _buyers(field: Field) -> dict[int, list[int]]:
    """The rows of the past customers who bought each item in the window."""
    row = {customer: at for at, customer in enumerate(field.past.customers)}
    found: dict[int, list[int]] = {}
    pairs = zip(field.target.histories.customers, field.target.truths, strict=True)
    for customer, truth in pairs:
        for item in np.concatenate([truth.repeat, truth.explore]).tolist():
            found.setdefault(item, []).append(row[customer])
    return found


def _by_habit(field: Field, items: LongArray) -> dict[str, DoubleArray]:
    """Past buyers by their last time and by their number of times, then whoever is active."""
    past, row = field.past, field.past.row()
    place = np.full(field.items, -1, dtype=np.int64)
    place[items] = np.arange(len(items))
    asked = (past.item >= 0) & (place[past.item] >= 0)
    cell = (row[asked], place[past.item[asked]])
    last = np.zeros((len(past), len(items)))
    np.maximum.at(last, cell, past.at[asked].astype(np.float64))
    times = np.zeros_like(last)
    np.add.at(times, cell, 1.0)
    active = np.bincount(
        row,
        weights=np.exp2((past.at - field.start_ms) / DAY_MS / _HALF_LIFE_DAYS),
        minlength=len(past),
    )
    # Between 0 and 1: it only parts whoever is equal otherwise.
    share = (active / (active.max(initial=0) + 1))[:, None]
    return {LATEST: last + share, OFTEN: times + share}
