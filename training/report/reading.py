"""From the event log and the live model to what a report is made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from engine.domain.histories import DAY_MS
from engine.errors import DataRefused
from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.cuts import Cuts
from engine.loyalty.features.registry import FEATURES, Features, features
from engine.loyalty.fit import fit_cuts
from engine.loyalty.states import States
from engine.segments.book import SegmentBook
from engine.segments.segment import Segment
from engine.segments.shop import shop_book
from engine.store.catalog import SqlCatalog
from engine.store.database import Database
from engine.store.ledger import SqlLedger
from engine.store.log_reader import ReadLog, log_span, read_log
from engine.store.model_store import ModelStore
from engine.store.segments import SqlSegments
from training.report.assembly.sources import Sources
from training.report.membership import members, of_features_alone
from training.states import states_before

Step = Callable[[str], None]


@dataclass(frozen=True)
class Shop:
    """Where a report's data come from: the truth, the models, a teller of steps."""

    database: Database
    models: ModelStore
    step: Step = lambda name: None


def read_sources(shop: Shop, *, until_ms: int | None = None, cuts: Cuts | None = None) -> Sources:
    """Customers as of a time, or of the log's last event; with the cuts given or the live model's.

    Without any, cuts are fitted on the spot. Raises DataRefused for an empty log.
    """
    cut_ms = _cut(shop.database, until_ms)
    shop.step("reading the log")
    log = read_log(shop.database, until_ms=cut_ms)
    shop.step("looking at each customer")
    states = _states(shop, log, cut_ms)
    cuts = cuts or _live_cuts(shop.models) or fit_cuts(states, LoyaltyConfig(), now_ms=cut_ms)
    now = features(states, cuts, now_ms=cut_ms)
    book = shop_book(SqlSegments(shop.database).own(), FEATURES)
    segments = of_features_alone(book)
    sources = Sources(
        states=states,
        features=now,
        cuts=cuts,
        currency=currency_of(shop.database),
        segments=segments,
        segments_left_out=len(book) - len(segments),
        members=members(segments, book, now),
    )
    shop.step("looking back a month")
    month_ms = int(cuts.config.month * DAY_MS)
    before = features(_states(shop, log, cut_ms - month_ms), cuts, now_ms=cut_ms - month_ms)
    return replace(sources, members_before=_names(segments, book, before))


def _states(shop: Shop, log: ReadLog, cut_ms: int) -> States:
    catalog = {item.item_id: item for item in SqlCatalog(shop.database).all()}
    return states_before(log, cut_ms=cut_ms, catalog=catalog)


def _names(
    segments: tuple[Segment, ...], book: SegmentBook, before: Features
) -> dict[str, frozenset[str]]:
    return {
        name: frozenset(before.customers[row] for row in np.flatnonzero(mask).tolist())
        for name, mask in members(segments, book, before).items()
    }


def _cut(database: Database, until_ms: int | None) -> int:
    events, first_ms, last_ms = log_span(database)
    if not events or first_ms is None or last_ms is None:
        raise DataRefused("the event log is empty; run `regulars ingest FILE` first")
    cut_ms = last_ms + 1 if until_ms is None else min(until_ms, last_ms + 1)
    if cut_ms <= first_ms:
        raise DataRefused("nothing is in the log before that day; give a later --until")
    return cut_ms


def _live_cuts(models: ModelStore) -> Cuts | None:
    version = models.current_version()
    if version is None:
        return None
    return models.load(version).cuts


def currency_of(database: Database) -> str | None:
    """The currency of all sums in the shop, None when none was ever stated."""
    with SqlLedger(database).transaction() as transaction:
        return transaction.shop_currency(None)
