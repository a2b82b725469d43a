"""A supervisor at work, told by signals to reload and to stop."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from engine.errors import EngineError
from training.serving.standing import Standing, StandingFile
from training.serving.supervisor import Supervisor

_log = logging.getLogger(__name__)


class Running:
    """Serves until SIGINT or SIGTERM, and reloads on SIGHUP."""

    def __init__(
        self,
        supervisor: Supervisor,
        file: StandingFile,
        environment: Callable[[], Mapping[str, str]],
    ) -> None:
        self._supervisor = supervisor
        self._file = file
        self._environment = environment
        self._standing = Standing(os.getpid())
        self._stopping = False
        self._at_terminal = _terminal()
        self._asked = False
        self._reloading = False

    def run(self) -> None:
        """Serve until told to stop."""
        self._file.write(self._standing)
        with _handled(
            {signal.SIGINT: self._stop, signal.SIGTERM: self._stop, signal.SIGHUP: self._reload}
        ):
            self._supervisor.run(lambda: self._stopping, self._look)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _reload(self, _number: int, _frame: FrameType | None) -> None:
        # A terminal that goes away says so with the same signal, and then it means the end.
        self._stopping = self._stopping or (self._at_terminal and not _terminal())
        self._asked = True

    def _look(self) -> None:
        """Begin a reload that was asked for, and say when one is done."""
        if self._reloading and not self._supervisor.replacing:
            self._reloading = False
            self._finish(self._supervisor.refusal)
        if self._asked and not self._reloading:
            self._asked = False
            try:
                environment = self._environment()
            except EngineError as error:
                self._finish(str(error))
                return
            self._reloading = True
            self._supervisor.replace_all(environment)

    def _finish(self, refusal: str) -> None:
        if refusal:
            _log.error("not reloaded, the workers go on as before: %s", refusal)
        self._standing = Standing(os.getpid(), self._standing.reloads + 1, refusal)
        self._file.write(self._standing)


def _terminal() -> bool:
    """Whether a terminal is there to be typed at."""
    try:
        os.tcgetpgrp(sys.stdin.fileno())
    except (OSError, ValueError, AttributeError):
        return False
    return True


@contextmanager
def _handled(
    handlers: Mapping[signal.Signals, Callable[[int, FrameType | None], None]],
) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
