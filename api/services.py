"""What the API is made of, handed to it by the wiring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from api.asking import Breaker
from api.best_sellers import BestSellers
from api.budget import Budget
from api.catalog_changes import CatalogChanges
from api.catalog_views import CatalogViews
from api.guard.guard import Guard
from api.kept_lists import KeptLists
from api.lists import Lists
from api.model_watch import ModelWatch
from api.robots import Pace
from api.storefront.sample import Sample
from api.telemetry.overview import Overview
from api.telemetry.readiness import CACHE, DATABASE, KEYS, MODEL, Check, Readiness, answers, checked
from api.telemetry.watching import Watching
from engine.domain.rejects import Rejects
from engine.identity_keeper import IdentityKeeper
from engine.intake import Intake
from engine.list_cache import ListCache
from engine.live import LiveModel
from engine.newcomers import Newcomers
from engine.portrait import Painter
from engine.ports import Catalog, Customers, Features, Sales, Segments
from engine.ports_access import ApiKeys
from engine.segment_keeper import SegmentKeeper
from engine.segment_sales import SegmentSales


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Clients:
    """What events of clients made for other systems need: `currency` is the shop's, if settled."""

    identities: IdentityKeeper
    rejects: Rejects
    currency: Callable[[], str | None]
    pace: Pace = field(default_factory=Pace)


@dataclass(frozen=True)
class Services:
    """The parts behind the routes. `close` stops what runs beside them, last begun first."""

    intake: Intake
    customers: Customers
    catalog: Catalog
    sales: Sales
    features: Features
    segments: Segments
    live: LiveModel
    cache: ListCache
    models: ModelWatch
    changes: CatalogChanges
    budget: Budget
    breaker: Breaker
    clients: Clients
    guard: Guard
    keys: ApiKeys
    clock: Callable[[], datetime] = utc_now
    watching: Watching = field(default_factory=Watching.alone)
    max_body_bytes: int = 5_000_000
    storefront: Sample | None = None
    closers: tuple[Callable[[], None], ...] = ()
    lists: Lists = field(init=False)
    keeper: SegmentKeeper = field(init=False)
    painter: Painter = field(init=False)
    overview: Overview = field(init=False)

    def __post_init__(self) -> None:
        """Build what follows from the parts."""
        object.__setattr__(self, "keeper", keeper_of(self.segments, self.live))
        sales = SegmentSales(self.customers, self.segments)
        lists = Lists(
            customers=self.customers,
            kept=KeptLists(self.cache, self.customers, self.catalog, self.changes),
            budget=self.budget,
            models=self.models,
            views=CatalogViews(self.catalog),
            clock=self.clock,
            breaker=self.breaker,
            best_sellers=BestSellers(self.sales, self.clock),
            newcomers=Newcomers(self.segments, self.live, sales),
            keeper=self.keeper,
        )
        object.__setattr__(self, "lists", lists)
        painter = Painter(self.customers, self.features, self.segments, self.live)
        object.__setattr__(self, "painter", painter)
        overview = Overview(
            watching=self.watching,
            models=self.models,
            readiness=Readiness(self._checks(), fresh_for=self.watching.fresh_for),
            waiting=lambda: self.intake.waiting,
            clock=self.clock,
        )
        object.__setattr__(self, "overview", overview)

    def close(self) -> None:
        """Stop the background and close connections."""
        for each in reversed(self.closers):
            each()

    def _checks(self) -> dict[str, Check]:
        """What tells whether each part is well."""
        return {
            DATABASE: answers(self.catalog.revision),
            CACHE: answers(self.cache.ping),
            MODEL: checked(lambda: self.models.current() is not None, "no model can serve"),
            KEYS: checked(lambda: self.guard.informed, "which keys there are is not known"),
            **self.watching.checks,
        }


def keeper_of(segments: Segments, live: LiveModel) -> SegmentKeeper:
    """The keeper of the segments by the book that the live model holds."""
    return SegmentKeeper(segments, book=lambda: live.rules(segments.revision()).book)
