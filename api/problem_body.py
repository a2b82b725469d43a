"""The body of a problem (RFC 9457), with or without Flask around it."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from api.wire import FieldProblem, Problem
from engine.errors import MAX_FIELD, MAX_REASON, in_one_line

# Of one request: whoever mends these sees the next ones.
MAX_ERRORS = 100
CONTENT_TYPE = "application/problem+json"


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
            detail=in_one_line(detail, most=MAX_REASON),
            request_id=request_id,
            field=None if field is None else in_one_line(field, most=MAX_FIELD),
            errors=tuple(_fair(each) for each in errors[:MAX_ERRORS]),
        )
    )


def _fair(told: FieldProblem) -> FieldProblem:
    return FieldProblem(
        in_one_line(told.field, most=MAX_FIELD), in_one_line(told.reason, most=MAX_REASON)
    )
