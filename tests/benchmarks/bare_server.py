"""The least a Flask view can do that reads from Redis, under the very settings of our server.

python -m tests.benchmarks.bare_server PORT WORKERS REDIS_URL KEY
"""

from __future__ import annotations

import os
import sys

from flask import Flask, Response
from granian.constants import HTTPModes, Interfaces, RuntimeModes
from granian.log import LogLevels
from granian.server import Server

from engine.store.redis_cache import connect
from training.serving.worker import THREADS_PER_WORKER

URL, KEY = "BENCH_REDIS_URL", "BENCH_KEY"


def create() -> Flask:
    """An app whose one view is a GET from Redis; a server calls this in each worker."""
    app = Flask("bare", static_folder=None)
    client = connect(os.environ[URL])
    key = os.environ[KEY]

    @app.get("/bare/<customer_id>")
    def bare(customer_id: str) -> Response:
        return Response(client.get(key), mimetype="application/json")

    @app.get("/healthz")
    def alive() -> Response:
        return Response("{}")

    return app


def main() -> None:
    """Serve until told to stop."""
    port, workers, os.environ[URL], os.environ[KEY] = sys.argv[1:]
    Server(
        "tests.benchmarks.bare_server:create",
        factory=True,
        address="127.0.0.1",
        port=int(port),
        workers=int(workers),
        interface=Interfaces.WSGI,
        runtime_mode=RuntimeModes.st,
        blocking_threads=THREADS_PER_WORKER,
        http=HTTPModes.http1,
        websockets=False,
        log_level=LogLevels.warning,
    ).serve()


if __name__ == "__main__":
    main()
