"""The OpenAPI 3.1 document, made from the wire types."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from api import (
    wire,
    wire_clients,
    wire_customers,
    wire_health,
    wire_items,
    wire_lists,
    wire_segments,
    wire_tokens,
)
from api.examples import ANSWERS, BODIES
from api.operations import OPERATIONS, Operation, Parameter

Json: TypeAlias = dict[str, Any]
_REF = "#/components/schemas/{name}"
_STATUS_TEXT = {
    200: "Done.",
    204: "Taken; the answer is empty.",
    400: "Something in the request breaks a rule; `field` names it.",
    401: "No key, or one that is not known or has ended.",
    403: "The key does not allow this; docs/security.md says which does.",
    404: "It is not known.",
    409: "It stands against what is there; nothing was stored.",
    413: "The body is too large.",
    429: "Too often; try again after `Retry-After` seconds.",
    415: "The body is a form; send JSON.",
    500: "The service failed; its log holds the details under `request_id`.",
    503: "The database or the model cannot be reached; try again after `Retry-After` seconds.",
}
# What the guard says before a route is asked.
_GUARDED = (401, 403, 429)
_SCHEMES: Json = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key, `rk_...`."},
    "publishable_key": {
        "type": "apiKey",
        "in": "query",
        "name": "key",
        "description": "A publishable key, where a page cannot set headers.",
    },
}
_TYPES = (
    wire.EventIn,
    wire.EventsIn,
    wire_items.ItemIn,
    wire_items.ItemsIn,
    wire.Problem,
    wire.Recommendations,
    wire_lists.BasketIn,
    wire_lists.SessionIn,
    wire_lists.RerankIn,
    wire_clients.CallIn,
    wire_clients.CallsIn,
    wire_clients.CallTaken,
    wire_clients.GaCollectIn,
    wire_customers.Profile,
    wire_customers.CustomerSegments,
    wire_customers.Audience,
    wire_customers.IdentitySplit,
    wire_tokens.TokenIn,
    wire_tokens.TokenOut,
    wire_segments.SegmentIn,
    wire_segments.SegmentOut,
    wire_segments.SegmentsOut,
    wire_segments.SegmentDeleted,
    wire_segments.MembersOut,
    wire_segments.ChangesOut,
    wire.EventResults,
    wire_items.ItemsStored,
    wire_items.ItemOut,
    wire_items.PublicItems,
    wire_health.Health,
    wire_health.Readiness,
    wire_health.ModelNow,
)


def document(*, version: str) -> Json:
    """The description of every operation, parameter, body, answer and error."""
    _, schemas = msgspec.json.schema_components(_TYPES, ref_template=_REF)
    paths: dict[str, Json] = {}
    for each in OPERATIONS:
        paths.setdefault(each.path, {})[each.method] = _operation(each)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Regulars",
            "version": version,
            "summary": "Two calls: send events, ask for recommendations.",
            "description": (
                "Ids are opaque strings of the shop; encode a slash in a path as %2F. Money is "
                "in minor units of the shop's currency, times are ISO 8601 with an offset. Every "
                "error is application/problem+json and names what is wrong and the remedy. Every "
                "answer carries X-Request-ID: the one sent, or a new one."
            ),
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": _SCHEMES},
    }


def _operation(operation: Operation) -> Json:
    guarded = operation.path.startswith(("/v1/", "/mp/"))
    statuses = sorted({*operation.errors, *(_GUARDED if guarded else ())})
    described: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": operation.description,
        "tags": [operation.tag],
        "parameters": [_parameter(each) for each in operation.parameters],
        "responses": {
            **_answered(operation),
            **{str(status): _problem(status, operation) for status in statuses},
        },
    }
    if guarded:
        # Either of them; nothing at all on the machine of a shop without keys.
        described["security"] = [{"key": []}, {"publishable_key": []}]
    if operation.bodies:
        described["requestBody"] = {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"oneOf": [_reference(each) for each in operation.bodies]},
                    "examples": {
                        name: {"value": value} for name, value in BODIES[operation.name].items()
                    },
                }
            },
        }
    return described


def _parameter(parameter: Parameter) -> Json:
    described: Json = {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required or parameter.place == "path",
        "description": parameter.description,
        "schema": parameter.schema,
        "example": parameter.example,
    }
    if parameter.schema.get("type") == "array":
        described |= {"style": "form", "explode": True}
    return described


def _answered(operation: Operation) -> Json:
    """The answer of success under its status."""
    if operation.answer is None:
        return {"204": {"description": _STATUS_TEXT[204], "headers": _headers()}}
    example = ANSWERS[operation.name]
    content = {"schema": _reference(operation.answer), "example": example}
    return {
        "200": {
            "description": _STATUS_TEXT[200],
            "headers": _headers(),
            "content": {"application/json": content},
        }
    }


def _problem(status: int, operation: Operation) -> Json:
    # /readyz says in its own words why it is down.
    if status == 503 and operation.answer is wire_health.Readiness:
        content = {"application/json": {"schema": _reference(wire_health.Readiness)}}
    else:
        content = {"application/problem+json": {"schema": _reference(wire.Problem)}}
    headers = _headers()
    if status in (429, 503):
        headers["Retry-After"] = {"schema": {"type": "string"}, "description": "In seconds."}
    return {"description": _STATUS_TEXT[status], "headers": headers, "content": content}


def _headers() -> Json:
    return {"X-Request-ID": {"schema": {"type": "string"}, "description": "The request's id."}}


def _reference(kind: type) -> Json:
    return {"$ref": _REF.format(name=kind.__name__)}
