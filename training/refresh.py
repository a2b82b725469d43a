"""Everyone's features and segments as of now: by SQL over the log, into the feature table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from engine.domain.catalog import Item
from engine.domain.features import FeatureRow, SegmentRun
from engine.loyalty.cuts import Cuts
from engine.loyalty.features.registry import FEATURES, Features, features
from engine.loyalty.features.rows import feature_rows, memory_of, stage_changes
from engine.loyalty.states import States
from engine.ports import LedgerTransaction, Segments
from engine.segment_keeper import SegmentKeeper
from engine.segments.shop import shop_book
from engine.store.catalog import SqlCatalog
from engine.store.customers import SqlCustomers
from engine.store.database import Database
from engine.store.ledger import SqlLedger
from engine.store.log_reader import read_log
from engine.store.segments import SqlSegments
from training.progress import Progress
from training.states import states_before
from training.states.traits import attributes_before

# Customers at a time: a server that records events beside waits no longer than for so many.
PAGE = 1_000
NOTHING_TOLD = "{}"
# Later than any event, in ms.
_NO_CUT = 2**62


@dataclass(frozen=True)
class Refreshed:
    """How many customers have features as of now, how many changed stage, and the segments.

    Customers `left` had news meanwhile; whoever recorded it worked out their features.
    """

    customers: int
    changes: int
    left: int
    segments: tuple[SegmentRun, ...]


@dataclass(frozen=True)
class _Everyone:
    """Customers as of `now_ms`, the revisions they had before, what was told of them."""

    states: States
    revisions: Mapping[str, int]
    attributes: Mapping[str, str]
    now_ms: int


def refresh(
    database: Database,
    cuts: Cuts,
    *,
    now_ms: int,
    progress: Progress,
    show: Callable[[Features], None] = lambda _: None,
) -> Refreshed:
    """Work out and store every customer's features and segments as of now.

    Safe beside a server that records events, and to repeat: what is stored is as of the last run
    or of a customer's last event, whichever is later. `show` is handed the features, a page of
    customers at a time. Raises StoreUnavailable.
    """
    with progress.track("reading the log", total=0):
        everyone = _read(database, cuts, now_ms=now_ms)
    ledger, count = SqlLedger(database), len(everyone.states)
    done = stored = changes = 0
    with progress.track("working out features", total=count) as advance:
        for states in pages(everyone.states, size=PAGE):
            with ledger.transaction() as transaction:
                found, rows, changed = _store(transaction, replace(everyone, states=states), cuts)
            show(found)
            done, stored, changes = done + len(states), stored + rows, changes + changed
            advance(done)
    runs = refresh_segments(SqlSegments(database), now_ms=now_ms, progress=progress)
    return Refreshed(stored, changes, count - stored, runs)


def told(done: Refreshed) -> str:
    """What a refresh did, in one line."""
    parts = [
        f"{done.customers:,} customers as of now",
        f"{done.changes:,} changed stage",
        f"{len(done.segments)} segments worked out",
    ]
    if done.left:
        parts.append(f"{done.left:,} had news meanwhile and keep what came of it")
    return f"Features: {'; '.join(parts)}."


def refresh_segments(
    segments: Segments, *, now_ms: int, progress: Progress
) -> tuple[SegmentRun, ...]:
    """Work out the members of every segment from the stored features; the runs in their order."""
    keeper = keeper_of(segments)
    book, runs = keeper.book(), []
    with progress.track("working out segments", total=len(book)) as advance:
        for number, segment in enumerate(book, start=1):
            runs.append(keeper.refresh(book, segment.name, now_ms=now_ms))
            advance(number)
    return tuple(runs)


def keeper_of(segments: Segments) -> SegmentKeeper:
    """The keeper of the shop's segments as they are stored."""
    return SegmentKeeper(segments, book=lambda: shop_book(segments.own(), FEATURES))


def catalog_of(database: Database) -> dict[str, Item]:
    """Every described item by id."""
    return {item.item_id: item for item in SqlCatalog(database).all()}


def _read(database: Database, cuts: Cuts, *, now_ms: int) -> _Everyone:
    # Before the log: whatever comes between belongs to a later revision, and is not overwritten.
    revisions = {
        each.customer_id: each.revision
        for page in SqlCustomers(database).pages(size=PAGE)
        for each in page
    }
    # All of it, as single customers' states hold all of it: a sender's clock may be ahead of ours.
    log = read_log(database)
    return _Everyone(
        states=states_before(
            log,
            cut_ms=_NO_CUT,
            catalog=catalog_of(database),
            exclusive_tags=cuts.config.exclusive_tags,
        ),
        revisions=revisions,
        attributes=attributes_before(log.events, cut_ms=_NO_CUT),
        now_ms=now_ms,
    )


def pages(states: States, *, size: int) -> Iterator[States]:
    """The states, so many customers at a time."""
    for start in range(0, len(states), size):
        yield states.take(np.arange(start, min(start + size, len(states))))


def _store(
    transaction: LedgerTransaction, page: _Everyone, cuts: Cuts
) -> tuple[Features, int, int]:
    """The page's features, how many were stored, and how many customers changed stage."""
    names = page.states.customers
    # Held, so that no event moves a customer between looking at the last stage and writing.
    held, before = transaction.lock(names), transaction.stages(names)
    memory = memory_of([before.get(each) for each in names])
    found = features(replace(page.states, memory=memory), cuts, now_ms=page.now_ms)
    current = [
        row
        for row, name in enumerate(names)
        if name in held and held[name].revision <= page.revisions.get(name, 0)
    ]
    rows = _rows(page, found.take(np.asarray(current, dtype=np.int64)), version=cuts.version)
    changes = stage_changes(before, rows)
    transaction.save_features(rows, changes=changes)
    return found, len(rows), len(changes)


def _rows(page: _Everyone, found: Features, *, version: str) -> list[FeatureRow]:
    return feature_rows(
        found,
        revisions=[page.revisions[each] for each in found.customers],
        attributes=[page.attributes.get(each, NOTHING_TOLD) for each in found.customers],
        version=version,
    )
