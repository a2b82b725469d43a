"""Whether the process lives, and whether it can answer in full."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from flask import Blueprint, Response

from api.access import json_answer, services
from api.problems import RETRY_AFTER_SECONDS
from api.wire import Health, Readiness, encode
from engine.errors import StoreUnavailable

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> Response:
    """That the process answers, whatever is missing around it."""
    return json_answer(encode(Health(status="ok")))


@blueprint.get("/readyz")
def ready() -> Response:
    """Ready, degraded with what is missing, or down: no model and no database to answer from."""
    parts = {
        "database": _works(services().catalog.revision),
        "cache": _works(services().cache.ping),
        "model": services().models.current() is not None,
    }
    down = not parts["database"] and not parts["model"]
    status = "down" if down else "ready" if all(parts.values()) else "degraded"
    said = {name: "ok" if works else "unavailable" for name, works in parts.items()}
    response = json_answer(
        encode(Readiness(status=status, parts=said)),
        status=HTTPStatus.SERVICE_UNAVAILABLE if down else HTTPStatus.OK,
    )
    if down:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _works(probe: Callable[[], object]) -> bool:
    try:
        probe()
    except StoreUnavailable:
        return False
    return True
