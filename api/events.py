"""What happened, told by the shop: durable and counted once when it is acknowledged."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, request

from api import params
from api.access import caller, json_answer, services
from api.bodies import one_or_many, read_json
from api.door.event_lane import RAISED
from api.recording import Sender, record_many, record_one
from api.robots import is_robot

blueprint = Blueprint("events", __name__)


@blueprint.post("/events")
def post() -> Response:
    """Record one event, or a batch whose events are answered one by one."""
    raised = request.environ.get(RAISED)
    if raised is not None:
        # The lane before this one recorded it, or could not; here it is said why.
        raise raised
    params.allow("backfill")
    content = read_json()
    batch = one_or_many(content, key="events")
    robot = is_robot(request.headers.get("User-Agent"))
    sender = Sender(services(), caller(), robot=robot, backfill=params.flag("backfill"))
    if batch is not None:
        return json_answer(record_many(batch, sender))
    return json_answer(record_one(msgspec.json.encode(content), sender))
