"""How far a command is: bars on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TextIO, TypeAlias

from rich.console import Console
from rich.progress import (
    BarColumn,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Bars

# In a log, a line now and then is enough to see that the work goes on.
LOG_SECONDS = 10.0

Advance: TypeAlias = Callable[[float], None]


class Progress(Protocol):
    """Something to tell how far the work is."""

    def track(self, name: str, *, total: float) -> AbstractContextManager[Advance]:
        """A function to tell how much of the total is done by now."""


class Silent:
    """Progress told to nobody."""

    @contextmanager
    def track(self, name: str, *, total: float) -> Iterator[Advance]:
        """A function that does nothing."""
        yield lambda done: None


class Lines:
    """Progress as plain lines: one when a task begins, one now and then, one at its end."""

    def __init__(self, stream: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock

    @contextmanager
    def track(self, name: str, *, total: float) -> Iterator[Advance]:
        """A function that writes a line when some time has passed since the last."""
        began = said = self._clock()
        self.say(name)

        def advance(done: float) -> None:
            nonlocal said
            now = self._clock()
            if now - said >= LOG_SECONDS:
                said = now
                self.say(f"{name}: {done / total:.0%}" if total else name)

        yield advance
        self.say(f"{name}: done in {self._clock() - began:.1f} s")

    def say(self, text: str) -> None:
        """Write one line."""
        print(text, file=self._stream, flush=True)


class Terminal:
    """Progress as bars."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars

    @contextmanager
    def track(self, name: str, *, total: float) -> Iterator[Advance]:
        """A function that moves the bar."""
        task = self._bars.add_task(name, total=total or None)
        yield lambda done: self._bars.update(task, completed=done)
        self._bars.update(task, total=total or 1, completed=total or 1)


@contextmanager
def progress(stream: TextIO | None = None) -> Iterator[Progress]:
    """Bars when the stream (standard error by default) is a terminal, else plain lines."""
    stream = stream if stream is not None else sys.stderr
    if not stream.isatty():
        yield Lines(stream)
        return
    with _bars(stream) as bars:
        yield Terminal(bars)


@contextmanager
def steps(stream: TextIO | None = None) -> Iterator[Callable[[str], None]]:
    """A function to call with the name of each step as it begins."""
    stream = stream if stream is not None else sys.stderr
    if not stream.isatty():
        yield Lines(stream).say
        return
    with _bars(stream) as bars:
        yield _one_after_another(bars)


def _one_after_another(bars: Bars) -> Callable[[str], None]:
    running = None

    def begin(name: str) -> None:
        nonlocal running
        if running is not None:
            bars.update(running, total=1, completed=1)
        running = bars.add_task(name, total=None)

    return begin


def _bars(stream: TextIO) -> Bars:
    return Bars(
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=Console(file=stream),
    )
