"""Keeps as many workers serving as there should be, and replaces them one after the other.

A worker is replaced when it ended, when it says nothing any more, when it is old or large, and
when the settings or the code have changed. Its successor serves before it is told to part, so
that a request always finds somebody.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.errors import StoreUnavailable
from training.serving.listeners import Listeners
from training.serving.process import WorkerProcess
from training.serving.worker import Plan

TURN_SECONDS = 0.05
# A worker that parts answers on the connections it has, each for the last time, for so long.
PARTING_SECONDS = 2.0
# Requests under way take milliseconds; a worker that needs longer than this to stop is stuck.
SECONDS_TO_FINISH = 5.0
# It says every second that it is well.
SILENT_SECONDS = 15.0
# No answer takes so long.
STUCK_SECONDS = 60.0
# Reading and verifying a large model takes its time.
START_SECONDS = 300.0
# Pauses after a worker that ended before it served.
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
MEMORY_INTERVAL = 10.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """When a worker is replaced: after so many seconds, with so many bytes of its own, None for
    never; and when all its threads have been at one answer each for so many seconds.
    """

    lifetime: float | None = None
    memory: int | None = None
    stuck: float = STUCK_SECONDS


class Supervisor:
    """The workers of one server. One thread calls it; signal handlers only ask it for something."""

    def __init__(
        self,
        application: str,
        listeners: Listeners,
        *,
        workers: int,
        limits: Limits,
        environment: Mapping[str, str],
        threads: int,
    ) -> None:
        self._application = application
        self._listeners = listeners
        self._count = workers
        self._limits = limits
        self._environment = environment
        self._before = environment
        self._threads = threads
        self._clock = time.monotonic
        self._workers: list[WorkerProcess] = []
        self._due: deque[WorkerProcess] = deque()
        self._successor: WorkerProcess | None = None
        self._served = False
        self.refusal = ""
        self._pause = 0.0
        self._again_at = 0.0
        self._weighed_at = self._clock()

    @property
    def pids(self) -> list[int]:
        """The processes of all workers, those that part included."""
        return [each.pid for each in self._workers]

    @property
    def replacing(self) -> bool:
        """Whether workers are due or parting."""
        return bool(self._due) or any(each.parting_since is not None for each in self._workers)

    def replace_all(self, environment: Mapping[str, str]) -> None:
        """Replace every worker by one with this environment, one after the other."""
        self.refusal = ""
        if not self._due:
            self._before = self._environment
        self._environment = environment
        self._due = deque(each for each in self._workers if each.parting_since is None)

    def turn(self) -> None:
        """Look after the workers once. Raises StoreUnavailable when they cannot start at all."""
        now = self._clock()
        self._listen(now)
        self._bury(now)
        self._end_the_stuck(now)
        self._end_the_parting(now)
        self._mark_the_due(now)
        self._begin_missing(now)
        self._relieve(now)
        self._listeners.deal_to(sorted({each.number for each in self._serving()}))

    def run(self, stopping: Callable[[], bool], each_turn: Callable[[], None]) -> None:
        """Take turns until it is time to stop; then end every worker."""
        try:
            while not stopping():
                self.turn()
                each_turn()
                time.sleep(TURN_SECONDS)
        finally:
            self.stop()

    def stop(self) -> None:
        """End all workers after what is under way; none is left."""
        self._listeners.close()
        for each in self._workers:
            each.end(now=self._clock())
        deadline = self._clock() + SECONDS_TO_FINISH
        while not all(each.ended for each in self._workers) and self._clock() < deadline:
            time.sleep(TURN_SECONDS)
        for each in self._workers:
            each.kill()
            each.forget()
        self._workers.clear()

    def _serving(self) -> list[WorkerProcess]:
        return [each for each in self._workers if each.ready and each.parting_since is None]

    def _listen(self, now: float) -> None:
        before = len(self._serving())
        for each in self._workers:
            each.listen(now=now)
        if len(self._serving()) > before:
            self._served, self._pause = True, 0.0

    def _bury(self, now: float) -> None:
        for each in [worker for worker in self._workers if worker.ended]:
            each.forget()
            self._workers.remove(each)
            if each is self._successor or (self._due and each is self._due[0]):
                # Whoever is left of the two is a worker like the others.
                self._successor = None
            if each in self._due:
                self._due.remove(each)
            if each.ready or each.told_to_end_at is not None:
                if each.parting_since is None:
                    _log.warning("worker %s ended and is started again", each.number + 1)
                continue
            self._failed_to_start(each, now)

    def _failed_to_start(self, worker: WorkerProcess, now: float) -> None:
        if not self._served:
            raise StoreUnavailable("a worker ended before it served; what it said is above")
        if self._due:
            # What served goes on to serve, and one that dies is started as it was.
            self._due.clear()
            self._environment = self._before
            self.refusal = "a new worker ended before it served; what it said is above"
        self._pause = min(max(FIRST_PAUSE, 2 * self._pause), LONGEST_PAUSE)
        self._again_at = now + self._pause
        _log.error(
            "worker %s ended before it served; the others go on, and it is tried again in %.1f s",
            worker.number + 1,
            self._pause,
        )

    def _end_the_stuck(self, now: float) -> None:
        for each in self._workers:
            silent = now - each.heard_at > SILENT_SECONDS
            slow = not each.ready and now - each.begun_at > START_SECONDS
            if silent or slow:
                _log.error("worker %s is stuck and is killed", each.number + 1)
                each.kill()

    def _end_the_parting(self, now: float) -> None:
        for each in self._workers:
            if each.told_to_end_at is not None:
                if now - each.told_to_end_at > SECONDS_TO_FINISH:
                    each.kill()
            elif each.parting_since is not None and now - each.parting_since > PARTING_SECONDS:
                each.end(now=now)

    def _mark_the_due(self, now: float) -> None:
        lifetime, memory = self._limits.lifetime, None
        if now - self._weighed_at > MEMORY_INTERVAL:
            self._weighed_at, memory = now, self._limits.memory
        for each in self._serving():
            old = lifetime is not None and now - each.begun_at > lifetime
            large = memory is not None and (each.own_memory() or 0) > memory
            if (old or large) and each not in self._due:
                self._due.append(each)

    def _begin_missing(self, now: float) -> None:
        if now < self._again_at:
            return
        staying = [each for each in self._workers if each.parting_since is None]
        held = {each.number for each in staying if each is not self._successor}
        for number in sorted(set(range(self._count)) - held):
            self._workers.append(self._begun(number, now))

    def _relieve(self, now: float) -> None:
        """Let the first that is due part when its successor serves; see that it has one."""
        if not self._due:
            return
        first = self._due[0]
        if self._successor is None:
            parting = any(each.parting_since is not None for each in self._workers)
            if now >= self._again_at and not parting:
                self._successor = self._begun(first.number, now)
                self._workers.append(self._successor)
        elif self._successor.ready:
            self._due.popleft()
            self._successor = None
            first.part(now=now)

    def _begun(self, number: int, now: float) -> WorkerProcess:
        plan = Plan(
            application=self._application,
            number=number,
            workers=self._count,
            threads=self._threads,
            stuck_seconds=self._limits.stuck,
            listener=self._listeners.descriptor(number),
            channel=-1,
        )
        return WorkerProcess.begin(plan, self._environment, now=now)
