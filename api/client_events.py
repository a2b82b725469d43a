"""Events of clients that hear no more than "taken": what is refused is kept with the reason."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime

from api.services import Services
from api.wire import MAX_BATCH
from engine.domain.events import Event, to_ms
from engine.domain.rejects import Reject
from engine.errors import RequestInvalid
from engine.receipts import Receipt, Status

_log = logging.getLogger(__name__)


@dataclass
class ClientEvents:
    """The events of one request, each beside the text it was sent as."""

    services: Services
    source: str
    backfill: bool = False
    _events: list[Event] = field(default_factory=list)
    _texts: list[bytes] = field(default_factory=list)
    _refused: list[tuple[bytes, Event | None, str, str]] = field(default_factory=list)

    def add(self, event: Event, sent: bytes) -> None:
        """Take an event that could be read."""
        self._events.append(event)
        self._texts.append(sent)

    def refuse(self, sent: bytes, error: RequestInvalid, *, event: Event | None = None) -> None:
        """Keep what could not be read."""
        if event is None:
            self.services.watching.telemetry.unread()
        self._refused.append((sent, event, error.field, error.reason))

    def record(self, *, now: datetime) -> None:
        """Record the events, and what was refused of them with the reason.

        A used id with another content is the same event again: clients state the time of sending
        anew with every attempt. Raises StoreUnavailable when the log cannot be written; then the
        sender tries again, and what was recorded already counts once.
        """
        events = self._events
        if not self.backfill:
            events = self.services.clients.pace.judged(events, now=now)
        for start in range(0, len(events), MAX_BATCH):
            some = events[start : start + MAX_BATCH]
            receipts = self.services.intake.record(some, now=now)
            for place, receipt in enumerate(receipts, start=start):
                self._hear(receipt, place)
        self._keep(now)

    def _hear(self, receipt: Receipt, place: int) -> None:
        if receipt.status is Status.REJECTED:
            error = RequestInvalid(receipt.reason or "", field=receipt.field or "")
            self.refuse(self._texts[place], error, event=self._events[place])

    def _keep(self, now: datetime) -> None:
        if not self._refused:
            return
        _, _, where, why = self._refused[0]
        _log.warning(
            "%s: %d of %d events refused, the first for %s: %s",
            self.source,
            len(self._refused),
            len(self._events) + sum(event is None for _, event, _, _ in self._refused),
            where,
            why,
        )
        rejects = [
            Reject(
                received_ms=to_ms(now),
                source=self.source,
                field=where,
                reason=why,
                body=sent.decode(errors="replace"),
                customer_id=event.customer_id if event else None,
                anonymous_id=event.anonymous_id if event else None,
            )
            for sent, event, where, why in self._refused
        ]
        self.services.clients.rejects.keep(rejects)
