"""From a request for a list to the finished JSON: cached, computed, or plainer, but answered."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import msgspec

from api.best_sellers import BestSellers
from api.catalog_views import CatalogViews
from api.model_watch import ModelWatch
from api.wire import (
    FallbackReason,
    ListedItem,
    ReasonOut,
    Recommendations,
    ServedBy,
    encode,
)
from engine.domain.customers import StoredCustomer
from engine.domain.histories import histories_of
from engine.errors import StoreUnavailable
from engine.loyalty.net import net_lines
from engine.loyalty.state import decode
from engine.ports import Catalog, Customers, ListCache, Stamp
from engine.recommend.answer import Answer, CatalogView, Request
from engine.recommend.recommender import Recommender


class Breaker(Protocol):
    """Says whether a service that failed may be asked again (`engine.store.breaker`)."""

    def allows(self) -> bool:
        """Whether to ask now, and then report how it went."""

    def succeeded(self) -> None:
        """Note an answer."""

    def failed(self) -> None:
        """Note a failure."""


@dataclass(frozen=True)
class Lists:
    """Answers every request for a list; each method's result is the JSON body."""

    customers: Customers
    catalog: Catalog
    cache: ListCache
    models: ModelWatch
    views: CatalogViews
    clock: Callable[[], datetime]
    breaker: Breaker
    best_sellers: BestSellers

    def for_customer(self, customer_id: str, request: Request) -> bytes:
        """The customer's list: the cached one, or a new one that is then kept."""
        recommender = self.models.current()
        if recommender is None:
            return encode(self._without_model(customer_id, request))
        name = cache_field(recommender.model.version, request)
        cached = self._cached(customer_id, name)
        if cached is not None:
            return cached
        try:
            with self._asking_store():
                stored = self.customers.load(customer_id)
                view = self.views.latest()
        except StoreUnavailable:
            return encode(self._without_store(recommender, customer_id, request))
        answer = self._computed(recommender, customer_id, stored, request, view)
        if stored is not None:
            stamp = Stamp(stored.revision, view.revision)
            kept = msgspec.structs.replace(answer, served_by=ServedBy.CACHE)
            self._keep(customer_id, name, encode(kept), stamp)
        return encode(answer)

    def popular(self, request: Request) -> bytes:
        """The items that sell best now."""
        recommender = self.models.current()
        if recommender is None:
            return encode(self._without_model(None, request))
        answer = recommender.popular(request, view=self._view())
        return encode(self._wire(answer, recommender, None, request))

    def similar(self, item_id: str, request: Request) -> bytes:
        """Items like the given one, popular ones when the model does not know it."""
        recommender = self.models.current()
        if recommender is None:
            others = replace(request, exclude_item_ids=request.exclude_item_ids | {item_id})
            return encode(self._without_model(None, others))
        answer = recommender.similar(item_id, request, view=self._view())
        return encode(self._wire(answer, recommender, None, request))

    def _cached(self, customer_id: str, name: str) -> bytes | None:
        try:
            return self.cache.read(customer_id, name)
        except StoreUnavailable:
            return None

    def _computed(
        self,
        recommender: Recommender,
        customer_id: str,
        stored: StoredCustomer | None,
        request: Request,
        view: CatalogView,
    ) -> Recommendations:
        lines = net_lines(decode(stored.state)) if stored else ()
        histories = histories_of([(customer_id, lines)], items=recommender.model.items)
        now_ms = int(self.clock().timestamp() * 1000)
        (answer,) = recommender.recommend(histories, request, view=view, now_ms=now_ms)
        return self._wire(answer, recommender, customer_id, request)

    def _without_store(
        self, recommender: Recommender, customer_id: str, request: Request
    ) -> Recommendations:
        answer = recommender.popular(request, view=self.views.last_known())
        labelled = replace(answer, fallback_reason=FallbackReason.STORE_UNAVAILABLE.value)
        return self._wire(labelled, recommender, customer_id, request)

    def _keep(self, customer_id: str, name: str, body: bytes, stamp: Stamp) -> None:
        """Cache a list, and take it back when what it was computed from has moved on.

        The cache refuses what is older than the last event it was told of. One that restarted
        knows of none, and what it was told just before is lost: hence the second look.
        """
        try:
            if not self.cache.write(customer_id, name, body, stamp=stamp):
                return
            revision = self.customers.revision(customer_id)
            if revision > stamp.customer_revision:
                self.cache.forget({customer_id: revision})
            catalog_revision = self.catalog.revision()
            if catalog_revision > stamp.catalog_revision:
                self.cache.set_catalog_revision(catalog_revision)
        except StoreUnavailable:
            # The list was computed and is right; the next one is computed again.
            return

    @contextmanager
    def _asking_store(self) -> Iterator[None]:
        """Ask the database inside, unless it failed just now: a list waits for it only briefly."""
        if not self.breaker.allows():
            raise StoreUnavailable("the database failed repeatedly and is left alone for a moment")
        try:
            yield
        except StoreUnavailable:
            self.breaker.failed()
            raise
        self.breaker.succeeded()

    def _view(self) -> CatalogView:
        try:
            with self._asking_store():
                return self.views.latest()
        except StoreUnavailable:
            return self.views.last_known()

    def _without_model(self, customer_id: str | None, request: Request) -> Recommendations:
        answer = self.best_sellers.recommender().popular(request, view=self._view())
        labelled = replace(answer, fallback_reason=FallbackReason.NO_MODEL.value)
        return self._wire(labelled, None, customer_id, request)

    def _wire(
        self,
        answer: Answer,
        recommender: Recommender | None,
        customer_id: str | None,
        request: Request,
    ) -> Recommendations:
        plain = answer.fallback_reason is not None
        return Recommendations(
            recommendation_id=uuid.uuid4().hex,
            placement=request.placement,
            customer_id=customer_id,
            model_version=recommender.model.version if recommender else None,
            generated_at=self.clock(),
            served_by=ServedBy.POPULAR if plain else ServedBy.MODEL,
            fallback_reason=answer.fallback_reason,
            items=_listed(answer),
            requested=answer.requested,
            returned=len(answer.items),
            dropped=dict(answer.dropped),
        )


def cache_field(model_version: str, request: Request) -> str:
    """The name of a list in its customer's hash: equal exactly for equal requests to a model."""
    content = {name: getattr(request, name) for name in Request.__slots__}
    content["exclude_item_ids"] = sorted(request.exclude_item_ids)
    encoded = msgspec.json.encode(content, order="deterministic")
    # A digest, since the ids to exclude may be a thousand.
    return f"{model_version}:{hashlib.blake2b(encoded, digest_size=16).hexdigest()}"


def _listed(answer: Answer) -> tuple[ListedItem, ...]:
    return tuple(
        ListedItem(
            item_id=item.item_id,
            rank=item.rank,
            score=item.score,
            source=item.source,
            reasons=tuple(ReasonOut(reason.code, reason.item_id) for reason in item.reasons),
        )
        for item in answer.items
    )
