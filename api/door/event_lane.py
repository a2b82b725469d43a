"""A single event of the shop's server, recorded without Flask.

It answers what the view `events.post` would, byte for byte, for the request that matters when
there are many: one event, plain JSON, a key that may tell any. Whatever it is not sure of it
leaves to the view, and what went wrong the view says.
"""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import msgspec

from api.bodies import decode
from api.guard.caller import Caller
from api.recording import Sender, record_one
from api.robots import is_robot
from api.services import Services
from engine.domain.keys import Scope

# Where the lane leaves why there is no answer, after the event was looked at.
RAISED = "regulars.raised"
# The route, as it is described.
RECORDED = "/v1/events"
JSON = "application/json"
_COUNT = re.compile("[0-9]{1,9}")
# What one event may take; batches go the usual way.
MOST_BYTES = 65_536


class EventLane:
    """Records the event that a request brings."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._most_bytes = min(MOST_BYTES, services.max_body_bytes)

    def answer(self, environ: dict[str, Any], caller: Caller) -> bytes | None:
        """The answer's JSON, None when this request is not, or not surely, one for it."""
        if environ["PATH_INFO"] != RECORDED or environ["REQUEST_METHOD"] != "POST":
            return None
        if not caller.may(Scope.EVENTS) or not _plain(environ):
            return None
        body = self._body(environ)
        if body is None:
            return None
        try:
            content = decode(body, dict[str, msgspec.Raw], field="body")
            if "events" in content:
                return None
            robot = is_robot(environ.get("HTTP_USER_AGENT"))
            sender = Sender(self._services, caller, robot=robot)
            return record_one(msgspec.json.encode(content), sender)
        except Exception as error:
            # The view raises it where errors are answered and logged.
            environ[RAISED] = error
            return None

    def _body(self, environ: dict[str, Any]) -> bytes | None:
        """The whole body, left for the view to read as well; None when it is none for this lane."""
        length = environ.get("CONTENT_LENGTH", "")
        if not _COUNT.fullmatch(length) or int(length) > self._most_bytes:
            return None
        body: bytes = environ["wsgi.input"].read(int(length))
        environ["wsgi.input"] = BytesIO(body)
        return body if len(body) == int(length) and body.strip() else None


def _plain(environ: dict[str, Any]) -> bool:
    return (
        environ.get("CONTENT_TYPE") == JSON
        and not environ.get("QUERY_STRING")
        and "HTTP_CONTENT_ENCODING" not in environ
        and "HTTP_TRANSFER_ENCODING" not in environ
    )
