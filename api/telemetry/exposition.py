"""All workers' measures as Prometheus reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from api.telemetry.places import WorkerState
from api.telemetry.readiness import Report, Status

NO_MODEL = "none"


@dataclass(frozen=True)
class Snapshot:
    """What is true of the whole server right now; `model_age` is seconds, None without a model."""

    report: Report
    model_version: str | None
    model_age: float | None
    disk_free: int | None


class StateCollector:
    """Gauges of what is true right now, worked out when they are asked for."""

    def __init__(
        self, snapshot: Callable[[], Snapshot], workers: Callable[[], Mapping[int, WorkerState]]
    ) -> None:
        self._snapshot = snapshot
        self._workers = workers

    def collect(self) -> Iterator[Metric]:
        """One family after the other."""
        yield from _of_server(self._snapshot())
        yield from _of_workers(self._workers())


class Exposition:
    """Answers `/metrics`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    @classmethod
    def of(
        cls, state: StateCollector, *, own: CollectorRegistry, folder: Path | None
    ) -> Exposition:
        """Of this process alone, or of all whose counts are in the folder."""
        registry = CollectorRegistry()
        registry.register(state)
        if folder is None:
            registry.register(own)
        else:
            # It registers itself; the stub says nothing of types.
            MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
        return cls(registry)

    def told(self, accept: str) -> tuple[bytes, str]:
        """The measures, and their media type as the `Accept` header wishes."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type


def _of_server(now: Snapshot) -> Iterator[Metric]:
    yield _gauge(
        "regulars_readiness",
        "1 for how the server is: ready, degraded or down.",
        "status",
        {status.value: status is now.report.status for status in Status},
    )
    yield _gauge(
        "regulars_part_ok",
        "1 while a part of the server is well, 0 while it is not.",
        "part",
        {name: found.ok for name, found in now.report.parts.items()},
    )
    version = now.model_version or NO_MODEL
    yield _gauge("regulars_model_info", "1 for the model that serves.", "version", {version: 1})
    if now.model_age is not None:
        yield _lone("regulars_model_age_seconds", "Since the model was trained.", now.model_age)
    if now.disk_free is not None:
        yield _lone("regulars_disk_free_bytes", "Left on the home's disk.", now.disk_free)


def _of_workers(workers: Mapping[int, WorkerState]) -> Iterator[Metric]:
    models = Counter(each.model_version or NO_MODEL for each in workers.values())
    yield _gauge("regulars_workers", "Workers by the model they serve.", "model_version", models)
    codes = Counter(each.code_version for each in workers.values())
    yield _gauge("regulars_code_info", "Workers by the version of their code.", "version", codes)
    breakers = GaugeMetricFamily(
        "regulars_breaker_open",
        "1 while a worker leaves a part alone that failed repeatedly.",
        labels=("worker", "part"),
    )
    for place, state in workers.items():
        for part, is_open in state.breakers_open.items():
            breakers.add_metric((str(place), part), float(is_open))
    yield breakers
    gauges: dict[str, tuple[str, Callable[[WorkerState], float | None]]] = {
        "regulars_intake_waiting_events": (
            "Events in line to be written.",
            lambda each: each.events_waiting,
        ),
        "regulars_worker_memory_bytes": ("Resident memory.", lambda each: each.memory_bytes),
        "regulars_worker_open_files": ("Open file descriptors.", lambda each: each.open_files),
        "regulars_worker_began_seconds": ("When it began, since 1970.", lambda each: each.began),
    }
    for name, (meaning, value) in gauges.items():
        found = {str(place): value(state) for place, state in workers.items()}
        yield _gauge(name, meaning, "worker", found)


def _gauge(
    name: str, meaning: str, label: str, values: Mapping[str, float | None]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, meaning, labels=(label,))
    for value, number in values.items():
        if number is not None:
            family.add_metric((value,), float(number))
    return family


def _lone(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, value=value)
