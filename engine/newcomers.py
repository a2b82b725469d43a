"""Lists for customers of whom no purchase is known: what they like, what those like them buy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from engine.domain.arrays import BoolArray, FloatArray
from engine.domain.customers import StoredCustomer
from engine.live import LiveModel, living
from engine.ports import Segments
from engine.recommend.answer import Answer, CatalogView, Request
from engine.recommend.recommender import NO_KNOWN_PURCHASE, UNKNOWN_CUSTOMER, Recommender
from engine.recommend.surfaces import popular, selling_in_shop, selling_of
from engine.segment_sales import SegmentSales

# So many categories of a customer's taste come first.
MOST_CATEGORIES = 3


@dataclass(frozen=True)
class Newcomers:
    """What is known of customers without a known purchase, made into a list.

    Items of the categories they said or showed to like come first, each part by what sells: in
    the smallest of the shop's own segments they are in, or else in the whole shop. Built-in
    segments tell how customers buy, and nothing of one who does not yet.
    """

    segments: Segments
    live: LiveModel
    sales: SegmentSales

    def welcomed(
        self,
        answer: Answer,
        stored: StoredCustomer | None,
        recommender: Recommender,
        request: Request,
        *,
        view: CatalogView,
        now_ms: int,
    ) -> Answer:
        """A better list for a newcomer, so labelled as before; any other answer as it is.

        Raises StoreUnavailable.
        """
        cold = answer.fallback_reason in (UNKNOWN_CUSTOMER, NO_KNOWN_PURCHASE)
        if not cold or stored is None or not stored.revision or request.again_only:
            return answer
        first = self._liked(stored, recommender, view, now_ms=now_ms)
        shares = self._shares(stored.customer_id, recommender, now_ms=now_ms)
        if first is None and shares is None:
            return answer
        model = recommender.model
        selling = (
            selling_in_shop(model, first=first)
            if shares is None
            else selling_of(shares, first=first)
        )
        found = popular(recommender, request, view=view, selling=selling)
        return replace(
            found, customer_id=answer.customer_id, fallback_reason=answer.fallback_reason
        )

    def _liked(
        self,
        stored: StoredCustomer,
        recommender: Recommender,
        view: CatalogView,
        *,
        now_ms: int,
    ) -> BoolArray | None:
        """The items of the customer's favourite categories, None when none is known."""
        found = self.live.portraits(living([stored]), {}, now_ms=now_ms).preferences
        told = zip(found.category, found.score, found.excluded, strict=True)
        liked = (int(each) for each, score, excluded in told if score > 0 and not excluded)
        masks = recommender.masks_of(view)
        first = np.zeros(len(recommender.model.items), dtype=np.bool_)
        for category in islice(liked, MOST_CATEGORIES):
            first |= masks.in_category(found.labels[category])
        return first if first.any() else None

    def _shares(
        self, customer_id: str, recommender: Recommender, *, now_ms: int
    ) -> FloatArray | None:
        """What sells in the smallest segment of the shop's own that the customer is in."""
        names = {name for name, _ in self.segments.of(customer_id)}
        own = names & {each.name for each in self.segments.own()} if names else set()
        if not own:
            return None
        sizes = self.segments.sizes()
        smallest = min(own, key=lambda name: (sizes.get(name, 0), name))
        return self.sales.shares(recommender.model, smallest, now_ms=now_ms)
