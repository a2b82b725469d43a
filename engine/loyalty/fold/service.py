"""Complaints, their answers and resolutions, and other contacts with the service."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

import msgspec

from engine.domain.events import EventType
from engine.loyalty.fold.rows import Told, with_rows
from engine.loyalty.states import NEVER

OTHER = "other"
COMPLAINT = EventType.COMPLAINT.value
FROM_CUSTOMER, TO_CUSTOMER = 1.0, 0.0


class Complaint(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The customer complained; several complaints may belong to one case."""

    at_ms: int
    event_id: str
    case: str
    topic: str


class Reply(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The service answered or resolved a case, every open one when `case` is None."""

    at_ms: int
    case: str | None


class Contact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The customer turned to the service; the topic is the channel."""

    at_ms: int
    event_id: str
    topic: str


class Case(NamedTuple):
    """A complaint's course: times in ms, NEVER (-1) for what did not happen."""

    opened: int
    answered: int
    resolved: int
    topic: str


_KEY = attrgetter("at_ms", "event_id")


def complaints_after(
    complaints: tuple[Complaint, ...], news: Sequence[Told]
) -> tuple[Complaint, ...]:
    """The complaints with those among the news, oldest first."""
    fresh = [
        Complaint(at_ms, event.event_id, said.ref, said.topic or OTHER)
        for at_ms, event, said in news
        if event.type is EventType.COMPLAINT and said.ref is not None
    ]
    return with_rows(complaints, fresh, key=_KEY)


def resolutions_after(resolutions: tuple[Reply, ...], news: Sequence[Told]) -> tuple[Reply, ...]:
    """The resolutions with those among the news, oldest first."""
    fresh = [
        Reply(at_ms, said.ref)
        for at_ms, event, said in news
        if event.type is EventType.COMPLAINT_RESOLVED
    ]
    return with_rows(resolutions, fresh, key=_reply_key)


def answers_after(answers: tuple[Reply, ...], news: Sequence[Told]) -> tuple[Reply, ...]:
    """What the service told the customer about a case, with the news, oldest first."""
    fresh = [
        Reply(at_ms, said.ref)
        for at_ms, event, said in news
        if event.type is EventType.SERVICE_CONTACT
        and said.value == TO_CUSTOMER
        and said.ref is not None
    ]
    return with_rows(answers, fresh, key=_reply_key)


def contacts_after(contacts: tuple[Contact, ...], news: Sequence[Told]) -> tuple[Contact, ...]:
    """The contacts that the customer began, complaints apart, with the news, oldest first."""
    fresh = [
        Contact(at_ms, event.event_id, said.topic or OTHER)
        for at_ms, event, said in news
        if event.type is EventType.SERVICE_CONTACT and said.value == FROM_CUSTOMER
    ]
    return with_rows(contacts, fresh, key=_KEY)


def all_contacts(
    contacts: tuple[Contact, ...], complaints: Iterable[Complaint]
) -> tuple[Contact, ...]:
    """The contacts that the customer began, complaints among them, oldest first."""
    fresh = [Contact(each.at_ms, each.event_id, COMPLAINT) for each in complaints]
    return with_rows(contacts, fresh, key=_KEY)


def cases(
    complaints: Iterable[Complaint], resolutions: Sequence[Reply], answers: Sequence[Reply]
) -> list[Case]:
    """Each case with its first answer and resolution, sorted by when it was opened and its id.

    A resolution answers too. What came before the complaint neither answers nor resolves it.
    """
    first: dict[str, Complaint] = {}
    for each in complaints:
        first.setdefault(each.case, each)
    if not first:
        return []
    resolved = _times(resolutions)
    answered = _times(sorted((*resolutions, *answers), key=_reply_key))
    return [
        Case(
            each.at_ms,
            _next(answered, each.case, each.at_ms),
            _next(resolved, each.case, each.at_ms),
            each.topic,
        )
        for each in sorted(first.values(), key=attrgetter("at_ms", "case"))
    ]


def _reply_key(reply: Reply) -> tuple[int, str]:
    return reply.at_ms, reply.case or ""


def _times(replies: Iterable[Reply]) -> defaultdict[str | None, list[int]]:
    times: defaultdict[str | None, list[int]] = defaultdict(list)
    for each in replies:
        times[each.case].append(each.at_ms)
    return times


def _next(times: defaultdict[str | None, list[int]], case: str, at_ms: int) -> int:
    """The first time at or after `at_ms` that concerns the case, NEVER when there is none."""
    found = [
        own[place]
        for own in (times[case], times[None])
        if (place := bisect_left(own, at_ms)) < len(own)
    ]
    return min(found, default=NEVER)
