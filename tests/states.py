"""States of customers made by hand, without events and without a fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from engine.domain.histories import DAY_MS, NetLine, histories_of
from engine.domain.ids import IdTable
from engine.loyalty.cuts import Cuts
from engine.loyalty.feature import Column
from engine.loyalty.features.context import Columns, Context
from engine.loyalty.states import (
    NEVER,
    SENT,
    Cases,
    Consents,
    Contacts,
    Interests,
    ItemFacts,
    Mails,
    Opinions,
    People,
    Preferences,
    StageMemory,
    States,
    Visits,
)

# Day 1000 at noon: "30 days ago" is day 970.
TODAY = 1_000
NOW = TODAY * DAY_MS + DAY_MS // 2


class _Told:
    def _replace(self, **changes: object) -> Self:
        """A copy with other values, by the name that named tuples have for it."""
        return replace(self, **changes)


@dataclass(frozen=True)
class Bought(_Told):
    """A purchase line so many days before noon of TODAY; an order is all lines of one moment."""

    ago: float
    item: str = "tea"
    value: int = 100
    discount: int = 0
    units: float = 1.0


@dataclass(frozen=True)
class Visited(_Told):
    """A visit with what was done in it, of so many events and minutes."""

    ago: float
    steps: int = 0
    events: int = 1
    minutes: float = 1.0


@dataclass(frozen=True)
class Interest(_Told):
    """Interest in an item on one day."""

    ago: int
    item: str = "tea"
    views: int = 1
    clicks: int = 0
    carts: int = 0


@dataclass(frozen=True)
class Opinion(_Told):
    """A rating or an answer: a value from 0 to 1, or a word."""

    ago: float
    topic: str = "rating"
    value: float = np.nan
    word: str | None = None
    item: str | None = None


@dataclass(frozen=True)
class Case(_Told):
    """A complaint: when opened, answered, resolved (days ago, None for never)."""

    opened: float
    answered: float | None = None
    resolved: float | None = None
    topic: str = "other"


@dataclass(frozen=True)
class Preference(_Told):
    """The last word on a topic."""

    topic: str
    value: float = 1.0
    ago: float = 1.0
    times: int = 1


@dataclass(frozen=True)
class Thing(_Told):
    """An item of the catalogue."""

    category: str | None = None
    cost: float = np.nan
    exclusive: bool = False


@dataclass(frozen=True)
class Person:
    """One customer; what is left out did not happen. Contacts and mail are (days ago, what)."""

    orders: Sequence[Bought] = ()
    visits: Sequence[Visited] = ()
    interests: Sequence[Interest] = ()
    opinions: Sequence[Opinion] = ()
    cases: Sequence[Case] = ()
    contacts: Sequence[tuple[float, str]] = ()
    mails: Sequence[tuple[float, int]] = ()
    preferences: Sequence[Preference] = ()
    # By purpose: granted, days ago.
    consents: Mapping[str, tuple[bool, float]] = field(default_factory=dict)
    signed_up: float | None = None
    returned: int = 0
    placed: int | None = None
    days_to_pay: float = np.nan
    business: int = -1


def at(ago: float | None) -> int:
    """The moment so many days before NOW in ms, NEVER for None."""
    return NEVER if ago is None else NOW - round(ago * DAY_MS)


def a_states(
    people: Mapping[str, Person] | Sequence[Person],
    *,
    items: Mapping[str, Thing | str | None] | None = None,
    memory: StageMemory | None = None,
) -> States:
    """States of the people over the items, given by category or as Things."""
    if not isinstance(people, Mapping):
        people = {f"c{number}": person for number, person in enumerate(people)}
    own = list(people.values())
    facts = _facts(own, items or {})
    words = IdTable(sorted(_words(own)))
    lines = [
        (name, sorted((_line(each) for each in person.orders), key=lambda line: (line[1], line[2])))
        for name, person in people.items()
    ]
    return States(
        goods=histories_of(lines, items=facts.items),
        people=_people(own),
        words=words,
        facts=facts,
        memory=memory,
        **_tables(own, words, facts.items),
    )


def a_context(
    people: Mapping[str, Person] | Sequence[Person],
    *,
    items: Mapping[str, Thing | str | None] | None = None,
    cuts: Cuts | None = None,
    now_ms: int = NOW,
) -> Context:
    """What features start from, with cuts of a shop that never trained unless others are given."""
    return Context.of(a_states(people, items=items), cuts or Cuts.untrained(), now_ms=now_ms)


def a_column(values: Sequence[float | None] | Sequence[str | None]) -> Column:
    """A column with one observation for each value; None is unknown, texts become labels."""
    labels = tuple(sorted({each for each in values if isinstance(each, str)}))
    plain = [labels.index(each) if isinstance(each, str) else each for each in values]
    numbers = np.asarray([np.nan if each is None else each for each in plain], np.float64)
    return Column(numbers, (~np.isnan(numbers)).astype(np.int32), labels)


def some_columns(
    **columns: Sequence[float | None] | Sequence[str | None],
) -> Columns:
    """Columns of the groups before the one under test."""
    return {name: a_column(values) for name, values in columns.items()}


def values_of(column: Column) -> list[float | str | None]:
    """A column as plain values: None for unknown, labels as texts."""
    return [
        None if np.isnan(value) else column.labels[int(value)] if column.labels else value
        for value in column.values.tolist()
    ]


def _line(bought: Bought) -> NetLine:
    moment = at(bought.ago)
    return NetLine(
        str(moment), moment, bought.item, bought.units, bought.value, discount=bought.discount
    )


def _facts(people: Sequence[Person], items: Mapping[str, Thing | str | None]) -> ItemFacts:
    seen = {each.item for person in people for each in (*person.orders, *person.interests)}
    seen |= {each.item for person in people for each in person.opinions if each.item}
    things = {
        name: thing if isinstance(thing, Thing) else Thing(thing)
        for name in sorted(seen | set(items))
        for thing in [items.get(name)]
    }
    categories = IdTable(sorted({each.category for each in things.values() if each.category}))
    return ItemFacts(
        items=IdTable(things),
        category=categories.indices([each.category or "" for each in things.values()]),
        categories=categories.ids,
        cost=np.asarray([each.cost for each in things.values()], np.float64),
        exclusive=np.asarray([each.exclusive for each in things.values()], np.bool_),
    )


def _words(people: Sequence[Person]) -> set[str]:
    words: set[str] = set()
    for person in people:
        words |= {each.topic for each in (*person.opinions, *person.cases, *person.preferences)}
        words |= {each.word for each in person.opinions if each.word}
        words |= {topic for _, topic in person.contacts} | set(person.consents)
    return words


def _people(people: Sequence[Person]) -> People:
    seen = [_seen(person) for person in people]

    def whole(values: Sequence[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.asarray(values, np.int64)

    return People(
        seen_first=whole([min(each, default=NEVER) for each in seen]),
        seen_last=whole([max(each, default=NEVER) for each in seen]),
        signed_up=whole([at(each.signed_up) for each in people]),
        placed=whole([_placed(each) for each in people]),
        bought=whole([len(each.orders) + each.returned for each in people]),
        returned=whole([each.returned for each in people]),
        days_to_pay=np.asarray([each.days_to_pay for each in people], np.float64),
        business=np.asarray([each.business for each in people], np.int8),
    )


def _placed(person: Person) -> int:
    return len({each.ago for each in person.orders}) if person.placed is None else person.placed


def _seen(person: Person) -> list[int]:
    times = [at(each.ago) for each in (*person.orders, *person.visits, *person.opinions)]
    times += [at(each.ago) for each in (*person.interests, *person.preferences)]
    times += [at(each.opened) for each in person.cases] + [at(ago) for ago, _ in person.contacts]
    times += [at(ago) for ago, kind in person.mails if kind != SENT]
    times += [at(ago) for _, ago in person.consents.values()]
    return times if person.signed_up is None else [*times, at(person.signed_up)]


def _bounds(lengths: Sequence[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.cumsum(np.asarray([0, *lengths], np.int64))


def _tables(people: Sequence[Person], words: IdTable, items: IdTable) -> dict[str, object]:
    def rows(kind: type, columns: Mapping[str, type], own: Sequence[Sequence[tuple]]) -> object:
        flat = [row for each in own for row in each]
        arrays = {
            name: np.asarray([row[place] for row in flat], dtype)
            for place, (name, dtype) in enumerate(columns.items())
        }
        return kind(indptr=_bounds([len(each) for each in own]), **arrays)

    def word(text: str | None) -> int:
        return words.index(text or "")

    long, whole, byte = np.int64, np.int32, np.int8
    return {
        "visits": rows(
            Visits,
            {"start": long, "end": long, "events": whole, "steps": whole},
            [
                sorted(
                    (at(v.ago), at(v.ago) + round(v.minutes * 60_000), v.events, v.steps)
                    for v in each.visits
                )
                for each in people
            ],
        ),
        "interests": rows(
            Interests,
            {"day": long, "item": whole, "views": whole, "clicks": whole, "carts": whole},
            [
                sorted(
                    (TODAY - i.ago, items.index(i.item), i.views, i.clicks, i.carts)
                    for i in each.interests
                )
                for each in people
            ],
        ),
        "opinions": rows(
            Opinions,
            {"at": long, "topic": whole, "value": np.float64, "word": whole, "item": whole},
            [
                [
                    (at(o.ago), word(o.topic), o.value, word(o.word), items.index(o.item or ""))
                    for o in sorted(each.opinions, key=lambda o: -o.ago)
                ]
                for each in people
            ],
        ),
        "cases": rows(
            Cases,
            {"opened": long, "answered": long, "resolved": long, "topic": whole},
            [
                sorted(
                    (at(c.opened), at(c.answered), at(c.resolved), word(c.topic))
                    for c in each.cases
                )
                for each in people
            ],
        ),
        "contacts": rows(
            Contacts,
            {"at": long, "topic": whole},
            [sorted((at(ago), word(topic)) for ago, topic in each.contacts) for each in people],
        ),
        "mails": rows(
            Mails,
            {"at": long, "kind": byte, "topic": whole},
            [sorted((at(ago), kind, -1) for ago, kind in each.mails) for each in people],
        ),
        "preferences": rows(
            Preferences,
            {"topic": whole, "value": np.float64, "at": long, "times": whole},
            [
                sorted((word(p.topic), p.value, at(p.ago), p.times) for p in each.preferences)
                for each in people
            ],
        ),
        "consents": rows(
            Consents,
            {"topic": whole, "granted": np.bool_, "at": long},
            [
                sorted(
                    (word(purpose), granted, at(ago))
                    for purpose, (granted, ago) in each.consents.items()
                )
                for each in people
            ],
        ),
    }
