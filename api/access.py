"""How routes reach the services and shape their answers."""

from __future__ import annotations

from flask import Response, current_app, request
from werkzeug.routing import BaseConverter

from api.guard.caller import CALLER, Caller
from api.headers import PRIVATE
from api.problems import NotAllowed
from api.services import Services

EXTENSION = "regulars"


class IdConverter(BaseConverter):
    """An id in a path. It may hold slashes, encoded or not; `check_id` says what else it may."""

    # Any character: a line break must reach `check_id` to be refused by name.
    regex = r"[\s\S]+?"
    part_isolating = False


def services() -> Services:
    """The services of the app that answers."""
    found: Services = current_app.extensions[EXTENSION]
    return found


def caller() -> Caller:
    """Who asks, as the guard let them in."""
    found: Caller = request.environ[CALLER]
    return found


def check_own(customer_id: str, *, field: str) -> None:
    """Raise NotAllowed when the caller may not have this customer's lists."""
    if not caller().may_see(customer_id):
        raise NotAllowed(
            "with a publishable key only the customer whose token is sent", field=field
        )


def json_answer(body: bytes, *, status: int = 200, private: bool = False) -> Response:
    """Finished JSON as an answer; a private one is kept by no browser and no proxy."""
    response = Response(body, status=status, content_type="application/json")
    if private:
        response.headers["Cache-Control"] = PRIVATE
    return response
