"""The guard within Flask: every route is checked before it runs."""

from __future__ import annotations

from functools import partial

from flask import Flask, Response, request

from api.guard.caller import CALLER, Caller
from api.guard.guard import Guard
from api.guard.refusals import Refusal
from api.guard.scopes import refused


def install(app: Flask, guard: Guard) -> None:
    """Let nobody reach a route of the app unchecked."""
    app.before_request(partial(_check, guard))
    app.after_request(partial(_tell_page, guard))


def _check(guard: Guard) -> Response | None:
    # A door before the app may have asked the guard already.
    caller = request.environ.get(CALLER)
    if not isinstance(caller, Caller):
        caller = guard.admit(request.environ)
    if isinstance(caller, Refusal):
        return _response(caller)
    request.environ[CALLER] = caller
    answer = refused(request.environ, caller, request.endpoint, request.view_args or {})
    return None if answer is None else _response(answer)


def _response(answer: Refusal) -> Response:
    response = Response(answer.body, answer.status.value, list(answer.headers))
    if not answer.body:
        # Flask takes what says nothing of itself for HTML.
        del response.headers["Content-Type"]
    return response


def _tell_page(guard: Guard, response: Response) -> Response:
    for name, value in guard.headers(request.environ):
        if name == "Vary":
            response.vary.add(value)
        else:
            response.headers[name] = value
    return response
