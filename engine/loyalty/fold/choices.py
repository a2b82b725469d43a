"""What the customer chose or told of themselves; of each thing the last word counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Protocol, TypeVar

import msgspec

from engine.domain.events import EventType
from engine.domain.particulars import LIKES, traits
from engine.loyalty.fold.rows import Told

EMAIL = "email"
# A topic spoken of without a value is liked.
SPOKEN_OF = LIKES["like"]
# What MessagePack holds; a larger number is no trait of anybody.
_LEAST_INTEGER, _MOST_INTEGER = -(2**63), 2**64 - 1


class Preference(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The last word on a topic, from -1 (dislike) to 1 (like); `times` it was spoken of."""

    topic: str
    at_ms: int
    event_id: str
    value: float
    times: int


class Consent(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The last decision on a purpose."""

    topic: str
    at_ms: int
    event_id: str
    granted: bool


class Trait(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was last told of the customer under a name."""

    topic: str
    at_ms: int
    event_id: str
    value: str | int | float | bool


class _Choice(Protocol):
    @property
    def topic(self) -> str: ...
    @property
    def at_ms(self) -> int: ...
    @property
    def event_id(self) -> str: ...


_Some = TypeVar("_Some", bound=_Choice)
_TOPIC = attrgetter("topic")


def preferences_after(
    preferences: tuple[Preference, ...], news: Sequence[Told]
) -> tuple[Preference, ...]:
    """The preferences with those among the news, sorted by topic."""
    fresh = [
        Preference(
            said.topic,
            at_ms,
            event.event_id,
            SPOKEN_OF if said.value is None else said.value,
            times=1,
        )
        for at_ms, event, said in news
        if event.type is EventType.PREFERENCE and said.topic is not None
    ]
    if not fresh:
        return preferences
    times: dict[str, int] = {}
    for each in (*preferences, *fresh):
        times[each.topic] = times.get(each.topic, 0) + each.times
    return tuple(
        msgspec.structs.replace(each, times=times[each.topic])
        for each in _latest(preferences, fresh)
    )


def consents_after(consents: tuple[Consent, ...], news: Sequence[Told]) -> tuple[Consent, ...]:
    """The consents with the news, sorted by purpose; who unsubscribes wants no more mail."""
    fresh = [
        Consent(said.topic, at_ms, event.event_id, said.value == 1)
        for at_ms, event, said in news
        if event.type is EventType.CONSENT and said.topic is not None
    ]
    fresh += [
        Consent(EMAIL, at_ms, event.event_id, granted=False)
        for at_ms, event, _ in news
        if event.type is EventType.UNSUBSCRIBE
    ]
    return _latest(consents, fresh)


def traits_after(known: tuple[Trait, ...], news: Sequence[Told]) -> tuple[Trait, ...]:
    """The traits with those among the news, sorted by name."""
    fresh = [
        Trait(name, at_ms, event.event_id, value)
        for at_ms, event, _ in news
        for name, value in traits(event).items()
        if not isinstance(value, int) or _LEAST_INTEGER <= value <= _MOST_INTEGER
    ]
    return _latest(known, fresh)


def _latest(known: tuple[_Some, ...], fresh: Iterable[_Some]) -> tuple[_Some, ...]:
    """The last of each topic by time and event id, sorted by topic."""
    fresh = list(fresh)
    if not fresh:
        return known
    last = {each.topic: each for each in known}
    for each in fresh:
        other = last.get(each.topic)
        if other is None or (other.at_ms, other.event_id) < (each.at_ms, each.event_id):
            last[each.topic] = each
    return tuple(sorted(last.values(), key=_TOPIC))
