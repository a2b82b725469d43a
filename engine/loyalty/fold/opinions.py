"""Opinions: ratings, answers to questions, and reasons given for leaving."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

import msgspec

from engine.domain.events import EventType
from engine.domain.particulars import EXIT_REASON
from engine.loyalty.fold.rows import Told, with_rows

RATING = EventType.RATING.value


class Opinion(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One answer: a value from 0 to 1, or a word; `item_id` is what a rating is about."""

    at_ms: int
    event_id: str
    topic: str
    value: float | None
    word: str | None
    item_id: str | None


_KEY = attrgetter("at_ms", "event_id")


def opinions_after(opinions: tuple[Opinion, ...], news: Sequence[Told]) -> tuple[Opinion, ...]:
    """The opinions with those among the news, oldest first; what was left open is none."""
    fresh = [found for each in news if (found := _opinion_of(each)) is not None]
    return with_rows(opinions, fresh, key=_KEY)


def _opinion_of(news: Told) -> Opinion | None:
    at_ms, event, (topic, value, word) = news
    if event.type is EventType.RATING:
        item = event.lines[0].item_id if event.lines else None
        found = Opinion(at_ms, event.event_id, RATING, value, None, item)
    elif event.type is EventType.SURVEY and topic is not None:
        found = Opinion(at_ms, event.event_id, topic, value, word, None)
    elif event.type is EventType.UNSUBSCRIBE:
        found = Opinion(at_ms, event.event_id, EXIT_REASON, None, topic, None)
    else:
        return None
    return None if found.value is None and found.word is None else found
