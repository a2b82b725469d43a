"""The stages of an answer: gather candidates, score, filter, rank, arrange, explain."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

import numpy as np

from engine.domain.arrays import BoolArray, FloatArray, LongArray
from engine.domain.histories import Histories
from engine.models.goals import Goal
from engine.models.model import Model
from engine.models.pairs import Pairs
from engine.models.query import Query
from engine.models.scores import Scores
from engine.recommend.ahead import ahead
from engine.recommend.answer import (
    Answer,
    CatalogView,
    Dropped,
    RecommendedItem,
    Request,
)
from engine.recommend.candidates import Breadth, gather, union
from engine.recommend.control.config import Control
from engine.recommend.control.shortlist import Arranged, Rule
from engine.recommend.eligibility import CatalogMasks, Rules, barred_pairs, rules_of
from engine.recommend.explain import Explained, explain
from engine.recommend.features.held import position_in
from engine.recommend.ranking import best_first, dropped, missed, shortlist
from engine.recommend.scoring import Scored, ask, score
from engine.recommend.steering import Steering

# Customers of a block; candidates and features of all of them are held at once.
BLOCK = 256
# Blocks worked on side by side.
AT_ONCE = 2
# Candidates that control may choose from, as multiples of the list's length and at least so many.
CHOICE = 5
LEAST_CHOICE = 50
UNKNOWN_CUSTOMER = "unknown_customer"
NO_KNOWN_PURCHASE = "no_known_purchase"
Made = TypeVar("Made")


@dataclass(frozen=True)
class Ranked:
    """Lists of a block of customers, before they are explained.

    `dropped` is how many better items each rule kept out of each list, `missed` which of them
    would be in it were they available.
    """

    scored: Scored
    lists: Arranged
    dropped: list[dict[Dropped, int]]
    missed: list[LongArray]

    def items(self, row: int) -> LongArray:
        """Positions of the items in one customer's list, best first."""
        own = self.lists.item[row]
        items: LongArray = own[own >= 0].astype(np.int64)
        return items


class Recommender:
    """Answers from one model version; evaluation, batch and requests all come through here."""

    def __init__(
        self,
        model: Model,
        *,
        cooldown: timedelta,
        control: Control | None = None,
        breadth: Breadth | None = None,
    ) -> None:
        self.model = model
        self.cooldown = cooldown
        self._breadth = breadth or Breadth()
        self.steering = Steering(model, control or Control())
        # The first look-up builds the table, which no request should wait for.
        model.items.index("")
        self._masks = CatalogMasks(model.items, CatalogView())

    def recommend(
        self, histories: Histories, request: Request, *, view: CatalogView, now_ms: int
    ) -> list[Answer]:
        """A list for each customer, explained.

        Popular items go to a customer who bought nothing (`unknown_customer`) and to one who
        bought only what the model does not know (`no_known_purchase`), so labelled.
        """

        def told(block: Histories) -> list[Answer]:
            query = Query(block, now_ms)
            ranked = self.ranked(query, request, view=view, goal=request.goal)
            return self.answers(ranked, request, goal=request.goal)

        return [answer for answers in _in_blocks(told, histories) for answer in answers]

    def rank(
        self, histories: Histories, request: Request, *, view: CatalogView, now_ms: int
    ) -> Iterator[Ranked]:
        """Lists of all customers, a block at a time, in order; memory is bounded by the blocks."""

        def ranked(block: Histories) -> Ranked:
            return self.ranked(Query(block, now_ms), request, view=view, goal=request.goal)

        return _in_blocks(ranked, histories)

    def ranked(self, query: Query, request: Request, *, view: CatalogView, goal: Goal) -> Ranked:
        """Lists of one block."""
        if self.model.new_only and not request.again_only:
            request = replace(request, new_only=True)
        masks = self.masks_of(view)
        rules = rules_of(request, masks)
        scored = self.scored(query, request, rules, goal=goal)
        barred = barred_pairs(
            query,
            scored.pairs,
            request,
            rules=rules,
            cooldown=self.cooldown,
            items=len(self.model.items),
        )
        return self.arranged(scored, rules, barred, request)

    def scored(self, query: Query, request: Request, rules: Rules, *, goal: Goal) -> Scored:
        """Candidates for a block, and one score for each."""
        scores = ask(self.model, query)
        pairs = self.candidates(query, scores, request, rules)
        return score(self.model, query, pairs, scores, goal=goal)

    def candidates(
        self, query: Query, scores: Mapping[str, Scores], request: Request, rules: Rules
    ) -> Pairs:
        """The items of each customer worth a score, by what the scorers say of them."""
        held = query.bought.pairs
        breadth = self._breadth.at_least(request.limit)
        own = not request.new_only
        found = [gather(scores, held, breadth=breadth, own=own)]
        allowed = rules.allowed(items=len(self.model.items))
        if allowed is not None and not request.again_only:
            found.append(gather(scores, held, breadth=breadth, allowed=allowed, own=own))
        pairs = held if request.again_only else union(found, customers=len(query))
        wanted = self.steering.wanted(query, request)
        return pairs if wanted is None else union([pairs, wanted], customers=len(query))

    def answers(self, ranked: Ranked, request: Request, *, goal: Goal) -> list[Answer]:
        """The lists of a block as they are told."""
        told = explain(self.model, ranked.scored, ranked.lists.item, goal=goal)
        return [
            self._answer(customer_id, ranked, told[row], row, request)
            for row, customer_id in enumerate(ranked.scored.query.histories.customers)
        ]

    def masks_of(self, view: CatalogView) -> CatalogMasks:
        """The masks of a view, kept for the next call; any thread may replace them."""
        masks = self._masks
        if masks.view is not view:
            self._masks = masks = CatalogMasks(self.model.items, view)
        return masks

    def arranged(
        self,
        scored: Scored,
        rules: Rules,
        barred: Mapping[Dropped, BoolArray],
        request: Request,
    ) -> Ranked:
        """Lists from scored candidates: without the barred ones, sorted, steered and counted."""
        total = _preferring(scored, rules)
        kept = np.ones(len(total), dtype=np.bool_)
        for mask in barred.values():
            kept &= ~mask
        ranked = best_first(scored.pairs, total, kept=kept)
        width = max(CHOICE * request.limit, LEAST_CHOICE)
        control = self.steering.control(request)
        width = request.limit if control.off else width
        short = shortlist(
            scored.pairs, total, ranked, width=width, wanted=self._wanted(scored, request)
        )
        lists = self.steering.arrange(short, scored.query, control, limit=request.limit)
        lowest = np.where(lists.item >= 0, lists.score, np.float32(np.inf)).min(
            axis=1, initial=np.inf
        )
        full = (lists.item >= 0).sum(axis=1) == request.limit
        last = np.where(full, lowest, np.float32(-np.inf))
        return Ranked(
            scored,
            lists,
            dropped(scored.pairs, total, barred, last=last),
            missed(scored.pairs, total, barred.get(Dropped.UNAVAILABLE), last=last),
        )

    def _wanted(self, scored: Scored, request: Request) -> BoolArray | None:
        """The candidates that no score may keep from a list's choice, shape (pairs,)."""
        wanted = self.steering.wanted(scored.query, request)
        if wanted is None:
            return None
        found: BoolArray = position_in(wanted, scored.pairs, items=len(self.model.items)) >= 0
        return found

    def _answer(
        self,
        customer_id: str,
        ranked: Ranked,
        explained: list[Explained],
        row: int,
        request: Request,
    ) -> Answer:
        places = enumerate(explained)
        return Answer(
            customer_id=customer_id,
            requested=request.limit,
            items=tuple(self.place(ranked, row, at, why) for at, why in places),
            dropped=ranked.dropped[row],
            fallback_reason=_nothing_known(ranked.scored.query.histories, row),
            missed=tuple(self.model.items[item] for item in ranked.missed[row].tolist()),
        )

    def place(self, ranked: Ranked, row: int, at: int, why: Explained) -> RecommendedItem:
        """One place of a customer's list, counted from 0, as it is told."""
        lists = ranked.lists
        return RecommendedItem(
            item_id=self.model.items[int(lists.item[row, at])],
            rank=at + 1,
            score=shown_score(float(lists.score[row, at])),
            source=why.source,
            reasons=(why.reason,),
            rule=_rule(int(lists.rule[row, at])),
            propensity=float(lists.propensity[row, at]),
        )


def _in_blocks(work: Callable[[Histories], Made], histories: Histories) -> Iterator[Made]:
    """What the work makes of each block of customers, in order, several side by side."""
    count = len(histories)
    if count <= BLOCK:
        yield from map(work, [histories] if count else [])
    else:
        bounds = ((start, min(start + BLOCK, count)) for start in range(0, count, BLOCK))
        blocks = (histories.take(np.arange(start, stop)) for start, stop in bounds)
        yield from ahead(work, blocks, workers=AT_ONCE)


def without(request: Request, *item_ids: str) -> Request:
    """The request with more items kept out."""
    return replace(request, exclude_item_ids=request.exclude_item_ids | set(item_ids))


def shown_score(score: float) -> float:
    """A score with as many digits as it has meaning; a fall stays a fall or becomes a tie."""
    return round(score, 6)


def _rule(code: int) -> str | None:
    return None if code == Rule.NONE else Rule(code).name.lower()


def _nothing_known(histories: Histories, row: int) -> str | None:
    """Why the customer's list can be no more than popular, None when it is more."""
    own = histories.item[histories.indptr[row] : histories.indptr[row + 1]]
    if not len(own):
        return UNKNOWN_CUSTOMER
    return None if (own >= 0).any() else NO_KNOWN_PURCHASE


def _preferring(scored: Scored, rules: Rules) -> FloatArray:
    """Scores with everything outside the wanted category below everything inside it."""
    total = scored.total
    if rules.preferred is None or not len(total):
        return total
    span = total.max() - total.min() + 1
    return np.where(rules.preferred[scored.pairs.item], total, total - span)
