"""From a request for a list to the finished JSON: cached, computed, or plainer, but answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Protocol, TypeAlias

import msgspec

from api.asking import Breaker, asking
from api.best_sellers import BestSellers
from api.budget import Budget, OutOfTime
from api.catalog_views import CatalogViews
from api.kept_lists import KeptLists
from api.list_answers import cache_field, request_name, told
from api.model_watch import ModelWatch
from api.wire import FallbackReason, Recommendations, ServedBy, encode
from engine.domain.customers import StoredCustomer
from engine.domain.events import to_ms
from engine.domain.histories import Histories, histories_of
from engine.domain.marks import marks
from engine.errors import StoreUnavailable
from engine.list_cache import Stamp
from engine.loyalty.net import net_lines
from engine.loyalty.state import decode
from engine.newcomers import Newcomers
from engine.ports import Customers
from engine.recommend.answer import Answer, CatalogView, Request
from engine.recommend.basket import Hand, for_hand
from engine.recommend.recommender import Recommender
from engine.recommend.rerank import rerank
from engine.recommend.surfaces import bought_together, popular, selling_of, similar
from engine.segment_keeper import SegmentKeeper


@dataclass(frozen=True)
class Lists:
    """Answers every request for a list; each method's result is the JSON body."""

    customers: Customers
    kept: KeptLists
    budget: Budget
    models: ModelWatch
    views: CatalogViews
    clock: Callable[[], datetime]
    breaker: Breaker
    best_sellers: BestSellers
    newcomers: Newcomers
    keeper: SegmentKeeper

    def for_customer(self, customer_id: str, request: Request) -> bytes:
        """The customer's list: the cached one, or a new one that is then kept.

        One that cannot be made, or not in time, is answered with the customer's last list for the
        request, or else with what is popular; the answer says so.
        """
        recommender = self.models.current()
        if recommender is None:
            return self._of_shop(popular, request, customer_id=customer_id)
        name = self.name_of(recommender, request)
        found = self.kept.found(customer_id, name) or self.kept.awaited(customer_id, name)
        if found is not None:
            return found
        try:
            return self.budget.spend(partial(self._made, recommender, customer_id, request, name))
        except StoreUnavailable:
            self.kept.leave(customer_id, name)
            reason = FallbackReason.STORE_UNAVAILABLE
        except OutOfTime:
            reason = FallbackReason.OUT_OF_TIME
        view = self._glimpsed()
        last = self.kept.last(
            customer_id, request_name(request), reason, unavailable=view.unavailable
        )
        return last or self._without_store(
            popular, request, customer_id=customer_id, reason=reason, view=view
        )

    def make_for(self, recommender: Recommender, customer_id: str, request: Request) -> bytes:
        """A new list of the customer's by the recommender, which is then kept.

        Raises StoreUnavailable.
        """
        name = self.name_of(recommender, request)
        return self._made(recommender, customer_id, request, name)

    def name_of(self, recommender: Recommender, request: Request) -> str:
        """The name of a list in its customer's cached ones, as of now."""
        epoch = recommender.steering.epoch(self._now_ms())
        return cache_field(recommender.model.version, request, epoch=epoch)

    def popular(self, request: Request, *, segment: str | None = None) -> bytes:
        """The items that sell best now, in a segment when one is named.

        Raises SegmentUnknown.
        """
        if segment is None:
            return self._of_shop(popular, request)
        try:
            with asking(self.breaker):
                self.keeper.one(segment)
                return self._of_shop(partial(self._popular_in, segment), request)
        except StoreUnavailable:
            return self._without_store(popular, request)

    def similar(self, item_id: str, request: Request) -> bytes:
        """Items like the given one, popular ones when the model does not know it."""

        def make(recommender: Recommender, asked: Request, *, view: CatalogView) -> Answer:
            return similar(recommender, item_id, asked, view=view)

        return self._of_shop(make, request)

    def bought_together(self, item_id: str, request: Request) -> bytes:
        """Items in one order with the given one, popular ones when the model does not know it."""

        def make(recommender: Recommender, asked: Request, *, view: CatalogView) -> Answer:
            return bought_together(recommender, item_id, asked, view=view)

        return self._of_shop(make, request)

    def for_hand(self, hand: Hand, request: Request, *, customer_id: str | None = None) -> bytes:
        """What goes with the items in hand, whoever holds them."""

        def make(
            recommender: Recommender, asked: Request, own: Histories | None, view: CatalogView
        ) -> Answer:
            now_ms = self._now_ms()
            return for_hand(recommender, hand, asked, view=view, now_ms=now_ms, customer=own)

        return self._with_history(make, request, customer_id=customer_id)

    def rerank(self, customer_id: str, item_ids: tuple[str, ...], request: Request) -> bytes:
        """The given items in the order the customer would like them."""

        def make(
            recommender: Recommender, asked: Request, own: Histories | None, view: CatalogView
        ) -> Answer:
            now_ms = self._now_ms()
            whose = _histories(customer_id, None, recommender) if own is None else own
            return rerank(recommender, whose, item_ids, asked, view=view, now_ms=now_ms)

        return self._with_history(make, request, customer_id=customer_id)

    def _with_history(
        self, make: _OfCustomer, request: Request, *, customer_id: str | None
    ) -> bytes:
        """An answer from what a customer bought; without it when the database is away."""
        recommender = self.models.current()
        known = recommender or self.best_sellers.recommender()
        own, reason = None, None if recommender else FallbackReason.NO_MODEL
        try:
            with asking(self.breaker):
                view = self.views.latest()
                if customer_id is not None:
                    stored = self.customers.load(customer_id)
                    own = _histories(customer_id, stored, known)
        except StoreUnavailable:
            view = self.views.last_known()
            reason = reason or (FallbackReason.STORE_UNAVAILABLE if customer_id else None)
        answer = make(known, request, own, view)
        labelled = replace(answer, fallback_reason=reason.value) if reason else answer
        return encode(self._told(labelled, recommender, customer_id, request))

    def _popular_in(
        self, segment: str, recommender: Recommender, request: Request, *, view: CatalogView
    ) -> Answer:
        model = recommender.model
        shares = self.newcomers.sales.shares(model, segment, now_ms=self._now_ms())
        if shares is None:
            answer = popular(recommender, request, view=view)
            return replace(answer, fallback_reason=FallbackReason.EMPTY_SEGMENT.value)
        return popular(recommender, request, view=view, selling=selling_of(shares))

    def _of_shop(self, make: _OfShop, request: Request, *, customer_id: str | None = None) -> bytes:
        """An answer that asks for no customer; without a model, from what sold lately."""
        recommender = self.models.current()
        if recommender is not None:
            answer = make(recommender, request, view=self._view())
        else:
            answer = make(self.best_sellers.recommender(), request, view=self._view())
            answer = replace(answer, fallback_reason=FallbackReason.NO_MODEL.value)
        return encode(self._told(answer, recommender, customer_id, request))

    def _without_store(
        self,
        make: _OfShop,
        request: Request,
        *,
        customer_id: str | None = None,
        reason: FallbackReason = FallbackReason.STORE_UNAVAILABLE,
        view: CatalogView | None = None,
    ) -> bytes:
        recommender = self.models.current()
        known = recommender or self.best_sellers.recommender()
        answer = make(known, request, view=view or self.views.last_known())
        labelled = replace(answer, fallback_reason=reason.value)
        return encode(self._told(labelled, recommender, customer_id, request))

    def _made(
        self, recommender: Recommender, customer_id: str, request: Request, name: str
    ) -> bytes:
        """A new list, kept if the customer is known. Raises StoreUnavailable."""
        with asking(self.breaker):
            stored = self.customers.load(customer_id)
            view = self.views.latest()
        answer = self._computed(recommender, customer_id, stored, request, view)
        made = self._told(answer, recommender, customer_id, request)
        if stored is None:
            self.kept.leave(customer_id, name)
        else:
            stamp = Stamp(stored.revision, view.revision, _concerned(answer))
            kept = msgspec.structs.replace(made, served_by=ServedBy.CACHE)
            self.kept.keep(customer_id, name, encode(kept), stamp)
        return encode(made)

    def _computed(
        self,
        recommender: Recommender,
        customer_id: str,
        stored: StoredCustomer | None,
        request: Request,
        view: CatalogView,
    ) -> Answer:
        histories = _histories(customer_id, stored, recommender)
        now_ms = self._now_ms()
        (answer,) = recommender.recommend(histories, request, view=view, now_ms=now_ms)
        if answer.fallback_reason is None:
            return answer
        try:
            with asking(self.breaker):
                return self.newcomers.welcomed(
                    answer, stored, recommender, request, view=view, now_ms=now_ms
                )
        except StoreUnavailable:
            return answer

    def _view(self) -> CatalogView:
        try:
            with asking(self.breaker):
                return self.views.latest()
        except StoreUnavailable:
            return self.views.last_known()

    def _glimpsed(self) -> CatalogView:
        """The catalogue as it is, when that can be told at once; else as it last was."""
        try:
            return self.budget.glance(self._view)
        except OutOfTime:
            return self.views.last_known()

    def _told(
        self,
        answer: Answer,
        recommender: Recommender | None,
        customer_id: str | None,
        request: Request,
    ) -> Recommendations:
        return told(answer, recommender, customer_id, request, now=self.clock())

    def _now_ms(self) -> int:
        return to_ms(self.clock())


class _OfShop(Protocol):
    """Makes a list for nobody in particular."""

    def __call__(
        self, recommender: Recommender, request: Request, /, *, view: CatalogView
    ) -> Answer: ...


# Makes a list from what a customer bought; None: nobody knows.
_OfCustomer: TypeAlias = Callable[[Recommender, Request, Histories | None, CatalogView], Answer]


def _concerned(answer: Answer) -> bytes | None:
    """The marks of the items whose change concerns the answer, None for any item's."""
    if answer.missed is None:
        return None
    return marks((*(item.item_id for item in answer.items), *answer.missed))


def _histories(
    customer_id: str, stored: StoredCustomer | None, recommender: Recommender
) -> Histories:
    lines = net_lines(decode(stored.state)) if stored else ()
    return histories_of([(customer_id, lines)], items=recommender.model.items)
