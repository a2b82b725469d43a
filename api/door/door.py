"""The first layer of the server: a cached list goes out from here, all else goes on to Flask."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from api.door.fast_lane import FastLane
from api.guard.caller import CALLER
from api.guard.guard import Guard
from api.guard.refusals import Refusal
from api.headers import PRIVATE, common_headers, request_id_of
from api.telemetry.hints import leave_fast

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

JSON = "application/json"
# What the fast lane answers, as it is described.
LISTED = "/v1/customers/{customer_id}/recommendations"


class Door:
    """A WSGI application around another: it answers what is cached, and hands on the rest."""

    def __init__(
        self,
        inner: WSGIApplication,
        lane: FastLane,
        *,
        guard: Guard,
        closes: Callable[[], None] = lambda: None,
    ) -> None:
        """`closes` ends what runs behind the door."""
        self._inner = inner
        self._lane = lane
        self._guard = guard
        self.close = closes

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """The answer's body; its status and headers are told to `start`."""
        request_id = request_id_of(environ)
        caller = self._guard.admit(environ)
        if isinstance(caller, Refusal):
            return caller.answer(start)
        environ[CALLER] = caller
        body = self._lane.answer(environ, caller)
        if body is None:
            answer = self._inner(environ, start)
            self._lane.learn(environ)
            return answer
        leave_fast(environ, LISTED, body)
        headers = listed_headers(request_id, len(body))
        headers.extend(self._guard.headers(environ))
        start("200 OK", headers)
        # Granian sends a list of one at once.
        return [body]


def listed_headers(request_id: str, length: int) -> list[tuple[str, str]]:
    """The headers of a personal list, as Flask sends them."""
    return [
        ("Content-Type", JSON),
        ("Content-Length", str(length)),
        ("Cache-Control", PRIVATE),
        *common_headers(request_id),
    ]
