"""From a shortlist to a list: what happens between scores and what is shown.

Rules come first and are strict in this order: pins, caps, buries, the long tail's floor. Where
they leave a choice, what is soft decides: relevance, changed by price affinity, then by boosts,
then traded for margin, then weighed against diversity, then against calibration. Exploration
puts a cold item in the stead of what was chosen, and keeps pins, caps and buries.
"""

from __future__ import annotations

import numpy as np

from engine.recommend.control.board import Board
from engine.recommend.control.config import Control
from engine.recommend.control.filling import Stage, fill
from engine.recommend.control.goods import Goods
from engine.recommend.control.levers import Levers, Wishes
from engine.recommend.control.margin import bargain
from engine.recommend.control.shortlist import Arranged, Rule, Shortlist
from engine.recommend.control.tastes import Tastes
from engine.recommend.control.worth import boosted, priced, relevance


def arrange(
    shortlist: Shortlist,
    tastes: Tastes,
    *,
    limit: int,
    control: Control,
    goods: Goods,
    levers: Levers,
) -> Arranged:
    """Lists of min(limit, w) places each from the candidates, as the shop wants them.

    Every candidate is taken to be eligible, also one with a pin; with all of `control` off the
    shortlist is cut and left as it is. `tastes` are those of the same n customers, and a rule
    that they tell nothing about is passed over. `levers` were made from the boosts, buries and
    pins of the same control.
    """
    places = min(limit, shortlist.item.shape[1])
    if control.off or places < 1 or not len(shortlist.item):
        return Arranged.as_scored(shortlist, limit=max(places, 0))
    wishes = levers.at(tastes.now_ms)
    board = Board.of(shortlist, tastes, places=places, control=control, goods=goods, wishes=wishes)
    stages = _stages(shortlist, board, goods, wishes, tastes)
    nothing = np.zeros(len(shortlist.item), dtype=np.float32)
    lost, gained = nothing, nothing
    if control.margin_tolerance:
        deal = bargain(board, stages, goods.margin[shortlist.item])
        stages, lost, gained = list(deal.stages), deal.relevance_lost, deal.margin_gained
    filled = fill(board, stages)
    rows, none = np.arange(len(filled.column))[:, None], filled.column < 0
    return Arranged(
        item=np.where(none, np.int32(-1), shortlist.item[rows, filled.column]),
        score=np.where(none, np.float32(-np.inf), shortlist.score[rows, filled.column]),
        rule=filled.rule,
        propensity=filled.propensity,
        relevance_lost=lost,
        margin_gained=gained,
    )


def _stages(
    shortlist: Shortlist, board: Board, goods: Goods, wishes: Wishes, tastes: Tastes
) -> list[Stage]:
    """Relevance, and what the rules that change it for an item as such make of it."""
    stages = [Stage(Rule.NONE, relevance(shortlist.score, board.here))]
    weight = board.control.price_affinity
    if weight and tastes.band is not None:
        told = priced(stages[-1].worth, board.item, goods, usual=tastes.band, weight=weight)
        stages.append(Stage(Rule.PRICED, told))
    if wishes.factor is not None:
        stages.append(Stage(Rule.BOOSTED, boosted(stages[-1].worth, board.item, wishes)))
    return stages
