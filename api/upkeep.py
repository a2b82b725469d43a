"""Telling the cache what has gone stale, again and again until it has heard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.list_cache import ListCache
from engine.ports import Catalog, Invalidations

PAGE = 1_000


@dataclass(frozen=True)
class Upkeep:
    """Brings a cache up to date with the database.

    Events tell the cache at once. What it missed while it was away, and what other processes
    changed, such as an ingest, is told here.
    """

    cache: ListCache
    catalog: Catalog
    invalidations: Invalidations

    def carry_out(self) -> None:
        """Carry out every invalidation that is noted. Raises StoreUnavailable when it cannot."""
        self.cache.set_catalog_revision(self.catalog.revision())
        while pending := self.invalidations.pending(limit=PAGE):
            self.cache.forget(pending)
            self.invalidations.clear(pending)
            # Notes that come while this runs are carried out by those who wrote them.
            if len(pending) < PAGE:
                return


def with_catch_up(
    upkeep: Upkeep, catch_up: Callable[[Callable[[], object]], bool]
) -> Callable[[], object]:
    """The upkeep of a cache that answers again only once it has caught up."""

    def keep() -> None:
        if catch_up(upkeep.carry_out):
            upkeep.carry_out()

    return keep
