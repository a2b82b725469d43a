"""How this worker and its server are, put together from the parts that know."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

from api.model_watch import ModelWatch
from api.telemetry.exposition import Exposition, Snapshot, StateCollector
from api.telemetry.places import Place, WorkerState, states
from api.telemetry.readiness import Readiness, Report
from api.telemetry.watching import Watching

_STATUS, _DESCRIPTORS = Path("/proc/self/status"), Path("/proc/self/fd")


@dataclass(frozen=True)
class Overview:
    """What `/readyz` and `/metrics` tell; `waiting` is how many events stand in line."""

    watching: Watching
    models: ModelWatch
    readiness: Readiness
    waiting: Callable[[], int]
    clock: Callable[[], datetime]
    began: float = field(init=False)

    def __post_init__(self) -> None:
        """Note when this began."""
        object.__setattr__(self, "began", self.clock().timestamp())

    def report(self) -> Report:
        """Whether answers are full, and why not."""
        return self.readiness.report()

    def breakers(self) -> Mapping[str, bool]:
        """Which parts are being left alone after failures."""
        return {name: is_open() for name, is_open in self.watching.breakers.items()}

    def model_version(self) -> str | None:
        """The model that this worker serves."""
        recommender = self.models.current()
        return recommender.model.version if recommender else None

    def model_age(self) -> float | None:
        """Seconds since the model that serves was trained."""
        version = self.model_version()
        born = self.watching.model_born(version) if version is not None else None
        return None if born is None else (self.clock() - born).total_seconds()

    def worker(self) -> WorkerState:
        """How this worker is."""
        return WorkerState(
            process=os.getpid(),
            began=self.began,
            code_version=self.watching.code_version,
            model_version=self.model_version(),
            breakers_open=dict(self.breakers()),
            events_waiting=self.waiting(),
            memory_bytes=_memory(),
            open_files=_open_files(),
        )

    def tell(self) -> None:
        """Let the other workers of this server see how this one is. Raises OSError."""
        if self.watching.place is not None:
            self.watching.place.tell(self.worker())

    def metrics(self, accept: str) -> tuple[bytes, str]:
        """All workers' measures and their media type."""
        self.watching.telemetry.settle()
        return self._exposition.told(accept)

    @cached_property
    def _exposition(self) -> Exposition:
        place = self.watching.place
        return Exposition.of(
            StateCollector(self._snapshot, lambda: self._workers(place)),
            own=self.watching.registry,
            folder=None if place is None else place.folder,
        )

    def _snapshot(self) -> Snapshot:
        return Snapshot(
            report=self.report(),
            model_version=self.model_version(),
            model_age=self.model_age(),
            disk_free=self.watching.disk_free(),
        )

    def _workers(self, place: Place | None) -> Mapping[int, WorkerState]:
        others = {} if place is None else states(place.folder)
        return {**others, 0 if place is None else place.number: self.worker()}


def _memory() -> int | None:
    """Resident bytes, None where the system does not say."""
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return int(found[0]) * 1024 if found else None


def _open_files() -> int | None:
    try:
        return sum(1 for _ in _DESCRIPTORS.iterdir())
    except OSError:
        return None
