"""The first layer of the server: a cached list goes out and an event comes in here.

All else goes on to Flask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from api.door.event_lane import RECORDED, EventLane
from api.door.fast_lane import FastLane
from api.guard.caller import CALLER
from api.guard.guard import Guard
from api.guard.refusals import Refusal
from api.headers import NO_STORE, PRIVATE, common_headers, request_id_of
from api.telemetry.hints import leave_lane, leave_list

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

JSON = "application/json"
# What the fast lane answers, as it is described.
LISTED = "/v1/customers/{customer_id}/recommendations"


class Door:
    """A WSGI application around another, with a lane for lists and one for events beside it."""

    def __init__(
        self,
        inner: WSGIApplication,
        lane: FastLane,
        events: EventLane,
        *,
        guard: Guard,
        closes: Callable[[], None] = lambda: None,
    ) -> None:
        """`closes` ends what runs behind the door."""
        self._inner = inner
        self._lane = lane
        self._events = events
        self._guard = guard
        self.close = closes

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """The answer's body; its status and headers are told to `start`."""
        # Noted for whoever answers.
        request_id_of(environ)
        caller = self._guard.admit(environ)
        if isinstance(caller, Refusal):
            return caller.answer(start)
        environ[CALLER] = caller
        body = self._lane.answer(environ, caller)
        if body is not None:
            leave_list(environ, body)
            return self._sent(environ, start, LISTED, body)
        body = self._events.answer(environ, caller)
        if body is not None:
            return self._sent(environ, start, RECORDED, body)
        answer = self._inner(environ, start)
        self._lane.learn(environ)
        return answer

    def _sent(
        self, environ: WSGIEnvironment, start: StartResponse, route: str, body: bytes
    ) -> Iterable[bytes]:
        """The answer with the headers that Flask sends."""
        leave_lane(environ, route)
        headers = [("Content-Type", JSON), ("Content-Length", str(len(body)))]
        common = common_headers(request_id_of(environ))
        if route is LISTED:
            headers += [("Cache-Control", PRIVATE), *common]
        else:
            headers += [*common, ("Cache-Control", NO_STORE)]
        headers.extend(self._guard.headers(environ))
        start("200 OK", headers)
        # Granian sends a list of one at once.
        return [body]
