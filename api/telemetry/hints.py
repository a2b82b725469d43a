"""What the parts of an answer leave in a request's environment for whoever counts it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from flask import Flask, Response, request

from api.telemetry.seen import FAST

ROUTE, LANE = "regulars.route", "regulars.lane"
SERVED_BY, FALLBACK_REASON = "regulars.served_by", "regulars.fallback_reason"
# The words stand one after the other in a list's JSON; in a text a quote would be escaped.
_MARK, _END = b'"served_by":"', b'"items":'
_WORDS = re.compile(rb'"served_by":"(\w+)","fallback_reason":(?:"(\w+)"|null),')
_CONVERTER = re.compile(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>")


def leave_list(environ: dict[str, Any], body: bytes) -> None:
    """Leave where a list comes from, as its JSON says."""
    start = body.find(_MARK)
    environ[SERVED_BY], environ[FALLBACK_REASON] = _words(body[start : body.find(_END, start)])


def leave_lane(environ: dict[str, Any], route: str) -> None:
    """Leave that the answer went out before Flask."""
    environ[LANE], environ[ROUTE] = FAST, route


def install(app: Flask) -> None:
    """Leave the route of every request that reaches the app."""
    app.after_request(_leave_route)


@lru_cache(maxsize=1000)
def template(rule: str) -> str:
    """A route as it is described: with the names of what varies, in braces."""
    return _CONVERTER.sub(r"{\1}", rule)


def _leave_route(response: Response) -> Response:
    if request.url_rule is not None:
        request.environ[ROUTE] = template(request.url_rule.rule)
    return response


@lru_cache(maxsize=100)
def _words(part: bytes) -> tuple[str, str]:
    found = _WORDS.match(part)
    if found is None:
        return "", ""
    served_by, reason = found.groups(default=b"")
    return served_by.decode(), reason.decode()
