"""Why an item is in a list: the purchase without which it would fall furthest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import IntArray
from engine.models.goals import Goal
from engine.models.model import Model
from engine.models.pairs import Pairs
from engine.models.popularity import Popularity
from engine.recommend.answer import Reason, ReasonCode
from engine.recommend.evidence import evidence
from engine.recommend.features.held import position_in
from engine.recommend.scoring import Scored


@dataclass(frozen=True, slots=True)
class Explained:
    """The scorer that gave an item the largest share of its blend, and the reason to tell."""

    source: str
    reason: Reason


def explain(model: Model, scored: Scored, lists: IntArray, *, goal: Goal) -> list[list[Explained]]:
    """Source and reason of each item in each customer's list, (n, width), -1 where it ends.

    `buy_again` when the customer bought the item before; `because_you_bought` names the other
    bought item that speaks most for it; `popular` when no purchase does.
    """
    listed = _listed(lists, customers=len(scored.query))
    sources = sources_of(scored, listed, items=len(model.items))
    bought = scored.query.bought.pairs
    own = position_in(bought, listed, items=len(model.items)) >= 0
    because = evidence(model, scored, listed.where(~own), goal=goal)
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
