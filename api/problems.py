"""Errors as `application/problem+json` (RFC 9457), the same shape for every one of them."""

from __future__ import annotations

import logging
from http import HTTPStatus

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from api.headers import COMMON_HEADERS, NO_STORE, request_id_of
from api.problem_body import CONTENT_TYPE, problem_body, slug
from api.wire import FieldProblem
from engine.errors import (
    CustomerUnknown,
    EngineError,
    EventConflict,
    ModelUnavailable,
    Overloaded,
    RequestInvalid,
    SegmentConflict,
    SegmentUnknown,
    StoreUnavailable,
)
from engine.segments.problems import SegmentInvalid

RETRY_AFTER_SECONDS = 1
_log = logging.getLogger(__name__)


class ItemUnknown(EngineError):
    """The catalogue does not describe this item."""


class IdentityUnknown(EngineError):
    """The anonymous visitor is not joined to the customer."""


class ItemsInvalid(EngineError):
    """Several fields of a batch break a rule; none of it was stored."""

    def __init__(self, problems: tuple[FieldProblem, ...], *, count: int) -> None:
        wrong = "1 field is wrong" if count == 1 else f"{count} fields are wrong"
        super().__init__(f"{wrong}; nothing was stored")
        self.problems = problems


class NotAllowed(RequestInvalid):
    """The key does not allow what this field says."""


class MediaTypeUnsupported(EngineError):
    """The body is a form, not JSON."""


# What a caller can tell apart, with the answer's status; the name is the last part of `type`.
KINDS: dict[type[EngineError], tuple[str, HTTPStatus]] = {
    RequestInvalid: ("request-invalid", HTTPStatus.BAD_REQUEST),
    ItemsInvalid: ("request-invalid", HTTPStatus.BAD_REQUEST),
    NotAllowed: ("forbidden", HTTPStatus.FORBIDDEN),
    SegmentInvalid: ("request-invalid", HTTPStatus.BAD_REQUEST),
    CustomerUnknown: ("customer-unknown", HTTPStatus.NOT_FOUND),
    IdentityUnknown: ("identity-unknown", HTTPStatus.NOT_FOUND),
    ItemUnknown: ("item-unknown", HTTPStatus.NOT_FOUND),
    SegmentUnknown: ("segment-unknown", HTTPStatus.NOT_FOUND),
    SegmentConflict: ("segment-conflict", HTTPStatus.CONFLICT),
    EventConflict: ("event-conflict", HTTPStatus.CONFLICT),
    MediaTypeUnsupported: ("media-type-unsupported", HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    StoreUnavailable: ("store-unavailable", HTTPStatus.SERVICE_UNAVAILABLE),
    ModelUnavailable: ("model-unavailable", HTTPStatus.SERVICE_UNAVAILABLE),
    Overloaded: ("overloaded", HTTPStatus.SERVICE_UNAVAILABLE),
}
# What the framework and the guard refuse by themselves.
_PLAIN = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.INTERNAL_SERVER_ERROR,
)
# For a page that says nothing else of itself: nothing at all, and in nobody's frame.
STRICT_CONTENT = "default-src 'none'; frame-ancestors 'none'"
_RETRIED = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
# The words of the framework name no remedy.
_DETAILS = {
    HTTPStatus.BAD_REQUEST: "the request cannot be read; see its Host and Upgrade headers",
    HTTPStatus.NOT_FOUND: "nothing is served at this address; /docs lists what is",
    HTTPStatus.METHOD_NOT_ALLOWED: "this address does not take the method; see the Allow header",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "the body is too large; send it in smaller batches",
}


def install(app: Flask) -> None:
    """Answer every error of the app with a problem, and every request with its id."""
    app.register_error_handler(EngineError, _of_engine)
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(Exception, _of_bug)
    app.after_request(_with_common_headers)


def kinds() -> list[tuple[str, int]]:
    """Every kind of problem with its status, by status."""
    known = {*KINDS.values(), *((slug(status), status) for status in _PLAIN)}
    return sorted(((kind, status.value) for kind, status in known), key=lambda each: each[::-1])


def problem(
    status: HTTPStatus,
    detail: str,
    *,
    kind: str | None = None,
    field: str | None = None,
    errors: tuple[FieldProblem, ...] = (),
) -> Response:
    """A problem answer; `kind` names what went wrong, the status does when it is None."""
    body = problem_body(
        status, detail, request_id=request_id(), kind=kind, field=field, errors=errors
    )
    response = Response(body, status=status.value, content_type=CONTENT_TYPE)
    if status in _RETRIED:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def request_id() -> str:
    """The id of the request being answered: the caller's when it is a fair one, else ours."""
    return request_id_of(request.environ)


def _with_common_headers(response: Response) -> Response:
    response.headers["X-Request-ID"] = request_id()
    for name, value in (*COMMON_HEADERS, ("Cache-Control", NO_STORE)):
        response.headers.setdefault(name, value)
    if response.mimetype == "text/html":
        response.headers["X-Frame-Options"] = "DENY"
        response.headers.setdefault("Content-Security-Policy", STRICT_CONTENT)
    return response


def _of_engine(error: EngineError) -> Response:
    kind, status = KINDS.get(type(error), (None, HTTPStatus.INTERNAL_SERVER_ERROR))
    if kind is None:
        return _of_bug(error)
    if isinstance(error, SegmentInvalid):
        errors = tuple(FieldProblem(each.pointer, each.message) for each in error.problems)
        told = str(error.problems[0])
        more = f"; and {len(errors) - 1} more, see errors" if len(errors) > 1 else ""
        return problem(status, told + more, kind=kind, field=errors[0].field, errors=errors)
    if isinstance(error, RequestInvalid):
        return problem(status, str(error), kind=kind, field=error.field or None)
    if isinstance(error, ItemsInvalid):
        first = error.problems[0]
        detail = f"{error}: {first.field}: {first.reason}"
        return problem(status, detail, kind=kind, field=first.field, errors=error.problems)
    if isinstance(error, StoreUnavailable | ModelUnavailable):
        # The message names hosts and files: it is for the operator's log, not for a caller.
        _log.error("%s request_id=%s rule=%s: %s", kind, request_id(), request.url_rule, error)
        return problem(status, "the service cannot do this just now; try again", kind=kind)
    return problem(status, str(error), kind=kind)


def _of_http(error: HTTPException) -> Response:
    answered = error.get_response()
    if error.code is None or error.code < 400:
        return Response(answered.get_data(), error.code, dict(answered.headers))
    status = HTTPStatus(error.code)
    response = problem(status, _DETAILS.get(status, error.description or status.description))
    if "Allow" in answered.headers:
        response.headers["Allow"] = answered.headers["Allow"]
    return response


def _of_bug(error: Exception) -> Response:
    # The rule and not the path: a path holds a customer's id.
    _log.error("failed request_id=%s rule=%s", request_id(), request.url_rule, exc_info=error)
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "the service failed; its log holds the details under this request_id",
    )
