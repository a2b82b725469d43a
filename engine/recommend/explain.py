"""Why an item is in a list: the purchase without which it would fall furthest.

Each scorer that is a sum over the bought items names who speaks most for an item; those few are
then taken out of the history one at a time, and the item is scored again, by the same code that
put it into the list. What is told is what made the difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import BoolArray, FloatArray, IntArray, LongArray
from engine.domain.histories import Histories
from engine.models.goals import Goal
from engine.models.interactions import bought
from engine.models.model import Model
from engine.models.pairs import Pairs
from engine.models.popularity import Popularity
from engine.models.query import Query
from engine.models.scorer import Explainer
from engine.recommend.answer import Reason, ReasonCode
from engine.recommend.eligibility import among
from engine.recommend.features.held import position_in
from engine.recommend.features.said import highest_of
from engine.recommend.scoring import Scored, ask, score

# Purchases to be taken out for each new item of a list. Of all a customer bought, one of so many
# is the one that matters most in 97 to 100 of 100 cases where histories are short, and in 94 with
# 25 items; of three it was in 92 to 99, and 85.
SUSPECTS = 5


@dataclass(frozen=True, slots=True)
class Explained:
    """The scorer that gave an item the largest share of its blend, and the reason to tell."""

    source: str
    reason: Reason


@dataclass(frozen=True)
class _Doubt:
    """A listed item and a purchase that may be the reason for it, by row and position."""

    row: int
    item: int
    evidence: int


def explain(model: Model, scored: Scored, lists: IntArray, *, goal: Goal) -> list[list[Explained]]:
    """Source and reason of each item in each customer's list, (n, width), -1 where it ends.

    `buy_again` when the customer bought the item before; `because_you_bought` names the other
    bought item that speaks most for it; `popular` when no purchase does.
    """
    listed = _listed(lists, customers=len(scored.query))
    sources = sources_of(scored, listed, items=len(model.items))
    own = among(scored.query.histories, listed, items=len(model.items))
    because = _evidence(model, scored, listed.where(~own), goal=goal)
    known = {
        (row, item): Explained(source, _reason(model, repeat, because.get((row, item))))
        for row, item, source, repeat in zip(
            listed.row().tolist(), listed.item.tolist(), sources, own.tolist(), strict=True
        )
    }
    return [
        [known[row, item] for item in places if item >= 0]
        for row, places in enumerate(lists.tolist())
    ]


def _listed(lists: IntArray, *, customers: int) -> Pairs:
    row, column = np.nonzero(lists >= 0)
    return Pairs.of(row, lists[row, column], customers=customers)


def _reason(model: Model, repeat: bool, evidence: int | None) -> Reason:
    if repeat:
        return Reason(ReasonCode.BUY_AGAIN)
    if evidence is None:
        return Reason(ReasonCode.POPULAR)
    return Reason(ReasonCode.BECAUSE_YOU_BOUGHT, model.items[evidence])


def sources_of(scored: Scored, listed: Pairs, *, items: int) -> list[str]:
    """The scorer with the largest share of each listed pair's blend."""
    names = sorted(scored.blended.parts)
    if not names or not len(listed):
        return [Popularity.name] * len(listed)
    at = position_in(scored.pairs, listed, items=items)
    shares = np.stack([scored.blended.parts[name][at] for name in names])
    # Where no scorer has a share, the first one would win: such an item only fills the list.
    return [
        names[index] if share > 0 else Popularity.name
        for index, share in zip(shares.argmax(axis=0), shares.max(axis=0), strict=True)
    ]


def _evidence(
    model: Model, scored: Scored, listed: Pairs, *, goal: Goal
) -> dict[tuple[int, int], int]:
    """For each pair the bought item without which it would fall furthest, if it would fall."""
    # Trees give no scorer a weight; what matters for new items is as good a guess as any.
    weights = model.weights(Goal.NEW if model.ranker(goal) else goal)
    doubts = [
        doubt
        for row in np.flatnonzero(np.diff(listed.indptr)).tolist()
        for doubt in _suspects(model, scored, listed, row, weights)
    ]
    if not doubts:
        return {}
    falls = _falls(model, scored, doubts, goal=goal)
    found: dict[tuple[int, int], int] = {}
    deepest: dict[tuple[int, int], float] = {}
    for doubt, fall in zip(doubts, falls.tolist(), strict=True):
        pair = (doubt.row, doubt.item)
        if fall > deepest.get(pair, 0.0):
            found[pair], deepest[pair] = doubt.evidence, fall
    return found


def _suspects(
    model: Model, scored: Scored, listed: Pairs, row: int, weights: Mapping[str, float]
) -> list[_Doubt]:
    """The purchases that add most to each listed item's blend."""
    own = Query(scored.query.histories.take([row]), scored.query.now_ms)
    past = bought(own.histories)
    items = listed.item[listed.indptr[row] : listed.indptr[row + 1]].astype(np.int64)
    speaking = np.zeros((len(past), len(items)), dtype=np.float32)
    for name in sorted(weights.keys() & scored.said.keys()):
        scorer = model.scorers[name]
        if isinstance(scorer, Explainer) and len(past):
            highest = highest_of(np.nan_to_num(scored.said[name]), scored.pairs)[row]
            if highest > 0:
                share = np.float32(weights[name]) / highest
                speaking += scorer.contributions(own, items) * share
    return [
        _Doubt(row, int(item), int(past[at]))
        for column, item in enumerate(items)
        for at in np.argsort(-speaking[:, column], kind="stable")[:SUSPECTS]
        if speaking[at, column] > 0
    ]


def _falls(model: Model, scored: Scored, doubts: Sequence[_Doubt], *, goal: Goal) -> FloatArray:
    """By how much each item's score falls without the evidence, shape (doubts,)."""
    cases = sorted({(doubt.row, doubt.evidence) for doubt in doubts})
    number = {case: at for at, case in enumerate(cases)}
    row = np.asarray([case[0] for case in cases], dtype=np.int64)
    gone = np.asarray([case[1] for case in cases], dtype=np.int64)
    query = Query(_lacking(scored.query.histories.take(row), gone), scored.query.now_ms)
    pairs = _around(scored, row)
    lacking = score(model, query, pairs, ask(model, query), goal=goal)
    items = len(model.items)
    case = np.asarray([number[doubt.row, doubt.evidence] for doubt in doubts], dtype=np.int64)
    item = np.asarray([doubt.item for doubt in doubts], dtype=np.int64)
    before = np.searchsorted(scored.pairs.keys(items=items), row[case] * items + item)
    after = np.searchsorted(pairs.keys(items=items), case * items + item)
    falls: FloatArray = scored.total[before] - lacking.total[after]
    return falls


def _around(scored: Scored, row: LongArray) -> Pairs:
    """All candidates of the customers once for each case: features compare them."""
    lengths = np.diff(scored.pairs.indptr)[row]
    indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
    picked = (scored.pairs.indptr[row] - indptr[:-1]).repeat(lengths) + np.arange(indptr[-1])
    return Pairs(indptr, scored.pairs.item[picked])


def _lacking(histories: Histories, gone: LongArray) -> Histories:
    kept: BoolArray = histories.item != gone[histories.row()]
    return histories.where(kept)
