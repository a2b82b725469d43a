"""One worker process: the application under granian, on a listener that its supervisor holds.

    python -m training.serving.worker PLAN

The supervisor hears from it through a socket pair: READY once it serves, BEAT every second while
it is well. It is told DRAIN before it is told to end. When the supervisor is gone, it leaves.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import socket
import sys
import threading
from collections.abc import Callable

import msgspec
from granian._granian import SocketHolder
from granian.constants import HTTPModes, Loops, RuntimeModes, TaskImpl
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from engine.log_lines import propagating
from training.serving.listeners import CONNECTIONS_WAITING
from training.serving.parting import Application, Attended, step_back

READY, BEAT, DRAIN = b"r", b"b", b"d"
BEAT_SECONDS = 1.0
# Objects made and not yet gone, before Python looks for cycles among them; and among older ones.
COLLECT_AFTER, COLLECT_OLDER_AFTER = 20_000, (20, 50)


class Plan(msgspec.Struct, frozen=True):
    """What a worker is told at its start; `listener` and `channel` are inherited descriptors.

    With all its threads at one answer each for longer than `stuck_seconds` it is not well.
    """

    application: str
    number: int
    workers: int
    threads: int
    stuck_seconds: float
    listener: int
    channel: int


class Worker:
    """This process as a worker."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._channel = socket.socket(fileno=plan.channel)
        self._attended: Attended | None = None

    def run(self) -> None:
        """Load the application and serve until told to end."""
        threading.Thread(target=self._attend, name="supervisor", daemon=True).start()
        serve(self._plan, self._load)

    def _load(self) -> Application:
        module, _, name = self._plan.application.partition(":")
        self._attended = Attended(getattr(importlib.import_module(module), name)())
        _rest_collection()
        self._say(READY)
        return self._attended

    def _attend(self) -> None:
        self._channel.settimeout(BEAT_SECONDS)
        while True:
            try:
                word = self._channel.recv(1)
            except TimeoutError:
                self._beat()
                continue
            except OSError:
                word = b""
            if word != DRAIN:
                # At once and without clean-up: what was acknowledged is durable.
                os._exit(1)
            self._drain()

    def _beat(self) -> None:
        attended, plan = self._attended, self._plan
        if attended is None or attended.busy_longer_than(plan.stuck_seconds) < plan.threads:
            self._say(BEAT)

    def _drain(self) -> None:
        step_back(self._plan.listener)
        if self._attended is not None:
            self._attended.part()

    def _say(self, word: bytes) -> None:
        try:
            self._channel.send(word)
        except OSError:
            os._exit(1)


def _rest_collection() -> None:
    # Python's search for cycles goes through every object there is, for a tenth of a second at a
    # time, and nothing is answered meanwhile. What is loaded by now stays; what requests make has
    # no cycles but those of exceptions, which may wait.
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, *COLLECT_OLDER_AFTER)


def serve(plan: Plan, load: Callable[[], Application]) -> None:
    """Answer on the plan's listener until SIGTERM; then finish what is under way.

    This is how granian starts a worker of its own. Its own supervisor gives each a listener of
    its own, whose waiting connections die with the worker, and gives up when one dies twice.
    """
    # Its stub does not name what it takes: the descriptor, whether it is a Unix socket, how many
    # connections may wait.
    own: Callable[..., SocketHolder] = SocketHolder
    MPServer._spawn_wsgi_worker(
        plan.number,
        None,
        load,
        ((None, own(plan.listener, False, CONNECTIONS_WAITING)), None),
        None,
        Loops.auto,
        True,
        LogLevels.warning,
        # Its records go where the application's go.
        propagating("_granian"),
        (),
        runtime_mode=RuntimeModes.st,
        runtime_threads=1,
        runtime_blocking_threads=512,
        blocking_threads=plan.threads,
        blocking_threads_idle_timeout=30,
        backpressure=max(1, CONNECTIONS_WAITING // plan.workers),
        task_impl=TaskImpl.asyncio,
        http_mode=HTTPModes.http1,
        http1_settings=HTTP1Settings(),
        http2_settings=None,
        websockets=False,
        static_path=None,
        log_access_fmt=None,
        ssl_ctx=(False, None, None, None, "tls1.3", None, [], False),
        scope_opts={"url_path_prefix": None},
        metrics=(None, None),
    )


def main() -> None:
    """Be the worker that the arguments plan."""
    Worker(msgspec.json.decode(sys.argv[1], type=Plan)).run()
    # The last log lines go out. Threads may still make lists whose clients have gone: to end the
    # interpreter under them is a fault to the server's runtime, which aborts.
    atexit._run_exitfuncs()
    os._exit(0)


if __name__ == "__main__":
    main()
