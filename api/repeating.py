"""Work repeated in the background of a worker process."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from engine.errors import EngineError

_log = logging.getLogger(__name__)


class Repeating:
    """An action repeated by a daemon thread until closed; a failure is logged and outlived."""

    def __init__(
        self,
        name: str,
        action: Callable[[], object],
        *,
        every: timedelta,
        at_end: bool = False,
    ) -> None:
        """`at_end`: once more when it is closed."""
        self._name = name
        self._action = action
        self._every = every
        self._at_end = at_end
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._failing = False

    def start(self) -> Repeating:
        """This, begun: the first time comes after one interval."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop, after what is under way is done."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()
            if self._at_end:
                self._once()

    def _run(self) -> None:
        while not self._closed.wait(self._every.total_seconds()):
            self._once()

    def _once(self) -> None:
        try:
            self._action()
        except EngineError as error:
            # Said once an outage, not at every turn of it.
            if not self._failing:
                _log.warning("%s failed, trying on: %s", self._name, error)
            self._failing = True
        except Exception:
            # A thread that dies in silence leaves stale answers behind for good.
            _log.exception("%s failed", self._name)
        else:
            self._failing = False
