"""What is wrong with HTTP itself: the server refuses it or hangs up, and goes on."""

from __future__ import annotations

import gzip
import re
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.shop import Server, Shop, a_trained_shop

ANSWER_SECONDS = 3
EVENT = (
    b'{"event_id":"f%d","type":"purchase","customer_id":"eve",'
    b'"lines":[{"item_id":"A","quantity":1}]}'
)
POST = b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
GET = b"GET /v1/items/popular"
CLOSE = b"Connection: close\r\n"


def post(headers: bytes, body: bytes) -> bytes:
    return POST + CLOSE + headers + b"\r\n" + body


def get(rest: bytes, headers: bytes = b"Host: localhost\r\n") -> bytes:
    return GET + rest + b" HTTP/1.1\r\n" + CLOSE + headers + b"\r\n"


BOMB = gzip.compress(b" " * 100_000_000, 9)
HOSTILE = {
    "a negative length": post(b"Content-Length: -1\r\n", EVENT % 1),
    "a length in words": post(b"Content-Length: ten\r\n", EVENT % 2),
    "a length of 30 digits": post(b"Content-Length: " + b"9" * 30 + b"\r\n", EVENT % 3),
    "two lengths": post(b"Content-Length: 1\r\nContent-Length: 90\r\n", EVENT % 4),
    "a length beyond the body": post(b"Content-Length: 5000\r\n", EVENT % 5),
    "a length within the body": post(b"Content-Length: 10\r\n", EVENT % 6),
    "a length and chunks": post(
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", b"1\r\n{\r\n0\r\n\r\n"
    ),
    "a chunk of no size": post(b"Transfer-Encoding: chunked\r\n", b"zz\r\n{}\r\n0\r\n\r\n"),
    "a chunk of a huge size": post(
        b"Transfer-Encoding: chunked\r\n", b"ffffffffffffffff\r\n{}\r\n0\r\n\r\n"
    ),
    "chunks without an end": post(b"Transfer-Encoding: chunked\r\n", b"2\r\n{}\r\n"),
    "an encoding nobody knows": post(b"Transfer-Encoding: cow\r\n", b"{}"),
    "10 MB": post(b"Content-Length: 10000000\r\n", b" " * 10_000_000),
    "10 MB in chunks": post(
        b"Transfer-Encoding: chunked\r\n", b"989680\r\n" + b" " * 10_000_000 + b"\r\n0\r\n\r\n"
    ),
    "a bomb": post(b"Content-Encoding: gzip\r\nContent-Length: %d\r\n" % len(BOMB), BOMB),
    "an address of 100 KB": get(b"?a=" + b"x" * 100_000),
    "an address of strange bytes": get(b"?a=\xff\xfe\x80"),
    "an address with a NUL": get(b"\0"),
    "an address with a tab": get(b"\tx"),
    "a whole address": b"GET http://evil.example/v1/items/popular HTTP/1.1\r\nHost: localhost\r\n"
    + CLOSE
    + b"\r\n",
    "a star": b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n" + CLOSE + b"\r\n",
    "a tunnel": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n" + CLOSE + b"\r\n",
    "a trace": b"TRACE /v1/items HTTP/1.1\r\nHost: localhost\r\n" + CLOSE + b"\r\n",
    "a method nobody knows": b"X" * 500 + b" / HTTP/1.1\r\nHost: localhost\r\n" + CLOSE + b"\r\n",
    "a header of 1 MB": get(b"", b"Host: localhost\r\nX-A: " + b"x" * 1_000_000 + b"\r\n"),
    "1,000 headers": get(b"", b"Host: localhost\r\n" + b"X-A: 1\r\n" * 1_000),
    "a header without a colon": get(b"", b"Host: localhost\r\nevil\r\n"),
    "a header with a NUL": get(b"", b"Host: localhost\r\nX-Request-ID: a\0b\r\n"),
    "a header folded": get(b"", b"Host: localhost\r\nX-Request-ID: a\r\n b\r\n"),
    "a header within a header": get(b"", b"Host: localhost\r\nX-Request-ID: a\rX-Evil: 1\r\n"),
    "a header of strange bytes": get(b"", b"Host: localhost\r\nAuthorization: \xff\xfe\r\n"),
    "no host": get(b"", b""),
    "two hosts": get(b"", b"Host: localhost\r\nHost: b\r\n"),
    "an old version": b"GET /healthz HTTP/0.9\r\n\r\n",
    "a version to come": b"GET /healthz HTTP/9.9\r\nHost: localhost\r\n\r\n",
    "line ends of one kind": b"GET /healthz HTTP/1.1\nHost: localhost\nConnection: close\n\n",
    "no HTTP": b"\0\1\2\3" * 100 + b"\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200,
    "nothing": b"",
    "half a line": b"GET /healthz",
    "a request behind another": get(b"") + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "an upgrade": get(b"", b"Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"),
    "an expectation": post(b"Expect: 100-continue\r\nContent-Length: 10000000\r\n", b""),
}
# Of these the server would wait for more.
UNFINISHED = (
    "a length beyond the body",
    "a chunk of a huge size",
    "chunks without an end",
    "nothing",
    "half a line",
    "an expectation",
)
# Odd, and yet allowed by the rules of HTTP.
ALLOWED = (
    "a whole address",
    "a header of strange bytes",
    "line ends of one kind",
    "a request behind another",
)
INSIDE = re.compile(rb"Traceback|\.py\b|panicked|site-packages|/tmp/|/root/")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shop, Server]]:
    shop = a_trained_shop(tmp_path_factory.mktemp("home"))
    with shop.serving(workers=1) as server:
        yield shop, server


def answered(server: Server, sent: bytes, *, hang_up: bool) -> bytes:
    """All that comes back until one side hangs up."""
    place = urlsplit(server.url)
    got = b""
    with socket.create_connection((place.hostname, place.port), timeout=ANSWER_SECONDS) as line:
        line.settimeout(ANSWER_SECONDS)
        try:
            line.sendall(sent)
            if hang_up:
                line.shutdown(socket.SHUT_WR)
            while part := line.recv(65_536):
                got += part
        except (ConnectionError, OSError):
            # It hung up before it had heard all: that is an answer too.
            pass
    return got


@pytest.mark.parametrize("name", HOSTILE)
def test_wrong_http_is_refused_and_the_server_goes_on(served: tuple[Shop, Server], name: str):
    shop, server = served

    got = answered(server, HOSTILE[name], hang_up=name in UNFINISHED)

    status = re.match(rb"HTTP/1\.[01] (\d{3})", got)
    if status is not None:
        assert (status[1] == b"200") is (name in ALLOWED), got[:500]
        assert status[1] < b"500", got[:500]
    assert not INSIDE.search(got), got[:500]
    assert b"X-Evil" not in got
    assert server.call("/healthz") == (200, {"status": "ok"})
    assert server.call("/v1/customers/eve/profile")[0] == 404
    assert not INSIDE.search((shop.home / "server.log").read_bytes())
