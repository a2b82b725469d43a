"""Which purchase an item is in a list for: the one without which it would fall furthest.

Scorers that are sums over the bought items name who speaks most for the items of a list. Each of
these few is then taken out of the history, and the listed items are scored again, as the list was:
by what the scorers would say of all the customer's candidates without it, and by the same blend or
trees. What scorers would say is worked out from the account of what they said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import FloatArray, IntArray, LongArray
from engine.models.goals import Goal
from engine.models.model import Model
from engine.models.pairs import Pairs
from engine.models.query import Query
from engine.recommend.scoring import Anew, Scored, rescored

# Purchases suspected for each item; of a list's suspects at least those that speak most for an
# item are taken out, and as many as this of all of them.
SUSPECTS = 5
MOST = 12
# Falls no deeper than this may be due to rounding.
ROUNDING = 1e-6
# Pairs of listed items' customers scored anew at a time.
PAIRS = 2**18


@dataclass(frozen=True)
class _Case:
    """A customer with new items in the list, and the purchases that may be the reasons.

    `listed` and `gone` are items; `said` is what scorers would say of all the customer's
    candidates without each of the latter, by scorer, shape (gone, candidates).
    """

    row: int
    listed: IntArray
    gone: IntArray
    said: Mapping[str, FloatArray]


def evidence(
    model: Model, scored: Scored, listed: Pairs, *, goal: Goal
) -> dict[tuple[int, int], int]:
    """For each pair the bought item without which it would fall furthest, if it would fall.

    The listed pairs are among those scored and new to their customers.
    """
    found: dict[tuple[int, int], int] = {}
    waiting: list[_Case] = []
    pairs = 0
    for row in np.flatnonzero(np.diff(listed.indptr)).tolist():
        case = _case(model, scored, listed, row, goal=goal)
        if case is not None:
            waiting.append(case)
            pairs += len(case.gone) * int(scored.pairs.indptr[row + 1] - scored.pairs.indptr[row])
        if pairs > PAIRS:
            found |= _named(model, scored, waiting, goal=goal)
            waiting, pairs = [], 0
    return found | _named(model, scored, waiting, goal=goal) if waiting else found


def _case(model: Model, scored: Scored, listed: Pairs, row: int, *, goal: Goal) -> _Case | None:
    """The case of one customer, None where no purchase speaks for any of the items."""
    own = scored.query
    if len(own) > 1:
        own = Query(own.histories.take([row]), own.now_ms)
    items = listed.item[listed.indptr[row] : listed.indptr[row + 1]]
    part = slice(int(scored.pairs.indptr[row]), int(scored.pairs.indptr[row + 1]))
    candidates = scored.pairs.item[part]
    said = {name: values[part] for name, values in scored.said.items()}
    accounts = {
        name: scorer.account(own, candidates, said[name])
        for name, scorer in model.accountable.items()
        if name in said
    }
    # Trees give no scorer a weight; what matters for new items is as good a guess as any.
    weights = model.weights(Goal.NEW if model.ranker(goal) else goal)
    speaking = np.zeros((len(own.bought.pairs), len(items)), dtype=np.float32)
    for name in sorted(accounts.keys() & weights.keys()):
        # The higher of two, of which one may be unknown.
        highest = np.fmax.reduce(said[name], initial=np.float32(0))
        if highest > 0:
            speaking += accounts[name].added(items) * (np.float32(weights[name]) / highest)
    gone = _suspects(speaking)
    if not len(gone):
        return None
    left = {name: account.without(gone) for name, account in accounts.items()}
    return _Case(row, items, own.bought.pairs.item[gone], left)


def _suspects(speaking: FloatArray) -> LongArray:
    """The purchases to be taken out, by their place among those bought, ascending."""
    best = np.argsort(-speaking, axis=0, kind="stable")[:SUSPECTS]
    speaks = np.take_along_axis(speaking, best, axis=0) > 0
    # Who speaks most for one item counts as much as who comes second for two.
    votes = np.broadcast_to(0.5 ** np.arange(len(best))[:, None], best.shape)
    heard = np.bincount(best[speaks], weights=votes[speaks], minlength=len(speaking))
    order = np.argsort(-heard, kind="stable")[: max(MOST, int((heard >= 1).sum()))]
    suspects: LongArray = np.sort(order[heard[order] > 0])
    return suspects


def _named(
    model: Model, scored: Scored, cases: list[_Case], *, goal: Goal
) -> dict[tuple[int, int], int]:
    falls = _falls(model, scored, cases, goal=goal)
    found: dict[tuple[int, int], int] = {}
    start = 0
    for case in cases:
        size = len(case.gone) * len(case.listed)
        own = falls[start : start + size].reshape(len(case.gone), len(case.listed))
        start += size
        deepest = own.argmax(axis=0)
        for item, at, fall in zip(
            case.listed.tolist(), deepest.tolist(), own.max(axis=0).tolist(), strict=True
        ):
            if fall > ROUNDING:
                found[case.row, item] = int(case.gone[at])
    return found


def _falls(model: Model, scored: Scored, cases: list[_Case], *, goal: Goal) -> FloatArray:
    """By how much each case's listed items fall without each of its purchases, case by case."""
    row = np.repeat([case.row for case in cases], [len(case.gone) for case in cases])
    gone = np.concatenate([case.gone for case in cases])
    bounds, picked = _around(scored.pairs, row)
    pairs = Pairs(bounds, scored.pairs.item[picked])
    said = {
        name: np.concatenate([case.said[name].ravel() for case in cases]) for name in cases[0].said
    }
    asked = np.zeros(len(scored.pairs), dtype=np.bool_)
    for case in cases:
        part = slice(int(scored.pairs.indptr[case.row]), int(scored.pairs.indptr[case.row + 1]))
        asked[part.start + scored.pairs.item[part].searchsorted(case.listed)] = True
    few = asked[picked].nonzero()[0]
    lacking = Query(scored.query.histories.lacking(row, gone), scored.query.now_ms)
    left = rescored(model, Anew(scored, lacking, pairs, picked, said, few), goal=goal)
    falls: FloatArray = scored.total[picked[few]] - left
    return falls


def _around(pairs: Pairs, row: LongArray) -> tuple[LongArray, LongArray]:
    """The bounds and the positions of the pairs of some customers, one after the other."""
    lengths = pairs.indptr[row + 1] - pairs.indptr[row]
    bounds = np.zeros(len(row) + 1, dtype=np.int64)
    lengths.cumsum(out=bounds[1:])
    picked = (pairs.indptr[row] - bounds[:-1]).repeat(lengths) + np.arange(bounds[-1])
    return bounds, picked
