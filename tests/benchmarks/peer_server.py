"""LibRecommender's own serving module (`libserving`), in an environment of its own.

It reads a nearest-neighbour model from Redis, in the tables that its documentation names: which
user consumed what, and the most similar items of each item. They are filled here with random
neighbours, for it is the serving that is measured. Histories are short, which favours it: it asks
Redis once for every item of a history, and once for every item of a list.
"""

from __future__ import annotations

import os
import subprocess
import time
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import msgspec
import redis

from engine.store.embedded_valkey import start_valkey
from engine.store.redis_cache import connect
from tests.shop import free_port, stop

# The package itself without what it trains with; what its server imports.
PEER = "LibRecommender==1.5.2"
NEEDS = ("sanic==25.12.1", "redis[hiredis]==8.1.0", "ujson==6.1.0", "pydantic==2.14.3")
APPLICATION = "libserving.sanic_serving.knn_deploy:app"
HISTORY, NEIGHBOURS = 5, 20


def environment(folder: Path) -> Path:
    """The Python of the peer's environment, made from the package registry if it is not there."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, "--no-deps", PEER], check=True)
        subprocess.run([*install, *NEEDS], check=True)
    return python


def fill(client: redis.Redis, *, customers: int, items: int, rng: Random) -> None:
    """The tables of a model of items (`ItemCF`) for so many customers and items."""
    pipe = client.pipeline()
    pipe.set("model_name", "ItemCF")
    pipe.hset("user2id", mapping={f"c{number}": number for number in range(customers)})
    pipe.hset("id2item", mapping={str(number): f"i{number}" for number in range(items)})
    consumed = {str(user): _json(rng.sample(range(items), HISTORY)) for user in range(customers)}
    pipe.hset("user_consumed", mapping=consumed)
    similar = {
        str(item): _json([(other, rng.random()) for other in rng.sample(range(items), NEIGHBOURS)])
        for item in range(items)
    }
    pipe.hset("k_sims", mapping=similar)
    pipe.execute()


@contextmanager
def serving(python: Path, *, redis_port: int, workers: int) -> Iterator[str]:
    """The address of the peer's server."""
    port = free_port()
    command = [str(python.with_name("sanic")), APPLICATION, "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", str(workers), "--no-access-logs"]
    with subprocess.Popen(
        command,
        env={**os.environ, "REDIS_HOST": f"127.0.0.1:{redis_port}", "PYTHONPATH": ""},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield _ready(f"http://127.0.0.1:{port}", process)
        finally:
            stop(process)


@contextmanager
def a_valkey(folder: Path) -> Iterator[tuple[redis.Redis, int]]:
    """A client of a server of our own, and its port: the peer knows no Unix sockets."""
    port = free_port()
    with start_valkey(folder) as server, connect(server.url, answer_seconds=10) as client:
        client.config_set("bind", "127.0.0.1")
        client.config_set("port", port)
        yield client, port


def a_list(url: str) -> list[str]:
    """The peer's list for the first customer."""
    request = urllib.request.Request(
        f"{url}/knn/recommend",
        data=_json({"user": "c0", "n_rec": 10}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        told: dict[str, list[str]] = msgspec.json.decode(answer.read())
    (items,) = told.values()
    return items


def _ready(url: str, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 30
    while True:
        try:
            if len(a_list(url)) == 10:
                return url
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("the peer's server does not answer") from None
        time.sleep(0.2)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
