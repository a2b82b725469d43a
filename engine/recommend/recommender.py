"""The stages of an answer: score and blend, filter, rank, explain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from engine.domain.arrays import BoolArray, FloatArray, LongArray
from engine.domain.histories import Histories, histories_of
from engine.domain.ids import MISSING
from engine.models.item_item import ItemItem
from engine.models.model import Model
from engine.models.popularity import Popularity
from engine.recommend.answer import (
    Answer,
    CatalogView,
    Dropped,
    Reason,
    ReasonCode,
    RecommendedItem,
    Request,
)
from engine.recommend.blend import Blended, blend
from engine.recommend.eligibility import CatalogMasks, eligibility, just_bought
from engine.recommend.explain import Explained, explain
from engine.recommend.top_k import top_k

# Scores of a block of customers are held at once, one float each for every scorer and item.
BLOCK_SCORES = 4_000_000
UNKNOWN_CUSTOMER = "unknown_customer"
NO_KNOWN_PURCHASE = "no_known_purchase"
UNKNOWN_ITEM = "unknown_item"


@dataclass(frozen=True)
class Ranked:
    """Lists of a block of customers, before they are explained.

    `items` holds positions in the model's item table, best first, one array a customer; `scores`
    their scores; `dropped` how many better items each rule kept out.
    """

    histories: Histories
    blended: Blended
    items: tuple[LongArray, ...]
    scores: tuple[FloatArray, ...]
    dropped: tuple[Mapping[Dropped, int], ...]


class Recommender:
    """Answers from one model version; evaluation, batch and requests all come through here."""

    def __init__(self, model: Model, *, cooldown: timedelta) -> None:
        self.model = model
        self._cooldown = cooldown
        # The first look-up builds the table, which no request should wait for.
        model.items.index("")
        self._masks = CatalogMasks(model.items, CatalogView())

    @property
    def cooldown(self) -> timedelta:
        """For how long what was bought is not shown again."""
        return self._cooldown

    def recommend(
        self, histories: Histories, request: Request, *, view: CatalogView, now_ms: int
    ) -> list[Answer]:
        """A list for each customer, explained.

        Popular items go to a customer who bought nothing (`unknown_customer`) and to one who
        bought only what the model does not know (`no_known_purchase`), so labelled.
        """
        answers: list[Answer] = []
        for ranked in self.rank(histories, request, view=view, now_ms=now_ms):
            for row, customer_id in enumerate(ranked.histories.customers):
                explained = explain(
                    self.model, ranked.histories, ranked.blended, row=row, items=ranked.items[row]
                )
                answers.append(self._answer(customer_id, ranked, explained, row, request))
        return answers

    def rank(
        self, histories: Histories, request: Request, *, view: CatalogView, now_ms: int
    ) -> Iterator[Ranked]:
        """Lists of all customers, a block at a time, in order; memory is bounded by the block."""
        items = len(self.model.items)
        size = max(1, BLOCK_SCORES // max(1, items))
        for start in range(0, len(histories), size):
            block = histories.take(np.arange(start, min(start + size, len(histories))))
            rules = eligibility(block, request, masks=self._masks_of(view))
            if self._cooldown > timedelta(0):
                rules.barred[Dropped.JUST_BOUGHT] = just_bought(
                    block, items=items, now_ms=now_ms, cooldown=self._cooldown
                )
            blended = blend(self.model, block)
            total = _preferring(blended.total, rules.preferred)
            allowed = rules.allowed(len(block), items)
            best = tuple(
                top_k(total[row], allowed[row], k=request.limit) for row in range(len(block))
            )
            yield Ranked(
                histories=block,
                blended=blended,
                items=best,
                scores=tuple(total[row][own] for row, own in enumerate(best)),
                dropped=tuple(
                    _dropped(total[row], own, rules.barred, row=row, limit=request.limit)
                    for row, own in enumerate(best)
                ),
            )

    def popular(self, request: Request, *, view: CatalogView) -> Answer:
        """The items that sell best now, for nobody in particular."""
        scores = self.model.scorers[Popularity.name].score(_nobody(self.model))[0]
        return self._listed(scores, request, view=view, reason=Reason(ReasonCode.POPULAR))

    def similar(self, item_id: str, request: Request, *, view: CatalogView) -> Answer:
        """The items bought by the customers who bought this one, then popular ones.

        An item the model does not know gets popular items, labelled `unknown_item`.
        """
        position = self.model.items.index(item_id)
        others = replace(request, exclude_item_ids=request.exclude_item_ids | {item_id})
        if position == MISSING:
            answer = self.popular(others, view=view)
            return replace(answer, fallback_reason=UNKNOWN_ITEM)
        near = self.model.scorers[ItemItem.name]
        if not isinstance(near, ItemItem):
            raise TypeError(f"{ItemItem.name} is a {type(near).__name__}")
        scores = near.neighbours(position)
        return self._listed(scores, others, view=view, reason=Reason(ReasonCode.SIMILAR, item_id))

    def _masks_of(self, view: CatalogView) -> CatalogMasks:
        """The masks of a view, kept for the next call; any thread may replace them."""
        masks = self._masks
        if masks.view is not view:
            self._masks = masks = CatalogMasks(self.model.items, view)
        return masks

    def _answer(
        self,
        customer_id: str,
        ranked: Ranked,
        explained: list[Explained],
        row: int,
        request: Request,
    ) -> Answer:
        listed = zip(ranked.items[row], ranked.scores[row], explained, strict=True)
        return Answer(
            customer_id=customer_id,
            requested=request.limit,
            items=tuple(
                RecommendedItem(
                    item_id=self.model.items[int(item)],
                    rank=rank,
                    score=shown_score(float(score)),
                    source=why.source,
                    reasons=(why.reason,),
                )
                for rank, (item, score, why) in enumerate(listed, start=1)
            ),
            dropped=ranked.dropped[row],
            fallback_reason=_nothing_known(ranked.histories, row),
        )

    def _listed(
        self, scores: FloatArray, request: Request, *, view: CatalogView, reason: Reason
    ) -> Answer:
        """A list by one array of scores; what it cannot score comes last, by popularity."""
        nobody = _nobody(self.model)
        rules = eligibility(nobody, request, masks=self._masks_of(view))
        popular = self.model.scorers[Popularity.name].score(nobody)[0]
        known = ~np.isnan(scores)
        # Below every known score, and in the order of popularity.
        filled = np.where(known, scores, popular / (popular.max(initial=0) + 1) - 1)
        total = _preferring(filled[None], rules.preferred)[0]
        best = top_k(total, rules.allowed(1, len(total))[0], k=request.limit)
        reasons = [reason if known[item] else Reason(ReasonCode.POPULAR) for item in best]
        source = ItemItem.name if reason.code is ReasonCode.SIMILAR else Popularity.name
        return Answer(
            customer_id="",
            requested=request.limit,
            items=tuple(
                RecommendedItem(
                    item_id=self.model.items[int(item)],
                    rank=rank,
                    score=shown_score(float(total[item])),
                    source=source if known[item] else Popularity.name,
                    reasons=(why,),
                )
                for rank, (item, why) in enumerate(zip(best, reasons, strict=True), start=1)
            ),
            dropped=_dropped(total, best, rules.barred, row=0, limit=request.limit),
        )


def _nothing_known(histories: Histories, row: int) -> str | None:
    """Why the customer's list can be no more than popular, None when it is more."""
    own = histories.item[histories.indptr[row] : histories.indptr[row + 1]]
    if not len(own):
        return UNKNOWN_CUSTOMER
    return None if (own >= 0).any() else NO_KNOWN_PURCHASE


def shown_score(score: float) -> float:
    """A score with as many digits as it has meaning; a fall stays a fall or becomes a tie."""
    return round(score, 6)


def _nobody(model: Model) -> Histories:
    return histories_of([("", ())], items=model.items)


def _preferring(total: FloatArray, preferred: BoolArray | None) -> FloatArray:
    """Scores with everything outside the wanted category below everything inside it."""
    if preferred is None:
        return total
    span = total.max(axis=1, keepdims=True) - total.min(axis=1, keepdims=True) + 1
    return np.where(preferred, total, total - span)


def _dropped(
    total: FloatArray,
    best: LongArray,
    barred: Mapping[Dropped, BoolArray],
    *,
    row: int,
    limit: int,
) -> dict[Dropped, int]:
    """How many items each rule kept out of the list: those that score as high as its last."""
    full = len(best) == limit and limit > 0
    reaches = total >= total[best[-1]] if full else np.ones(len(total), dtype=np.bool_)
    counts = {
        reason: int((reaches & (mask if mask.ndim == 1 else mask[row])).sum())
        for reason, mask in barred.items()
    }
    return {reason: count for reason, count in counts.items() if count}
