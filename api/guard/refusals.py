"""Finished answers that the guard gives instead of a route."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from api.headers import COMMON_HEADERS, Environ, Headers, request_id_of
from api.problem_body import CONTENT_TYPE, problem_body

CHALLENGE = 'Bearer realm="regulars"'


@dataclass(frozen=True, slots=True)
class Refusal:
    """A finished answer: a problem, or what a browser asks before a request."""

    status: HTTPStatus
    headers: Headers
    body: bytes = b""

    def answer(self, start_response: Callable[[str, list[tuple[str, str]]], object]) -> list[bytes]:
        """The body, after its status and headers: what a WSGI application returns."""
        start_response(f"{self.status.value} {self.status.phrase}", list(self.headers))
        return [self.body]


def refusal(
    environ: Environ,
    status: HTTPStatus,
    detail: str,
    *,
    headers: Headers = (),
    kind: str | None = None,
) -> Refusal:
    """A problem as a finished answer."""
    request_id = request_id_of(environ)
    body = problem_body(status, detail, request_id=request_id, kind=kind)
    return Refusal(status, (*_about(request_id, len(body)), *headers), body)


def unauthorized(environ: Environ, detail: str, *, error: str = "") -> Refusal:
    """401; `error` is RFC 6750's word for what is wrong with what was shown."""
    challenge = f'{CHALLENGE}, error="{error}"' if error else CHALLENGE
    headers = (("WWW-Authenticate", challenge),)
    return refusal(environ, HTTPStatus.UNAUTHORIZED, detail, headers=headers)


def forbidden(environ: Environ, detail: str) -> Refusal:
    """403: known, and not allowed."""
    return refusal(environ, HTTPStatus.FORBIDDEN, detail)


def too_many(environ: Environ, detail: str, *, seconds: int) -> Refusal:
    """429 with the seconds after which it is worth trying again."""
    headers = (("Retry-After", str(seconds)),)
    return refusal(environ, HTTPStatus.TOO_MANY_REQUESTS, detail, headers=headers)


def unavailable(environ: Environ) -> Refusal:
    """503: nobody can say whose key it is."""
    detail = "the keys cannot be read just now; try again"
    headers = (("Retry-After", "1"),)
    status = HTTPStatus.SERVICE_UNAVAILABLE
    return refusal(environ, status, detail, headers=headers, kind="store-unavailable")


def _about(request_id: str, length: int) -> Headers:
    return (
        ("Content-Type", CONTENT_TYPE),
        ("Content-Length", str(length)),
        ("Cache-Control", "no-store"),
        ("X-Request-ID", request_id),
        *COMMON_HEADERS,
    )
