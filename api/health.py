"""Whether the process lives, whether it can answer in full, and what it counts."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, request

from api import params
from api.access import json_answer, services
from api.problems import RETRY_AFTER_SECONDS
from api.telemetry.readiness import Status
from api.wire import encode
from api.wire_health import Health, ModelNow, Readiness

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> Response:
    """That the process answers, whatever is missing around it."""
    return json_answer(encode(Health(status="ok")))


@blueprint.get("/readyz")
def ready() -> Response:
    """Ready, degraded with what is missing, or down: no model and no database to answer from."""
    overview = services().overview
    report = overview.report()
    version, age = overview.model_version(), overview.model_age()
    down = report.status is Status.DOWN
    response = json_answer(
        encode(
            Readiness(
                status=report.status,
                parts={name: found.word for name, found in report.parts.items()},
                reasons={name: found.why for name, found in report.parts.items() if found.why},
                breakers={
                    name: "open" if is_open else "closed"
                    for name, is_open in overview.breakers().items()
                },
                model=None if version is None else ModelNow(version, age),
            )
        ),
        status=HTTPStatus.SERVICE_UNAVAILABLE if down else HTTPStatus.OK,
    )
    if down:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


@blueprint.get("/metrics")
def metrics() -> Response:
    """What all workers count, as Prometheus or OpenMetrics wishes to read it."""
    params.allow()
    body, content_type = services().overview.metrics(request.headers.get("Accept", ""))
    return Response(body, content_type=content_type)
