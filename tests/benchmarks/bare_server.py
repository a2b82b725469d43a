"""The least a Flask view can do, under the very settings of our server.

python -m tests.benchmarks.bare_server PORT WORKERS THREADS

`GET /bare/...` reads one value from Redis; `POST /v1/events` is one durable commit of one row.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading

from flask import Flask, Response, request
from granian.constants import HTTPModes, Interfaces, RuntimeModes
from granian.log import LogLevels
from granian.server import Server

from engine.store.redis_cache import connect

URL, KEY, FILE = "BARE_REDIS_URL", "BARE_KEY", "BARE_FILE"
TABLE = "CREATE TABLE IF NOT EXISTS events (seq INTEGER PRIMARY KEY, id TEXT UNIQUE, body TEXT)"


def create() -> Flask:
    """An app of two views; a server calls this in each worker."""
    app = Flask("bare", static_folder=None)
    client, key = connect(os.environ[URL]), os.environ[KEY]
    local = threading.local()

    @app.get("/bare/<customer_id>")
    def bare(customer_id: str) -> Response:
        return Response(client.get(key), mimetype="application/json")

    @app.post("/v1/events")
    def record() -> Response:
        event = request.get_json()
        own = getattr(local, "connection", None) or _connected(local)
        own.execute("BEGIN IMMEDIATE")
        row = (event["event_id"], request.get_data(as_text=True))
        own.execute("INSERT INTO events (id, body) VALUES (?, ?)", row)
        own.execute("COMMIT")
        return Response("{}", mimetype="application/json")

    @app.get("/healthz")
    def alive() -> Response:
        return Response("{}")

    return app


def _connected(local: threading.local) -> sqlite3.Connection:
    made = local.connection = _opened()
    made.execute("PRAGMA synchronous = FULL")
    return made


def _opened() -> sqlite3.Connection:
    return sqlite3.connect(os.environ[FILE], isolation_level=None, timeout=30)


def main() -> None:
    """Serve until told to stop."""
    port, workers, threads = map(int, sys.argv[1:])
    if FILE in os.environ:
        # Before anybody else looks: to change the journal nobody may.
        made = _opened()
        made.execute("PRAGMA journal_mode = WAL")
        made.execute(TABLE)
        made.close()
    Server(
        "tests.benchmarks.bare_server:create",
        factory=True,
        address="127.0.0.1",
        port=port,
        workers=workers,
        interface=Interfaces.WSGI,
        runtime_mode=RuntimeModes.st,
        blocking_threads=threads,
        http=HTTPModes.http1,
        websockets=False,
        log_level=LogLevels.error,
    ).serve()


if __name__ == "__main__":
    main()
