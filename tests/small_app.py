"""An application to be served in tests: it says who it is, rests, works or breaks, as asked."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

_kept: list[bytes] = []


def create() -> Callable[..., Iterable[bytes]]:
    """The application; SMALL_APP_BROKEN keeps it from being made."""
    if os.environ.get("SMALL_APP_BROKEN"):
        raise RuntimeError("the small application is broken")
    word = os.environ.get("SMALL_APP_WORD", "")

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        asked = parse_qs(environ["QUERY_STRING"])
        time.sleep(float(asked.get("seconds", ["0"])[0]))
        done = time.monotonic() + float(asked.get("work", ["0"])[0])
        while time.monotonic() < done:
            pass
        if megabytes := int(asked.get("keep", ["0"])[0]):
            _kept.append(os.urandom(1000) * 1000 * megabytes)
        body = f"{os.getpid()} {word}".encode()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    return answer
