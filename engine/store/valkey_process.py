"""One run of a cache server under its guard: begun, asked whether it answers, ended.

The server runs under a small shell that reads a pipe. The owner, the process that started it,
alone holds the write end: when the owner ends in whatever way, SIGKILL included, the shell reads
the end of the file and sends the server SIGTERM. The write end is not inheritable, so that no
unrelated child keeps the server alive. Worker processes need not hold it either: a worker must
stop when its parent is gone, whether there is a cache or not, and watches its parent for that. One
made by `fork` without `exec` does hold it, and the server then waits for that worker's end too.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import redis

from engine.errors import StoreUnavailable
from engine.store.redis_cache import connect

READY_SECONDS = 5.0
STOP_SECONDS = 5.0
POLL_SECONDS = 0.005

# Standard input is the pipe, $1 a folder to remove at the end or nothing, the rest the server's
# command. The server is the shell's own child: while the reader runs, its process id cannot go to
# another process, for only the shell may reap it, and ends the reader as soon as it has.
_GUARD = """
folder=$1
shift
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
( read -r _ <&3; kill -TERM $server ) &
reader=$!
exec 3<&-
wait $server
status=$?
kill $reader 2>/dev/null
wait $reader 2>/dev/null
[ -z "$folder" ] || rmdir "$folder" 2>/dev/null
exit $status
"""


@dataclass(frozen=True, slots=True)
class Command:
    """How a server is run: its words, its log, what it inherits, a folder to remove at its end."""

    words: Sequence[str]
    log: Path
    inherited: int
    private: Path | None


class ValkeyProcess:
    """A server under its guard; `stop` it at the end, from one thread at a time."""

    def __init__(self, process: subprocess.Popen[bytes], *, pipe: int) -> None:
        self._process = process
        self._pipe: int | None = pipe

    @classmethod
    def begin(cls, command: Command) -> ValkeyProcess:
        """The server, started but perhaps not ready yet. Raises OSError."""
        read_end, write_end = os.pipe()
        guard = ["/bin/sh", "-c", _GUARD, "regulars", str(command.private or "")]
        try:
            with command.log.open("wb") as log:
                process = subprocess.Popen(  # noqa: S603 (a fixed script; the words are ours)
                    [*guard, *command.words],
                    stdin=read_end,
                    stdout=log,
                    stderr=log,
                    # The C locale: the server refuses to start in one that the host lacks.
                    env={"LC_ALL": "C", "PATH": os.defpath},
                    pass_fds=(command.inherited,),
                    # A session of its own: Ctrl-C in a terminal must reach the owner alone.
                    start_new_session=True,
                )
        except BaseException:
            os.close(write_end)
            raise
        finally:
            os.close(read_end)
        return cls(process, pipe=write_end)

    @property
    def running(self) -> bool:
        """Whether the guard, and so the server as far as one can tell, still runs."""
        return self._process.poll() is None

    def wait(self) -> None:
        """Return when the server or its guard has ended."""
        self._process.wait()

    def await_ready(self, url: str, *, log: Path) -> None:
        """Return once the server answers; raises StoreUnavailable when it does not in time."""
        deadline = time.monotonic() + READY_SECONDS
        with connect(url) as client:
            while self.running and time.monotonic() < deadline:
                try:
                    client.ping()
                except redis.RedisError:
                    time.sleep(POLL_SECONDS)
                else:
                    return
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), "nothing")
        raise StoreUnavailable(
            f"the cache server did not start and said: {said}; see {log}, or set "
            "REGULARS_REDIS_URL to a server of yours"
        )

    def ask_to_end(self) -> None:
        """Tell the guard to end the server; `wait` returns soon after. Again does nothing."""
        if self._pipe is None:
            return
        # A line ends the guard's reading even where a forked child holds the pipe open.
        with suppress(BrokenPipeError):
            os.write(self._pipe, b"\n")
        os.close(self._pipe)
        self._pipe = None

    def stop(self) -> None:
        """End the server and wait for it; nothing of this run is left, whoever of it was killed."""
        self.ask_to_end()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        # A guard that was killed leaves the server and the reader behind, in the guard's group.
        # Its number is nobody else's: not while one of them lives, and not a moment later.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
