"""The body of a problem (RFC 9457) and the id of a request, with or without Flask around them."""

from __future__ import annotations

import re
import uuid
from http import HTTPStatus
from typing import Any, TypeAlias

import msgspec

from api.wire import FieldProblem, Problem

Environ: TypeAlias = dict[str, Any]
CONTENT_TYPE = "application/problem+json"
REQUEST_ID = "regulars.request_id"
_FAIR = re.compile(r"[A-Za-z0-9._~+/=:-]{1,128}", re.ASCII)


def request_id_of(environ: Environ) -> str:
    """The id of a request: noted before, else the caller's when it is a fair one, else ours."""
    known: str | None = environ.get(REQUEST_ID)
    if known is None:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        known = given if _FAIR.fullmatch(given) else uuid.uuid4().hex
        environ[REQUEST_ID] = known
    return known


def slug(status: HTTPStatus) -> str:
    """What a problem is called that is no more than its status."""
    return status.phrase.lower().replace(" ", "-")


def problem_body(
    status: HTTPStatus,
    detail: str,
    *,
    request_id: str,
    kind: str | None = None,
    field: str | None = None,
    errors: tuple[FieldProblem, ...] = (),
) -> bytes:
    """The JSON of a problem; `kind` names what went wrong, the status does when it is None."""
    name = kind or slug(status)
    return msgspec.json.encode(
        Problem(
            type=f"/docs#{name}",
            title=name.replace("-", " ").capitalize(),
            status=status.value,
            detail=detail,
            request_id=request_id,
            field=field,
            errors=errors,
        )
    )
