"""What takes events, and what is done after them in the background."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from api.currency import ShopCurrency
from api.repeating import Repeating
from api.services import Clients, utc_now
from api.telemetry.telemetry import Telemetry
from engine.feedback import Feedback
from engine.follower import Follower
from engine.identity_keeper import IdentityKeeper
from engine.intake import Intake, Limits
from engine.list_cache import ListCache
from engine.live import LiveModel
from engine.store.database import Database
from engine.store.invalidations import SqlInvalidations
from engine.store.ledger import SqlLedger
from engine.store.rejects import SqlRejects

NOTES_INTERVAL = timedelta(seconds=1)
FOLLOW_INTERVAL = timedelta(milliseconds=50)
FOLLOW_REST = 9
# So many threads of a worker are left to lists while the log cannot be written.
THREADS_FOR_READS = 4


@dataclass(frozen=True)
class Taking:
    """What takes events, what those of other systems' clients need, and the work afterwards."""

    intake: Intake
    clients: Clients
    background: list[Repeating]


def taking(
    database: Database,
    cache: ListCache,
    live: LiveModel,
    telemetry: Telemetry,
    *,
    threads: int,
) -> Taking:
    """The intake before the feedback loop; nothing is connected yet."""
    feedback = Feedback(SqlLedger(database), SqlInvalidations(database), cache, model=live)
    follower = Follower(feedback, clock=utc_now)
    seats = max(threads - THREADS_FOR_READS, 1)
    intake = Intake(
        feedback,
        due=follower.add,
        limits=Limits(seats),
        grouped=telemetry.group,
        heard=telemetry.recorded,
    )
    background = [
        Repeating("cache notes", feedback.clear_told, every=NOTES_INTERVAL, at_end=True),
        Repeating(
            "features", partial(_follow, follower, intake), every=FOLLOW_INTERVAL, at_end=True
        ),
    ]
    return Taking(intake, clients_of(database, feedback, live), background)


def _follow(follower: Follower, intake: Intake) -> None:
    # Whoever waits for an acknowledgement comes first: while events come in crowds, features take
    # a tenth of the time, and catch up afterwards.
    began = time.monotonic()

    def pause() -> None:
        nonlocal began
        if intake.busy:
            time.sleep(FOLLOW_REST * (time.monotonic() - began))
        began = time.monotonic()

    follower.drain(pause=pause)


def clients_of(database: Database, feedback: Feedback, live: LiveModel) -> Clients:
    """What events of clients made for other systems need."""
    ledger = SqlLedger(database)
    return Clients(
        identities=IdentityKeeper(ledger, model=live, tell_cache=feedback.tell_cache),
        rejects=SqlRejects(database),
        currency=ShopCurrency(ledger.currency),
    )
