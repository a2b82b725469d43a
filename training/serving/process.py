"""A worker as its supervisor sees it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from training.serving.worker import DRAIN, READY, Plan

_MODULE = "training.serving.worker"


class WorkerProcess:
    """A worker process and what is known of it; times are the supervisor's clock."""

    def __init__(
        self, process: subprocess.Popen[bytes], channel: socket.socket, *, number: int, now: float
    ) -> None:
        self._process = process
        self._channel = channel
        self.number = number
        self.begun_at = now
        self.heard_at = now
        self.ready = False
        self.parting_since: float | None = None
        self.told_to_end_at: float | None = None

    @classmethod
    def begin(cls, plan: Plan, environment: Mapping[str, str], *, now: float) -> WorkerProcess:
        """A new process, which loads the code and the settings as they are now."""
        own, inherited = socket.socketpair()
        with inherited:
            told = msgspec.structs.replace(plan, channel=inherited.fileno())
            # -P: the working directory does not become a place to import from.
            command = [sys.executable, "-P", "-m", _MODULE, msgspec.json.encode(told).decode()]
            process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                command,
                env=environment,
                pass_fds=(told.listener, told.channel),
                # Ctrl-C in a terminal must reach the supervisor alone.
                process_group=0,
            )
        own.setblocking(False)
        return cls(process, own, number=plan.number, now=now)

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it runs no more."""
        return self._process.poll() is not None

    def listen(self, *, now: float) -> None:
        """Take note of what it said since."""
        with suppress(BlockingIOError, ConnectionError):
            if said := self._channel.recv(4096):
                self.heard_at = now
                self.ready = self.ready or READY in said

    def part(self, *, now: float) -> None:
        """Tell it to take no more connections and to bid its clients farewell."""
        self.parting_since = now
        with suppress(OSError):
            self._channel.send(DRAIN)

    def end(self, *, now: float) -> None:
        """Tell it to finish what is under way and end."""
        self.told_to_end_at = now
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def forget(self) -> None:
        """Let go of one that has ended."""
        self._process.wait()
        self._channel.close()

    def own_memory(self) -> int | None:
        """Bytes that it shares with nobody and with no file, None where that cannot be told.

        The arrays of a model are a file's, and cost no more however many workers map them.
        """
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return None
        found = [line.split() for line in status.splitlines() if line.startswith("RssAnon:")]
        return int(found[0][1]) * 1024 if found else None
