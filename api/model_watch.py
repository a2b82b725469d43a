"""The model that serves: the current version, picked up soon after it is published."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from engine.errors import ModelUnavailable
from engine.models.model import Model
from engine.recommend.recommender import Recommender

# Long enough not to read a broken version over and over, short enough to see it repaired.
RETRY_SECONDS = 10.0
_log = logging.getLogger(__name__)


class ModelSource(Protocol):
    """Where model versions are published (`engine.store.model_store.ModelStore`)."""

    def current_version(self) -> str | None:
        """The version that should serve, None when there is none."""

    def load(self, version: str) -> Model:
        """The model; raises ModelUnavailable when it cannot be used."""

    def warm_customers(self, version: str) -> int:
        """How many customers' lists to make before this version serves."""


@dataclass(frozen=True, slots=True)
class _Failure:
    version: str
    retry_at: float


class ModelWatch:
    """Holds the recommender of the current version.

    `poll` is called by one thread; `current` by many, and a request keeps what it was given.
    """

    def __init__(
        self,
        source: ModelSource,
        build: Callable[[Model], Recommender],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._build = build
        self._clock = clock
        self._recommender: Recommender | None = None
        self._failure: _Failure | None = None
        self._prepare: Callable[[Recommender, int], None] = lambda _recommender, _customers: None

    def before_serving(self, prepare: Callable[[Recommender, int], None]) -> None:
        """What to do with a recommender before it takes over from another one."""
        self._prepare = prepare

    def current(self) -> Recommender | None:
        """The recommender that serves now, None before any version could be loaded."""
        return self._recommender

    def poll(self) -> bool:
        """Whether another version serves since; a broken one is logged and the old one kept."""
        try:
            version = self._source.current_version()
        except ModelUnavailable as error:
            return self._refuse("", error)
        if version is None or self._serves(version) or self._waits(version):
            return False
        try:
            recommender = self._build(self._source.load(version))
            customers = self._source.warm_customers(version)
        except ModelUnavailable as error:
            return self._refuse(version, error)
        if self._recommender is not None and customers:
            self._prepare(recommender, customers)
            if self._source.current_version() != version:
                # It was taken back meanwhile; the next turn looks at what came instead.
                return False
        # One assignment: a request sees the old model or the new one, whole.
        self._recommender, self._failure = recommender, None
        _log.info("model %s serves", version)
        return True

    def _serves(self, version: str) -> bool:
        return self._recommender is not None and self._recommender.model.version == version

    def _waits(self, version: str) -> bool:
        failure = self._failure
        return (
            failure is not None and failure.version == version and self._clock() < failure.retry_at
        )

    def _refuse(self, version: str, error: ModelUnavailable) -> bool:
        if self._failure is None or self._failure.version != version:
            _log.error("model %s cannot serve, the one before it goes on: %s", version, error)
        self._failure = _Failure(version, self._clock() + RETRY_SECONDS)
        return False
