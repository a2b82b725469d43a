"""Segment's addresses: one call each, or a batch of them."""

from __future__ import annotations

from functools import partial

import msgspec
from flask import Blueprint, Response, request

from api import params
from api.access import caller, json_answer, services
from api.bodies import decode, read_json
from api.client_events import ClientEvents
from api.guard.browsing import check_told
from api.robots import is_robot, marked
from api.segment.messages import CALLS, Moment, event_of, read_message, user_agent
from engine.errors import RequestInvalid

SOURCE = "segment"
# Clients send some hundreds at most, as 500 KB hold no more; this bounds one transaction after
# another, not one.
MAX_BATCH = 10_000
SUCCESS = b'{"success":true}'
blueprint = Blueprint("segment", __name__)


class _BatchIn(msgspec.Struct, frozen=True, rename="camel"):
    batch: tuple[msgspec.Raw, ...]
    sent_at: str | None = None


def one(*, call: str) -> Response:
    """Take one call; the address says which."""
    body = read_json(of_servers=True)
    # Not every client repeats in the body what the address says.
    body["type"] = msgspec.Raw(msgspec.json.encode(call))
    return _take([msgspec.json.encode(body)], sent_at=None, backfill=False)


def batch() -> Response:
    """Take a batch of calls; a wrong one among them keeps no other out."""
    return _batch(backfill=params.flag("backfill"))


def history() -> Response:
    """Take a batch of what happened long ago, as Segment's import did."""
    return _batch(backfill=True)


def _batch(*, backfill: bool) -> Response:
    body = decode(msgspec.json.encode(read_json(of_servers=True)), _BatchIn)
    if len(body.batch) > MAX_BATCH:
        raise RequestInvalid(f"at most {MAX_BATCH} calls a batch", field="batch")
    return _take([bytes(each) for each in body.batch], sent_at=body.sent_at, backfill=backfill)


def _take(calls: list[bytes], *, sent_at: str | None, backfill: bool) -> Response:
    own = services()
    moment = Moment(received_at=own.clock(), sent_at=sent_at)
    from_robot = is_robot(request.headers.get("User-Agent"))
    intake = ClientEvents(own, source=SOURCE, backfill=backfill)
    for data in calls:
        try:
            message = read_message(data)
            event = event_of(message, moment=moment, currency=own.clients.currency)
            check_told(caller(), event, backfill=backfill)
        except RequestInvalid as error:
            intake.refuse(data, error)
            continue
        agent = user_agent(message)
        robot = is_robot(agent) if agent is not None else from_robot
        intake.add(marked(event) if robot and not backfill else event, data)
    intake.record(now=moment.received_at)
    return json_answer(SUCCESS)


for _name in CALLS:
    _one = partial(one, call=_name)
    for _address in (_name, _name[0]):
        blueprint.add_url_rule(f"/{_address}", _name, _one, methods=["POST"])
for _address in ("batch", "b"):
    blueprint.add_url_rule(f"/{_address}", "batch", batch, methods=["POST"])
blueprint.add_url_rule("/import", "import", history, methods=["POST"])
