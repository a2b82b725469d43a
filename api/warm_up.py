"""Lists by a new model for those who were here last, made before it serves.

One worker makes them; the others wait for it, and all change over when it is done. None waits
longer than the bound: whatever becomes of the worker that makes the lists, the new model serves.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from engine.errors import ModelUnavailable, StoreUnavailable
from engine.recommend.answer import BUY_AGAIN, DISCOVER, Request
from engine.recommend.recommender import Recommender

# In this order, as far as the time goes: what a storefront asks for without saying more.
REQUESTS = tuple(
    request.of_placement()
    for request in (Request(), Request(placement=DISCOVER), Request(placement=BUY_AGAIN))
)
WARM_SECONDS = 60.0
LOOK_SECONDS = 0.2
_log = logging.getLogger(__name__)

MakeList: TypeAlias = Callable[[Recommender, str, Request], object]


class Turn(Protocol):
    """Lets one of several workers do what is needed once (`engine.store.redis_turn`)."""

    def take(self, what: str) -> bool:
        """Whether it is ours to do; not while another one is at it, nor when it was done."""

    def hold(self, what: str) -> None:
        """Say that we are still at it; who is silent for some seconds loses the turn."""

    def done(self, what: str) -> bool:
        """Whether it was done."""

    def finish(self, what: str) -> None:
        """Say that it was done."""


class OwnTurn:
    """The turn of a worker that shares its cache with nobody."""

    def take(self, what: str) -> bool:
        """True: there is nobody else."""
        return True

    def hold(self, what: str) -> None:
        """Nobody asks."""

    def done(self, what: str) -> bool:
        """False: nobody else does it."""
        return False

    def finish(self, what: str) -> None:
        """Nobody asks."""


@dataclass
class WarmUp:
    """Makes lists before a model serves.

    `recent` names so many customers, last active first; `wanted` the version that should serve,
    which may be another one by now.
    """

    recent: Callable[[int], Sequence[str]]
    turn: Turn
    wanted: Callable[[], str | None]
    seconds: float = WARM_SECONDS
    clock: Callable[[], float] = time.monotonic
    stopped: threading.Event = field(default_factory=threading.Event)

    def carry_out(self, make: MakeList, recommender: Recommender, customers: int) -> None:
        """Return when so many customers have their lists, or when it is time to do without."""
        if customers <= 0:
            return
        deadline = self.clock() + self.seconds
        what = recommender.model.version
        try:
            while not self._over(what, deadline) and not self.turn.done(what):
                if self.turn.take(what):
                    made = self._make_lists(make, recommender, customers, deadline)
                    self.turn.finish(what)
                    _log.info("model %s: %s lists were made before it serves", what, made)
                    return
                self.stopped.wait(LOOK_SECONDS)
        except (ModelUnavailable, StoreUnavailable) as error:
            _log.warning("model %s serves without its lists made before: %s", what, error)

    def stop(self) -> None:
        """Let whoever is at it come to an end."""
        self.stopped.set()

    def _make_lists(
        self, make: MakeList, recommender: Recommender, customers: int, deadline: float
    ) -> int:
        chosen, made, version = self.recent(customers), 0, recommender.model.version
        for request in REQUESTS:
            for customer_id in chosen:
                began = self.clock()
                if self._over(version, deadline):
                    return made
                make(recommender, customer_id, request)
                made += 1
                self.turn.hold(version)
                # Requests are answered meanwhile: at least half of the worker's time is theirs.
                self.stopped.wait(self.clock() - began)
        return made

    def _over(self, version: str, deadline: float) -> bool:
        late = self.stopped.is_set() or self.clock() >= deadline
        return late or self.wanted() != version
