"""From customers' states to columns: the live way to `States`, for one customer or for many."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import median
from typing import Any, Protocol

import numpy as np

from engine.domain.histories import NetLine, histories_of
from engine.domain.ids import IdTable
from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.fold.choices import Trait
from engine.loyalty.fold.columns import (
    Table,
    cases_of,
    consents_of,
    contacts_of,
    interests_of,
    mails_of,
    opinions_of,
    preferences_of,
    table,
    visits_of,
)
from engine.loyalty.fold.interests import shown_interests
from engine.loyalty.fold.service import all_contacts, cases
from engine.loyalty.net import net_lines, returned_lines
from engine.loyalty.state import CustomerState, Order
from engine.loyalty.states import ItemFacts, People, States

BUSINESS, CONSUMER, UNSAID = 1, 0, -1
ACCOUNT_TYPE = "account_type"
# Who tells one of these buys for a business.
BUSINESS_TRAITS = ("company", "vat_id")
EXCLUSIVE_TAGS = LoyaltyConfig().exclusive_tags


class Described(Protocol):
    """What is asked of a catalogue's item; None is unknown, cost in minor units."""

    @property
    def category(self) -> str | None: ...
    @property
    def cost(self) -> int | None: ...
    @property
    def tags(self) -> Sequence[str]: ...


def states_of(
    customers: Iterable[tuple[str, CustomerState]],
    catalog: Mapping[str, Described],
    *,
    exclusive_tags: Collection[str] = EXCLUSIVE_TAGS,
) -> States:
    """The states of the customers in the order given, with the catalogue's facts on their items.

    Words and items are those that some row names, sorted.
    """
    named = list(customers)
    states = [state for _, state in named]
    left = [net_lines(state) for state in states]
    interests = table([shown_interests(each.interests) for each in states])
    opinions = table([each.opinions for each in states])
    opened = table([cases(each.complaints, each.resolutions, each.answers) for each in states])
    contacts = table([all_contacts(each.contacts, each.complaints) for each in states])
    mails = table([each.mails for each in states])
    preferences = table([each.preferences for each in states])
    consents = table([each.consents for each in states])
    words = _words(opinions, opened, contacts, mails, preferences, consents)
    held = {line.item_id for lines in left for line in lines}
    items = IdTable(sorted(held | interests.texts("item_id") | opinions.texts("item_id")))
    return States(
        goods=histories_of(
            ((name, lines) for (name, _), lines in zip(named, left, strict=True)), items=items
        ),
        people=_people(states, left),
        visits=visits_of(table([each.visits for each in states])),
        interests=interests_of(interests, items),
        opinions=opinions_of(opinions, words, items),
        cases=cases_of(opened, words),
        contacts=contacts_of(contacts, words),
        mails=mails_of(mails, words),
        preferences=preferences_of(preferences, words),
        consents=consents_of(consents, words),
        words=words,
        facts=facts_of(items, catalog, exclusive_tags=exclusive_tags),
    )


def facts_of(
    items: IdTable, catalog: Mapping[str, Described], *, exclusive_tags: Collection[str]
) -> ItemFacts:
    """What the catalogue says of the items; of those it lacks nothing is known.

    Items with one of the tags are those that no competitor sells.
    """
    known = [catalog.get(item) for item in items.ids]
    named = [each.category if each else None for each in known]
    categories = IdTable(sorted({each for each in named if each}))
    costs = (np.nan if each is None or each.cost is None else each.cost for each in known)
    tags = frozenset(exclusive_tags)
    exclusive = (each is not None and not tags.isdisjoint(each.tags) for each in known)
    return ItemFacts(
        items=items,
        category=categories.indices([each or "" for each in named]),
        categories=categories.ids,
        cost=np.fromiter(costs, np.float64, len(items)),
        exclusive=np.fromiter(exclusive, np.bool_, len(items)),
    )


def business_of(traits: Mapping[str, Any]) -> int:
    """1 for a business account, 0 for a consumer, -1 when nobody said; traits by name."""
    account_type = traits.get(ACCOUNT_TYPE)
    if account_type == "consumer":
        return CONSUMER
    if account_type == "business":
        return BUSINESS
    told = (traits.get(name) for name in BUSINESS_TRAITS)
    return BUSINESS if any(isinstance(each, str) and each for each in told) else UNSAID


def _words(*tables: Table[Any]) -> IdTable:
    words = set().union(*(each.texts("topic") for each in tables), tables[0].texts("word"))
    return IdTable(sorted(words))


def _people(states: Sequence[CustomerState], left: Sequence[tuple[NetLine, ...]]) -> People:
    returned = [returned_lines(state, own) for state, own in zip(states, left, strict=True)]
    return People(
        seen_first=np.asarray([each.seen.first for each in states], np.int64),
        seen_last=np.asarray([each.seen.last for each in states], np.int64),
        signed_up=np.asarray([each.seen.signed_up for each in states], np.int64),
        placed=np.asarray([len(each.orders) for each in states], np.int64),
        bought=np.asarray(
            [sum(len(order.lines) for order in each.orders) for each in states], np.int64
        ),
        returned=np.asarray(returned, np.int64),
        days_to_pay=np.asarray([_days_to_pay(each.orders) for each in states], np.float64),
        business=np.asarray([_business(each.traits) for each in states], np.int8),
    )


def _days_to_pay(orders: Sequence[Order]) -> float:
    told = [order.days_to_pay for order in orders if order.days_to_pay is not None]
    return median(told) if told else np.nan


def _business(traits: Sequence[Trait]) -> int:
    return business_of({each.topic: each.value for each in traits}) if traits else UNSAID
