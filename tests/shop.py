"""A whole shop for end-to-end tests: a home, the command line and the server."""

from __future__ import annotations

import atexit
import csv
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from engine.domain.events import Event
from tests.builders import a_shop
from tests.waiting import AMPLE, PATIENCE_SECONDS, comes_true

# Below those that Linux and macOS give to clients.
SERVER_PORTS = (20_000, 32_000)
BARE = {key: value for key, value in os.environ.items() if not key.startswith("REGULARS_")}


@dataclass
class Shop:
    """Everything below one home; `variables` are REGULARS_* settings beside it."""

    home: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {**BARE, "REGULARS_HOME": str(self.home), **self.variables}

    def run(
        self, *arguments: str | Path, patience: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """`regulars ARGUMENTS`, whatever comes of it within so many seconds."""
        return subprocess.run(
            [sys.executable, "-m", "training", *map(str, arguments)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=patience,
            check=False,
        )

    def done(self, *arguments: str | Path) -> str:
        """What `regulars ARGUMENTS` prints, when it succeeds."""
        result = self.run(*arguments)
        assert result.returncode == 0, result.stderr
        return result.stdout

    @contextmanager
    def serving(self, *, workers: int = 2) -> Iterator[Server]:
        """The shop's server, ready; it is told to stop at the end, if it still runs."""
        port = free_port()
        command = [sys.executable, "-m", "training", "serve"]
        with (
            (self.home / "server.log").open("ab") as log,
            subprocess.Popen(
                [*command, "--port", str(port), "--workers", str(workers)],
                env=self.environment,
                stdout=log,
                stderr=log,
            ) as process,
        ):
            server = Server(f"http://127.0.0.1:{port}", process)
            try:
                server.wait()
                yield server
            finally:
                stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Tell a server to stop; one that does not is killed, and that is a failure."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


@dataclass
class Server:
    """A running server."""

    url: str
    process: subprocess.Popen[bytes]

    def call(self, path: str, body: Any = None, method: str | None = None) -> tuple[int, Any]:
        """Status and decoded answer; errors of HTTP are answers too."""
        request = urllib.request.Request(
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())
        except http.client.HTTPException as error:
            raise ConnectionError(f"the answer broke off: {error!r}") from error

    def get(self, path: str) -> Any:
        """The answer to a GET that succeeds."""
        status, body = self.call(path)
        assert status == 200, body
        return body

    def items(self, customer: str, *, limit: int = 10) -> list[str]:
        """The items recommended to a customer, best first."""
        answer = self.get(f"/v1/customers/{customer}/recommendations?limit={limit}")
        return [item["item_id"] for item in answer["items"]]

    def send(self, event: Event) -> str:
        """What becomes of a purchase or refund that is posted."""
        status, answer = self.call("/v1/events", wire(event))
        assert status == 200, answer
        return str(answer["results"][0]["status"])

    def wait(self) -> None:
        """Return once the server is ready."""
        assert comes_true(self._healthy), "the server did not become ready"

    def _healthy(self) -> bool:
        assert self.process.poll() is None, "the server ended"
        try:
            return self.call("/healthz")[0] == 200
        except OSError:
            return False


def wire(event: Event) -> dict[str, Any]:
    """An event as a storefront would post it."""
    lines = [
        {"item_id": line.item_id, "quantity": line.quantity, "unit_price": line.unit_price}
        for line in event.lines
    ]
    assert event.occurred_at is not None
    return {
        "event_id": event.event_id,
        "type": event.type.value,
        "occurred_at": event.occurred_at.isoformat(),
        "customer_id": event.customer_id,
        "order_id": event.order_id,
        "lines": lines,
    }


def write_csv(path: Path, events: Sequence[Event]) -> Path:
    """Purchases as a file in our own columns, with a title for each item."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["customer_id", "item_id", "order_id", "occurred_at", "quantity", "unit_price", "title"]
        )
        for event in events:
            assert event.occurred_at is not None
            for line in event.lines:
                writer.writerow(
                    [
                        event.customer_id,
                        line.item_id,
                        event.order_id,
                        event.occurred_at.isoformat(),
                        line.quantity,
                        (line.unit_price or 0) / 100,
                        f"The {line.item_id}",
                    ]
                )
    return path


def a_trained_shop(home: Path, **variables: str) -> Shop:
    """A shop with the purchases of `a_shop` loaded and a model live.

    One that keeps all in its home is a copy: nothing it is trained by is among the variables. Its
    lists have ample time.
    """
    shop = Shop(home, {"REGULARS_REQUEST_BUDGET": f"{AMPLE.seconds}s", **variables})
    if "REGULARS_DATABASE_URL" in variables:
        return _filled(shop)
    shutil.copytree(_trained(), home, dirs_exist_ok=True)
    return shop


@cache
def _trained() -> Path:
    """A home as every trained shop begins, as long as the tests run."""
    home = Path(tempfile.mkdtemp(prefix="regulars-trained-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    _filled(Shop(home))
    return home


def _filled(shop: Shop) -> Shop:
    home = shop.home
    home.mkdir(parents=True, exist_ok=True)
    shop.done("ingest", write_csv(home / "orders.csv", a_shop()), "--currency", "EUR")
    shop.done("train")
    return shop


def free_port() -> int:
    """A port of this machine that nobody uses.

    Not one of those that the system gives to clients: a client of another test might have it before
    the server does.
    """
    while True:
        port = random.SystemRandom().randrange(*SERVER_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def children(pid: int) -> list[int]:
    """The processes below a process, all the way down (Linux)."""
    own = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return own + [each for child in own for each in children(child)]


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not yet collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
