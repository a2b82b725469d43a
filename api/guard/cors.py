"""Which pages of other origins may ask from a browser.

Credentials are never allowed: a browser then sends no cookie, and a page has nothing but what it
shows itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

from api.guard.refusals import Refusal, forbidden
from api.headers import COMMON_HEADERS, Environ, Headers

ALLOWED_METHODS = "GET, POST, PUT, DELETE"
ALLOWED_HEADERS = "Authorization, Content-Type, X-Customer-Token, X-Request-ID"
EXPOSED_HEADERS = "X-Request-ID, Retry-After"
# How long a browser may remember the answer; none remembers for more than two hours.
REMEMBERED_SECONDS = 7_200
_VARY = ("Vary", "Origin")


class Origins:
    """The origins that may ask, such as `https://shop.example`, exactly as browsers write them."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed = frozenset(allowed)

    def headers(self, environ: Environ) -> Headers:
        """What an answer says to a page of another origin."""
        if not self._allowed:
            return ()
        origin = environ.get("HTTP_ORIGIN")
        if origin not in self._allowed:
            return (_VARY,)
        return (
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Expose-Headers", EXPOSED_HEADERS),
            _VARY,
        )

    def preflight(self, environ: Environ) -> Refusal | None:
        """The answer to a browser that asks whether a page may ask; None for anything else."""
        origin = environ.get("HTTP_ORIGIN")
        if origin is None or "HTTP_ACCESS_CONTROL_REQUEST_METHOD" not in environ:
            return None
        if origin not in self._allowed:
            return forbidden(environ, "the setting cors_origins does not name this origin")
        headers = (
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Allow-Methods", ALLOWED_METHODS),
            ("Access-Control-Allow-Headers", ALLOWED_HEADERS),
            ("Access-Control-Max-Age", str(REMEMBERED_SECONDS)),
            ("Content-Length", "0"),
            _VARY,
            *COMMON_HEADERS,
        )
        return Refusal(HTTPStatus.NO_CONTENT, headers)
