"""The customer model live: features, lifecycle stage and segments move with every event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import msgspec

from engine.domain.catalog import Item
from engine.domain.customers import StoredCustomer
from engine.domain.events import EventType
from engine.domain.features import FeatureRow, LastStage, Move, StoredSegment
from engine.loyalty.cuts import Cuts
from engine.loyalty.features.context import Context
from engine.loyalty.features.registry import FEATURES, Features, features
from engine.loyalty.features.rows import feature_rows, memory_of, stage_changes
from engine.loyalty.features.tastes import CategoryPreferences, category_preferences
from engine.loyalty.gather import states_of
from engine.loyalty.state import CustomerState, decode
from engine.loyalty.states import States
from engine.ports import Counts, LedgerTransaction
from engine.segments.attributes import attributes_json
from engine.segments.book import SegmentBook
from engine.segments.predicate import CountEvents, Person, Predicate, predicate
from engine.segments.shop import shop_book


class Living(NamedTuple):
    """A customer as stored, and the state decoded."""

    stored: StoredCustomer
    state: CustomerState


@dataclass(frozen=True)
class Surroundings:
    """What features refer to beside the customer, as of now."""

    cuts: Callable[[], Cuts]
    items: Callable[[], Mapping[str, Item]]
    segments: Callable[[], Sequence[StoredSegment]]


@dataclass(frozen=True)
class Portraits:
    """Customers as of a moment: features by the cuts of that version, and categories wanted."""

    features: Features
    preferences: CategoryPreferences
    cuts_version: str


class Rules(NamedTuple):
    """The segments of a shop, and a function for each that says who is in it."""

    revision: int
    book: SegmentBook
    predicates: Mapping[str, Predicate]

    def segments_of(self, person: Person, *, now_ms: int) -> list[str]:
        """The names of the segments that the person is in, sorted."""
        return sorted(name for name, holds in self.predicates.items() if holds(person, now_ms))


class LiveModel:
    """Keeps customers' features and segments in step, inside the transaction of their events."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._rules = Rules(-1, SegmentBook(()), {})

    def follow(
        self, transaction: LedgerTransaction, customers: Sequence[Living], *, now_ms: int
    ) -> None:
        """Work out the customers' features as of now, and write what they change."""
        if not customers:
            return
        before = transaction.stages([each.stored.customer_id for each in customers])
        # Asked for once: another model may begin to serve while this runs.
        cuts = self._around.cuts()
        rows = feature_rows(
            features(self._states(customers, before, cuts), cuts, now_ms=now_ms),
            revisions=[each.stored.revision for each in customers],
            attributes=[attributes_of(each.state) for each in customers],
            version=cuts.version,
        )
        transaction.save_features(rows, changes=stage_changes(before, rows))
        transaction.move(self._moves(transaction, rows, now_ms=now_ms))

    def features_of(
        self, customers: Sequence[Living], before: Mapping[str, LastStage], *, now_ms: int
    ) -> Features:
        """The customers' features as of now, in order; `before` remembers their stages."""
        cuts = self._around.cuts()
        return features(self._states(customers, before, cuts), cuts, now_ms=now_ms)

    def portraits(
        self, customers: Sequence[Living], before: Mapping[str, LastStage], *, now_ms: int
    ) -> Portraits:
        """The customers' features and preferences as of now, in order."""
        cuts = self._around.cuts()
        states = self._states(customers, before, cuts)
        return Portraits(
            features(states, cuts, now_ms=now_ms),
            category_preferences(Context.of(states, cuts, now_ms=now_ms)),
            cuts.version,
        )

    def cuts_version(self) -> str:
        """The version of the cuts that features are worked out by now, "" for untrained ones."""
        return self._around.cuts().version

    def _states(
        self, customers: Sequence[Living], before: Mapping[str, LastStage], cuts: Cuts
    ) -> States:
        states = states_of(
            ((each.stored.customer_id, each.state) for each in customers),
            self._around.items(),
            exclusive_tags=cuts.config.exclusive_tags,
        )
        memory = memory_of([before.get(each.stored.customer_id) for each in customers])
        return replace(states, memory=memory)

    def _moves(
        self, transaction: LedgerTransaction, rows: Sequence[FeatureRow], *, now_ms: int
    ) -> list[Move]:
        rules = self.rules(transaction.segments_revision())
        members = transaction.memberships([row.customer_id for row in rows])
        moves: list[Move] = []
        for row in rows:
            count = counter(transaction, row.customer_id, now_ms=now_ms)
            person = Person(row.values, msgspec.json.decode(row.attributes), count)
            before = members.get(row.customer_id, set())
            after = set(rules.segments_of(person, now_ms=now_ms))
            moves += [Move(name, row.customer_id, False, now_ms) for name in sorted(before - after)]
            moves += [Move(name, row.customer_id, True, now_ms) for name in sorted(after - before)]
        return moves

    def rules(self, revision: int) -> Rules:
        """The shop's segments as of a revision of its own ones, or a later one."""
        rules = self._rules
        if rules.revision < revision:
            book = shop_book(self._around.segments(), FEATURES)
            predicates = {each.name: predicate(book.condition(each.name)) for each in book}
            self._rules = rules = Rules(revision, book, predicates)
        return rules


def living(stored: Iterable[StoredCustomer]) -> list[Living]:
    """Stored customers with their states decoded."""
    return [Living(each, decode(each.state)) for each in stored]


def attributes_of(state: CustomerState) -> str:
    """What the shop told of the customer, as the text of a JSON object."""
    return attributes_json({trait.topic: trait.value for trait in state.traits})


def counter(events: Counts, customer_id: str, *, now_ms: int) -> CountEvents:
    """A function that counts a customer's events up to now."""

    def count(kind: EventType, since_ms: int | None, item_id: str | None) -> int:
        return events.count_events(
            customer_id, kind, since_ms=since_ms, until_ms=now_ms, item_id=item_id
        )

    return count
