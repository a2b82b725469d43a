"""What a worker is watched with: its counts, its log, its place among the others."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from prometheus_client import CollectorRegistry, values

from api.telemetry.access_log import renderer
from api.telemetry.measures import Measures
from api.telemetry.places import Place
from api.telemetry.readiness import FINE, FRESH_FOR, Check, Found
from api.telemetry.sink import LogSink
from api.telemetry.telemetry import Log, Telemetry
from engine.errors import ModelUnavailable
from engine.store.model_store import ModelStore

DISK = "disk"
LEAST_FREE_BYTES = 1_000_000_000


def own_version() -> str:
    """The version of this program."""
    try:
        return version("regulars")
    except PackageNotFoundError:
        return "unknown"


def _nothing(_version: str) -> datetime | None:
    return None


@dataclass(frozen=True)
class Watching:
    """`breakers` say by part whether it is left alone; `model_born` when a version was trained.

    `checks` are asked by `/readyz` beside the database, the cache, the model and the keys.
    """

    telemetry: Telemetry
    registry: CollectorRegistry
    place: Place | None = None
    checks: Mapping[str, Check] = field(default_factory=dict)
    breakers: Mapping[str, Callable[[], bool]] = field(default_factory=dict)
    disk_free: Callable[[], int | None] = lambda: None
    model_born: Callable[[str], datetime | None] = _nothing
    fresh_for: timedelta = FRESH_FOR
    code_version: str = field(default_factory=own_version)
    close: Callable[[], None] = lambda: None

    @classmethod
    def alone(cls, *, fresh_for: timedelta = FRESH_FOR) -> Watching:
        """A worker by itself that logs no requests."""
        registry = CollectorRegistry()
        return cls(Telemetry(Measures.new(registry)), registry, fresh_for=fresh_for)


def counting(folder: Path | None) -> tuple[Measures, CollectorRegistry, Place | None]:
    """The measures of this process: added to those of its server's others if there is a folder.

    The folder must be what PROMETHEUS_MULTIPROC_DIR names. Raises OSError.
    """
    registry = CollectorRegistry()
    place = None if folder is None else Place.take(folder)
    if place is not None:
        number = place.number
        # Its own is the process id: then every worker that ever ran would leave files behind.
        values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]
    return Measures.new(registry), registry, place


def log_of(sink: LogSink, *, as_json: bool) -> Log:
    """A line of every request into the sink."""
    return Log(sink, renderer(as_json=as_json))


def disk_free(home: Path) -> int | None:
    """Bytes left on the disk that holds the home, None when nobody can say."""
    there = next((each for each in (home, *home.absolute().parents) if each.exists()), None)
    try:
        return None if there is None else shutil.disk_usage(there).free
    except OSError:
        return None


def disk_check(free: Callable[[], int | None]) -> Check:
    """A check that warns while there is still room."""

    def check() -> Found:
        left = free()
        if left is None:
            return Found("unknown", "the disk cannot be asked how much is left")
        if left < LEAST_FREE_BYTES:
            return Found("low", f"less than {LEAST_FREE_BYTES // 1_000_000} MB are left")
        return FINE

    return check


def births(store: ModelStore) -> Callable[[str], datetime | None]:
    """When each version was trained."""
    return lru_cache(maxsize=10)(partial(_born, store))


def _born(store: ModelStore, model_version: str) -> datetime | None:
    try:
        return datetime.fromisoformat(store.manifest(model_version).created_at)
    except (ModelUnavailable, ValueError):
        return None
