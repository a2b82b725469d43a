"""A real browser, and a shop's own site in front of a Regulars server."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.shop import Server, Shop, a_trained_shop
from tests.waiting import PATIENCE_SECONDS, comes_true

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# What a strict shop allows its pages: nothing inline, nothing made of text.
STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
)
PAGE = """<!doctype html><html lang="en"><head><title>Shop</title><link rel="icon" href="data:,">
<script src="{snippet}"></script></head><body><h1>Shop</h1>
<div id="list"><p>Our own picks</p></div></body></html>"""


@dataclass
class Seen:
    """What a browser complained of."""

    errors: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Note what the page and its scripts complain of."""
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console",
            lambda told: self.console.append(told.text) if told.type == "error" else None,
        )


@dataclass
class Site:
    """A shop's site that passes /v1 and /regulars.js on to a Regulars server, as proxies do.

    `pages` are its own. While `up` is false whatever is passed on comes back as 502, after
    `seconds`.
    """

    upstream: str
    pages: dict[str, str] = field(default_factory=dict)
    policy: str | None = None
    up: bool = True
    seconds: float = 0
    url: str = ""
    posted: list[dict[str, Any]] = field(default_factory=list)

    @contextmanager
    def serving(self) -> Iterator[Site]:
        """The site at an address of its own."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path in site.pages:
                self._answer(200, site.pages[path].encode(), "text/html; charset=utf-8")
            else:
                self._pass_on(None)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path.startswith("/v1/events"):
                site.posted.append(json.loads(body))
            self._pass_on(body)

        def _pass_on(self, body: bytes | None) -> None:
            time.sleep(site.seconds)
            if not site.up:
                self._answer(502, b"{}", "application/json")
                return
            kind = {"Content-Type": self.headers.get("Content-Type", "")} if body else {}
            asked = urllib.request.Request(site.upstream + self.path, data=body, headers=kind)
            try:
                with urllib.request.urlopen(asked, timeout=PATIENCE_SECONDS) as answer:
                    self._answer(200, answer.read(), answer.headers["Content-Type"])
            except urllib.error.HTTPError as error:
                with error:
                    self._answer(error.code, error.read(), error.headers["Content-Type"])

        def _answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if site.policy and kind.startswith("text/html"):
                self.send_header("Content-Security-Policy", site.policy)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser of this test session; skips where there is none."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def browsed_shop(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A trained shop that serves the sample shop too; made only where there is a browser."""
    return a_trained_shop(tmp_path_factory.mktemp("browsed"), REGULARS_STOREFRONT="true")


@pytest.fixture(scope="session")
def browsed_server(browsed_shop: Shop) -> Iterator[Server]:
    """Its server, which knows titles, prices and links."""
    with browsed_shop.serving() as running:
        items = [
            {
                "item_id": f"item-{number:02d}",
                "title": f"Item {number}",
                "category": f"Taste {number // 10}",
                "price": 1999,
                "url": f"/item?{number}",
            }
            for number in range(30)
        ]
        status, _ = running.call("/v1/items", {"items": items}, method="PUT")
        assert status == 200
        yield running


@pytest.fixture
def seen() -> Seen:
    """What goes wrong in the browser."""
    return Seen()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A visitor's browser without a past."""
    opened = chromium.new_context(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(PATIENCE_SECONDS * 1000)
    yield opened
    opened.close()


def log(home: Path) -> list[dict[str, Any]]:
    """The events of a shop's log since the first one that a page told, oldest first."""
    asked = """
        SELECT e.*, (SELECT json_group_array(item_id) FROM event_lines l WHERE l.event_seq = e.seq)
        AS items FROM events e WHERE anonymous_id IS NOT NULL OR event_id LIKE 'storefront-%'
        ORDER BY seq
    """
    with closing(sqlite3.connect(f"file:{home / 'regulars.db'}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        rows = [dict(row) for row in database.execute(asked)]
    for row in rows:
        row["items"] = json.loads(row["items"])
        row["properties"] = json.loads(row["properties"] or "{}")
    return rows


def arrived(home: Path, anonymous_id: str, *, types: list[str]) -> list[dict[str, Any]]:
    """The visitor's events, once those of the given types have all arrived, in any order."""
    events: list[dict[str, Any]] = []

    def all_there() -> bool:
        events[:] = [each for each in log(home) if each["anonymous_id"] == anonymous_id]
        return sorted(each["type"] for each in events) == sorted(types)

    assert comes_true(all_there), [each["type"] for each in events]
    return events
