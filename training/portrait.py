"""One customer as of now for the command line: what the API's profile tells."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from engine.live import LiveModel, Surroundings
from engine.loyalty.cuts import Cuts
from engine.portrait import Painter, Portrait, moment_or_none
from engine.store.customers import SqlCustomers
from engine.store.database import Database
from engine.store.features import SqlFeatures
from engine.store.segments import SqlSegments
from training.refresh import catalog_of


def portrait_of(database: Database, cuts: Cuts, customer_id: str, *, at: datetime) -> Portrait:
    """The customer as of `at`, by the given cuts. Raises CustomerUnknown."""
    segments, catalog = SqlSegments(database), catalog_of(database)
    live = LiveModel(Surroundings(cuts=lambda: cuts, items=lambda: catalog, segments=segments.own))
    painter = Painter(SqlCustomers(database), SqlFeatures(database), segments, live)
    return painter.portrait(customer_id, at=at)


def plain(portrait: Portrait, *, explain: bool) -> dict[str, Any]:
    """The portrait as values for JSON, named as in the API's profile."""
    stored = portrait.customer.stored
    summary = stored.summary
    left_out = () if explain else ("explanation",)
    return {
        "customer_id": stored.customer_id,
        "revision": stored.revision,
        "orders": summary.orders,
        "units": summary.units,
        "revenue": summary.revenue,
        "first_order_at": moment_or_none(summary.first_order_ms),
        "last_order_at": moment_or_none(summary.last_order_ms),
        "as_of": portrait.at,
        "cuts_version": portrait.drawn.cuts_version,
        "features": {
            name: {key: value for key, value in told._asdict().items() if key not in left_out}
            for name, told in portrait.told().items()
        },
        "preferences": [each._asdict() for each in portrait.tastes()],
        "segments": list(portrait.segments),
    }
