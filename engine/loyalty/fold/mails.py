"""Mail: sent, opened, clicked."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

import msgspec

from engine.domain.events import EventType
from engine.domain.histories import DAY_MS
from engine.loyalty.fold.rows import Told, kept, with_rows
from engine.loyalty.states import CLICKED, OPENED, SENT

KINDS = {
    EventType.EMAIL_SENT: SENT,
    EventType.EMAIL_OPEN: OPENED,
    EventType.EMAIL_CLICK: CLICKED,
}


class Mail(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One mail sent (0), opened (1) or clicked (2); the topic is its campaign, None: unknown."""

    at_ms: int
    event_id: str
    kind: int
    topic: str | None


_KEY = attrgetter("at_ms", "event_id")


def mails_after(mails: tuple[Mail, ...], news: Sequence[Told]) -> tuple[Mail, ...]:
    """The mails with those among the news, oldest first."""
    fresh = [
        Mail(at_ms, event.event_id, KINDS[event.type], said.topic)
        for at_ms, event, said in news
        if event.type in KINDS
    ]
    return kept(with_rows(mails, fresh, key=_KEY), day=_day) if fresh else mails


def _day(mail: Mail) -> int:
    return mail.at_ms // DAY_MS
