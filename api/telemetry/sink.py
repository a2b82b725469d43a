"""Log lines on their way out: nobody who logs waits for whoever reads.

Finished lines go into a bounded queue; a thread writes them in blocks. It does nothing else: a
thread that computes keeps the interpreter from those that answer. While the reader is slow the
queue fills, and what finds it full is dropped and counted.
"""

from __future__ import annotations

import logging
import os
import stat
import threading
import time
from collections import deque
from collections.abc import Callable

MOST_LINES = 10_000
TURN_SECONDS = 0.1
# A pipe takes up to this many bytes in one piece: lines of several workers do not mix.
PIPE_BYTES = 4096
FILE_BYTES = 65_536
CLOSE_SECONDS = 2.0
# A descriptor that does not block says when it is full; it is asked again after a moment.
FULL_SECONDS = 0.01


class LogSink:
    """Writes lines to a file descriptor, from a thread of its own.

    `dropped` is told how many lines nobody will see.
    """

    def __init__(
        self,
        descriptor: int,
        *,
        dropped: Callable[[int], object],
        most: int = MOST_LINES,
    ) -> None:
        self._descriptor = descriptor
        self._dropped = dropped
        self._most = most
        self._queue: deque[bytes] = deque()
        self._closing = threading.Event()
        self._block = block_size(descriptor)
        self._thread = threading.Thread(target=self._run, name="log writer", daemon=True)
        self._thread.start()

    def put(self, line: bytes) -> None:
        """Write a line with its end, soon; never waits and never fails."""
        if len(self._queue) >= self._most:
            self._dropped(1)
            return
        self._queue.append(line)

    def close(self, *, seconds: float = CLOSE_SECONDS) -> None:
        """Write what is left, as long as somebody reads it; no longer than the time."""
        self._closing.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._closing.wait(TURN_SECONDS):
            self._drain()
        self._drain()

    def _drain(self) -> None:
        block: list[bytes] = []
        size = 0
        while self._queue:
            line = self._queue.popleft()
            if block and size + len(line) > self._block:
                self._write(block)
                block, size = [], 0
            block.append(line)
            size += len(line)
        if block:
            self._write(block)

    def _write(self, lines: list[bytes]) -> None:
        left = memoryview(b"".join(lines))
        try:
            while left:
                try:
                    left = left[os.write(self._descriptor, left) :]
                except BlockingIOError:
                    time.sleep(FULL_SECONDS)
                    if self._closing.is_set():
                        raise
        except OSError:
            # Nobody reads any more, or the disk is full: there is nowhere to say so but here.
            self._dropped(len(lines))


class SinkHandler(logging.Handler):
    """Hands records to a sink as finished lines."""

    def __init__(self, sink: LogSink) -> None:
        super().__init__()
        self._sink = sink

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record soon."""
        try:
            line = self.format(record).encode(errors="backslashreplace") + b"\n"
        except Exception:
            self.handleError(record)
            return
        self._sink.put(line)


def block_size(descriptor: int) -> int:
    """How many bytes go out in one piece."""
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return PIPE_BYTES
    return FILE_BYTES if stat.S_ISREG(mode) else PIPE_BYTES
